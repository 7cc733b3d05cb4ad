"""A ticket is opened, closed, left alone and shared out as its incident, and people, want."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from paramedic_workers import keys
from paramedic_workers.errors import (
    DeliveryPostponed,
    SinkUnavailable,
    UnclearDelivery,
    Verdict,
)
from paramedic_workers.results import Cause, Result
from paramedic_workers.sinks.jira.documents import Document, Paragraph, Text
from paramedic_workers.sinks.jira.settings import JiraKind, JiraPlace
from tests.support.jira.model import (
    NO_WAY_WORKFLOW,
    RESOLVING_WORKFLOW,
    SIMPLE_WORKFLOW,
    Category,
)
from tests.support.jira.places import ADA, HEALER
from tests.support.jira_flow import TEST, TicketFlow


def told(tickets: TicketFlow) -> list[str]:
    """The results that the only ticket's comments tell of."""
    comments = tickets.jira.only_ticket.comments
    return [one.properties["paramedic"].get("result", "") for one in comments]


def land(tickets: TicketFlow, result: Result, at: datetime) -> None:
    """Let the fix of a result be on the main branch, and its test pass there."""
    stamp = int(at.timestamp() * 1000)
    key = keys.landing(result.incident)
    facts = ("result", result.id, "how", "our_commit", "at", str(stamp), "checked_at", str(stamp))
    tickets.flow.client.hset(key, items=list(facts))


# Open and done


def test_a_failure_opens_a_ticket_that_is_done_again(any_tickets: TicketFlow) -> None:
    tickets = any_tickets
    tickets.jira.projects["SHOP"].workflow = RESOLVING_WORKFLOW
    tickets.deliver(tickets.heal(Verdict.HEALED))
    tickets.jira.resolve("SHOP-1", "Done")
    again = tickets.heal(Verdict.UNHEALED)
    tickets.deliver(again)
    assert tickets.jira.only_ticket.status == "Offen"
    assert told(tickets) == [again.id]


@pytest.mark.parametrize("resolution", ["Won't Do", "Cannot Reproduce"])
def test_a_ticket_that_nobody_will_do_is_left_alone(tickets: TicketFlow, resolution: str) -> None:
    tickets.deliver(tickets.heal(Verdict.HEALED))
    tickets.jira.resolve("SHOP-1", resolution)
    written = len(tickets.jira.writes)
    again = tickets.heal(Verdict.UNHEALED)
    tickets.deliver(again)
    tickets.heal(Verdict.UNHEALED)
    tickets.sink.tend()
    assert len(tickets.jira.writes) == written
    assert tickets.jira.only_ticket.category is Category.DONE


def test_whoever_opens_it_by_hand_hears_of_it_again(tickets: TicketFlow) -> None:
    tickets.deliver(tickets.heal(Verdict.HEALED))
    tickets.jira.resolve("SHOP-1", "Won't Do")
    tickets.deliver(tickets.heal(Verdict.UNHEALED))
    tickets.jira.set_status("SHOP-1", "In Progress")
    last = tickets.heal(Verdict.FLAKY)
    tickets.deliver(last)
    assert told(tickets) == [last.id]
    assert tickets.jira.only_ticket.status == "In Progress"


def test_what_a_person_has_closed_stays_closed_until_it_is_healed_again(
    tickets: TicketFlow,
) -> None:
    tickets.deliver(tickets.heal(Verdict.UNHEALED))
    tickets.jira.resolve("SHOP-1", "Done")
    tickets.flow.fail(TEST, revision=f"{1:040x}")
    tickets.sink.tend()
    assert tickets.jira.only_ticket.status == "Done"
    tickets.deliver(tickets.heal(Verdict.UNHEALED))
    assert tickets.jira.only_ticket.status == "To Do"


def test_what_is_fixed_already_is_done_with_the_resolution_that_is_asked_for(
    any_tickets: TicketFlow,
) -> None:
    tickets = any_tickets
    tickets.jira.projects["SHOP"].workflow = RESOLVING_WORKFLOW
    tickets.deliver(tickets.heal(Verdict.UNHEALED))
    tickets.deliver(tickets.heal(Verdict.ALREADY_FIXED))
    ticket = tickets.jira.only_ticket
    assert (ticket.status, ticket.resolution) == ("Erledigt", "Done")
    assert len(ticket.comments) == 1


