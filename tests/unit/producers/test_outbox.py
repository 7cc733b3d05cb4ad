"""Merging repeats and cutting batches."""

from __future__ import annotations

from datetime import timedelta

from paramedic.limits import Tally
from paramedic.outbox import Outbox
from paramedic.wire import MAX_BATCH_BYTES, events_of
from tests.support.events import NOON, make_event


def test_repeats_become_one_event_with_a_count() -> None:
    tally = Tally()
    outbox = Outbox(tally)
    later, earlier = NOON + timedelta(hours=1), NOON - timedelta(hours=1)
    outbox.add(make_event(message="first"))
    outbox.add(make_event(message="second", occurred_at=later, count=3))
    outbox.add(make_event(message="third", occurred_at=earlier))
    [parcel] = outbox.seal()
    [event] = events_of(parcel.message)
    assert (event.message, event.count, parcel.count) == ("first", 5, 5)
    assert (event.occurred_at, event.last_at) == (earlier, later)
    assert tally.counts.merged == 4


def test_other_revisions_and_targets_and_causes_are_kept_apart() -> None:
    outbox = Outbox(Tally())
    outbox.add(make_event())
    outbox.add(make_event(revision="abc"))
    outbox.add(make_event(exception_type="KeyError"))
    outbox.add(make_event(target="bank"))
    shop, bank = outbox.seal()
    assert len(events_of(shop.message)) == 3
    assert [event.target for event in events_of(bank.message)] == ["bank"]


def test_batches_have_at_most_a_hundred_events() -> None:
    outbox = Outbox(Tally())
    for number in range(250):
        outbox.add(make_event(test=f"t.py::test_{number}"))
    assert [len(events_of(parcel.message)) for parcel in outbox.seal()] == [100, 100, 50]


def test_batches_have_at_most_a_mebibyte() -> None:
    outbox = Outbox(Tally())
    for number in range(100):
        outbox.add(make_event(test=f"t.py::test_{number}", traceback="x" * 32_000))
    parcels = outbox.seal()
    assert sum(len(events_of(parcel.message)) for parcel in parcels) == 100
    assert len(parcels) == 4
    assert all(len(parcel.message.body) < MAX_BATCH_BYTES + 1_000 for parcel in parcels)


def test_a_sealed_batch_keeps_its_id_and_takes_no_more_repeats() -> None:
    outbox = Outbox(Tally())
    outbox.add(make_event())
    [first] = outbox.seal()
    outbox.add(make_event())
    again, second = outbox.seal()
    assert again == first
    assert second.message.id != first.message.id
    outbox.settle([first])
    assert outbox.parcels == [second]


def test_an_invalid_event_is_dropped_and_counted_and_the_others_go_on() -> None:
    tally = Tally()
    outbox = Outbox(tally)
    outbox.add(make_event(target="no name", count=2))
    outbox.add(make_event())
    assert [parcel.count for parcel in outbox.seal()] == [1]
    assert tally.counts.dropped == 2
