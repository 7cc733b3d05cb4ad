"""Holds, retries, breakers, limits and the fuse, through the ledger on a real server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from paramedic_workers import keys
from paramedic_workers.errors import Phase, Verdict
from paramedic_workers.groups import RoundEnd
from paramedic_workers.healing.model import HealReport, HealRequest
from paramedic_workers.incidents import IncidentState, group_name
from paramedic_workers.resilience.breakers import Breakers, BreakerStanding
from paramedic_workers.resilience.fuse import RECURRING
from paramedic_workers.resilience.holds import Holds
from paramedic_workers.resilience.limits import Limits, Rate
from paramedic_workers.results import Attempt, AttemptOutcome, Cause
from paramedic_workers.settings import Settings, TargetSettings
from tests.support.queueing import REVISION, Flow, healed, make_settings

GROUP = group_name("shop", REVISION)
HOUR = 3600.0


def settings_of(target: dict[str, Any] | None = None, **changes: Any) -> Settings:
    """Settings of the target `shop`, with these changes there and at the top level."""
    shop = TargetSettings(name="shop", repository="/nowhere", **(target or {}))
    return make_settings(targets={"shop": shop}, **changes)


def ended(verdict: Verdict, *attempts: Attempt, transient: bool = False) -> object:
    """What a stand-in healer does: one result of this kind for all."""

    def act(request: HealRequest) -> HealReport:
        (result,) = healed(request).results
        result = msgspec.structs.replace(
            result, verdict=verdict, attempts=attempts, transient=transient
        )
        return HealReport(results=(result,), revision="")

    return act


def broke(strategy: str) -> Attempt:
    return Attempt(strategy=strategy, outcome=AttemptOutcome.BROKE, detail="It broke: ValueError")


def looked(strategy: str) -> Attempt:
    return Attempt(strategy=strategy, outcome=AttemptOutcome.NOTHING_FOUND)


def heal(flow: Flow, act: object = None) -> RoundEnd:
    flow.standin.act = act  # type: ignore[assignment] # made by `ended`
    return flow.healer.heal("shop", REVISION).end


def fail_and_heal(flow: Flow, test: str, act: object = None) -> RoundEnd:
    flow.fail(test)
    return heal(flow, act)


def doorbells(flow: Flow) -> tuple[str, ...]:
    sweeper = flow.sweeper(sinks=())
    return sweeper.sweep().groups


# Retries of what passes.


def test_what_a_passing_trouble_ended_waits_and_is_tried_again(flow: Flow) -> None:
    flow.fail("test_a", "test_b")
    away = ended(Verdict.ENVIRONMENT, transient=True)
    assert heal(flow, away) is RoundEnd.CLOSED
    assert flow.ledger.results() == []
    incidents = flow.ledger.incidents()
    assert {i.state for i in incidents} == {IncidentState.WAITING}
    assert {(i.attempts, i.retries) for i in incidents} == {(0, 1)}
    assert "assert 1 == 2" in incidents[0].held_for
    not_before = incidents[0].not_before
    assert not_before is not None
    assert 30 <= (not_before - flow.clock()).total_seconds() <= 60
    # Until then nobody heals it, and the sweep does not ring.
    assert heal(flow) is RoundEnd.HELD
    assert flow.healer.waiting_groups("shop") == []
    flow.clock.forward(29)
    assert doorbells(flow) == ()
    flow.clock.forward(32)
    assert doorbells(flow) == (GROUP,)
    assert heal(flow) is RoundEnd.CLOSED
    assert [r.verdict for r in flow.ledger.results()] == [Verdict.HEALED]
    assert Holds(client=flow.client, clock=flow.clock).standing() == []


def test_retries_are_bounded_and_then_told(flow: Flow) -> None:
    flow.fail("test_a")
    away = ended(Verdict.ENVIRONMENT, transient=True)
    for _ in range(flow.settings.heal_attempts):
        assert flow.ledger.results() == []
        assert heal(flow, away) is RoundEnd.CLOSED
        flow.clock.forward(900)
    (result,) = flow.ledger.results()
    assert (result.verdict, result.transient) == (Verdict.ENVIRONMENT, True)
    assert flow.ledger.incidents()[0].state is IncidentState.CLOSED
    assert len(flow.standin.requests) == flow.settings.heal_attempts
    # Opened again, it may be tried as often again.
    flow.clock.forward(flow.settings.retry_after + 1)
    flow.fail("test_a")
    assert flow.ledger.incidents()[0].retries == 0


def test_a_hold_from_a_clock_that_was_wrong_is_not_believed(flow: Flow) -> None:
    flow.fail("test_a")
    flow.clock.forward(24 * HOUR)
    heal(flow, ended(Verdict.ENVIRONMENT, transient=True))
    flow.clock.forward(-24 * HOUR)
    assert heal(flow) is RoundEnd.CLOSED


# Breakers.


def allowed(
    breakers: Breakers, target: str, strategies: tuple[str, ...], token: str = ""
) -> tuple[str, ...]:
    """Those that may be used; asking may make one the probe's."""
    return tuple(name for name in strategies if breakers.ask(target, name, token) is None)


