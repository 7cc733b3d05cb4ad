"""Which strategies are switched off, because they are what fails.

A pattern that has struck one target only is no reason to do without the strategy at the
others: one odd target never switches a strategy off for all. At the second target it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import redis

from paramedic.event import now
from paramedic_workers.settings import Settings
from paramedic_workers.systemic.model import Pattern, StrategyOff
from paramedic_workers.systemic.patterns import Patterns


@dataclass(frozen=True)
class Switches:
    """Asks the open patterns."""

    client: redis.Redis
    settings: Settings
    clock: Callable[[], datetime] = now

    def off_at(self, target: str) -> tuple[StrategyOff, ...]:
        """The strategies that are switched off at this target, each once."""
        if not self.settings.systemic_failures:
            return ()
        patterns = Patterns(self.client, self.settings, self.clock)
        off: dict[str, StrategyOff] = {}
        for pattern in patterns.open_patterns():
            if pattern.strategy and _concerns(patterns.targets(pattern.id), target):
                off.setdefault(pattern.strategy, switched_off_by(pattern))
        return tuple(off.values())


def _concerns(struck: tuple[str, ...], target: str) -> bool:
    return len(struck) > 1 or target in struck


def switched_off_by(pattern: Pattern) -> StrategyOff:
    """What an open pattern has switched off, in words."""
    words = (
        f"strategy {pattern.strategy} is switched off: it fails in the same way in several"
        f" incidents ({pattern.signature.words}; pattern {pattern.id});"
        f" `paramedic systemic close {pattern.id}` ends it"
    )
    return StrategyOff(strategy=pattern.strategy, pattern=pattern.id, words=words)
