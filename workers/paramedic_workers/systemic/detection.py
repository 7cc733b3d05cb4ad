"""Which failures are a pattern, and which are exceptions to it: decided from what is known.

Failures are the same by their signature. An incident counts once, however often it fails.
A failure that has no pattern of its own belongs as an exception to the pattern that was
opened first, of those that stood within the window around it: what breaks in the same
night is looked at together.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from paramedic_workers.systemic.failures import HealerFailure
from paramedic_workers.systemic.model import Pattern


@dataclass(frozen=True, kw_only=True)
class Rule:
    """When the same failure is a pattern."""

    #: Incidents; 0: never.
    failures: int
    #: Within so much time.
    window: timedelta


def new_patterns(
    failures: Iterable[HealerFailure], known: Mapping[str, Pattern], rule: Rule
) -> dict[str, list[HealerFailure]]:
    """The failures of each signature that is a pattern now and was none, by its id.

    Args:
        failures: of late, in any order.
        known: the patterns of the ledger by id; of one that was closed only what failed
            after that counts.
        rule: when the same failure is a pattern.
    """
    by_signature: dict[str, list[HealerFailure]] = {}
    for failure in sorted(failures, key=lambda one: one.at):
        pattern = known.get(failure.signature.id)
        if pattern is None or not (pattern.is_open or is_over(failure, pattern)):
            by_signature.setdefault(failure.signature.id, []).append(failure)
    return {name: same for name, same in by_signature.items() if _is_pattern(same, rule)}


def _is_pattern(same: Sequence[HealerFailure], rule: Rule) -> bool:
    """Whether so many incidents failed within one window, wherever that lies.

    Args:
        same: the oldest first.
        rule: how many, and how long the window is.
    """
    if not rule.failures:
        return False
    within: deque[HealerFailure] = deque()
    counts: Counter[str] = Counter()
    for failure in same:
        within.append(failure)
        counts.update(failure.incidents)
        while within[0].at < failure.at - rule.window:
            counts -= Counter(within.popleft().incidents)
        if len(counts) >= rule.failures:
            return True
    return False


def is_over(failure: HealerFailure, pattern: Pattern) -> bool:
    """Whether the pattern was closed after this failure of it."""
    return pattern.closed_at is not None and failure.at <= pattern.closed_at


def home_of(failure: HealerFailure, known: Mapping[str, Pattern], rule: Rule) -> Pattern | None:
    """The open pattern that a failure belongs to, as one of its own or as an exception."""
    own = known.get(failure.signature.id)
    if own is not None and (own.is_open or is_over(failure, own)):
        return own if own.is_open else None
    around = [
        one for one in known.values() if one.is_open and _is_around(one, failure, rule.window)
    ]
    return min(around, key=lambda one: (one.opened_at, one.id), default=None)


def _is_around(pattern: Pattern, failure: HealerFailure, window: timedelta) -> bool:
    return pattern.first_seen - window <= failure.at <= pattern.last_seen + window
