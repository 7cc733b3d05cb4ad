"""Holds: groups that wait although a worker is free, each with a time and a reason.

Nobody sleeps with a message in hand: the message is acknowledged, the hold stands in the
ledger, and the sweep rings again when it is time to look.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import redis

from paramedic.event import now
from paramedic_workers import keys
from paramedic_workers.incidents import milliseconds, moment

#: Seconds after which a held group is looked at again at the latest, unless it waits for a
#: retry: settings may have changed, and a disk may have been emptied.
LOOK_AGAIN = 60.0
#: Hours beyond which no hold is believed: a clock was wrong when it was written.
_LONGEST_HOURS = 2


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Why and until when a group waits."""

    group: str
    until: datetime
    #: In words: "shop has had its 120 heals of this hour".
    why: str


@dataclass(frozen=True)
class Holds:
    """Holds groups, and says which are held."""

    client: redis.Redis
    clock: Callable[[], datetime] = now

    def hold(self, hold: Hold, look_again: float = LOOK_AGAIN) -> None:
        """Let a group wait; looked at again after so many seconds, or when it is time."""
        self.client.eval(
            keys.HOLD_GROUP,
            0,
            hold.group,
            milliseconds(self.clock()),
            self._look_at(hold.until, look_again),
            milliseconds(hold.until),
            hold.why,
        )

    def defer(self, hold: Hold, token: str, fingerprints: Sequence[str]) -> int:
        """Let incidents that are being healed under this lease wait again, until it is time.

        Returns:
            Their number; 0 where the lease was lost.
        """
        until = milliseconds(hold.until)
        answer = self.client.eval(
            keys.DEFER_INCIDENTS,
            0,
            *(hold.group, token, milliseconds(self.clock()), until, until, hold.why),
            *fingerprints,
        )
        return cast("int", answer)

    def is_held(self, group: str) -> bool:
        """Whether it is too early to look at this group again."""
        return self._holds(self.client.zscore(keys.HELD, group))

    def known(self, group: str) -> bool:
        """Whether the group is held, or was until now."""
        return self.client.zscore(keys.HELD, group) is not None

    def end(self, group: str) -> None:
        """Nothing holds the group any more."""
        self.client.eval(keys.END_HOLD, 0, group)

    def not_held(self, groups: Sequence[str]) -> list[str]:
        """Those of these groups that may be looked at now."""
        if not groups:
            return []
        scores = self.client.zmscore(keys.HELD, list(groups))
        return [group for group, at in zip(groups, scores, strict=True) if not self._holds(at)]

    def standing(self) -> list[Hold]:
        """Every hold of a group that waits, the one that ends first first."""
        groups = cast("list[str]", self.client.zrange(keys.HELD, 0, -1))
        holds = []
        for group in groups:
            kept = cast("str | None", self.client.hget(keys.HELD_WHY, group))
            if kept is not None and self.client.exists(keys.waiting(group)):
                until, why = json.loads(kept)
                holds.append(Hold(group=group, until=moment(until), why=why))
        return sorted(holds, key=lambda hold: hold.until)

    def _look_at(self, until: datetime, look_again: float) -> int:
        return milliseconds(min(until, self.clock() + timedelta(seconds=look_again)))

    def _holds(self, look_at: float | None) -> bool:
        if look_at is None:
            return False
        present = self.clock()
        longest = present + timedelta(hours=_LONGEST_HOURS)
        return milliseconds(present) < look_at < milliseconds(longest)
