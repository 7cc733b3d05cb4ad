"""Rate limits: how many heals and published branches one target may have in an hour and a day.

Windows slide: what was counted an hour (a day) ago no longer counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import cast

import redis

from paramedic.event import now
from paramedic_workers import keys
from paramedic_workers.incidents import milliseconds, moment
from paramedic_workers.settings import TargetSettings

#: An hour in milliseconds.
_HOUR = 3_600_000


class Rate(StrEnum):
    """What is limited."""

    #: Heals begun, a group counting once.
    HEALS = "heals"
    #: Branches pushed, each name counting once.
    BRANCHES = "branches"


@dataclass(frozen=True, kw_only=True)
class RateState:
    """How far a limit is used up."""

    target: str
    kind: Rate
    used_hour: int
    #: 0: no limit.
    per_hour: int
    used_day: int
    per_day: int

    @property
    def reached(self) -> bool:
        """Whether there is no room at present."""
        return 0 < self.per_hour <= self.used_hour or 0 < self.per_day <= self.used_day


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A limit that is reached."""

    until: datetime
    #: "shop has had its 20 branches of this hour".
    why: str


@dataclass(frozen=True)
class Limits:
    """The limits of all targets, counted in the ledger."""

    client: redis.Redis
    clock: Callable[[], datetime] = now

    def look(self, target: TargetSettings, kind: Rate) -> Refusal | None:
        """Why there is no room for one more; None where there is."""
        return self._ask(target, kind, "", "look")

    def take(self, target: TargetSettings, kind: Rate, name: str) -> Refusal | None:
        """Count one more, unless a limit is reached.

        Args:
            target: whose limits.
            kind: what is counted.
            name: what is named again counts once.
        """
        return self._ask(target, kind, name, "take")

    def standing(self, target: TargetSettings) -> list[RateState]:
        """How far the limits of a target are used up."""
        present = self.clock()
        hour = milliseconds(present - timedelta(hours=1)) + 1
        day = milliseconds(present - timedelta(days=1)) + 1
        states = []
        for kind in Rate:
            key = keys.rate(kind, target.name)
            per_hour, per_day = _bounds(target, kind)
            states.append(
                RateState(
                    target=target.name,
                    kind=kind,
                    used_hour=self.client.zcount(key, hour, "+inf"),
                    per_hour=per_hour,
                    used_day=self.client.zcount(key, day, "+inf"),
                    per_day=per_day,
                )
            )
        return states

    def _ask(self, target: TargetSettings, kind: Rate, name: str, how: str) -> Refusal | None:
        per_hour, per_day = _bounds(target, kind)
        if not per_hour and not per_day:
            return None
        present = milliseconds(self.clock())
        arguments = (kind, target.name, name, present, per_hour, per_day, how)
        room_at = cast("int", self.client.eval(keys.TAKE_RATE, 0, *arguments))
        if not room_at:
            return None
        beyond_the_hour = per_day and room_at - present > _HOUR
        if beyond_the_hour or not per_hour:
            bound = f"{per_day} {kind} of 24 hours"
        else:
            bound = f"{per_hour} {kind} of this hour"
        return Refusal(until=moment(room_at), why=f"{target.name} has had its {bound}")


def _bounds(target: TargetSettings, kind: Rate) -> tuple[int, int]:
    if kind is Rate.HEALS:
        return target.heals_per_hour, target.heals_per_day
    return target.branches_per_hour, target.branches_per_day