def test_a_strategy_that_keeps_breaking_is_switched_off_and_told(flow: Flow) -> None:
    flow.settings = settings_of(breaker_failures=3)
    act = ended(Verdict.UNHEALED, broke("patch"), looked("revert"))
    for number in range(3):
        fail_and_heal(flow, f"test_{number}", act)
        assert flow.standin.requests[-1].target.strategies == ("patch", "revert")
    until = flow.clock() + timedelta(seconds=flow.settings.breaker_seconds)
    flow.clock.forward(1)
    fail_and_heal(flow, "test_x", ended(Verdict.UNHEALED, looked("revert")))
    assert flow.standin.requests[-1].target.strategies == ("revert",)
    off = flow.ledger.results(1)[0].attempts[-1]
    assert off.outcome is AttemptOutcome.SWITCHED_OFF
    assert off.detail == (
        f"strategy patch is switched off until {until:%Y-%m-%d %H:%M:%S} UTC: It broke: ValueError"
    )
    (state,) = Breakers(flow.client, flow.settings, flow.clock).standing()
    assert (state.target, state.strategy, state.state) == ("shop", "patch", BreakerStanding.OPEN)


def test_one_probe_decides_whether_a_strategy_comes_back(flow: Flow) -> None:
    flow.settings = settings_of(breaker_failures=1, breaker_seconds=100.0)
    breakers = Breakers(flow.client, flow.settings, flow.clock)
    breakers.note("shop", "patch", failed=True, why="ValueError")
    assert allowed(breakers, "shop", ("patch", "revert"), "one") == ("revert",)
    flow.clock.forward(101)
    assert allowed(breakers, "shop", ("patch", "revert"), "one") == ("patch", "revert")
    assert allowed(breakers, "shop", ("patch", "revert"), "two") == ("revert",)
    # What began before it was opened says nothing of it.
    breakers.note("shop", "patch", failed=False, token="two")
    assert allowed(breakers, "shop", ("patch",), "two") == ()
    breakers.note("shop", "patch", failed=True, why="again", token="one")
    assert allowed(breakers, "shop", ("patch",), "three") == ()
    flow.clock.forward(101)
    assert allowed(breakers, "shop", ("patch",), "four") == ("patch",)
    breakers.note("shop", "patch", failed=False, token="four")
    assert allowed(breakers, "shop", ("patch",), "five") == ("patch",)
    assert breakers.standing() == []


def test_a_probe_of_which_nothing_is_heard_makes_room_for_another(flow: Flow) -> None:
    flow.settings = settings_of({"budget": 40.0}, breaker_failures=1, breaker_seconds=10.0)
    breakers = Breakers(flow.client, flow.settings, flow.clock)
    breakers.note("shop", "patch", failed=True, why="ValueError")
    flow.clock.forward(11)
    assert allowed(breakers, "shop", ("patch",), "lost") == ("patch",)
    flow.clock.forward(99)
    assert allowed(breakers, "shop", ("patch",), "next") == ()
    flow.clock.forward(2)
    assert allowed(breakers, "shop", ("patch",), "next") == ("patch",)


def test_of_many_workers_that_race_one_becomes_the_probe(flow: Flow) -> None:
    flow.settings = settings_of(breaker_failures=1, breaker_seconds=10.0)
    breakers = Breakers(flow.client, flow.settings, flow.clock)
    breakers.note("shop", "patch", failed=True, why="ValueError")
    flow.clock.forward(11)
    with ThreadPoolExecutor(16) as pool:
        asked = pool.map(lambda n: allowed(breakers, "shop", ("patch",), f"heal {n}"), range(64))
        assert sorted(asked) == [()] * 63 + [("patch",)]


@pytest.mark.parametrize("between", ["a success", "a long time"])
def test_failures_that_are_no_row_open_nothing(flow: Flow, between: str) -> None:
    flow.settings = settings_of(breaker_failures=2, breaker_seconds=10.0)
    breakers = Breakers(flow.client, flow.settings, flow.clock)
    breakers.note("shop", "patch", failed=True, why="ValueError")
    if between == "a success":
        breakers.note("shop", "patch", failed=False)
    else:
        flow.clock.forward(41)
    breakers.note("shop", "patch", failed=True, why="ValueError")
    assert allowed(breakers, "shop", ("patch",)) == ("patch",)


