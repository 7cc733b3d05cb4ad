"""The courier: the background thread that brings reports to the broker or to the spool.

Round by round:

1. wait for a report, then linger a little, so that repeats meet;
2. turn snapshots into events, and merge repeats in the outbox;
3. seal the outbox into parcels and send them, unless the broker was away just now;
4. put what was not sent into the spool, and drain the spool when the broker is back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from paramedic.limits import Limits, Tally
from paramedic.outbox import Outbox, Parcel
from paramedic.snapshot import EventSource, Snapshot
from paramedic.spool import Spool
from paramedic.text import one_line
from paramedic.transport import Transport, TransportError
from paramedic.waiting import FlushRequest, Waiting, WaitingReports

_log = logging.getLogger("paramedic")
#: Seconds in which one kind of trouble is logged once.
_LOG_EVERY = 60.0
#: Parcels that are sent in one go: bounds the memory that a send takes.
_SEND_GROUP = 10


class Courier:
    """What the background thread does; the publisher starts it and asks it to flush."""

    def __init__(
        self,
        source: EventSource,
        transport: Transport,
        spool: Spool | None,
        limits: Limits,
        tally: Tally,
    ) -> None:
        """Begin with nothing to do."""
        self.waiting = WaitingReports(limits.queue_reports, limits.queue_bytes)
        self.outbox = Outbox(tally)
        self.spool = spool
        self._source = source
        self._transport = transport
        self._limits = limits
        self._tally = tally
        self._trouble = _Trouble()
        self._retry_at = 0.0
        self._retry_delay = 0.0
        self._spool_waits = spool is not None and not spool.is_empty()

    def run(self) -> None:
        """Round after round until a last flush has been asked for."""
        marks: list[FlushRequest] = []
        while not any(mark.last for mark in marks):
            marks = self._gather()
            settled = self._deliver(urgent=bool(marks))
            for mark in marks:
                mark.settle(published=settled)
            self._tell_drops()
        self._transport.close()

    def rescue(self) -> None:
        """Put everything that is still in memory into the spool; called at the end of the process.

        The background thread may be in the middle of sending some of it. That is harmless:
        a batch that arrives twice is recorded once.
        """
        self._take_in(self.waiting.take_all().reports)
        self._put_by(self.outbox.seal())
        for parcel in self.outbox.parcels:
            self._tally.add(dropped=parcel.count)
        self.outbox.settle(self.outbox.parcels)
        self._tell_drops()

    def _gather(self) -> list[FlushRequest]:
        """Wait for reports and take them in; gives the flush marks that were among them."""
        linger = self._limits.linger_away if self._is_away() else self._limits.linger
        self.waiting.wait(self._patience(), linger)
        taken = self.waiting.take_all()
        self._take_in(taken.reports)
        return taken.marks

    def _patience(self) -> float | None:
        """Seconds until something is to do even without a report; None: nothing is."""
        if not self._spool_waits and not self.outbox.parcels:
            return None
        return max(0.0, self._retry_at - time.monotonic())

    def _is_away(self) -> bool:
        return self._retry_at > time.monotonic()

    def _take_in(self, reports: Sequence[Waiting]) -> None:
        for waiting in reports:
            report = waiting.report
            if isinstance(report, Snapshot):
                self._attempt(waiting.times, self._add_snapshot, report, waiting)
                continue
            for event in report:
                self._attempt(event.count, self.outbox.add, event)

    def _attempt(self, count: int, add: Callable[..., None], *arguments: object) -> None:
        """Add something to the outbox; what is too odd for that is dropped and counted."""
        try:
            add(*arguments)
        except Exception as error:  # noqa: BLE001 - one odd report must not end the thread
            self._tally.add(dropped=count)
            self._trouble.tell("A report was dropped: %s", one_line(repr(error)))

    def _add_snapshot(self, snapshot: Snapshot, waiting: Waiting) -> None:
        event = self._source.event(snapshot)
        if waiting.times > 1:
            last_at = datetime.fromtimestamp(waiting.last_at, UTC)
            event = replace(event, count=waiting.times, last_at=last_at)
        self.outbox.add(event, snapshot)

    def _deliver(self, *, urgent: bool) -> bool:
        """Send or spool what there is; whether the broker now has everything."""
        try:
            parcels = self.outbox.seal()
            if (urgent or not self._is_away()) and (parcels or self._spool_waits):
                self._send_all(parcels)
            self._put_by(self.outbox.parcels)
        except Exception as error:  # noqa: BLE001 - what went wrong here must not end the thread
            self._back_off()
            self._trouble.tell("Delivering failed: %s", one_line(repr(error)))
        return not self._spool_waits and not self.outbox.parcels

    def _send_all(self, parcels: Sequence[Parcel]) -> None:
        try:
            for start in range(0, len(parcels), _SEND_GROUP):
                self._send(parcels[start : start + _SEND_GROUP])
            self._retry_delay = self._retry_at = 0.0
            self._drain_spool()
        except TransportError as error:
            self._back_off()
            self._trouble.tell("The broker is away: %s", error)

    def _send(self, parcels: Sequence[Parcel]) -> None:
        self._transport.send([parcel.message for parcel in parcels])
        self.outbox.settle(parcels)
        self._tally.add(published=sum(parcel.count for parcel in parcels))

    def _drain_spool(self) -> None:
        if not self._spool_waits or self.spool is None:
            return
        complete = self.spool.drain(self._send_spooled)
        self._spool_waits = not complete and not self.spool.is_empty()
        if self._spool_waits:  # another process is draining it: look again in a while
            self._retry_at = time.monotonic() + self._limits.retry_first

    def _send_spooled(self, parcels: Sequence[Parcel]) -> None:
        self._transport.send([parcel.message for parcel in parcels])
        self._tally.add(drained=sum(parcel.count for parcel in parcels))

    def _back_off(self) -> None:
        limits = self._limits
        self._retry_delay = min(self._retry_delay * 2 or limits.retry_first, limits.retry_most)
        self._retry_at = time.monotonic() + self._retry_delay

    def _put_by(self, parcels: Sequence[Parcel]) -> None:
        """Spool these parcels; those that the spool refuses wait in memory, up to a bound."""
        held = []
        for parcel in parcels:
            if self.spool is not None and self.spool.put(parcel):
                self._spool_waits = True
                self.outbox.settle([parcel])
                self._tally.add(spooled=parcel.count)
            else:
                held.append(parcel)
        if held and self.spool is not None:
            self._trouble.tell(
                "The broker is away and the spool takes no more: %s",
                f"{self.spool.folder}: {self.spool.refusal}",
                logging.ERROR,
            )
        for parcel in held[self._limits.held_batches :]:
            self.outbox.settle([parcel])
            self._tally.add(dropped=parcel.count)

    def _tell_drops(self) -> None:
        if dropped := self._tally.counts.dropped:
            self._trouble.tell(
                "Reports lost so far, at a bound or as invalid: %d", dropped, logging.ERROR
            )


class _Trouble:
    """Logs each kind of trouble once in a while, instead of every time."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[float, object]] = {}

    def tell(self, text: str, detail: object, level: int = logging.WARNING) -> None:
        last, known = self._told.get(text, (float("-inf"), None))
        now = time.monotonic()
        if now - last < _LOG_EVERY or (isinstance(detail, int) and detail == known):
            return
        self._told[text] = (now, detail)
        # Where a service has set up no logging, Python writes this to stderr.
        _log.log(level, text, detail)
