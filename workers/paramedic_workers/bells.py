"""Bells that ring later: what is due in some seconds need not wait for the next sweep.

They are kept in this process only: one that is lost with it is rung by the sweep.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

#: Seconds ahead for which a bell is set; what is due later is found by the sweep.
SOON = 30.0


@dataclass(kw_only=True)
class Bells:
    """At most one bell for each name, the earliest that was asked for."""

    _timers: dict[str, tuple[float, threading.Timer]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ring_in(self, seconds: float, name: str, ring: Callable[[], None]) -> None:
        """Ring after so many seconds, unless that is later than `SOON`.

        Args:
            seconds: from now on.
            name: of what is rung for.
            ring: called once, in a thread of its own.
        """
        if seconds > SOON:
            return
        at = time.monotonic() + seconds
        with self._lock:
            known = self._timers.get(name)
            if known is not None:
                if known[0] <= at:
                    return
                known[1].cancel()
            timer = threading.Timer(seconds, self._ring, (name, at, ring))
            timer.daemon = True
            self._timers[name] = (at, timer)
            timer.start()

    @property
    def waiting(self) -> int:
        """How many bells are set."""
        return len(self._timers)

    def _ring(self, name: str, at: float, ring: Callable[[], None]) -> None:
        with self._lock:
            if self._timers.get(name, (None,))[0] == at:
                del self._timers[name]
        ring()