def test_a_fix_that_has_landed_closes_the_ticket_and_says_so_once(tickets: TicketFlow) -> None:
    result = tickets.heal(Verdict.HEALED)
    tickets.deliver(result)
    tickets.sink.tend()
    assert tickets.jira.only_ticket.category is Category.NEW
    land(tickets, result, datetime(2026, 5, 2, tzinfo=UTC))
    tickets.sink.tend()
    ticket = tickets.jira.only_ticket
    assert ticket.category is Category.DONE
    assert [one.properties["paramedic"] for one in ticket.comments] == [
        {"landed": "2026-05-02T00:00:00+00:00"}
    ]
    tickets.jira.set_status("SHOP-1", "In Progress")
    tickets.sink.tend()
    assert (ticket.status, len(ticket.comments)) == ("In Progress", 1)


def test_where_no_transition_leads_that_is_said_once_and_tried_again(tickets: TicketFlow) -> None:
    project = tickets.jira.projects["SHOP"]
    project.workflow = NO_WAY_WORKFLOW
    tickets.deliver(tickets.heal(Verdict.UNHEALED))
    tickets.deliver(tickets.heal(Verdict.ALREADY_FIXED))
    tickets.sink.tend()
    ticket = tickets.jira.only_ticket
    stuck = [one.properties["paramedic"].get("stuck") for one in ticket.comments]
    assert sorted(map(str, stuck)) == ["None", "done"]
    project.workflow = SIMPLE_WORKFLOW
    tickets.sink.tend()
    assert (ticket.status, len(ticket.comments)) == ("Done", 2)


# Repeats


def test_repeats_are_shown_in_place_and_not_commented_on(tickets: TicketFlow) -> None:
    tickets.use(repeat_seconds=600.0)
    tickets.deliver(tickets.heal(Verdict.UNHEALED))
    before = tickets.jira.only_ticket.description
    for _ in range(3):
        tickets.flow.fail(TEST, revision=f"{1:040x}")
    asked = len(tickets.jira.requests)
    tickets.sink.tend()
    assert len(tickets.jira.requests) == asked  # it was written a moment ago
    tickets.use(repeat_seconds=0.0)
    tickets.sink.tend()
    ticket = tickets.jira.only_ticket
    assert ticket.description != before
    assert ticket.comments == []
    asked = len(tickets.jira.requests)
    tickets.sink.tend()
    assert len(tickets.jira.requests) == asked


def test_tending_goes_on_behind_a_ticket_that_fails_and_ends_with_jira(
    tickets: TicketFlow,
) -> None:
    for name in ("a", "b"):
        tickets.deliver(tickets.heal(Verdict.UNHEALED, f"tests/test_{name}.py::test_{name}"))
    for number, name in ((1, "a"), (2, "b")):
        tickets.flow.fail(f"tests/test_{name}.py::test_{name}", revision=f"{number:040x}")
    tickets.jira.faults.answer(400, method="PUT")
    before = [ticket.description for ticket in tickets.jira.tickets.values()]
    tickets.sink.tend()
    after = [ticket.description for ticket in tickets.jira.tickets.values()]
    assert [one != other for one, other in zip(before, after, strict=True)] == [False, True]
    tickets.jira.faults.too_many("jira-burst-based", 7)
    with pytest.raises(SinkUnavailable) as away:
        tickets.sink.tend()
    assert away.value.retry_after == 7


# Comments


def test_another_message_of_the_same_cause_is_no_news(tickets: TicketFlow) -> None:
    def cause(message: str) -> Cause:
        return Cause(phase="reproduce", type="AssertionError", message=message)  # type: ignore[arg-type]

    tickets.deliver(tickets.heal(Verdict.UNHEALED, cause=cause("assert 17 == 18 at 0x7f01")))
    tickets.deliver(tickets.heal(Verdict.UNHEALED, cause=cause("assert 3 == 4 at 0x7fee")))
    assert told(tickets) == []
    other = tickets.heal(Verdict.UNHEALED, cause=cause("assert [] == {}"))
    tickets.deliver(other)
    assert told(tickets) == [other.id]


def test_results_that_wait_together_cost_one_update_and_one_comment(tickets: TicketFlow) -> None:
    tickets.deliver(tickets.heal(Verdict.UNHEALED))
    asked = len(tickets.jira.requests)
    verdicts = (Verdict.FLAKY, Verdict.ENVIRONMENT, Verdict.HEALED)
    waiting = [tickets.heal(verdict) for verdict in verdicts]
    for result in waiting:
        tickets.deliver(result)
    assert told(tickets) == [waiting[-1].id]
    methods = [request.method for request in tickets.jira.requests[asked:]]
    assert methods == ["GET", "PUT", "POST", "POST"]


def test_a_late_delivery_of_an_old_result_changes_nothing(tickets: TicketFlow) -> None:
    old = tickets.heal(Verdict.UNHEALED)
    tickets.deliver(tickets.heal(Verdict.HEALED))
    asked = len(tickets.jira.requests)
    tickets.deliver(old)
    assert len(tickets.jira.requests) == asked
    assert tickets.jira.only_ticket.summary.startswith("[HEALED]")


