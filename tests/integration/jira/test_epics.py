"""The epics of systemic failures are made once, with their children below them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import msgspec

from paramedic_workers import keys
from paramedic_workers.errors import Verdict
from paramedic_workers.sinks.jira.epics import name_of
from paramedic_workers.sinks.jira.settings import JiraKind
from paramedic_workers.systemic.model import PatternEnd
from tests.support.epic_flow import EpicFlow, pair
from tests.support.healer_failures import (
    ASSERTION,
    breaking,
    cannot_describe,
    fail_and_heal,
    failing,
    seven_failures,
)
from tests.support.jira import StandInTicket
from tests.support.jira.places import EPIC_NAME
from tests.support.jira_contract import NEEDS_CONTRACT


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
