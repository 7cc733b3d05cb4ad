"""The trust model: a logistic regression over a few features, and rules above it.

The chance that a patch is right is `1 / (1 + exp(-(bias + Σ weight x feature)))`. Trust is
`high` from one threshold on, `medium` from another; both were chosen on the data so that
few of the patches above them were wrong. Whatever the chance, strong evidence against a
patch keeps it from being trusted highly.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from paramedic_workers.repair.model import Trust
from paramedic_workers.repair.trust.evidence import Evidence
from paramedic_workers.repair.trust.features import FEATURES, vector

#: Share of variants that pass from which on tests hold an edit only loosely.
_LOOSE = 0.4

#: Tests that run the changed line from which on they are not few.
ENOUGH_TESTS = 4

_FILE = Path(__file__).with_name("coefficients.json")


@dataclass(frozen=True)
class Model:
    """The numbers of the model."""

    bias: float
    #: One for each of `FEATURES`, in their order.
    weights: tuple[float, ...]
    #: Least chance for high and for medium trust.
    high: float
    medium: float

    @classmethod
    def read(cls, file: Path = _FILE) -> Model:
        """The model of a file that the fitting script wrote.

        Raises:
            KeyError: it has no coefficient for one of the features.
        """
        found = json.loads(file.read_text(encoding="utf-8"))
        weights = tuple(float(found["weights"][feature.name]) for feature in FEATURES)
        return cls(found["bias"], weights, found["high"], found["medium"])

    def chance(self, evidence: Evidence) -> float:
        """How likely a patch with this evidence is right, 0 to 1."""
        weighed = zip(self.weights, vector(evidence), strict=True)
        return logistic(self.bias + sum(weight * value for weight, value in weighed))

    def trust(self, evidence: Evidence) -> Trust:
        """How far a patch with this evidence is trusted."""
        return self.trust_given(self.chance(evidence), evidence)

    def trust_given(self, chance: float, evidence: Evidence) -> Trust:
        """The same for a chance that is known, by whatever model."""
        if chance < self.medium or stays_low(evidence):
            return Trust.LOW
        is_high = chance >= self.high and not speaks_against(evidence)
        return Trust.HIGH if is_high else Trust.MEDIUM


def judge(evidence: Evidence) -> tuple[Trust, float]:
    """Trust in a patch, and the chance that it is right, by the model of this package."""
    model = _packaged()
    return model.trust(evidence), model.chance(evidence)


def stays_low(evidence: Evidence) -> bool:
    """Whether something speaks so strongly against a patch that a person must decide."""
    return is_cheap(evidence) or is_second_choice(evidence) or evidence.edits_judge


def speaks_against(evidence: Evidence) -> bool:
    """Whether something speaks so strongly against a patch that trust is never high."""
    return (
        is_cheap(evidence)
        or evidence.edits_judge
        # A careful reader finds something odd.
        or evidence.hygiene < 1.0
        # It may fit the inputs of the tests and few others.
        or evidence.shifts_number
        or evidence.silences_error
        or evidence.turns_default
        or is_loose(evidence)
        or is_other_branch(evidence)
        or is_contested(evidence)
        or is_barely_tested(evidence)
    )


def is_cheap(evidence: Evidence) -> bool:
    """Whether it is an edit with which tests pass too easily: a person must decide."""
    return evidence.deletes_code or evidence.copies_constant


def is_second_choice(evidence: Evidence) -> bool:
    """Whether a better patch behaves otherwise, or may: one of the two is wrong."""
    is_alike = evidence.inputs_compared and not evidence.as_likely_disagreeing
    return evidence.position > 0 and not is_alike


def is_contested(evidence: Evidence) -> bool:
    """Whether a patch that is nearly as likely behaves otherwise, or may."""
    is_alike = evidence.inputs_compared and not evidence.rivals_disagreeing
    return evidence.rivals_near > 0 and not is_alike


def is_other_branch(evidence: Evidence) -> bool:
    """Whether a condition is turned around that no passing test runs."""
    return evidence.turns_condition and evidence.passing_on_line == 0


def is_loose(evidence: Evidence) -> bool:
    """Whether the tests let many slips in place of the edit pass as well."""
    return evidence.slips_that_pass > _LOOSE * evidence.slips


def is_barely_tested(evidence: Evidence) -> bool:
    """Whether few tests run the changed line, and no error message points to it."""
    is_aimed = evidence.aimed or evidence.in_broken_file
    tests = evidence.failing_on_line + evidence.passing_on_line
    return not is_aimed and tests < ENOUGH_TESTS


def logistic(value: float) -> float:
    """The logistic function, without overflow."""
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, value))))


@cache
def _packaged() -> Model:
    return Model.read()