# Partial success


@pytest.mark.parametrize("broken", ["/attachments$", "/comment$"])
@pytest.mark.parametrize("arrived", [True, False])
def test_a_retry_goes_on_where_the_last_attempt_stopped(
    any_tickets: TicketFlow, broken: str, arrived: bool
) -> None:
    tickets = any_tickets
    tickets.use(timeout=0.5)
    tickets.deliver(tickets.heal(Verdict.UNHEALED))
    second = tickets.heal(Verdict.HEALED)
    faults = tickets.jira.faults
    (faults.drop_after if arrived else faults.drop_before)(method="POST", path=broken)
    with pytest.raises(UnclearDelivery):
        tickets.deliver(second)
    if not arrived:
        with pytest.raises(DeliveryPostponed):
            tickets.deliver(second)
        make_older(tickets, second, seconds=30)
    tickets.deliver(second)
    ticket = tickets.jira.only_ticket
    names = [one.name for one in ticket.attachments]
    assert sorted(names) == sorted(["heal.log", "result.json", "report.html"] * 2 + ["fix.patch"])
    assert told(tickets) == [second.id]
    assert len(tickets.jira.asked("PUT")) == 1


def make_older(tickets: TicketFlow, result: Result, seconds: float) -> None:
    """Let what was begun at a ticket have begun so long before."""
    record = tickets.ticket(result)
    text = tickets.flow.client.hget(keys.ticket(result.incident), "ticket")
    for begun in record.begun.values():
        text = str(text).replace(str(begun.at), str(begun.at - int(seconds * 1000)))
    tickets.flow.client.hset(keys.ticket(result.incident), "ticket", str(text))


def test_files_of_a_ticket_whose_making_was_interrupted_follow(tickets: TicketFlow) -> None:
    result = tickets.heal()
    tickets.jira.faults.too_many("jira-burst-based", 3, path="/attachments$")
    with pytest.raises(SinkUnavailable):
        tickets.deliver(result)
    tickets.deliver(result)
    assert len(tickets.jira.only_ticket.attachments) == 4
    assert told(tickets) == []
    made = [one for one in tickets.jira.asked("POST") if one.path.endswith("/issue")]
    assert len(made) == 1


def test_a_refused_file_does_not_lose_the_rest(tickets: TicketFlow) -> None:
    tickets.jira.faults.answer(413, method="POST", path="/attachments$", times=2)
    tickets.deliver(tickets.heal())
    assert len(tickets.jira.only_ticket.attachments) == 3


def test_a_limit_of_one_ticket_postpones_that_delivery_only(tickets: TicketFlow) -> None:
    tickets.deliver(tickets.heal(Verdict.UNHEALED))
    tickets.jira.faults.too_many("jira-per-issue-on-write", 9, method="PUT")
    second = tickets.heal(Verdict.HEALED)
    with pytest.raises(DeliveryPostponed) as postponed:
        tickets.deliver(second)
    assert postponed.value.retry_after == 9
    tickets.deliver(second)
    assert told(tickets) == [second.id]


# What people change


def test_what_a_person_has_changed_is_theirs(any_tickets: TicketFlow) -> None:
    tickets = any_tickets
    cloud = tickets.jira.kind is JiraKind.CLOUD
    own = tickets.sink.client.text(Document((Paragraph((Text("Our own words."),)),)))
    ada = {"accountId": ADA.account_id} if cloud else {"name": ADA.name}
    tickets.use(
        priorities={Verdict.UNHEALED: "Low", Verdict.FAILED: "High"},
        assignee=HEALER.account_id if cloud else HEALER.name,
    )
    tickets.deliver(tickets.heal(Verdict.UNHEALED))
    client = tickets.sink.client
    changed: dict[str, Any] = {
        "summary": "Cart sums are wrong",
        "description": own,
        "priority": {"name": "Medium"},
        "assignee": ada,
        "labels": ["ours", *tickets.jira.only_ticket.fields["labels"]],
    }
    client.update("SHOP-1", changed)
    before = dict(tickets.jira.only_ticket.fields)
    last = tickets.heal(Verdict.FAILED)
    tickets.deliver(last)
    tickets.sink.tend()
    ticket = tickets.jira.only_ticket
    assert {name: ticket.fields[name] for name in changed} == {n: before[n] for n in changed}
    assert told(tickets) == [last.id]


def test_what_nobody_has_changed_follows_the_verdict(any_tickets: TicketFlow) -> None:
    tickets = any_tickets
    tickets.use(priorities={Verdict.UNHEALED: "Low", Verdict.FAILED: "High"})
    tickets.deliver(tickets.heal(Verdict.UNHEALED))
    tickets.deliver(tickets.heal(Verdict.FAILED))
    fields = tickets.jira.only_ticket.fields
    assert fields["priority"] == "High"
    assert fields["summary"].startswith("[AUTO-HEAL-FAIL]")


