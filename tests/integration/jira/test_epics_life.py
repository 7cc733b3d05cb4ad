"""The epics of systemic failures are kept as their patterns are, and leave people's words alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from paramedic_workers import keys
from paramedic_workers.sinks import SinkContext
from paramedic_workers.sinks.jira.documents import Document, Paragraph, Text
from paramedic_workers.sinks.jira.epics import name_of
from paramedic_workers.sinks.jira.settings import JiraKind, JiraSettings
from paramedic_workers.sinks.jira.sink import JiraSink
from paramedic_workers.sinks.jira.tickets import Tickets
from paramedic_workers.systemic.model import PatternEnd
from tests.support.epic_flow import EpicFlow, again, pair
from tests.support.healer_failures import (
    breaking,
    cannot_describe,
    fail_and_heal,
    failing,
    seven_failures,
)
from tests.support.jira.places import EPIC_LINK
from tests.support.queueing import Flow, make_settings

HOUR = 3600.0


def test_a_person_who_closes_the_epic_ends_the_pattern(epics: EpicFlow) -> None:
    pair(epics)
    epics.jira.resolve(epics.epic.key)
    epics.keep()
    assert epics.pattern.closed_because is PatternEnd.PERSON
    epics.keep()
    assert "a person has closed it" in epics.text


def test_what_comes_again_opens_the_same_epic(epics: EpicFlow) -> None:
    pair(epics)
    epics.patterns.close(epics.pattern, PatternEnd.PERSON)
    epics.keep()
    assert epics.epic.status == "Done"
    again(epics)
    assert epics.epic.status == "To Do"
    assert epics.pattern.openings == 2
    assert len(epics.children) == 4


def test_an_epic_that_nobody_will_do_is_never_opened_again(epics: EpicFlow) -> None:
    pair(epics)
    epics.jira.resolve(epics.epic.key, "Won't Do")
    for _ in range(2):
        epics.keep()
    assert epics.pattern.closed_because is PatternEnd.PERSON
    written = len([one for one in epics.jira.writes if epics.epic.id in one.path])
    again(epics)
    epics.keep()
    assert epics.epic.resolution == "Won't Do"
    assert epics.pattern.is_open
    assert len([one for one in epics.jira.writes if epics.epic.id in one.path]) == written


def test_an_epic_that_was_deleted_is_not_made_again(epics: EpicFlow) -> None:
    pair(epics)
    epics.jira.delete(epics.epic.key)
    for _ in range(2):
        epics.keep()
    assert epics.epics == []


def test_an_epic_that_was_moved_is_kept_where_it_is(epics: EpicFlow) -> None:
    pair(epics)
    epics.jira.move(epics.epic.key, "OPS")
    again_in_the_same_way(epics)
    assert epics.epic.key.startswith("OPS-")
    assert "test_more" in epics.text
    record = epics.sink.epics.epics.get(name_of(epics.pattern))
    assert record is not None
    assert (record.key, record.url) == (epics.epic.key, f"{epics.jira.url}/browse/OPS-1")


def again_in_the_same_way(epics: EpicFlow) -> None:
    epics.flow.clock.forward(60)
    epics.flow.client.delete(keys.OPEN_PATTERNS)
    fail_and_heal(epics.flow, "test_more", breaking("patch"))
    epics.flow.client.sadd(keys.OPEN_PATTERNS, epics.pattern.id)
    epics.keep()


def test_what_a_person_wrote_into_the_epic_stays(epics: EpicFlow) -> None:
    pair(epics)
    theirs = epics.sink.client.text(paragraph("We know. It is the new release."))
    epics.jira.change(epics.epic.key, description=theirs, summary="The release of Tuesday")
    again_in_the_same_way(epics)
    assert epics.epic.summary == "The release of Tuesday"
    assert epics.text.strip() == "We know. It is the new release."


def paragraph(text: str) -> Any:
    return Document((Paragraph((Text(text),)),))


def test_a_result_on_its_way_is_not_settled_by_the_old_state_of_its_ticket(
    epics: EpicFlow,
) -> None:
    pair(epics)
    for ticket in epics.children:
        epics.jira.resolve(ticket.key)
    first = epics.patterns.incidents(epics.pattern.id)[0]
    epics.flow.client.zadd(keys.outbox("jira"), {first.result: 1})
    epics.keep()
    settled = [one.settled for one in epics.patterns.incidents(epics.pattern.id)]
    assert settled.count("its ticket is done") == 1
    assert epics.pattern.is_open


def test_incidents_without_a_ticket_are_settled_when_it_is_quiet(epics: EpicFlow) -> None:
    seven_failures(epics.flow)
    epics.keep()
    epics.flow.clock.forward(HOUR + 1)
    for _ in range(2):
        epics.keep()
    assert epics.pattern.closed_because is PatternEnd.SETTLED
    assert epics.epic.status == "Done"


def test_incidents_whose_tickets_were_deleted_are_settled_when_it_is_quiet(
    epics: EpicFlow,
) -> None:
    pair(epics)
    for ticket in epics.children:
        epics.jira.delete(ticket.key)
    epics.keep()
    assert not any(one.settled for one in epics.patterns.incidents(epics.pattern.id))
    epics.flow.clock.forward(HOUR + 1)
    for _ in range(2):
        epics.keep()
    assert epics.pattern.closed_because is PatternEnd.SETTLED


def test_an_epic_that_is_done_and_cannot_be_written_is_left_in_peace(epics: EpicFlow) -> None:
    pair(epics)
    epics.jira.resolve(epics.epic.key)
    epics.keep()
    epics.jira.faults.answer(400, method="PUT", path=f"/issue/{epics.epic.id}$")
    epics.keep()
    assert not epics.jira.faults.waiting
    asked = len(epics.jira.requests)
    epics.keep()
    assert len(epics.jira.requests) == asked


def test_a_pattern_that_was_over_before_gets_no_epic(epics: EpicFlow) -> None:
    seven_failures(epics.flow)
    epics.patterns.scan()
    epics.patterns.close(epics.pattern, PatternEnd.PERSON)
    epics.keep()
    assert epics.jira.requests == []


def test_repeats_alone_are_written_at_most_so_often(epics: EpicFlow) -> None:
    pair(epics)
    epics.changes = {"repeat_seconds": 600.0}
    epics.flow.fail("tests/test_0.py::test_it")
    written = len(epics.jira.writes)
    epics.keep(epics.another_sink())
    assert len(epics.jira.writes) == written
    epics.keep()
    assert len(epics.jira.writes) == written + 1
    again_in_the_same_way(epics)
    assert "test_more" in epics.text


def test_an_epic_that_cannot_be_kept_keeps_no_other_from_being_kept(epics: EpicFlow) -> None:
    pair(epics)
    epics.patterns.close(epics.pattern, PatternEnd.PERSON)
    for number in range(2):
        fail_and_heal(epics.flow, f"test_{number}", failing(cannot_describe, number))
    epics.jira.faults.answer(500, path=f"/issue/{epics.epic.id}")
    epics.keep()
    assert len(epics.epics) == 2


def test_tending_the_sink_keeps_the_epics(epics: EpicFlow) -> None:
    seven_failures(epics.flow)
    epics.patterns.scan()
    epics.sink.tend()
    assert len(epics.epics) == 1


@pytest.mark.parametrize("kind", list(JiraKind))
def test_a_dry_run_shows_the_epic_and_sends_nothing(
    flow: Flow, tmp_path: Path, kind: JiraKind
) -> None:
    flow.settings = make_settings(tmp_path, systemic_failures=2, breaker_failures=0)
    settings = JiraSettings(url="https://jira.invalid", kind=kind, project="SHOP", dry_run=True)
    context = SinkContext(settings=flow.settings, client=flow.client, clock=flow.clock)
    sink = JiraSink.open_connected(settings, context)
    for number in range(2):
        fail_and_heal(flow, f"test_{number}", breaking("patch"))
    for result in flow.ledger.results():
        sink.deliver(result)
    sink.epics.patterns.scan()
    sink.tend()
    (pattern,) = sink.epics.patterns.open_patterns()
    folder = tmp_path / "reports" / name_of(pattern)
    assert "Remediation plan" in (folder / "jira.html").read_text()
    epic = json.loads((folder / "jira.json").read_text())
    below = "parent" if kind is JiraKind.CLOUD else EPIC_LINK
    wanted = {"key": epic["key"]} if kind is JiraKind.CLOUD else epic["key"]
    for incident in sink.epics.patterns.incidents(pattern.id):
        page = tmp_path / "reports" / incident.fingerprint / "jira.json"
        assert json.loads(page.read_text())["fields"][below] == wanted
    assert Tickets(flow.client, space="patterns").get(name_of(pattern)) is None
