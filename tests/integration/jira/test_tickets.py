"""The life of a ticket: made, kept, commented on, closed, opened again."""

from __future__ import annotations

from paramedic_workers.errors import Verdict
from tests.support.jira_flow import TicketFlow


def test_a_new_incident_gets_a_ticket_with_texts_and_files(any_tickets: TicketFlow) -> None:
    tickets = any_tickets
    result = tickets.heal()
    tickets.deliver(result)
    ticket = tickets.jira.only_ticket
    assert ticket.fields["labels"] == ["paramedic", f"paramedic-{result.incident}"]
    assert ticket.summary.startswith("[HEALED] shop: test_total in tests/test_cart.py")
    assert [one.name for one in ticket.attachments] == [
        "heal.log",
        "fix.patch",
        "result.json",
        "report.html",
    ]
    assert ticket.properties["paramedic"]["result"] == result.id
    assert ticket.comments == []
    record = tickets.ticket(result)
    assert (record.key, record.kept) == (ticket.key, result.id)


def test_a_repeated_delivery_asks_nothing(tickets: TicketFlow) -> None:
    result = tickets.heal()
    tickets.deliver(result)
    asked = len(tickets.jira.requests)
    tickets.deliver(result)
    assert len(tickets.jira.requests) == asked


def test_the_same_result_again_is_shown_in_place_and_not_commented_on(tickets: TicketFlow) -> None:
    tickets.deliver(tickets.heal(Verdict.UNHEALED))
    before = tickets.jira.only_ticket.description
    asked = len(tickets.jira.requests)
    tickets.deliver(tickets.heal(Verdict.UNHEALED))
    ticket = tickets.jira.only_ticket
    assert ticket.comments == []
    assert ticket.description != before
    assert [r.method for r in tickets.jira.requests[asked:]] == ["GET", "PUT"]


def test_another_verdict_is_commented_on_once(any_tickets: TicketFlow) -> None:
    tickets = any_tickets
    tickets.deliver(tickets.heal(Verdict.UNHEALED))
    second = tickets.heal(Verdict.HEALED)
    tickets.deliver(second)
    tickets.deliver(second)
    ticket = tickets.jira.only_ticket
    assert [one.properties["paramedic"]["result"] for one in ticket.comments] == [second.id]
    assert ticket.summary.startswith("[HEALED]")
    assert ticket.properties["paramedic"]["verdict"] == "healed"
    assert len(ticket.attachments) == 3 + 4
