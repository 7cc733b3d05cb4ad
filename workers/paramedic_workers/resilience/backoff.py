"""Trying again: longer pauses each time, with some chance in them, and an end to it.

Only what is known to pass is tried again (`transience` says what that is); the rest is
raised at once. Whoever wants to know of each further try listens with `telling`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from paramedic_workers.errors import ParamedicError

T = TypeVar("T")

#: Powers beyond this one are greater than any pause, and would overflow.
_GREATEST_POWER = 50


def pause_after(
    attempt: int,
    *,
    first: float,
    factor: float,
    greatest: float,
    chance: Callable[[], float] = random.random,
) -> float:
    """Seconds until the next attempt: longer each time, and shortened by up to a half.

    Args:
        attempt: the number of the attempt that failed, from 1.
        first: seconds after the first one, before chance.
        factor: by which each further pause is longer.
        greatest: seconds that no pause exceeds.
        chance: gives a number from 0 to 1; what failed together is not tried again together.
    """
    full = min(first * factor ** min(attempt - 1, _GREATEST_POWER), greatest)
    return full * (1 - chance() / 2)


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How often, and for how long, something is tried again."""

    #: Tries in all.
    tries: int
    #: Seconds before the second try.
    first: float
    factor: float = 3.0
    #: Seconds that no pause exceeds.
    greatest: float = 15.0

    def persist(
        self,
        work: Callable[[], T],
        *,
        left: Callable[[], float],
        sleep: Callable[[float], None] | None = None,
        chance: Callable[[], float] = random.random,
    ) -> T:
        """What `work` gives, at the latest in its last try.

        Args:
            work: may be done again after it raised a transient error.
            left: gives the seconds until the work must be done; a pause that is longer
                than half of them is not made.
            sleep: waits that many seconds; `time.sleep` where it is not given.
            chance: see `pause_after`.

        Raises:
            ParamedicError: what the last try raised; it is not `transient`, or tries or
                time are used up.
        """
        attempt = 1
        while True:
            pause = pause_after(
                attempt,
                first=self.first,
                factor=self.factor,
                greatest=self.greatest,
                chance=chance,
            )
            try:
                return work()
            except ParamedicError as error:
                if not error.transient or attempt >= self.tries or pause > left() / 2:
                    raise
                attempt += 1
                _tell(f"trying again in {pause:.1f} s ({attempt} of {self.tries}): {error}")
            (sleep or time.sleep)(pause)


def _tell_nobody(_line: str) -> None:
    pass


_listener: ContextVar[Callable[[str], None]] = ContextVar("_listener", default=_tell_nobody)


@contextmanager
def telling(listener: Callable[[str], None]) -> Iterator[None]:
    """Let `listener` hear a line of each further try that this thread makes in the block."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def _tell(line: str) -> None:
    _listener.get()(line)
