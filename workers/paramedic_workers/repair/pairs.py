"""Pairs of edits, each of which gets the failing tests further.

    even -= 1            odd += 1
    …                    …
    if even >= odd:      if even >= odd:

Tried when no single edit is enough. First it is measured what single edits that failed
were good for: a failing test that they turn green, or one that with them ends at a later
line. Then pairs are made, in this order:

1. of two edits that together turn more tests green than each of them;
2. of an edit that is good for something with any other;
3. of two edits that are merely likely.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice
from typing import Protocol

from paramedic_workers.repair.coordinated import joined_parts
from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.messages import Letter
from paramedic_workers.repair.source import Replacement
from paramedic_workers.repair.validate import KnownTest

#: Name of the family.
TEMPLATE = "two edits"
#: Score relative to the product of those of the two.
_FACTOR = 0.5
#: Single edits of which the gain is measured; those with a gain that are combined with
#: each other, and with others; others that they are combined with; others among themselves.
_MEASURED, _GAINING, _LEADING, _OTHERS, _LIKELY = 1500, 60, 20, 220, 50
#: Failing tests that are run to measure it; those of which the line is looked at, and for
#: how many edits: that costs more.
_MOST_TESTS, _TESTS_WITH_LINES, _MEASURED_WITH_LINES = 6, 2, 160
_MOST = 8000


@dataclass(frozen=True)
class Gain:
    """What a single edit is good for."""

    candidate: Candidate
    #: Numbers of the failing tests that it turns green.
    green: frozenset[int] = frozenset()
    #: Numbers of those that end at a later line with it.
    further: frozenset[int] = frozenset()

    @property
    def size(self) -> int:
        """Tests for which it is good."""
        return len(self.green) + len(self.further - self.green)


class Measure(Protocol):
    """Runs single failing tests with many candidates; a `Validator` does."""

    @property
    def failing(self) -> Sequence[KnownTest]:
        """The failing tests."""
        ...

    def batch_size(self) -> int:
        """How many candidates to try at once."""
        ...

    def screen(self, candidates: Sequence[Candidate], test: KnownTest) -> list[Letter]:
        """How each candidate did at one test."""
        ...

    def reach(self, candidates: Sequence[Candidate], test: KnownTest) -> list[int]:
        """The line at which a test ends with each candidate; -1 where that is not known."""
        ...


def measured(measure: Measure, singles: Iterable[Candidate], deadline: float) -> list[Gain]:
    """What single edits that failed are good for, the likeliest edits first.

    Args:
        measure: runs the tests.
        singles: edits inside functions are looked at, the others left out.
        deadline: `time.monotonic()` after which no more is measured.

    Raises:
        WarmProcessLost: the warm process died of it.
    """
    inside = [single for single in singles if single.function is not None]
    likely = sorted(inside, key=Candidate.order)[:_MEASURED]
    tests = sorted(
        (test for test in measure.failing if not test.hangs),
        key=lambda test: (round(test.seconds, 2), test.number),
    )[:_MOST_TESTS]
    green: dict[Candidate, set[int]] = {}
    further: dict[Candidate, set[int]] = {}
    for test in tests:
        for batch in _batches(likely, measure.batch_size(), deadline):
            for candidate, letter in zip(batch, measure.screen(batch, test), strict=True):
                if letter is Letter.PASSED:
                    green.setdefault(candidate, set()).add(test.number)
    for test in tests[:_TESTS_WITH_LINES]:
        unchanged = measure.reach([replace(one, parts=()) for one in likely[:1]], test)
        for batch in _batches(likely[:_MEASURED_WITH_LINES], measure.batch_size(), deadline):
            for candidate, line in zip(batch, measure.reach(batch, test), strict=True):
                if line > unchanged[0] >= 0:
                    further.setdefault(candidate, set()).add(test.number)
    return [
        Gain(one, frozenset(green.get(one, ())), frozenset(further.get(one, ()))) for one in likely
    ]


def pairs(gains: Sequence[Gain]) -> Iterator[Candidate]:
    """Pairs of these edits, in the order in which they are worth trying; each once.

    Args:
        gains: the likeliest edits first.
    """
    seen: set[tuple[str, tuple[Replacement, ...]]] = set()
    for one, other in islice(_combined(gains), _MOST):
        pair = _pair(one.candidate, other.candidate)
        if pair is not None and (pair.source.relative, pair.parts) not in seen:
            seen.add((pair.source.relative, pair.parts))
            yield pair


def _combined(gains: Sequence[Gain]) -> Iterator[tuple[Gain, Gain]]:
    good = sorted(
        (gain for gain in gains if gain.size),
        key=lambda gain: (-gain.size, gain.candidate.order()),
    )[:_GAINING]
    both = sorted(combinations(good, 2), key=_promise)
    yield from (pair for pair in both if _adds_up(*pair))
    for gain in good[:_LEADING]:
        yield from ((gain, other) for other in gains[:_OTHERS] if other is not gain)
    yield from (pair for pair in both if not _adds_up(*pair))
    yield from sorted(combinations(gains[:_LIKELY], 2), key=_promise)


def _adds_up(one: Gain, other: Gain) -> bool:
    """Whether each does something that the other does not."""
    one_is_good_for, other_is_good_for = one.green | one.further, other.green | other.further
    return not (one_is_good_for <= other_is_good_for or other_is_good_for <= one_is_good_for)


def _promise(pair: tuple[Gain, Gain]) -> tuple[object, ...]:
    """Best first: the tests they turn green together, then how likely they are."""
    one, other = pair
    likely = one.candidate.score * other.candidate.score
    orders = sorted((one.candidate.order(), other.candidate.order()))
    return -len(one.green | other.green), -likely, orders


def _pair(one: Candidate, other: Candidate) -> Candidate | None:
    """Both edits as one candidate; None where they meet or are in different functions."""
    if one.function is not other.function:
        return None
    parts = joined_parts((one, other))
    if parts is None:
        return None
    first, second = sorted((one, other), key=lambda c: c.parts[0].start)
    return replace(
        first,
        parts=parts,
        template=TEMPLATE,
        title=f"{first.title}, and {second.title}",
        score=_FACTOR * one.score * other.score,
    )


def _batches(
    candidates: Sequence[Candidate], size: int, deadline: float
) -> Iterator[Sequence[Candidate]]:
    for start in range(0, len(candidates), size):
        if time.monotonic() >= deadline:
            return
        yield candidates[start : start + size]
