"""One line of the speed table, and how the numbers in it are measured."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One promise about speed, and whether it holds."""

    #: What was measured.
    what: str
    #: Our number, with its unit.
    ours: str
    #: The number it is compared with, measured in the same run.
    baseline: str
    #: Ours divided by the baseline (for rates: the other way to read it is up to `what`).
    ratio: float
    #: The bound of the ratio.
    required: float
    #: Whether the ratio keeps the bound.
    holds: bool


def cheaper(what: str, ours: float, baseline: float, required: float) -> Row:
    """A row for costs in seconds: ours may be at most `required` times the baseline."""
    ratio = ours / baseline
    return Row(what, in_words(ours), in_words(baseline), ratio, required, ratio <= required)


def in_words(seconds: float) -> str:
    """Seconds in the unit that suits them."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.2f} {unit}"
    return f"{seconds / 1e-6:.1f} µs"


def medians(rounds: int, *measures: Callable[[], float]) -> list[float]:
    """The median of each measure, taken in turns so that all meet the same machine."""
    taken = [[measure() for measure in measures] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]
