"""Patterns of failures of the healer: over, there again, shown, and closed by command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from paramedic_workers import keys
from paramedic_workers.app import make_app
from paramedic_workers.cli.systemic import command
from paramedic_workers.errors import UsageError, Verdict
from paramedic_workers.status.read import read_status
from paramedic_workers.systemic.model import Pattern, PatternEnd, PatternState
from tests.support.healer_failures import (
    ASSERTION,
    breaking,
    fail_and_heal,
    seven_failures,
)
from tests.support.pattern_flow import a_pattern, off_at, patterns, settings_of, sweep, the_pattern
from tests.support.queueing import REVISION, Flow, healed

HOUR = 3600.0
Paramedic = Callable[..., str]


@pytest.fixture
def flow(flow: Flow) -> Flow:
    """The usual flow, in which no breaker opens first."""
    flow.settings = settings_of()
    return flow


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
