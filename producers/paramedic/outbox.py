"""The outbox: repeats are merged here, and batches wait until they are sent or spooled."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

import msgspec
from msgspec.structs import replace

from paramedic import wire
from paramedic.event import MAX_BATCH_EVENTS, FailureEvent, InvalidEvent
from paramedic.fingerprint import fingerprint
from paramedic.limits import Tally
from paramedic.snapshot import Snapshot, traceback_text


class Parcel(msgspec.Struct, frozen=True):
    """One message, and how many failures it tells of."""

    message: wire.Message
    count: int


class _Pending(msgspec.Struct):
    """An event that may still take repeats in."""

    event: FailureEvent
    #: Gives the text of the traceback, which repeats do without.
    snapshot: Snapshot | None


class Outbox:
    """Events until they are sealed, parcels until they are settled."""

    def __init__(self, tally: Tally) -> None:
        """Begin empty; merged and invalid events are counted in `tally`."""
        self._tally = tally
        self._lock = threading.Lock()
        self._pending: dict[tuple[str, str | None, str], _Pending] = {}
        self._parcels: dict[str, Parcel] = {}

    def add(self, event: FailureEvent, snapshot: Snapshot | None = None) -> None:
        """Take an event in, merged with one of the same cause and revision that waits.

        Args:
            event: the event; without its traceback where a snapshot is given.
            snapshot: what the event was made of.
        """
        key = (event.target, event.revision, fingerprint(event))
        with self._lock:
            first = self._pending.get(key)
            if first is None:
                self._pending[key] = _Pending(event, snapshot)
            else:
                first.event = merged(first.event, event)
        self._tally.add(merged=event.count - (first is None))

    def seal(self) -> list[Parcel]:
        """Make parcels of what is pending; gives all that are not settled, oldest first."""
        with self._lock:
            pending, self._pending = self._pending, {}
        encoded = [event for waiting in pending.values() for event in self._encoded(waiting)]
        parcels = [_parcel(batch) for batch in _batches(encoded)]
        with self._lock:
            self._parcels.update({parcel.message.id: parcel for parcel in parcels})
            return list(self._parcels.values())

    def settle(self, parcels: Iterable[Parcel]) -> None:
        """Forget parcels that were sent, spooled or dropped."""
        with self._lock:
            for parcel in parcels:
                self._parcels.pop(parcel.message.id, None)

    @property
    def parcels(self) -> list[Parcel]:
        """The parcels that are not settled."""
        with self._lock:
            return list(self._parcels.values())

    def _encoded(self, waiting: _Pending) -> Iterator[wire.EncodedEvent]:
        event = waiting.event
        if waiting.snapshot is not None:
            event = replace(event, traceback=traceback_text(waiting.snapshot))
        try:
            yield wire.encoded(event)
        except InvalidEvent:
            self._tally.add(dropped=event.count)


def merged(first: FailureEvent, repeat: FailureEvent) -> FailureEvent:
    """The first event, counting its repeat too."""
    times = [first.occurred_at, repeat.occurred_at]
    times += [last for last in (first.last_at, repeat.last_at) if last is not None]
    return replace(
        first, occurred_at=min(times), last_at=max(times), count=first.count + repeat.count
    )


def _batches(events: Iterable[wire.EncodedEvent]) -> Iterator[list[wire.EncodedEvent]]:
    """The events by target, in runs that fit into one message."""
    by_target: dict[str, list[wire.EncodedEvent]] = {}
    for event in events:
        batch = by_target.setdefault(event.target, [])
        if batch and not _fits(batch, event):
            yield batch
            batch = by_target[event.target] = []
        batch.append(event)
    yield from by_target.values()


def _fits(batch: list[wire.EncodedEvent], event: wire.EncodedEvent) -> bool:
    size = sum(len(other.data) for other in batch) + len(event.data)
    return len(batch) < MAX_BATCH_EVENTS and size <= wire.MAX_BATCH_BYTES


def _parcel(batch: list[wire.EncodedEvent]) -> Parcel:
    return Parcel(wire.assemble(batch), sum(event.count for event in batch))
