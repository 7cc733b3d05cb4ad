"""The epics of systemic failures, on a real ledger and the stand-in for Jira."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from paramedic_workers import keys
from paramedic_workers.errors import Verdict
from paramedic_workers.sinks import SinkContext
from paramedic_workers.sinks.jira.client import JiraClient
from paramedic_workers.sinks.jira.documents import Document, Paragraph, Text
from paramedic_workers.sinks.jira.epics import name_of
from paramedic_workers.sinks.jira.settings import JiraKind, JiraSettings
from paramedic_workers.sinks.jira.sink import JiraSink
from paramedic_workers.sinks.jira.tickets import Tickets
from paramedic_workers.systemic.model import Pattern, PatternEnd
from paramedic_workers.systemic.patterns import Patterns
from tests.support.healer_failures import (
    ASSERTION,
    breaking,
    cannot_describe,
    fail_and_heal,
    failing,
    seven_failures,
)
from tests.support.jira import StandInJira, StandInTicket
from tests.support.jira.model import words
from tests.support.jira.places import EPIC_LINK, EPIC_NAME
from tests.support.jira_contract import NEEDS_CONTRACT, judging
from tests.support.jira_flow import TOKENS, jira_settings
from tests.support.queueing import Flow, make_settings

HOUR = 3600.0


@dataclass
class EpicFlow:
    """Failures of the healer that end in epics."""

    flow: Flow
    jira: StandInJira
    changes: dict[str, Any] = field(default_factory=dict)
    clients: list[JiraClient] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Let two be a pattern, and no breaker open first; tickets tell when it is over."""
        self.flow.settings = make_settings(
            breaker_failures=0, systemic_failures=2, sinks={"jira": {}}
        )

    @cached_property
    def sink(self) -> JiraSink:
        """The sink, as one worker has it."""
        return self.another_sink()

    def another_sink(self, *, judged: bool = False) -> JiraSink:
        """The sink, as another worker has it; Atlassian's documents may judge what it says."""
        settings = jira_settings(self.jira, **self.changes)
        judge = judging(httpx.HTTPTransport()) if judged else None
        client = JiraClient.open(settings, environ=TOKENS, transport=judge)
        self.clients.append(client)
        context = SinkContext(
            settings=self.flow.settings, client=self.flow.client, clock=self.flow.clock
        )
        return JiraSink.on(client, settings, context)

    def keep(self, sink: JiraSink | None = None) -> None:
        """Search for patterns, then keep their epics."""
        self.patterns.scan()
        (sink or self.sink).epics.keep(lambda _name: nullcontext())

    def deliver(self) -> None:
        """Deliver every result, the oldest first."""
        sink = self.sink
        for result in reversed(self.flow.ledger.results()):
            sink.deliver(result)

    @property
    def patterns(self) -> Patterns:
        """Those of the ledger."""
        return Patterns(self.flow.client, self.flow.settings, self.flow.clock)

    @property
    def pattern(self) -> Pattern:
        """The only one."""
        (found,) = self.patterns.all()
        return found

    @property
    def epic(self) -> StandInTicket:
        """The only one."""
        (found,) = self.epics
        return found

    @property
    def epics(self) -> list[StandInTicket]:
        """Tickets with the label of a pattern."""
        return [
            ticket
            for ticket in self.jira.tickets.values()
            if any(one.startswith("paramedic-pattern-") for one in ticket.fields["labels"])
        ]

    @property
    def children(self) -> list[StandInTicket]:
        """The tickets of incidents that are below the epic."""
        link = "parent" if self.jira.kind is JiraKind.CLOUD else EPIC_LINK
        found = self.jira.tickets.values()
        return [one for one in found if one.fields.get(link) in (self.epic.id, self.epic.key)]

    @property
    def text(self) -> str:
        """The words of the epic's description."""
        return words(self.epic.description)

    def ticket_of(self, incident: str) -> StandInTicket:
        """The ticket of an incident."""
        record = Tickets(self.flow.client).get(incident)
        assert record is not None
        return self.jira.tickets[record.key]

    def close(self) -> None:
        """Close all connections."""
        for client in self.clients:
            client.close()


@pytest.fixture
def epics(flow: Flow, jira: StandInJira) -> Iterator[EpicFlow]:
    opened = EpicFlow(flow, jira)
    yield opened
    opened.close()


