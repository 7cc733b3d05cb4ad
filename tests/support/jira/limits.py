"""The limits that Jira Cloud sets for requests, as the stand-in enforces them."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.support.jira.answers import Refused

#: Writes to one issue: at most so many within so many seconds.
#: Source: https://developer.atlassian.com/cloud/jira/platform/rate-limiting/
PER_ISSUE = ((20, 2.0), (100, 30.0))
#: Requests of one second to one endpoint, by method; the same source.
BURST: Mapping[str, int] = {"GET": 100, "POST": 100, "PUT": 50, "DELETE": 50}


@dataclass(frozen=True)
class Window:
    """At most so many requests within so many seconds."""

    most: int
    seconds: float


@dataclass
class Limits:
    """Counts requests, and refuses those over the limits; switched off until a test wants it."""

    clock: Callable[[], float]
    #: Windows for writes to one issue.
    per_issue: tuple[Window, ...] = ()
    #: Windows for the requests to one endpoint, by method.
    burst: Mapping[str, Window] = field(default_factory=dict)
    #: Requests that were refused, by reason.
    refused: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _seen: dict[tuple[str, float], deque[float]] = field(default_factory=dict)

    def as_cloud(self) -> None:
        """Take the limits of Jira Cloud."""
        self.per_issue = tuple(Window(most, seconds) for most, seconds in PER_ISSUE)
        self.burst = {method: Window(most, 1.0) for method, most in BURST.items()}

    def check_burst(self, method: str, endpoint: str) -> None:
        """Count a request to an endpoint.

        Raises:
            Refused: 429, it is one too many.
        """
        windows = [self.burst[method]] if method in self.burst else []
        self._check(f"{method} {endpoint}", windows, "jira-burst-based")

    def check_write(self, ticket: str) -> None:
        """Count a write to a ticket.

        Raises:
            Refused: 429, it is one too many.
        """
        self._check(f"ticket {ticket}", self.per_issue, "jira-per-issue-on-write")

    def _check(self, what: str, windows: tuple[Window, ...] | list[Window], reason: str) -> None:
        now = self.clock()
        for window in windows:
            seen = self._seen.setdefault((what, window.seconds), deque())
            while seen and seen[0] <= now - window.seconds:
                seen.popleft()
            if len(seen) >= window.most:
                self.refused[reason] += 1
                wait = math.ceil(seen[0] + window.seconds - now) or 1
                headers = {"Retry-After": str(wait), "RateLimit-Reason": reason}
                raise Refused(429, "Rate limit exceeded.", headers=headers)
        for window in windows:
            self._seen[what, window.seconds].append(now)
