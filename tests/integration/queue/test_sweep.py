"""The sweep rings for what waits without a message, and only for that."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis.exceptions import ResponseError

from paramedic import Publisher, wire
from paramedic_workers import keys
from paramedic_workers.dead_letters.model import Reason
from paramedic_workers.dead_letters.store import DeadLetters
from paramedic_workers.incidents import IncidentState, group_name, milliseconds
from paramedic_workers.leases import Lease
from paramedic_workers.sweep import JOURNAL_LEASES, Doorbells
from tests.support.queueing import REVISION, Flow, make_batch, make_event, write_journal

GROUP = group_name("shop", REVISION)


def test_a_waiting_group_is_rung_for_once_per_interval(flow: Flow) -> None:
    flow.fail("test_a")
    assert flow.sweeper().sweep() == Doorbells()
    flow.clock.forward(flow.settings.sweep_seconds)
    assert flow.sweeper().sweep().groups == (GROUP,)
    assert flow.sweeper().sweep().groups == ()


def test_a_group_that_waits_since_tomorrow_is_rung_for(flow: Flow) -> None:
    flow.clock.forward(86_400)
    flow.fail("test_a")
    flow.clock.forward(-86_400)
    assert flow.sweeper().sweep().groups == (GROUP,)


def test_a_queue_that_holds_enough_messages_gets_no_more(flow: Flow) -> None:
    flow.fail("test_a")
    flow.clock.forward(60)
    assert flow.sweeper(messages=1).sweep() == Doorbells()


def test_a_leased_group_is_not_rung_for(flow: Flow) -> None:
    flow.fail("test_a")
    flow.clock.forward(60)
    Lease(client=flow.client, group=GROUP, target="shop", seconds=30).acquire(parallel=1)
    assert flow.sweeper().sweep().groups == ()


def test_a_heal_whose_lease_expired_waits_again(flow: Flow) -> None:
    flow.fail("test_a")
    flow.standin.act = lambda _request: (_ for _ in ()).throw(_LoseLease(flow))
    flow.healer.heal("shop", REVISION)
    assert flow.ledger.incidents()[0].state is IncidentState.HEALING
    flow.sweeper().sweep()
    assert flow.ledger.incidents()[0].state is IncidentState.WAITING
    flow.clock.forward(60)
    assert flow.sweeper().sweep().groups == (GROUP,)


class _LoseLease(Exception):
    """Raised by a healer at whose time the lease expires."""

    def __init__(self, flow: Flow) -> None:
        flow.client.delete(keys.lease(GROUP))
        super().__init__("lost")


def test_an_undelivered_result_is_rung_for(flow: Flow) -> None:
    flow.fail("test_a")
    (result,) = flow.healer.heal("shop", REVISION).results
    assert flow.sweeper().sweep().deliveries == (("file", result.id),)
    assert flow.sweeper(messages=1).sweep().deliveries == ()


def test_a_batch_whose_message_was_lost_is_recorded_from_the_journal(flow: Flow) -> None:
    batch = make_batch(make_event(flow.clock(), count=3))
    write_journal(flow.client, batch, flow.clock())
    assert flow.sweeper().sweep() == Doorbells()
    flow.clock.forward(flow.settings.lease_seconds * JOURNAL_LEASES)
    assert flow.sweeper(messages=1).sweep() == Doorbells()  # it may be in the queue still
    assert flow.sweeper().sweep().groups == (GROUP,)
    assert flow.ledger.occurrences() == 3
    assert not flow.intake.record([batch], "the message, found after all").new
    assert flow.client.hlen(keys.JOURNAL) == flow.client.zcard(keys.JOURNAL_PUBLISHED) == 0


def test_a_lost_batch_of_a_producer_whose_clock_is_ahead_is_recorded(flow: Flow) -> None:
    write_journal(flow.client, make_batch(make_event(flow.clock())), flow.clock())
    flow.clock.forward(-86_400)
    assert flow.sweeper().sweep().groups == (GROUP,)
    assert flow.ledger.occurrences() == 1


def test_a_batch_of_the_journal_that_breaks_intake_is_a_letter_and_the_sweep_goes_on(
    flow: Flow,
) -> None:
    write_journal(flow.client, make_batch(make_event(flow.clock()), batch="broken"), flow.clock())
    write_journal(flow.client, make_batch({"odd": 1}, batch="odd"), flow.clock())
    flow.client.set(keys.INCIDENTS, "no sorted set")
    flow.clock.forward(flow.settings.lease_seconds * JOURNAL_LEASES)
    with suppress(ResponseError):  # what forgets incidents cannot read them either
        flow.sweeper().sweep()
    letters = {letter.reason for letter in DeadLetters(flow.client).letters()}
    assert letters == {Reason.ERROR, Reason.INVALID}
    assert flow.client.hlen(keys.JOURNAL) == 0


def test_what_a_publisher_sent_is_found_though_its_message_is_lost(
    flow: Flow, broker_url: str, tmp_path: Path
) -> None:
    with Publisher("shop", broker_url=broker_url, spool=tmp_path) as publisher:
        publisher.report(make_event(flow.clock()))
    assert flow.client.delete(wire.INTAKE_QUEUE) == 1
    flow.clock.present = datetime.now(UTC)
    flow.clock.forward(flow.settings.lease_seconds * JOURNAL_LEASES + 1)
    bells = flow.sweeper().sweep()
    assert bells.groups == (f"shop@{REVISION}",)
    assert [incident.count for incident in flow.ledger.incidents()] == [1]
    assert flow.client.hlen(keys.JOURNAL) == flow.client.zcard(keys.JOURNAL_PUBLISHED) == 0


def test_a_batch_that_is_recorded_leaves_the_journal(flow: Flow) -> None:
    batch = make_batch(make_event(flow.clock()))
    write_journal(flow.client, batch, flow.clock())
    flow.intake.record([batch], "message")
    assert flow.client.hlen(keys.JOURNAL) == flow.client.zcard(keys.JOURNAL_PUBLISHED) == 0


@pytest.mark.parametrize("content", [b"{", b"\xff\x00", b"[" * 100_000, b"7", b"{}"])
def test_garbage_in_the_journal_becomes_a_dead_letter(flow: Flow, content: bytes) -> None:
    stamp = milliseconds(flow.clock())
    for name in (b"a-batch", b"\xfe"):
        flow.client.hset(keys.JOURNAL, name, content)
        flow.client.zadd(keys.JOURNAL_PUBLISHED, {name: stamp})
    flow.clock.forward(flow.settings.lease_seconds * JOURNAL_LEASES)
    assert flow.sweeper().sweep().groups == ()
    letters = list(DeadLetters(flow.client).letters())
    assert len(letters) == 2
    for letter in letters:
        assert letter.reason is Reason.INVALID
        assert content in letter.original.body
    assert flow.client.hlen(keys.JOURNAL) == flow.client.zcard(keys.JOURNAL_PUBLISHED) == 0


def test_dead_letters_die_after_days_of_their_own(flow: Flow) -> None:
    flow.intake.record([make_batch({"odd": 1})], "message")
    days = flow.settings.dead_letter_days
    for forward, left in ((days - 1, 1), (2, 0)):
        flow.clock.forward(forward * 86_400)
        flow.sweeper().sweep()
        assert DeadLetters(flow.client).count() == left
    assert DeadLetters(flow.client).discarded() == 1


def test_two_sweeps_never_run_at_once(flow: Flow) -> None:
    flow.fail("test_a")
    flow.clock.forward(60)
    flow.client.set(keys.SWEEP, "another", ex=10)
    assert flow.sweeper().sweep() == Doorbells()
    assert flow.client.get(keys.SWEEP) == "another"


@pytest.mark.parametrize(("days", "left"), [(29, 1), (31, 0)])
def test_closed_incidents_are_forgotten_after_the_retention(
    flow: Flow, days: int, left: int
) -> None:
    flow.fail("test_a", tags={"run": "https://ci.shop.example/1"})
    (result,) = flow.healer.heal("shop", REVISION).results
    flow.client.delete(keys.outbox("file"))
    flow.clock.forward(days * 24 * 3600)
    flow.sweeper().sweep()
    assert len(flow.ledger.incidents()) == left
    assert len(flow.ledger.links_of(result.incident)) == left
    assert (flow.ledger.result(result.id) is not None) == bool(left)


def test_an_incident_whose_events_are_old_is_kept_for_the_retention_after_its_close(
    flow: Flow,
) -> None:
    day = 24 * 3600
    flow.fail("test_a")
    flow.clock.forward(31 * day)
    flow.healer.heal("shop", REVISION)
    for days, left in ((0, 1), (29, 1), (2, 0)):
        flow.clock.forward(days * day)
        flow.sweeper().sweep()
        assert len(flow.ledger.incidents()) == left


def test_what_waits_or_is_not_delivered_is_never_forgotten(flow: Flow) -> None:
    flow.fail("test_a")
    flow.healer.heal("shop", REVISION)
    flow.fail("test_b")
    flow.clock.forward(400 * 24 * 3600)
    flow.sweeper().sweep()
    assert [incident.test for incident in flow.ledger.incidents()] == ["test_b"]
    assert len(flow.ledger.results()) == 1
