"""Logistic regression with a direction for each weight, in plain Python.

Newton steps for one coordinate after the other, each weight cut off at zero where it
would take the wrong direction. A penalty draws the weights towards zero: the data are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from paramedic_workers.repair.trust.model import logistic

#: Strength of the penalty, as if so many samples spoke for a weight of zero.
_PENALTY = 1.0
_MOST_SWEEPS, _ENOUGH = 400, 1e-6
#: Largest step of one weight at once.
_STEP = 2.0


@dataclass(frozen=True)
class Sample:
    """The features of one sample."""

    features: Sequence[float]
    right: bool
    #: How much it counts.
    importance: float = 1.0


@dataclass
class Regression:
    """A bias and weights, while they are fitted."""

    samples: Sequence[Sample]
    #: +1 or -1 for each feature.
    directions: Sequence[int]
    bias: float = 0.0
    weights: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with weights of zero."""
        self.weights = [0.0] * len(self.directions)
        self._margins = [0.0] * len(self.samples)
        self._columns = [
            [sample.features[j] for sample in self.samples] for j in range(len(self.directions))
        ]
        self._ones = [1.0] * len(self.samples)

    def fit(self) -> None:
        """Find the most likely weights that keep to the directions."""
        for _ in range(_MOST_SWEEPS):
            steps = [self._step_of_bias()]
            steps += [self._step_of_weight(j) for j in range(len(self.weights))]
            if max(map(abs, steps)) < _ENOUGH:
                return

    def _step_of_bias(self) -> float:
        step = self._newton(self._ones, 0.0, 0.0)
        self.bias += step
        self._move(self._ones, step)
        return step

    def _step_of_weight(self, j: int) -> float:
        weight = self.weights[j]
        wanted = weight + self._newton(self._columns[j], weight, _PENALTY)
        allowed = max(wanted, 0.0) if self.directions[j] > 0 else min(wanted, 0.0)
        self.weights[j] = allowed
        self._move(self._columns[j], allowed - weight)
        return allowed - weight

    def _newton(self, column: Sequence[float], weight: float, penalty: float) -> float:
        """The step of one weight."""
        slope, curve = -penalty * weight, penalty + 1e-9
        for value, margin, sample in zip(column, self._margins, self.samples, strict=True):
            if value:
                chance = logistic(margin)
                slope += sample.importance * value * (sample.right - chance)
                curve += sample.importance * value * value * chance * (1.0 - chance)
        return max(-_STEP, min(_STEP, slope / curve))

    def _move(self, column: Sequence[float], step: float) -> None:
        if step:
            for number, value in enumerate(column):
                self._margins[number] += step * value
