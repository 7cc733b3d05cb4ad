"""Failures of the healer itself: found to be one pattern, which switches their strategy off."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from paramedic_workers import keys
from paramedic_workers.app import make_app
from paramedic_workers.cli.systemic import command
from paramedic_workers.errors import UsageError, Verdict
from paramedic_workers.groups import RoundEnd
from paramedic_workers.healing.model import HealReport, HealRequest
from paramedic_workers.resilience.breakers import Breakers
from paramedic_workers.resilience.holds import Holds
from paramedic_workers.results import AttemptOutcome
from paramedic_workers.settings import Settings, TargetSettings
from paramedic_workers.status.read import read_status
from paramedic_workers.sweep import Doorbells
from paramedic_workers.systemic.model import Pattern, PatternEnd, PatternState
from paramedic_workers.systemic.patterns import Patterns
from paramedic_workers.systemic.switching import Switches
from tests.support.healer_failures import (
    ASSERTION,
    breaking,
    cannot_describe,
    check_frames,
    fail_and_heal,
    failing,
    seven_failures,
)
from tests.support.queueing import REVISION, Flow, healed, make_settings

HOUR = 3600.0
Paramedic = Callable[..., str]


@pytest.fixture
def flow(flow: Flow) -> Flow:
    """The usual flow, in which no breaker opens first."""
    flow.settings = settings_of()
    return flow


def settings_of(**changes: Any) -> Settings:
    return make_settings(breaker_failures=0, **changes)


def sweep(flow: Flow) -> Doorbells:
    """One whole sweep: it is what searches."""
    return flow.sweeper().sweep()


def patterns(flow: Flow) -> Patterns:
    return Patterns(flow.client, flow.settings, flow.clock)


def the_pattern(flow: Flow) -> Pattern:
    (found,) = patterns(flow).all()
    return found


def a_pattern(flow: Flow, *targets: str, verdict: Verdict = Verdict.UNHEALED) -> Pattern:
    """Five incidents in which the strategy `patch` broke, over these targets in turn."""
    for number in range(5):
        target = (targets or ("shop",))[number % max(len(targets), 1)]
        act = breaking("patch", looked=["revert"], verdict=verdict)
        fail_and_heal(flow, f"test_{number}", act, target)
    sweep(flow)
    (found,) = patterns(flow).open_patterns()
    return found


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


def off_at(flow: Flow, target: str) -> list[str]:
    switches = Switches(flow.client, flow.settings, flow.clock)
    return [one.strategy for one in switches.off_at(target)]


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


# Over, and again.


def heal_all(flow: Flow, verdict: Verdict = Verdict.HEALED) -> None:
    """Every incident fails again, an hour later, and is healed with this verdict."""
    flow.clock.forward(HOUR + 1)
    flow.fail(*[one.test for one in flow.ledger.incidents()])
    flow.standin.act = lambda request: healed(request, verdict)
    flow.healer.heal("shop", REVISION)


def test_a_pattern_is_over_when_all_its_incidents_ended_otherwise(flow: Flow) -> None:
    flow.settings = settings_of(sinks={"jira": {}})
    a_pattern(flow)
    heal_all(flow)
    sweep(flow)
    pattern = the_pattern(flow)
    assert (pattern.state, pattern.closed_because) == (PatternState.CLOSED, PatternEnd.SETTLED)
    assert {one.settled for one in patterns(flow).incidents(pattern.id)} == {"healed"}
    assert off_at(flow, "shop") == []


def test_unhealed_without_the_strategy_settles_nothing(flow: Flow) -> None:
    flow.settings = settings_of(sinks={"jira": {}})
    a_pattern(flow)
    flow.clock.forward(HOUR + 1)
    fail_and_heal(flow, "test_0", breaking(looked=["revert"]))
    sweep(flow)
    assert the_pattern(flow).is_open
    assert not any(one.settled for one in patterns(flow).incidents(the_pattern(flow).id))


def test_quiet_alone_ends_a_pattern_only_where_no_tickets_tell(flow: Flow) -> None:
    flow.settings = settings_of(sinks={"jira": {}})
    pattern = a_pattern(flow)
    flow.clock.forward(HOUR + 1)
    sweep(flow)
    assert the_pattern(flow).is_open
    for incident in patterns(flow).incidents(pattern.id):
        patterns(flow).settle(pattern.id, incident, "its ticket is done")
    sweep(flow)
    assert the_pattern(flow).closed_because is PatternEnd.SETTLED


@pytest.mark.parametrize("table", [None, {"enabled": False}, {"dry_run": True}])
def test_quiet_ends_a_pattern_without_tickets(flow: Flow, table: dict[str, object] | None) -> None:
    flow.settings = settings_of(sinks={} if table is None else {"jira": table})
    a_pattern(flow)
    flow.clock.forward(HOUR - 1)
    sweep(flow)
    assert the_pattern(flow).is_open
    flow.clock.forward(2)
    sweep(flow)
    assert the_pattern(flow).closed_because is PatternEnd.QUIET


def test_incidents_that_were_healed_all_the_same_do_not_end_it_at_once(flow: Flow) -> None:
    a_pattern(flow, verdict=Verdict.HEALED)
    sweep(flow)
    assert the_pattern(flow).is_open


def settled(flow: Flow, pattern: Pattern) -> int:
    return sum(bool(one.settled) for one in patterns(flow).incidents(pattern.id))


def test_an_incident_that_fails_again_is_not_settled_any_more(flow: Flow) -> None:
    flow.settings = settings_of(sinks={"jira": {}})
    pattern = a_pattern(flow)
    for incident in patterns(flow).incidents(pattern.id)[1:]:
        patterns(flow).settle(pattern.id, incident, "its ticket is done")
    sweep(flow)
    assert settled(flow, pattern) == 4
    flow.clock.forward(HOUR + 1)
    flow.client.delete(keys.OPEN_PATTERNS)  # as for a heal that began before it was opened
    for number in range(5):
        fail_and_heal(flow, f"test_{number}", breaking("patch"))
    flow.client.sadd(keys.OPEN_PATTERNS, pattern.id)
    sweep(flow)
    assert settled(flow, pattern) == 0


def test_what_comes_again_opens_the_same_pattern_again(flow: Flow) -> None:
    first = a_pattern(flow)
    patterns(flow).close(first, PatternEnd.PERSON)
    for _ in range(2):
        sweep(flow)  # the failures of before are not counted again
    assert not the_pattern(flow).is_open
    flow.clock.forward(60)
    for number in range(4):
        fail_and_heal(flow, f"test_again_{number}", breaking("patch"))
    sweep(flow)
    assert not the_pattern(flow).is_open
    fail_and_heal(flow, "test_again_4", breaking("patch"))
    sweep(flow)
    again = the_pattern(flow)
    assert (again.id, again.is_open, again.openings) == (first.id, True, 2)
    assert again.closed_at is None
    assert len(patterns(flow).incidents(again.id)) == 10


def test_a_closed_pattern_is_closed_once(flow: Flow) -> None:
    pattern = a_pattern(flow)
    assert patterns(flow).close(pattern, PatternEnd.PERSON)
    assert not patterns(flow).close(pattern, PatternEnd.SETTLED)
    assert the_pattern(flow).closed_because is PatternEnd.PERSON


def test_old_patterns_and_failures_are_forgotten(flow: Flow) -> None:
    pattern = a_pattern(flow)
    flow.clock.forward(4 * HOUR)
    sweep(flow)
    assert flow.client.zcard(keys.FAILURES_AT) == flow.client.hlen(keys.FAILURES) == 0
    assert not the_pattern(flow).is_open
    flow.clock.forward(flow.settings.retention_days * 24 * HOUR + 1)
    sweep(flow)
    assert patterns(flow).all() == []
    assert list(flow.client.scan_iter(f"{keys.pattern(pattern.id)}*")) == []


def test_a_pattern_is_found_by_the_beginning_of_its_id(flow: Flow) -> None:
    pattern = a_pattern(flow)
    assert patterns(flow).find(pattern.id[:6]) == pattern
    with pytest.raises(UsageError, match="No patterns begin"):
        patterns(flow).find("zz")


# Shown, and closed by command.


def test_the_status_tells_of_a_pattern(flow: Flow, broker_url: str, tmp_path: Path) -> None:
    pattern = a_pattern(flow)
    settings = msgspec.structs.replace(flow.settings, broker_url=broker_url, data=str(tmp_path))
    status = read_status(settings, make_app(settings))
    assert status.state is not None
    (shown,) = status.state.patterns
    assert (shown.id, shown.strategy, shown.incidents, shown.settled) == (pattern.id, "patch", 5, 0)
    (off,) = [one for one in status.state.hindrances if one.kind == "pattern"]
    assert (off.target, pattern.id in off.why) == ("shop", True)
    assert any("5 incidents" in problem and "patch" in problem for problem in status.problems)


@pytest.fixture
def paramedic(
    flow: Flow, broker_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Paramedic:
    """Runs `paramedic systemic …` in this process; gives what it printed."""
    monkeypatch.setenv("PARAMEDIC_BROKER_URL", broker_url)
    monkeypatch.setenv("PARAMEDIC_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> str:
        done = CliRunner().invoke(command, words, catch_exceptions=True)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.stdout

    return run


def test_a_pattern_is_listed_shown_and_closed(flow: Flow, paramedic: Paramedic) -> None:
    assert "no pattern" in paramedic("list")
    pattern = a_pattern(flow)
    listed = paramedic("list")
    for part in (pattern.id, "patch", "LookupError", "5"):
        assert part in listed
    whole = paramedic("show", pattern.id[:6])
    for incident in patterns(flow).incidents(pattern.id):
        assert incident.fingerprint in whole
    assert "cannot_describe" in whole
    assert "patch is switched on again" in paramedic("close", pattern.id[:6])
    assert "no pattern" in paramedic("list")
    assert "closed" in paramedic("list", "--all")
    with pytest.raises(UsageError, match="over already"):
        paramedic("close", pattern.id)


def test_scripts_get_json(flow: Flow, paramedic: Paramedic) -> None:
    incidents = seven_failures(flow)
    sweep(flow)
    (listed,) = json.loads(paramedic("list", "--json"))
    shown = json.loads(paramedic("show", listed["id"], "--json"))
    assert listed == shown
    assert (shown["state"], shown["strategy"]) == ("open", "")
    exceptions = [one["fingerprint"] for one in shown["incidents"] if one["exception"]]
    assert exceptions == [incidents[ASSERTION]]