def test_a_target_whose_heals_keep_failing_waits_and_loses_nothing(flow: Flow) -> None:
    flow.settings = settings_of(breaker_failures=2, breaker_seconds=100.0, sweep_seconds=5.0)
    for number in range(2):
        fail_and_heal(flow, f"test_{number}", ended(Verdict.FAILED))
    assert fail_and_heal(flow, "test_x") is RoundEnd.HELD
    flow.fail("test_x")
    (waiting,) = flow.ledger.incidents(state=IncidentState.WAITING)
    assert (waiting.test, waiting.count, waiting.attempts) == ("test_x", 2, 0)
    assert waiting.held_for.startswith("target shop is switched off until")
    (hold,) = Holds(client=flow.client, clock=flow.clock).standing()
    assert (hold.group, hold.why) == (GROUP, waiting.held_for)
    # The probe fails: off again. The next one heals.
    flow.clock.forward(101)
    assert heal(flow, ended(Verdict.FAILED)) is RoundEnd.CLOSED
    assert fail_and_heal(flow, "test_y") is RoundEnd.HELD
    flow.clock.forward(101)
    assert doorbells(flow) == (GROUP,)
    assert heal(flow) is RoundEnd.CLOSED
    assert Breakers(flow.client, flow.settings, flow.clock).standing() == []


def test_heals_that_lose_their_workers_switch_a_target_off_too(flow: Flow) -> None:
    flow.settings = settings_of(breaker_failures=1, heal_attempts=1)
    flow.fail("test_a")
    flow.client.hset(keys.incident(flow.ledger.incidents()[0].fingerprint), "attempts", 1)
    assert heal(flow) is RoundEnd.CLOSED
    (state,) = Breakers(flow.client, flow.settings, flow.clock).standing()
    assert (state.strategy, state.state) == ("", BreakerStanding.OPEN)
    assert "WorkerLost" in state.why


def test_a_round_without_a_heal_leaves_the_probe_to_the_next(flow: Flow) -> None:
    flow.settings = settings_of(breaker_failures=1, breaker_seconds=10.0, fuse_heals=1)
    fail_and_heal(flow, "test_a")
    Breakers(flow.client, flow.settings, flow.clock).note("shop", failed=True, why="It broke")
    flow.clock.forward(11)
    assert fail_and_heal(flow, "test_a") is RoundEnd.CLOSED  # the fuse: nothing was healed
    assert Breakers(flow.client, flow.settings, flow.clock).standing() != []
    assert fail_and_heal(flow, "test_b") is RoundEnd.CLOSED
    assert Breakers(flow.client, flow.settings, flow.clock).standing() == []
    assert len(flow.standin.requests) == 2


def test_without_any_strategy_left_a_target_waits(flow: Flow) -> None:
    flow.settings = settings_of({"strategies": ("patch",)}, breaker_failures=1)
    fail_and_heal(flow, "test_a", ended(Verdict.UNHEALED, broke("patch")))
    assert fail_and_heal(flow, "test_b") is RoundEnd.HELD
    assert len(flow.standin.requests) == 1


def test_a_passing_trouble_opens_no_breaker(flow: Flow) -> None:
    flow.settings = settings_of(breaker_failures=1)
    fail_and_heal(flow, "test_a", ended(Verdict.FAILED, transient=True))
    assert Breakers(flow.client, flow.settings, flow.clock).standing() == []


# Limits.


def test_heals_beyond_the_limit_of_an_hour_wait_until_there_is_room(flow: Flow) -> None:
    flow.settings = settings_of({"heals_per_hour": 2}, sweep_seconds=5.0)
    assert fail_and_heal(flow, "test_a") is RoundEnd.CLOSED
    flow.clock.forward(600)
    assert fail_and_heal(flow, "test_b") is RoundEnd.CLOSED
    assert fail_and_heal(flow, "test_c") is RoundEnd.HELD
    (waiting,) = flow.ledger.incidents(state=IncidentState.WAITING)
    assert waiting.held_for == "shop has had its 2 heals of this hour"
    assert waiting.not_before == flow.clock() + timedelta(seconds=HOUR - 600)
    flow.clock.forward(HOUR - 601)
    assert heal(flow) is RoundEnd.HELD
    flow.clock.forward(6)
    assert doorbells(flow) == (GROUP,)
    assert heal(flow) is RoundEnd.CLOSED
    (heals, _) = Limits(flow.client, flow.clock).standing(flow.settings.targets["shop"])
    assert (heals.used_hour, heals.used_day, heals.reached) == (2, 3, True)