def test_an_update_without_an_answer_is_not_taken_for_a_persons(tickets: TicketFlow) -> None:
    tickets.deliver(tickets.heal(Verdict.UNHEALED))
    tickets.jira.faults.drop_after(method="PUT")
    with pytest.raises(UnclearDelivery):
        tickets.deliver(tickets.heal(Verdict.FLAKY))
    tickets.deliver(tickets.heal(Verdict.HEALED))
    assert tickets.jira.only_ticket.summary.startswith("[HEALED]")


def test_two_updates_without_an_answer_are_not_taken_for_a_persons(tickets: TicketFlow) -> None:
    tickets.deliver(tickets.heal(Verdict.UNHEALED))
    tickets.jira.faults.drop_after(method="PUT")
    with pytest.raises(UnclearDelivery):
        tickets.deliver(tickets.heal(Verdict.FLAKY))
    tickets.jira.faults.drop_before(method="PUT")
    with pytest.raises(UnclearDelivery):
        tickets.deliver(tickets.heal(Verdict.ENVIRONMENT))
    tickets.deliver(tickets.heal(Verdict.HEALED))
    assert tickets.jira.only_ticket.summary.startswith("[HEALED]")


# Fields


def test_owners_components_labels_and_fields_come_from_the_settings(
    any_tickets: TicketFlow,
) -> None:
    tickets = any_tickets
    cloud = tickets.jira.kind is JiraKind.CLOUD
    ada = ADA.account_id if cloud else ADA.name
    tickets.use(
        labels=("night shift", "ci"),
        assignees={"@cart-team": ada},
        fields={"customfield_10043": "core"},
        targets={"shop": JiraPlace(project="OPS", components=("cart",), issue_type="Task")},
        report_url="https://ci.example/{target}/{incident}",
    )
    result = tickets.heal(owners=("@nobody-knows", "@cart-team"))
    tickets.deliver(result)
    ticket = tickets.jira.only_ticket
    assert (ticket.project, ticket.issue_type) == ("OPS", "Task")
    assert {"night-shift", "ci"} < set(ticket.fields["labels"])
    assert ticket.fields["assignee"] == ADA.account_id
    assert ticket.fields["components"] == ["cart"]
    (link,) = ticket.remote_links
    assert link.object["url"] == f"https://ci.example/shop/{result.incident}"


# Merged incidents


def merged_pair(tickets: TicketFlow) -> tuple[Result, Result, Result]:
    """Two incidents, the second with a ticket, and the result that merges it into the first."""
    names = ("tests/test_a.py::test_a", "tests/test_b.py::test_b")
    first, second = (tickets.heal(Verdict.UNHEALED, name) for name in names)
    tickets.deliver(second)
    both = tickets.heal(
        Verdict.HEALED,
        *names,
        incident=first.incident,
        fingerprint=first.incident,
        merged=(second.incident,),
    )
    return first, second, both


def test_the_ticket_of_a_merged_incident_is_told_once_and_ends_with_its_leads(
    any_tickets: TicketFlow,
) -> None:
    tickets = any_tickets
    first, second, both = merged_pair(tickets)
    for result in (both, second, both):
        tickets.deliver(result)
    other = tickets.jira.tickets["SHOP-1"]
    marks = [one.properties["paramedic"] for one in other.comments]
    assert marks == [{"merged_into": first.incident, "result": both.id}]
    assert [(link.type, link.inward) for link in other.links] == [("Duplicate", False)]
    assert other.category is Category.NEW
    land(tickets, both, datetime(2026, 5, 2, tzinfo=UTC))
    tickets.sink.tend()
    categories = [ticket.category for ticket in tickets.jira.tickets.values()]
    assert categories == [Category.DONE] * 2
    assert len(other.comments) == 1


def test_a_merged_incident_that_fails_alone_again_has_its_ticket_back(
    tickets: TicketFlow,
) -> None:
    tickets.jira.projects["SHOP"].workflow = RESOLVING_WORKFLOW
    _, second, both = merged_pair(tickets)
    tickets.deliver(both)
    land(tickets, both, datetime(2026, 5, 2, tzinfo=UTC))
    tickets.sink.tend()
    other = tickets.jira.tickets["SHOP-1"]
    assert other.resolution == "Duplicate"
    alone = tickets.heal(Verdict.UNHEALED, "tests/test_b.py::test_b")
    assert alone.incident == second.incident
    tickets.deliver(alone)
    assert other.category is Category.NEW
    assert len(tickets.jira.tickets) == 2
