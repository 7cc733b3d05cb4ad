"""Faults of the stand-in: what goes wrong with the next requests."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum


class When(StrEnum):
    """When a fault strikes."""

    #: Nothing has been done.
    BEFORE = "before"
    #: What was asked for has been done.
    AFTER = "after"


@dataclass
class Fault:
    """One thing that goes wrong."""

    when: When = When.BEFORE
    #: Status of the answer in place of the right one; 0: the right answer.
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    #: What the answer says.
    message: str = "The stand-in was told to."
    #: Cut the connection without an answer.
    drop: bool = False
    #: Wait before the answer, in seconds.
    delay: float = 0.0
    #: Wait before the answer until the test lets go.
    hold: Hold | None = None
    #: Of which requests; empty: any.
    method: str = ""
    #: Regular expression that is looked for in the path.
    path: str = ""
    #: How often; None: until it is taken away.
    times: int | None = 1
    #: Matching requests that are let through before.
    skip: int = 0

    def matches(self, method: str, path: str) -> bool:
        """Whether it is meant for this request."""
        return self.method in ("", method) and re.search(self.path, path) is not None


@dataclass
class Hold:
    """A request that waits inside Jira."""

    #: Set when it has come, and where the fault strikes after, when it has been done.
    reached: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)


class Faults:
    """The queue of faults; each request meets at most one."""

    def __init__(self) -> None:
        self._queue: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """Let this go wrong."""
        with self._lock:
            self._queue.append(fault)
        return fault

    def take(self, method: str, path: str) -> Fault | None:
        """What goes wrong with this request."""
        with self._lock:
            for fault in self._queue:
                if not fault.matches(method, path):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if not fault.times:
                        self._queue.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._queue.clear()

    @property
    def waiting(self) -> int:
        """Faults that have not struck as often as they should."""
        return len(self._queue)

    def answer(
        self,
        status: int,
        *,
        method: str = "",
        path: str = "",
        times: int | None = 1,
        headers: Mapping[str, str] | None = None,
        message: str = "The stand-in was told to.",
    ) -> Fault:
        """Answer with this status, and do nothing."""
        fault = Fault(status=status, headers=headers or {}, message=message)
        return self._meant(fault, method, path, times)

    def answer_after(
        self, status: int, *, method: str = "", path: str = "", times: int | None = 1
    ) -> Fault:
        """Do what was asked for, and answer with this status."""
        return self._meant(Fault(when=When.AFTER, status=status), method, path, times)

    def too_many(
        self,
        reason: str = "jira-burst-based",
        retry_after: float | str | None = 1,
        *,
        method: str = "",
        path: str = "",
        times: int | None = 1,
    ) -> Fault:
        """Answer 429, for this reason; without `Retry-After` where that is None."""
        headers = {"RateLimit-Reason": reason} if reason else {}
        if retry_after is not None:
            headers["Retry-After"] = str(retry_after)
        fault = Fault(status=429, headers=headers, message="Rate limit exceeded.")
        return self._meant(fault, method, path, times)

    def drop_before(self, *, method: str = "", path: str = "", times: int | None = 1) -> Fault:
        """Cut the connection, and do nothing."""
        return self._meant(Fault(drop=True), method, path, times)

    def drop_after(self, *, method: str = "", path: str = "", times: int | None = 1) -> Fault:
        """Do what was asked for, and cut the connection."""
        return self._meant(Fault(when=When.AFTER, drop=True), method, path, times)

    def slow(
        self,
        seconds: float,
        *,
        method: str = "",
        path: str = "",
        times: int | None = 1,
        when: When = When.AFTER,
    ) -> Fault:
        """Take this long for an answer; see `When` for whether it is done before."""
        return self._meant(Fault(when=when, delay=seconds), method, path, times)

    @contextmanager
    def hold(
        self, *, method: str = "", path: str = "", when: When = When.AFTER, drop: bool = False
    ) -> Iterator[Hold]:
        """Keep a request until the block ends; with `drop` it is lost then."""
        hold = Hold()
        fault = self._meant(Fault(when=when, hold=hold, drop=drop), method, path, 1)
        try:
            yield hold
        finally:
            hold.let_go.set()
            with self._lock:
                if fault in self._queue:
                    self._queue.remove(fault)

    def _meant(self, fault: Fault, method: str, path: str, times: int | None) -> Fault:
        fault.method, fault.path, fault.times = method, path, times
        return self.add(fault)