@pytest.fixture
def any_epics(flow: Flow, any_jira: StandInJira) -> Iterator[EpicFlow]:
    opened = EpicFlow(flow, any_jira)
    yield opened
    opened.close()


def pair(epics: EpicFlow) -> None:
    """Two incidents in which a strategy breaks, with their tickets and their epic."""
    for number in range(2):
        fail_and_heal(epics.flow, f"tests/test_{number}.py::test_it", breaking("patch"))
    epics.deliver()
    epics.keep()


def test_the_seven_of_that_night_are_one_epic_with_seven_children(any_epics: EpicFlow) -> None:
    epics = any_epics
    epics.flow.settings = msgspec.structs.replace(epics.flow.settings, systemic_failures=5)
    incidents = seven_failures(epics.flow)
    epics.deliver()
    epics.keep()
    epic = epics.epic
    assert epic.issue_type == "Epic"
    assert epic.summary.startswith("[AUTO-HEAL-FAIL] [LOOKUP_ERROR] Systemic: ")
    assert epic.summary.endswith("no subject for ticket 2")
    assert len(epics.jira.tickets) == 8
    assert {one.id for one in epics.children} == {
        epics.ticket_of(incident).id for incident in incidents.values()
    }
    text = epics.text
    for part in ("Overview", "Incidents", "Analysis", "Exceptions", "Impact", "Remediation"):
        assert part in text
    for ticket in epics.children:
        assert ticket.key in text
    assert "AssertionError" in text
    assert epics.ticket_of(incidents[ASSERTION]) in epics.children
    if epics.jira.kind is JiraKind.DATA_CENTER:
        assert epic.fields[EPIC_NAME] == epic.summary
    # Nothing has changed: nothing is written.
    asked = len(epics.jira.writes)
    epics.keep()
    assert len(epics.jira.writes) == asked
    # Its incidents are closed, and so is the epic.
    for ticket in epics.children:
        epics.jira.resolve(ticket.key)
    for _ in range(2):
        epics.keep()
    assert epics.pattern.closed_because is PatternEnd.SETTLED
    assert epics.epic.status == "Done"
    assert "Over" in epics.text
    asked = len(epics.jira.requests)
    epics.keep()
    assert len(epics.jira.requests) == asked


@NEEDS_CONTRACT
def test_what_is_said_of_an_epic_keeps_to_the_contract(epics: EpicFlow) -> None:
    sink = epics.another_sink(judged=True)
    for number in range(2):
        fail_and_heal(epics.flow, f"test_{number}", breaking("patch"))
    epics.deliver()
    epics.keep(sink)
    assert len(epics.children) == 2
    for ticket in epics.children:
        epics.jira.resolve(ticket.key)
    for _ in range(2):
        epics.keep(sink)
    assert epics.epic.status == "Done"


def test_workers_that_race_make_one_epic(epics: EpicFlow) -> None:
    for number in range(2):
        fail_and_heal(epics.flow, f"test_{number}", breaking("patch"))
    epics.deliver()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: epics.keep(epics.another_sink()), range(6)))
    epics.keep()
    assert len(epics.epics) == 1
    assert len(epics.children) == 2


def test_an_epic_whose_making_is_unclear_is_found_by_its_label(epics: EpicFlow) -> None:
    for number in range(2):
        fail_and_heal(epics.flow, f"test_{number}", breaking("patch"))
    epics.jira.faults.drop_after(method="POST", path="/issue$")
    for _ in range(2):
        epics.keep()
    record = epics.sink.epics.epics.get(name_of(epics.pattern))
    assert record is not None
    assert record.key == epics.epic.key
    assert len(epics.jira.asked("POST", "/issue")) == 1


def test_an_epic_is_not_made_again_while_it_is_unclear(epics: EpicFlow) -> None:
    for number in range(2):
        fail_and_heal(epics.flow, f"test_{number}", breaking("patch"))
    epics.jira.faults.drop_before(method="POST", path="/issue$")
    for _ in range(2):
        epics.keep()
    assert epics.epics == []
    assert len(epics.jira.asked("POST", "/issue")) == 1


