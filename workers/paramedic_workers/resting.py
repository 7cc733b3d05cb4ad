"""Sinks that rest: they take nothing for a while, and are not asked meanwhile.

A sink rests when it says so (`SinkUnavailable`), for as long as it asks for, within bounds.
Then one delivery at a time probes whether it is back; the first that finds it so ends the
rest, and all that waits is delivered.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import redis

from paramedic_workers import keys
from paramedic_workers.errors import SinkUnavailable, describe
from paramedic_workers.incidents import moment

#: Seconds that a sink rests, or one delivery waits, at most until it is asked again, whatever
#: the sink has asked for.
LONGEST_REST = 900.0
#: The same at least: a sink that asks for no pause at all must not keep workers spinning.
LEAST_REST = 0.1
#: Share by which such a wait is longer at most: what waits together is not asked together.
_CHANCE = 0.1
#: Characters kept of why a sink rests.
_WHY_LENGTH = 1_000


@dataclass(frozen=True, kw_only=True)
class Rest:
    """Why a sink takes nothing, since when, and until when it is not asked."""

    sink: str
    since: datetime
    until: datetime
    why: str


@dataclass(frozen=True, kw_only=True)
class Resting:
    """Says which sinks rest, and what is due at those that do not."""

    client: redis.Redis

    def standing(self, sinks: Iterable[str]) -> list[Rest]:
        """Those of these sinks that rest, or whose rest is over and no probe has ended it."""
        return [rest for rest in map(self._rest, sinks) if rest is not None]

    def rests(self, sink: str) -> bool:
        """Whether it is too early to ask the sink again."""
        until = cast("str | None", self.client.hget(keys.resting(sink), "until"))
        return until is not None and int(until) > self._present()

    def begin(self, sink: str, error: SinkUnavailable) -> None:
        """Let a sink rest that said so other than to a delivery."""
        milliseconds = int(rest_seconds(error.retry_after) * 1000)
        self.client.eval(keys.REST_SINK, 0, sink, milliseconds, words_of(error))

    def due(self, sink: str, most: int) -> list[str]:
        """Ids of results that may be delivered now, the first due first.

        Args:
            sink: whose.
            most: greatest number given; one is, where it must probe whether the sink is back.
        """
        present = self._present()
        until = cast("str | None", self.client.hget(keys.resting(sink), "until"))
        if until is not None:
            if int(until) > present:
                return []
            most = 1
        return cast(
            "list[str]",
            self.client.zrange(keys.outbox(sink), 0, present, byscore=True, offset=0, num=most),
        )

    def _rest(self, sink: str) -> Rest | None:
        kept = cast("dict[str, str]", self.client.hgetall(keys.resting(sink)))
        if not kept:
            return None
        since, until = moment(kept["since"]), moment(kept["until"])
        return Rest(sink=sink, since=since, until=until, why=kept["why"])

    def _present(self) -> int:
        """The server's clock in milliseconds, by which deliveries are due."""
        seconds, micros = self.client.time()
        return int(seconds) * 1000 + int(micros) // 1000


def rest_seconds(retry_after: float) -> float:
    """Seconds until a sink is asked again that wants to be left alone for so many seconds."""
    asked = retry_after if math.isfinite(retry_after) else LONGEST_REST
    return min(max(asked, LEAST_REST), LONGEST_REST) * (1 + random.random() * _CHANCE)


def words_of(error: BaseException) -> str:
    """What a sink said, in one text without secrets."""
    return ": ".join(describe(error)[:2])[:_WHY_LENGTH]
