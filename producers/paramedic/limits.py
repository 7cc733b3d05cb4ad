"""The bounds of a publisher, and the count of what became of what it was given."""

from __future__ import annotations

import threading

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Every bound of a publisher; the defaults suit a service and a test run alike."""

    #: Different reports that may wait in memory; those above are dropped and counted.
    queue_reports: int = 10_000
    #: Bytes, about, that the waiting reports may take.
    queue_bytes: int = 64 * 1024 * 1024
    #: Seconds in which repeats are gathered before a batch is sent.
    linger: float = 0.2
    #: The same while the broker is away, so that the spool gets fewer and fuller files.
    linger_away: float = 2.0
    #: Seconds after which a connection attempt or an unanswered send is given up.
    timeout: float = 5.0
    #: Seconds until the first new try when the broker is away; doubled after each.
    retry_first: float = 0.5
    #: Greatest number of seconds between two tries.
    retry_most: float = 30.0
    #: Batches that the spool on disk may hold; 0: no spool.
    spool_batches: int = 2_000
    #: Bytes that the spool may hold.
    spool_bytes: int = 64 * 1024 * 1024
    #: Batches kept in memory where the spool takes no more.
    held_batches: int = 100
    #: Seconds that the end of the process may be delayed; the rest goes to the spool.
    exit_timeout: float = 2.0


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the failures that were reported.

    Each number counts failures: an event that stands for n repeats counts as n.
    Once all is settled, `reported == published + spooled + dropped`.
    """

    #: Handed over by callers.
    reported: int = 0
    #: Of these, folded into another event of the same cause.
    merged: int = 0
    #: Taken by the broker.
    published: int = 0
    #: Written to the spool, because the broker was away.
    spooled: int = 0
    #: Taken by the broker out of the spool, those of earlier processes included.
    drained: int = 0
    #: Lost at a bound, or because they were no valid events.
    dropped: int = 0


class Tally:
    """The running counts; may be changed from any thread."""

    def __init__(self) -> None:
        """Begin at nothing."""
        # Re-entrant, because a signal handler may report while its thread is in here.
        self._lock = threading.RLock()
        self._counts = Counts()

    def add(
        self,
        *,
        reported: int = 0,
        merged: int = 0,
        published: int = 0,
        spooled: int = 0,
        drained: int = 0,
        dropped: int = 0,
    ) -> None:
        """Add to each count."""
        with self._lock:
            now = self._counts
            self._counts = Counts(
                reported=now.reported + reported,
                merged=now.merged + merged,
                published=now.published + published,
                spooled=now.spooled + spooled,
                drained=now.drained + drained,
                dropped=now.dropped + dropped,
            )

    @property
    def counts(self) -> Counts:
        """The counts at this moment."""
        return self._counts
