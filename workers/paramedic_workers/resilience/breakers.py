"""Circuit breakers: what keeps breaking is switched off for a while, and tried with care.

There is one for each target, and one for each strategy at each target, so that one odd
target never switches a strategy off for the others.

1. Closed: used, and failures in a row are counted.
2. Open: after as many failures as the settings allow it is not used for a while.
3. Then exactly one heal uses it, the probe: its success closes the breaker, its failure
   opens it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import cast

import redis
import structlog

from paramedic.event import now
from paramedic_workers import keys
from paramedic_workers.incidents import milliseconds, moment
from paramedic_workers.settings import Settings

#: Failures count as a row as long as no more than this many open times lie between two.
_WINDOWS = 4
#: Seconds beyond a target's budget after which a probe counts as lost.
_PROBE_GRACE = 60.0
#: Characters kept of why something failed.
_WHY_LENGTH = 300

_log = structlog.get_logger()


class BreakerStanding(StrEnum):
    """Where a breaker stands."""

    #: Used; its failures are counted.
    COUNTING = "counting"
    #: Not used.
    OPEN = "open"
    #: Its time is over: the next heal, or the one that runs, is the probe.
    PROBING = "probing"


@dataclass(frozen=True, kw_only=True)
class BreakerState:
    """One breaker that has met a failure."""

    target: str
    #: Empty: of the target as a whole.
    strategy: str
    state: BreakerStanding
    #: In a row.
    failures: int
    #: While it is open.
    until: datetime | None
    #: What failed last.
    why: str

    @property
    def words(self) -> str:
        """In a sentence, for results and tables."""
        what = f"strategy {self.strategy}" if self.strategy else f"target {self.target}"
        until = f" until {self.until:%Y-%m-%d %H:%M:%S} UTC" if self.until else ""
        return f"{what} is switched off{until}: {self.why}"


@dataclass(frozen=True)
class Breakers:
    """The breakers of the ledger."""

    client: redis.Redis
    settings: Settings
    clock: Callable[[], datetime] = now

    def ask(self, target: str, strategy: str = "", token: str = "") -> BreakerState | None:
        """Why a strategy (or all of the target) may not be used; None where it may.

        Args:
            target: its name.
            strategy: empty: the target as a whole.
            token: of the heal that asks, which may become the probe.
        """
        if not self.settings.breaker_failures:
            return None
        answer = self.client.eval(
            keys.ASK_BREAKER,
            0,
            _name(target, strategy),
            milliseconds(self.clock()),
            self._open_for(),
            self._probe_for(target),
            token,
        )
        end, until = cast("tuple[str, int]", answer)
        if end == "open":
            state = self._state(_name(target, strategy))
            return replace(state, until=moment(until)) if state else None
        if end == "probe":
            _log.info("a breaker lets a probe through", target=target, strategy=strategy)
        return None

    def note(
        self, target: str, strategy: str = "", *, failed: bool, why: str = "", token: str = ""
    ) -> None:
        """Tell how a strategy (or all of the target) did in one heal."""
        if not self.settings.breaker_failures:
            return
        change = self.client.eval(
            keys.NOTE_BREAKER,
            0,
            *(_name(target, strategy), "failed" if failed else "well"),
            *(milliseconds(self.clock()), self.settings.breaker_failures),
            *(self._open_for() * _WINDOWS, " ".join(why.split())[:_WHY_LENGTH], token),
        )
        if change == "opened":
            seconds = self.settings.breaker_seconds
            _log.error("switched off", target=target, strategy=strategy, seconds=seconds, why=why)
        elif change == "closed":
            _log.info("switched on again", target=target, strategy=strategy)

    def drop_probe(self, target: str, strategy: str = "", *, token: str) -> None:
        """The heal that was to be the probe did not come to it."""
        self.client.eval(keys.DROP_PROBE, 0, _name(target, strategy), token)

    def reset(self, target: str, strategy: str = "") -> None:
        """Forget the failures of a strategy (or of all of the target): a person has mended it."""
        name = _name(target, strategy)
        self.client.delete(keys.breaker(name))
        self.client.srem(keys.BREAKERS, name)

    def standing(self) -> list[BreakerState]:
        """Every breaker that has met a failure since its last success, by name."""
        names = sorted(cast("set[str]", self.client.smembers(keys.BREAKERS)))
        return [state for state in map(self._state, names) if state is not None]

    def _state(self, name: str) -> BreakerState | None:
        fields = cast("dict[str, str]", self.client.hgetall(keys.breaker(name)))
        if not fields:
            self.client.srem(keys.BREAKERS, name)
            return None
        target, _, strategy = name.partition(":")
        state, until = self._standing(fields)
        return BreakerState(
            target=target,
            strategy=strategy,
            state=state,
            failures=int(fields.get("failures", 0)),
            until=until,
            why=fields.get("why", ""),
        )

    def _standing(self, fields: Mapping[str, str]) -> tuple[BreakerStanding, datetime | None]:
        if "opened_at" not in fields:
            return BreakerStanding.COUNTING, None
        until = moment(fields["opened_at"]) + timedelta(milliseconds=self._open_for())
        if self.clock() < until:
            return BreakerStanding.OPEN, until
        return BreakerStanding.PROBING, None

    def _open_for(self) -> int:
        return int(self.settings.breaker_seconds * 1000)

    def _probe_for(self, target: str) -> int:
        configured = self.settings.targets.get(target)
        budget = configured.budget if configured else 0.0
        return int((budget + _PROBE_GRACE) * 1000)


def _name(target: str, strategy: str) -> str:
    return f"{target}:{strategy}" if strategy else target
