"""Exactly one ticket for each incident, whatever happens while it is made."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from paramedic_workers import keys
from paramedic_workers.errors import (
    DeliveryPostponed,
    SinkUnavailable,
    UnclearDelivery,
    Verdict,
)
from paramedic_workers.holders import this_machine
from paramedic_workers.results import Result
from paramedic_workers.sinks.jira import tickets as ticket_records
from paramedic_workers.sinks.jira.client import JiraRefused
from paramedic_workers.sinks.jira.tickets import Ticket, Tickets
from tests.support.jira import StandInJira
from tests.support.jira.model import FieldSpec, FieldType
from tests.support.jira_flow import TicketFlow
from tests.support.waiting import wait_for

CREATE = "/issue$"


def put_back(tickets: TicketFlow, result: Result, seconds: float) -> None:
    """Let the making of a ticket have begun so long ago."""
    seconds_now, _ = tickets.flow.client.time()
    intent = int((seconds_now - seconds) * 1000)
    tickets.flow.client.hset(keys.ticket(result.incident), "intent", str(intent))


def deliver_at_last(tickets: TicketFlow, result: Result) -> None:
    """Deliver as the outbox does: as often as it takes."""
    sink = tickets.another_sink()

    def delivered() -> bool:
        try:
            sink.deliver(result)
        except DeliveryPostponed:
            return False
        return True

    wait_for("the delivery", delivered, timeout=20)


def test_ten_workers_that_race_make_one_ticket(tickets: TicketFlow) -> None:
    result = tickets.heal()
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: deliver_at_last(tickets, result), range(10)))
    assert len(tickets.jira.asked("POST", "/attachments")) == 1
    assert len(tickets.jira.only_ticket.attachments) == 4
    assert tickets.jira.only_ticket.comments == []


def test_a_ticket_whose_making_got_no_answer_is_found_and_not_made_again(
    any_tickets: TicketFlow,
) -> None:
    tickets = any_tickets
    result = tickets.heal()
    tickets.jira.search_lag = 0.5
    tickets.jira.faults.drop_after(method="POST", path=CREATE)
    with pytest.raises(UnclearDelivery):
        tickets.deliver(result)
    assert Tickets(tickets.flow.client).unclear() == [result.incident]
    deliver_at_last(tickets, result)
    ticket = tickets.jira.only_ticket
    assert len(ticket.attachments) == 4
    assert Tickets(tickets.flow.client).unclear() == []


@pytest.mark.parametrize(("began", "made"), [(1, 0), (120, 0), (190, 0), (200, 1)])
def test_while_the_search_may_lag_nothing_is_made_again(
    tickets: TicketFlow, began: float, made: int
) -> None:
    tickets.use(search_lag=150.0, timeout=20.0)
    result = tickets.heal()
    put_back(tickets, result, began)
    if made:
        tickets.deliver(result)
    else:
        with pytest.raises(DeliveryPostponed) as postponed:
            tickets.deliver(result)
        assert 0 < postponed.value.retry_after <= 15
    assert len(tickets.jira.tickets) == made


@pytest.mark.parametrize("status", [429, 400, 503])
def test_an_answer_that_nothing_was_made_leaves_no_doubt(tickets: TicketFlow, status: int) -> None:
    result = tickets.heal()
    if status == 503:
        with tickets.jira.down(), pytest.raises(SinkUnavailable):
            tickets.deliver(result)
    else:
        tickets.jira.faults.answer(status, method="POST", path=CREATE, times=9)
        with pytest.raises(SinkUnavailable if status == 429 else JiraRefused):
            tickets.deliver(result)
    assert Tickets(tickets.flow.client).unclear() == []
    tickets.jira.faults.clear()
    tickets.deliver(result)
    assert len(tickets.jira.tickets) == 1


def test_a_broken_answer_to_the_making_is_unclear(tickets: TicketFlow) -> None:
    result = tickets.heal()
    tickets.jira.faults.answer_after(502, method="POST", path=CREATE)
    with pytest.raises(UnclearDelivery):
        tickets.deliver(result)
    tickets.deliver(result)
    assert len(tickets.jira.tickets) == 1


def test_a_worker_that_was_frozen_makes_nothing(
    tickets: TicketFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = tickets.heal()
    monkeypatch.setattr(ticket_records, "FRESH_SECONDS", 0.0)
    with pytest.raises(DeliveryPostponed):
        tickets.deliver(result)
    assert tickets.jira.asked("POST", CREATE) == []
    assert Tickets(tickets.flow.client).unclear() == []


def test_a_stamp_grows_old_by_either_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    stamp = ticket_records.Stamp()
    assert stamp.is_fresh()
    wall = time.time()
    monkeypatch.setattr(time, "time", lambda: wall + 60)
    assert not stamp.is_fresh()


def test_whoever_has_lost_the_lock_writes_nothing(tickets: TicketFlow) -> None:
    records = Tickets(tickets.flow.client)
    with records.held("a") as held:
        tickets.flow.client.delete(keys.ticket("a") + ":lock")
        with records.held("a"):
            with pytest.raises(DeliveryPostponed):
                held.save(Ticket(name="a", key="SHOP-1", id="1"))
            with pytest.raises(DeliveryPostponed):
                held.begin_making()
            with pytest.raises(DeliveryPostponed):
                records.held("a").__enter__()
    assert records.get("a") is None


def test_a_lock_whose_holder_is_dead_is_taken(tickets: TicketFlow) -> None:
    records = Tickets(tickets.flow.client)
    lock = keys.ticket("a") + ":lock"
    tickets.flow.client.set(lock, f"{this_machine()}.4194999.1-dead")
    with records.held("a") as held:
        assert held.ticket is None
    assert tickets.flow.client.exists(lock) == 0


def test_a_moved_ticket_is_followed(any_tickets: TicketFlow) -> None:
    tickets = any_tickets
    result = tickets.heal(Verdict.UNHEALED)
    tickets.deliver(result)
    moved = tickets.jira.move("SHOP-1", "OPS")
    tickets.deliver(tickets.heal(Verdict.UNHEALED))
    record = tickets.ticket(result)
    assert (record.key, record.url) == (moved.key, f"{tickets.jira.url}/browse/{moved.key}")
    records = Tickets(tickets.flow.client)
    assert records.by_key("SHOP-1") == records.by_key(moved.key) == record
    assert len(tickets.jira.tickets) == 1


@pytest.mark.parametrize("resolved", ["", "Done", "Won't Do"])
def test_without_its_record_a_ticket_is_found_by_its_label(
    any_tickets: TicketFlow, resolved: str
) -> None:
    """Also where it was moved, or resolved: `resolution != X` would not match."""
    tickets = any_tickets
    tickets.deliver(tickets.heal(Verdict.UNHEALED))
    tickets.jira.move("SHOP-1", "OPS")
    if resolved:
        tickets.jira.resolve("OPS-1", resolved)
    for key in tickets.flow.client.scan_iter("paramedic:ticket*"):
        tickets.flow.client.delete(key)
    second = tickets.heal(Verdict.PROPOSED)
    tickets.deliver(second)
    ticket = tickets.jira.only_ticket
    assert tickets.ticket(second).key == "OPS-1"
    told = [one.properties["paramedic"]["result"] for one in ticket.comments]
    assert told == ([] if resolved == "Won't Do" else [second.id])


def test_a_deleted_ticket_is_made_anew_once(tickets: TicketFlow) -> None:
    tickets.deliver(tickets.heal(Verdict.UNHEALED))
    tickets.jira.delete("SHOP-1")
    tickets.deliver(tickets.heal(Verdict.UNHEALED))
    assert list(tickets.jira.tickets) == ["SHOP-2"]
    tickets.jira.delete("SHOP-2")
    last = tickets.heal(Verdict.UNHEALED)
    tickets.deliver(last)
    tickets.deliver(tickets.heal(Verdict.HEALED))
    assert tickets.jira.tickets == {}
    assert tickets.ticket(last).gone


def test_of_two_tickets_of_one_label_the_older_is_kept_and_the_other_told_once(
    any_tickets: TicketFlow,
) -> None:
    tickets = any_tickets
    first = tickets.heal(Verdict.UNHEALED)
    labels = ["paramedic", f"paramedic-{first.incident}"]
    fields = {"project": {"key": "SHOP"}, "issuetype": {"name": "Bug"}, "labels": labels}
    for number in range(3):
        tickets.sink.client.create({**fields, "summary": f"the same, {number}"})
    tickets.deliver(first)
    tickets.deliver(tickets.heal(Verdict.HEALED))
    others = [tickets.jira.tickets[key] for key in ("SHOP-2", "SHOP-3")]
    assert [len(other.comments) for other in others] == [1, 1]
    assert [[link.type for link in other.links] for other in others] == [["Duplicate"]] * 2
    assert tickets.ticket(first).key == "SHOP-1"
    assert [link.inward for link in tickets.jira.tickets["SHOP-1"].links] == [True, True]
    assert len(tickets.jira.tickets) == 3


def test_optional_fields_that_jira_refuses_are_left_out(tickets: TicketFlow) -> None:
    tickets.use(
        priorities={Verdict.HEALED: "Urgent"},
        components=("cart", "no such"),
        assignee="nobody",
        fields={"customfield_10043": "core"},
    )
    result = tickets.heal()
    tickets.deliver(result)
    assert tickets.ticket(result).left_out == ("assignee", "components", "priority")
    assert tickets.jira.only_ticket.fields["customfield_10043"] == "core"


def test_a_required_field_that_nothing_fills_is_named(tickets: TicketFlow) -> None:
    project = tickets.jira.projects["SHOP"]
    team = FieldSpec("customfield_10099", "Root cause", FieldType.STRING, required=True)
    project.fields = (*project.fields, team)
    with pytest.raises(JiraRefused, match="customfield_10099"):
        tickets.deliver(tickets.heal())
    tickets.use(fields={"customfield_10099": "unknown"})
    tickets.deliver(tickets.heal())
    assert len(tickets.jira.tickets) == 1


def test_verdicts_that_open_no_ticket_change_one_that_exists(tickets: TicketFlow) -> None:
    tickets.deliver(tickets.heal(Verdict.NOT_REPRODUCED))
    assert tickets.jira.requests == []
    tickets.deliver(tickets.heal(Verdict.UNHEALED))
    tickets.deliver(tickets.heal(Verdict.NOT_REPRODUCED))
    assert len(tickets.jira.only_ticket.comments) == 1


def test_records_of_a_dry_run_are_apart(tickets: TicketFlow, jira: StandInJira) -> None:
    result = tickets.heal()
    with Tickets(tickets.flow.client, space="dry").held(result.incident) as held:
        held.save(Ticket(name=result.incident, key="SHOP-99", id="99"))
    tickets.deliver(result)
    assert tickets.ticket(result).key == "SHOP-1"
    dry = Tickets(tickets.flow.client, space="dry")
    assert [ticket.key for ticket in dry.all()] == ["SHOP-99"]
    assert dry.by_key("SHOP-1") is None


def test_records_expire_long_after_their_last_change(tickets: TicketFlow) -> None:
    result = tickets.heal()
    tickets.deliver(result)
    client: redis.Redis = tickets.flow.client
    left = client.pttl(keys.ticket(result.incident))
    assert 399 * 86_400_000 < int(str(left)) <= 400 * 86_400_000


def test_a_doubt_that_comes_to_nothing_is_forgotten_where_no_ticket_is_wanted(
    tickets: TicketFlow,
) -> None:
    result = tickets.heal(Verdict.NOT_REPRODUCED)
    put_back(tickets, result, 5)
    with pytest.raises(DeliveryPostponed):
        tickets.deliver(result)
    put_back(tickets, result, 500)
    tickets.deliver(result)
    assert tickets.jira.tickets == {}
    assert Tickets(tickets.flow.client).unclear() == []


def test_a_search_that_still_knows_a_deleted_ticket_is_not_believed(tickets: TicketFlow) -> None:
    first = tickets.heal(Verdict.UNHEALED)
    tickets.deliver(first)
    tickets.flow.client.delete(keys.ticket(first.incident))
    tickets.jira.search_lag = 60.0
    tickets.jira.delete("SHOP-1")
    tickets.deliver(first)
    assert list(tickets.jira.tickets) == ["SHOP-2"]