def test_a_day_has_its_own_limit_and_targets_their_own_count(flow: Flow) -> None:
    shop = TargetSettings(name="shop", repository="/nowhere", heals_per_hour=0, heals_per_day=2)
    other = msgspec.structs.replace(shop, name="other")
    limits = Limits(flow.client, flow.clock)
    began = flow.clock()
    for number in range(2):
        assert limits.take(shop, Rate.HEALS, f"heal {number}") is None
        flow.clock.forward(2 * HOUR)
    refusal = limits.take(shop, Rate.HEALS, "heal 3")
    assert refusal is not None
    assert refusal.why == "shop has had its 2 heals of 24 hours"
    assert refusal.until == began + timedelta(days=1)
    assert limits.take(other, Rate.HEALS, "heal 3") is None
    free = msgspec.structs.replace(shop, heals_per_day=0)
    assert limits.take(free, Rate.HEALS, "heal 3") is None


def test_workers_that_race_never_go_beyond_a_limit(flow: Flow) -> None:
    shop = TargetSettings(name="shop", repository="/nowhere", heals_per_hour=5)
    limits = Limits(flow.client, flow.clock)
    with ThreadPoolExecutor(16) as pool:
        taken = pool.map(lambda n: limits.take(shop, Rate.HEALS, f"heal {n}") is None, range(64))
        assert sum(taken) == 5


def test_a_branch_that_is_pushed_again_counts_once(flow: Flow) -> None:
    flow.settings = settings_of({"branches_per_hour": 1})
    gate, shop = flow.healer.gate, flow.settings.targets["shop"]
    assert gate.may_publish(shop, "paramedic/a") == ""
    assert gate.may_publish(shop, "paramedic/a") == ""
    refusal = gate.may_publish(shop, "paramedic/b")
    assert refusal.startswith("shop has had its 1 branches of this hour; there is room again at")


# The recurrence fuse.


def recur(flow: Flow, *tests: str) -> None:
    """The same failure an hour later."""
    flow.clock.forward(HOUR)
    flow.fail(*tests or ("test_a",))


def test_what_is_healed_again_and_again_goes_to_a_person_once(flow: Flow) -> None:
    flow.fail("test_a", "test_b")
    heal(flow)
    recur(flow, "test_a", "test_b")
    heal(flow)
    first, second = flow.ledger.results()
    recur(flow, "test_a", "test_b")
    assert heal(flow) is RoundEnd.CLOSED
    assert len(flow.standin.requests) == 2
    told = flow.ledger.results(1)[0]
    assert (told.verdict, told.cause.type, told.cause.phase) == (
        Verdict.UNHEALED,
        RECURRING,
        Phase.PREPARE,
    )
    assert "ealed 2 times in 24 h and failing again: a person must look" in told.summary
    assert first.id in told.cause.message
    assert second.id in told.cause.message
    assert len(told.merged) == 1
    assert told.id in flow.ledger.undelivered("file")
    # No loop: later failures are counted, and end with the same result.
    for _ in range(3):
        recur(flow, "test_a", "test_b")
        flow.clock.forward(HOUR)
        flow.fail("test_a")
        heal(flow)
    assert len(flow.ledger.results()) == 3
    incidents = flow.ledger.incidents()
    assert {(i.state, i.result) for i in incidents} == {(IncidentState.CLOSED, told.id)}
    assert flow.client.exists(keys.healing(GROUP), keys.lease(GROUP)) == 0


def test_a_day_later_it_is_healed_again(flow: Flow) -> None:
    for _ in range(3):
        recur(flow)
        heal(flow)
    assert len(flow.standin.requests) == 2
    flow.clock.forward(24 * HOUR)
    recur(flow)
    assert heal(flow) is RoundEnd.CLOSED
    assert len(flow.standin.requests) == 3


def test_others_of_the_group_are_healed_all_the_same(flow: Flow) -> None:
    for _ in range(2):
        recur(flow)
        heal(flow)
    recur(flow, "test_a", "test_new")
    heal(flow)
    assert [i.test for i in flow.standin.requests[-1].incidents] == ["test_new"]
    assert [r.verdict for r in flow.ledger.results(2)] != []
    assert {i.state for i in flow.ledger.incidents()} == {IncidentState.CLOSED}


def test_results_that_healed_nothing_blow_no_fuse(flow: Flow) -> None:
    for _ in range(4):
        recur(flow)
        flow.clock.forward(1)
        heal(flow, ended(Verdict.UNHEALED))
    assert len(flow.standin.requests) == 4
    assert all(
        r.cause != Cause(phase=Phase.PREPARE, type=RECURRING, message="x")
        for r in flow.ledger.results()
    )
