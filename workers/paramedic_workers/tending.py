"""Tending: what sinks do beside deliveries, such as a digest each evening.

1. The sweep finds a sink whose `tend_seconds` are over, and rings in the sink's own queue.
2. Whoever hears it takes the lock of that sink, for at most as long as a task may take:
   over all machines one tends it at a time.
3. The sink does what is due. What it raises is logged, and it is tended again the next time;
   where it says that it takes nothing for a while, it rests. A resting sink is not tended.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import cast

import redis
import structlog

from paramedic.event import now
from paramedic_workers import keys
from paramedic_workers.errors import SinkUnavailable
from paramedic_workers.incidents import milliseconds
from paramedic_workers.resting import Resting, words_of
from paramedic_workers.sinks import TendedSink

#: Seconds after which the lock of somebody who died is free: longer than a task may take.
LOCK_SECONDS = 330

_log = structlog.get_logger()


class TendEnd(StrEnum):
    """What became of the wish to tend a sink."""

    #: It has done what was due.
    TENDED = "tended"
    #: It raised; it is tended again when its time has come again.
    BROKE = "broke"
    #: It takes nothing for a while, and was not asked, or has just said so.
    RESTING = "resting"
    #: It was tended a moment ago.
    EARLY = "early"
    #: Somebody else tends it.
    BUSY = "busy"
    #: It has no duties beside deliveries.
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class Tending:
    """Tends sinks."""

    client: redis.Redis
    #: All of the settings, by name.
    sinks: Mapping[str, object]
    clock: Callable[[], datetime] = now

    def due(self) -> tuple[str, ...]:
        """The sinks that should be tended now."""
        present = milliseconds(self.clock())
        return tuple(
            name
            for name, sink in self._tended()
            if self._is_due(name, sink, present) and not self._resting.rests(name)
        )

    def tend(self, name: str) -> TendEnd:
        """Tend one sink, if it is due and nobody else does."""
        sink = self.sinks.get(name)
        if not isinstance(sink, TendedSink):
            return TendEnd.NOTHING
        if self._resting.rests(name):
            return TendEnd.RESTING
        token = uuid.uuid4().hex
        if not self.client.set(keys.tending(name), token, nx=True, ex=LOCK_SECONDS):
            return TendEnd.BUSY
        try:
            return self._tend_locked(name, sink)
        finally:
            self.client.eval(keys.UNLOCK, 1, keys.tending(name), token)

    def _tend_locked(self, name: str, sink: TendedSink) -> TendEnd:
        present = milliseconds(self.clock())
        if not self._is_due(name, sink, present):
            return TendEnd.EARLY
        self.client.hset(keys.TENDED, name, present)
        try:
            sink.tend()
        except SinkUnavailable as error:
            self._resting.begin(name, error)
            _log.warning("a sink rests", sink=name, why=words_of(error))
            return TendEnd.RESTING
        except BaseException as error:  # noqa: BLE001 - a sink may raise anything, SystemExit too
            _log.exception("a sink could not be tended", sink=name, error=words_of(error))
            return TendEnd.BROKE
        return TendEnd.TENDED

    def _tended(self) -> list[tuple[str, TendedSink]]:
        return [(name, sink) for name, sink in self.sinks.items() if isinstance(sink, TendedSink)]

    def _is_due(self, name: str, sink: TendedSink, present: int) -> bool:
        last = cast("str | None", self.client.hget(keys.TENDED, name))
        # A clock that was ahead must not keep a sink from being tended.
        return last is None or not 0 <= present - int(last) < sink.tend_seconds * 1000

    @property
    def _resting(self) -> Resting:
        return Resting(client=self.client)
