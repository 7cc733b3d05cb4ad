"""What the model sees of the evidence: few numbers, each with the direction it must have.

Each has a weight that is expected before any data. The fit starts there, moves away as far
as the data say, and never changes the sign: a quirk of few data cannot make the model trust
the wrong thing, and what no data tell (files that do not parse) keeps its expectation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from paramedic_workers.repair.trust.evidence import Evidence

#: Share of variants that pass where none could be tried.
_USUALLY_LOOSE = 0.25


@dataclass(frozen=True)
class Feature:
    """One number made of the evidence."""

    name: str
    #: The weight that is expected before any data; its sign is the direction.
    expected: float
    #: Between 0 and about 4.
    of: Callable[[Evidence], float]

    @property
    def direction(self) -> int:
        """+1 or -1: how the chance moves with it."""
        return 1 if self.expected > 0 else -1


def _covering(evidence: Evidence) -> float:
    """Few tests tell much more than none, many not much more than few."""
    return min(math.log2(1 + evidence.failing_on_line + evidence.passing_on_line), 3.0)


def _loose(evidence: Evidence) -> float:
    """The share of slips in place of the edit that pass as well; few variants tell little."""
    return (evidence.slips_that_pass + _USUALLY_LOOSE) / (evidence.slips + 1)


def _much_code(evidence: Evidence) -> float:
    """The more code failing tests run, the more edits of it make them pass by chance."""
    return min(math.log2(1 + evidence.lines_run / 16), 4.0)


def _disagreeing(evidence: Evidence) -> float:
    """Rivals that disagree; those that were not compared may."""
    others = evidence.plausible - 1
    unknown = max(0, others - evidence.rivals_compared)
    return min(math.log2(1 + evidence.rivals_disagreeing + unknown), 4.0)


def _turns(evidence: Evidence) -> float:
    """A condition is turned around that no passing test runs."""
    return float(evidence.turns_condition and evidence.passing_on_line == 0)


def _rivalry(evidence: Evidence) -> float:
    """How near the most likely other patch comes; those that behave the same do not count."""
    is_contested = evidence.rivals_disagreeing or not evidence.inputs_compared
    return min(evidence.rival_share, 2.0) if is_contested else 0.0


def _dirty(evidence: Evidence) -> float:
    return min(-math.log2(min(evidence.hygiene, 1.0)), 3.0)


def _size(evidence: Evidence) -> float:
    return min(math.log2(1 + evidence.size / 8), 3.0)


def _tried(evidence: Evidence) -> float:
    """What is found late was found by trying much."""
    return min(math.log2(1 + evidence.tried / 200), 3.0)


#: All features, in the order of the coefficients.
FEATURES = (
    Feature("usual family", +0.8, lambda e: float(e.usual)),
    Feature("aimed by the message", +2.0, lambda e: float(e.aimed or e.in_broken_file)),
    Feature("word of the message", +0.5, lambda e: float(e.named_in_message)),
    Feature("tests on the line", +0.5, _covering),
    Feature("held loosely by the tests", -3.0, _loose),
    Feature("raised at the edit", +1.0, lambda e: float(e.raises or e.raised_here)),
    Feature("much code", -0.3, _much_code),
    Feature("score of the search", +0.5, lambda e: min(math.log2(1 + 2 * e.score), 3.0)),
    Feature("tried before", -0.2, _tried),
    Feature("rivals that disagree", -0.5, _disagreeing),
    Feature("nearest rival", -1.0, _rivalry),
    Feature("agreeing share", +1.0, lambda e: e.agreeing_mass),
    Feature("not the first", -1.5, lambda e: float(e.position > 0)),
    Feature("hygiene against", -0.8, _dirty),
    Feature("hygiene for", +0.4, lambda e: float(e.hygiene > 1.0)),
    Feature("passes easily", -0.8, lambda e: float(e.easy)),
    Feature("silences an error", -0.4, lambda e: float(e.silences_error)),
    Feature("branch never taken before", -0.8, _turns),
    Feature("number made to measure", -0.8, lambda e: float(e.shifts_number)),
    Feature("default of a parameter", -1.0, lambda e: float(e.turns_default)),
    Feature("copies a constant", -2.0, lambda e: float(e.copies_constant)),
    Feature("deletes code", -1.5, lambda e: float(e.deletes_code)),
    Feature("several places", -0.6, lambda e: float(e.places > 1)),
    Feature("size", -0.2, _size),
)


def vector(evidence: Evidence) -> tuple[float, ...]:
    """The features of this evidence."""
    return tuple(feature.of(evidence) for feature in FEATURES)
