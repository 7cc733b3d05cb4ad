"""What waits between callers and the background thread: bounded, and no caller ever waits.

Exceptions that were raised through the very same stack are folded together here already,
so that a storm of one failure neither fills the memory nor loses count.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable
from queue import Empty, SimpleQueue
from typing import NamedTuple

from paramedic.event import FailureEvent
from paramedic.snapshot import Snapshot

#: What callers hand over: a snapshot, or events that should travel together.
Report = Snapshot | tuple[FailureEvent, ...]


class FlushRequest:
    """A mark: whoever put it waits until all that was reported before it is settled."""

    def __init__(self, *, last: bool = False) -> None:
        """Make a mark; with `last`, the background thread ends after it."""
        self.last = last
        self._settled = threading.Event()
        self._published = False

    def settle(self, *, published: bool) -> None:
        """Let the caller go on; `published` tells whether the broker has everything."""
        self._published = published
        self._settled.set()

    def wait(self, timeout: float) -> bool:
        """Whether, within `timeout` seconds, the broker has taken everything."""
        return self._settled.wait(timeout) and self._published


class Waiting:
    """A report that waits, and how often the same has come again."""

    __slots__ = ("last_at", "report", "times")

    def __init__(self, report: Report) -> None:
        """It has come once."""
        self.report = report
        self.times = 1
        #: When it came last, in seconds since the epoch; only kept for snapshots.
        self.last_at = 0.0


class Taken(NamedTuple):
    """Everything that waited at one moment."""

    reports: list[Waiting]
    marks: list[FlushRequest]


class WaitingReports:
    """Reports in the order in which they came, at most so many and so many bytes."""

    # RLock and SimpleQueue are re-entrant: a signal handler may report at any point.

    def __init__(self, most_reports: int, most_bytes: int) -> None:
        """Begin empty, with these bounds."""
        self._most_reports = most_reports
        self._most_bytes = most_bytes
        self._lock = threading.RLock()
        self._reports: dict[Hashable, Waiting] = {}
        self._bytes = 0
        self._marks: list[FlushRequest] = []
        #: Rung when there is something to do; true if it should be done at once.
        self._bell: SimpleQueue[bool] = SimpleQueue()

    def offer(self, report: Report, size: int) -> bool:
        """Take a report of about `size` bytes; false where a bound forbids it."""
        key = report.stack() if isinstance(report, Snapshot) else object()
        with self._lock:
            known = self._reports.get(key)
            if known is not None and isinstance(report, Snapshot):
                known.times += 1
                known.last_at = report.taken_at
                return True
            number = len(self._reports)
            if number >= self._most_reports or self._bytes + size > self._most_bytes:
                return False
            self._reports[key] = Waiting(report)
            self._bytes += size
        if number == 0 or number == self._most_reports // 2:
            self._bell.put(number > 0)
        return True

    def put_mark(self, mark: FlushRequest) -> None:
        """Put a mark behind all that waits, and have it seen to at once."""
        with self._lock:
            self._marks.append(mark)
        self._bell.put(True)

    def wait(self, timeout: float | None, linger: float) -> None:
        """Wait for something to do, then linger for more of it, unless it is urgent.

        Args:
            timeout: greatest number of seconds until there is something; None: for ever.
            linger: seconds that are waited then, so that repeats can meet.
        """
        try:
            urgent = self._bell.get(timeout=timeout)
            deadline = time.monotonic() + linger
            while not urgent:
                urgent = self._bell.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            return

    def take_all(self) -> Taken:
        """Everything that waits at this moment."""
        with self._lock:
            taken = Taken(list(self._reports.values()), self._marks)
            self._reports, self._marks, self._bytes = {}, [], 0
            return taken
