"""Jira's limits on how much may be asked of it, and how they are kept.

Jira Cloud has three that hold at once, and tells by the header `RateLimit-Reason` of an
answer 429 which was met (developer.atlassian.com, "Rate limiting" of Jira Cloud):

- `jira-burst-based`: requests per second to one address of the whole site.
- `jira-per-issue-on-write`: 20 writes to one issue in 2 seconds, and 100 in 30 seconds.
- `jira-quota-…`: what an hour allows.

Data Center answers 429 with `Retry-After` where an administrator has switched limits on.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum

from paramedic_workers.sinks.retry_after import retry_after

#: Writes to one ticket that one process makes at most in so many seconds: half of what Jira
#: Cloud allows per issue (20 in 2 s, 100 in 30 s), for two processes may deliver at once.
WRITES_PER_TICKET = ((10, 2.0), (50, 30.0))
#: Tickets whose latest writes are remembered: many more than are written in half a minute.
_REMEMBERED = 1_000


class LimitReason(StrEnum):
    """Which limit an answer 429 tells of."""

    #: Too many requests in a second; passes at once.
    BURST = "jira-burst-based"
    #: Too many writes to one issue; all others may be written.
    PER_ISSUE = "jira-per-issue-on-write"
    #: The hour's share is used up.
    QUOTA = "jira-quota"
    #: It does not say.
    UNKNOWN = ""


#: Seconds to wait where the answer does not say how long.
_USUAL_PAUSES = {
    LimitReason.BURST: 5.0,
    LimitReason.PER_ISSUE: 30.0,
    LimitReason.QUOTA: 600.0,
    LimitReason.UNKNOWN: 30.0,
}


def limit_reason(headers: Mapping[str, str]) -> LimitReason:
    """Which limit was met, by the header `RateLimit-Reason`."""
    said = headers.get("RateLimit-Reason", "").strip().lower()
    if said.startswith(LimitReason.QUOTA):
        return LimitReason.QUOTA
    known = {LimitReason.BURST, LimitReason.PER_ISSUE}
    return next((reason for reason in known if reason == said), LimitReason.UNKNOWN)


def limit_pause(headers: Mapping[str, str], wall: datetime) -> float:
    """Seconds until an answer 429 allows the next request.

    Args:
        headers: of the answer, their names in any case.
        wall: the time now; `Retry-After` and `X-RateLimit-Reset` may be moments.
    """
    usual = _USUAL_PAUSES[limit_reason(headers)]
    reset = _until(headers.get("X-RateLimit-Reset", ""), wall)
    return retry_after(headers.get("Retry-After"), wall, usual if reset is None else reset)


def _until(value: str, wall: datetime) -> float | None:
    """Seconds until a moment in the way of ISO 8601: `2026-03-02T10:15Z`."""
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - wall).total_seconds()


class WritePace:
    """Keeps the writes of this process to one ticket below Jira's limit; thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Count nothing yet.

        Args:
            clock: seconds that only go forward.
        """
        self._clock = clock
        self._lock = threading.Lock()
        self._written: OrderedDict[str, deque[float]] = OrderedDict()

    def book(self, ticket: str) -> float:
        """Count one write to this ticket; returns the seconds to wait before it is sent."""
        now = self._clock()
        with self._lock:
            written = self._written.setdefault(ticket, deque(maxlen=WRITES_PER_TICKET[-1][0]))
            self._written.move_to_end(ticket)
            if len(self._written) > _REMEMBERED:
                self._written.popitem(last=False)
            at = max([now, *(_free(written, count, span) for count, span in WRITES_PER_TICKET)])
            written.append(at)
        return at - now


def _free(written: deque[float], count: int, span: float) -> float:
    """When one more write keeps `count` in `span` seconds."""
    return written[-count] + span if len(written) >= count else -math.inf
