"""Failures of the healer itself: found to be one pattern, which switches their strategy off."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from paramedic_workers import keys
from paramedic_workers.errors import Verdict
from paramedic_workers.groups import RoundEnd
from paramedic_workers.healing.model import HealReport, HealRequest
from paramedic_workers.resilience.breakers import Breakers
from paramedic_workers.resilience.holds import Holds
from paramedic_workers.results import AttemptOutcome
from paramedic_workers.settings import TargetSettings
from paramedic_workers.systemic.model import PatternEnd
from tests.support.healer_failures import (
    ASSERTION,
    breaking,
    cannot_describe,
    check_frames,
    fail_and_heal,
    failing,
    seven_failures,
)
from tests.support.pattern_flow import a_pattern, off_at, patterns, settings_of, sweep, the_pattern
from tests.support.queueing import REVISION, Flow, make_settings

HOUR = 3600.0


@pytest.fixture
def flow(flow: Flow) -> Flow:
    """The usual flow, in which no breaker opens first."""
    flow.settings = settings_of()
    return flow


# Found.


def test_the_seven_of_that_night_are_one_pattern_with_one_exception(flow: Flow) -> None:
    incidents = seven_failures(flow)
    sweep(flow)
    pattern = the_pattern(flow)
    assert pattern.is_open
    assert pattern.signature.type == "LookupError"
    assert pattern.example.traceback.startswith("Traceback")
    found = {one.fingerprint: one for one in patterns(flow).incidents(pattern.id)}
    assert set(found) == set(incidents.values())
    assert [name for name, one in found.items() if one.exception] == [incidents[ASSERTION]]
    assert found[incidents[ASSERTION]].signature.type == "AssertionError"


def test_ten_searches_at_once_find_one_pattern_and_open_it_once(flow: Flow) -> None:
    seven_failures(flow)
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: patterns(flow).scan(), range(10)))
    assert the_pattern(flow).openings == 1
    assert len(patterns(flow).incidents(the_pattern(flow).id)) == 7


def test_four_are_no_pattern_and_a_fifth_is_told_loudly(
    flow: Flow, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(4):
        fail_and_heal(flow, f"test_{number}", failing(cannot_describe, number))
    sweep(flow)
    assert patterns(flow).all() == []
    fail_and_heal(flow, "test_4", failing(cannot_describe, 4))
    capsys.readouterr()
    sweep(flow)
    told = [line for line in capsys.readouterr().out.splitlines() if "in the same way" in line]
    assert len(told) == 1
    assert the_pattern(flow).id in told[0]
    assert "error" in told[0]


def test_failures_that_lie_too_far_apart_are_no_pattern(flow: Flow) -> None:
    for number in range(8):
        fail_and_heal(flow, f"test_{number}", failing(cannot_describe, number))
        flow.clock.forward(HOUR / 3.9)
        sweep(flow)
    assert patterns(flow).all() == []


def test_one_incident_counts_once_however_often_it_fails(flow: Flow) -> None:
    for number in range(6):
        fail_and_heal(flow, "test_a", failing(cannot_describe, number))
        flow.clock.forward(1)
        flow.client.hset(keys.incident(flow.ledger.incidents()[0].fingerprint), "closed_at", 0)
    assert len(flow.ledger.results()) > 1
    sweep(flow)
    assert patterns(flow).all() == []


def test_incidents_that_were_merged_count_too(flow: Flow) -> None:
    flow.fail(*[f"test_{number}" for number in range(5)])
    flow.standin.act = failing(cannot_describe)
    flow.healer.heal("shop", REVISION)
    assert len(flow.ledger.results()) == 1
    sweep(flow)
    found = patterns(flow).incidents(the_pattern(flow).id)
    assert len(found) == 5
    assert len({one.lead for one in found}) == 1


def test_a_strategy_that_breaks_is_a_pattern_whatever_the_verdicts(flow: Flow) -> None:
    for number, verdict in enumerate([Verdict.UNHEALED, Verdict.FAILED, Verdict.HEALED] * 2):
        fail_and_heal(flow, f"test_{number}", breaking("patch", verdict=verdict))
    sweep(flow)
    pattern = the_pattern(flow)
    assert pattern.strategy == "patch"
    harmed = [one.harmed for one in patterns(flow).incidents(pattern.id)]
    assert (harmed.count(True), harmed.count(False)) == (4, 2)


def test_what_gets_a_pattern_of_its_own_is_no_exception_any_more(flow: Flow) -> None:
    seven_failures(flow)
    sweep(flow)
    (first,) = patterns(flow).open_patterns()
    for number in range(4):
        fail_and_heal(flow, f"test_{number}", failing(check_frames, number + 1))
    sweep(flow)
    second = next(one for one in patterns(flow).open_patterns() if one.id != first.id)
    assert not any(one.exception for one in patterns(flow).incidents(first.id))
    assert len(patterns(flow).incidents(first.id)) == 6
    assert len(patterns(flow).incidents(second.id)) == 5


def test_an_incident_that_failed_in_both_ways_at_once_is_no_exception(flow: Flow) -> None:
    pattern = a_pattern(flow)

    def act(request: HealRequest) -> HealReport:
        broken, other = (
            one(request).results[0] for one in (breaking("patch"), failing(check_frames))
        )
        result = msgspec.structs.replace(other, attempts=broken.attempts)
        return HealReport(results=(result,), revision="")

    flow.client.delete(keys.OPEN_PATTERNS)  # as for a heal that began before it was opened
    both = fail_and_heal(flow, "test_both", act)
    flow.client.sadd(keys.OPEN_PATTERNS, pattern.id)
    sweep(flow)
    found = {one.fingerprint: one for one in patterns(flow).incidents(pattern.id)}
    assert not found[both].exception


def test_what_fails_much_later_is_no_exception(flow: Flow) -> None:
    a_pattern(flow)
    flow.clock.forward(HOUR / 2)
    near = fail_and_heal(flow, "test_near", failing(check_frames))
    flow.clock.forward(HOUR)
    flow.settings = settings_of(sinks={"jira": {}})  # quiet does not end it
    fail_and_heal(flow, "test_far", failing(check_frames))
    sweep(flow)
    found = patterns(flow).incidents(the_pattern(flow).id)
    assert [one.fingerprint for one in found if one.exception] == [near]


def test_a_bound_of_zero_finds_nothing(flow: Flow) -> None:
    flow.settings = settings_of(systemic_failures=0)
    seven_failures(flow)
    sweep(flow)
    assert patterns(flow).all() == []


def test_a_search_that_breaks_stops_no_sweep(flow: Flow) -> None:
    flow.fail("test_a")
    flow.client.hset(keys.FAILURES, "odd", "no JSON")
    flow.client.zadd(keys.FAILURES_AT, {"odd": flow.clock().timestamp() * 1000})
    flow.clock.forward(60)
    assert sweep(flow).groups


# Switched off.


def test_a_strategy_is_switched_off_while_its_pattern_is_open(flow: Flow) -> None:
    pattern = a_pattern(flow)
    used: list[tuple[str, ...]] = []

    def act(request: HealRequest) -> HealReport:
        used.append(request.target.strategies)
        return breaking(looked=["revert"])(request)

    flow.clock.forward(1)
    fail_and_heal(flow, "test_next", act)
    (result,) = flow.ledger.results(1)
    off = result.attempts[-1]
    assert (off.strategy, off.outcome) == ("patch", AttemptOutcome.SWITCHED_OFF)
    assert pattern.id in off.detail
    assert patterns(flow).close(pattern, PatternEnd.PERSON)
    fail_and_heal(flow, "test_after", act)
    assert used == [("revert",), ("patch", "revert")]


def test_a_person_who_mends_it_closes_the_breaker_too(flow: Flow) -> None:
    flow.settings = make_settings()
    pattern = a_pattern(flow)
    breakers = Breakers(flow.client, flow.settings, flow.clock)
    assert breakers.ask("shop", "patch") is not None
    patterns(flow).close(pattern, PatternEnd.PERSON)
    assert breakers.ask("shop", "patch") is None
    assert breakers.standing() == []


def many_targets(flow: Flow) -> None:
    shops = {
        name: TargetSettings(name=name, repository="/nowhere", parallel=1)
        for name in ("shop", "web", "api")
    }
    flow.settings = settings_of(targets=shops)


def test_one_odd_target_switches_nothing_off_for_the_others(flow: Flow) -> None:
    many_targets(flow)
    a_pattern(flow)
    assert (off_at(flow, "shop"), off_at(flow, "web")) == (["patch"], [])
    fail_and_heal(flow, "test_a", breaking("patch"), "web")
    sweep(flow)
    assert off_at(flow, "api") == ["patch"]


def test_targets_of_before_do_not_count_when_it_comes_again(flow: Flow) -> None:
    many_targets(flow)
    pattern = a_pattern(flow, "shop", "web")
    assert off_at(flow, "api") == ["patch"]
    patterns(flow).close(pattern, PatternEnd.PERSON)
    flow.clock.forward(60)
    for number in range(5):
        fail_and_heal(flow, f"test_again_{number}", breaking("patch"), "web")
    sweep(flow)
    assert (off_at(flow, "web"), off_at(flow, "shop")) == (["patch"], [])


def test_a_target_without_another_strategy_waits_visibly(flow: Flow) -> None:
    pattern = a_pattern(flow)
    shop = TargetSettings(name="shop", repository="/nowhere", strategies=("patch",))
    flow.settings = settings_of(targets={"shop": shop})
    flow.fail("test_next")
    assert flow.healer.heal("shop", REVISION).end is RoundEnd.HELD
    (hold,) = Holds(client=flow.client, clock=flow.clock).standing()
    assert pattern.id in hold.why
    patterns(flow).close(pattern, PatternEnd.PERSON)
    flow.clock.forward(60)
    flow.standin.act = None
    assert flow.healer.heal("shop", REVISION).end is RoundEnd.CLOSED


def test_a_failure_outside_of_strategies_switches_nothing_off(flow: Flow) -> None:
    seven_failures(flow)
    sweep(flow)
    assert the_pattern(flow).is_open
    assert off_at(flow, "shop") == []