def test_one_cause_of_many_incidents_is_one_child(epics: EpicFlow) -> None:
    epics.flow.fail(*[f"test_{number}" for number in range(6)])
    epics.flow.standin.act = failing(cannot_describe)
    epics.flow.healer.heal("shop", "1f" * 20)
    epics.deliver()
    epics.keep()
    assert len(epics.children) == 1
    assert "5 merged into it" in epics.text


def test_an_epic_lists_incidents_that_have_no_ticket_yet(epics: EpicFlow) -> None:
    for number in range(2):
        fail_and_heal(epics.flow, f"test_{number}", breaking("patch"))
    epics.keep()
    assert epics.children == []
    assert epics.text.count("none yet") == 2
    epics.deliver()
    epics.keep()
    assert len(epics.children) == 2
    assert "none yet" not in epics.text


def test_an_incident_that_was_healed_all_the_same_is_no_child(epics: EpicFlow) -> None:
    pair(epics)
    flow = epics.flow
    flow.clock.forward(60)
    flow.client.delete(keys.OPEN_PATTERNS)  # as for a heal that began before it was opened

    saved = fail_and_heal(flow, "test_saved", breaking("patch", verdict=Verdict.HEALED))
    flow.client.sadd(keys.OPEN_PATTERNS, epics.pattern.id)
    epics.deliver()
    epics.keep()
    assert len(epics.patterns.incidents(epics.pattern.id)) == 3
    assert epics.ticket_of(saved) not in epics.children
    assert "test_saved" in epics.text


def test_a_ticket_that_somebody_put_below_another_epic_stays_there(epics: EpicFlow) -> None:
    for number in range(2):
        fail_and_heal(epics.flow, f"test_{number}", breaking("patch"))
    epics.deliver()
    epics.keep()
    mine = epics.epic
    assert len(epics.children) == 2
    # A third one, which a person has put elsewhere before it was found to be one of these.
    epics.flow.clock.forward(60)
    epics.flow.client.delete(keys.OPEN_PATTERNS)
    other = fail_and_heal(epics.flow, "test_other", breaking("patch"))
    epics.flow.client.sadd(keys.OPEN_PATTERNS, epics.pattern.id)
    epics.deliver()
    theirs = make_epic(epics)
    epics.jira.change(epics.ticket_of(other).key, parent=theirs.id)
    epics.keep()
    assert epics.ticket_of(other).fields["parent"] == theirs.id
    assert [link.other for link in epics.ticket_of(other).links] == [mine.id]


def test_an_exception_that_becomes_a_pattern_goes_below_its_own_epic(epics: EpicFlow) -> None:
    odd = fail_and_heal(epics.flow, "test_odd", failing(cannot_describe))
    pair(epics)
    first = epics.pattern
    assert epics.ticket_of(odd).fields["parent"] == epics.epic.id
    other = fail_and_heal(epics.flow, "test_other", failing(cannot_describe))
    epics.deliver()
    epics.keep()
    (second,) = [one for one in epics.patterns.open_patterns() if one.id != first.id]
    record = epics.sink.epics.epics.get(name_of(second))
    assert record is not None
    for incident in (odd, other):
        assert epics.ticket_of(incident).fields["parent"] == record.id


def make_epic(epics: EpicFlow) -> StandInTicket:
    """An epic of somebody else."""
    client = epics.sink.client
    made = client.create(
        {"project": {"key": "SHOP"}, "issuetype": {"name": "Epic"}, "summary": "Theirs"}
    )
    epics.jira.change(made.key, labels=[])
    return epics.jira.tickets[made.key]


def test_a_project_without_epics_gets_a_ticket_with_links(epics: EpicFlow) -> None:
    shop = epics.jira.projects["SHOP"]
    types = tuple(one for one in shop.issue_types if one.name != "Epic")
    epics.jira.projects["SHOP"] = replace(shop, issue_types=types)
    pair(epics)
    epic = epics.epic
    assert epic.issue_type == "Bug"
    assert "has no epics" in epics.text
    assert len({link.other for link in epic.links}) == 2


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


def again(epics: EpicFlow) -> None:
    epics.flow.clock.forward(60)
    for number in range(2):
        fail_and_heal(epics.flow, f"test_again_{number}", breaking("patch"))
    epics.deliver()
    epics.keep()


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
