"""Logistic regression with a direction for each weight, in plain Python.

Newton steps for one coordinate after the other, each weight cut off at zero where it
would take the wrong direction. A penalty draws the weights towards what was expected of
them before: the data are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from paramedic_workers.repair.trust.model import logistic

#: Strength of the penalty: the inverse variance of the weights around what was expected.
_PENALTY = 2.0
_MOST_SWEEPS, _ENOUGH = 400, 1e-4
#: Largest step of one weight at once.
_STEP = 2.0

#: The samples that have one feature, by number, each with its value.
Column = Sequence[tuple[int, float]]


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
    #: The weight of each feature before any data; its sign is kept.
    expected: Sequence[float]
    bias: float = 0.0
    weights: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with what is expected."""
        self.weights = list(self.expected)
        self._columns = [
            [(n, sample.features[j]) for n, sample in enumerate(self.samples) if sample.features[j]]
            for j in range(len(self.weights))
        ]
        self._ones = [(n, 1.0) for n in range(len(self.samples))]
        self._margins = [0.0] * len(self.samples)
        for column, weight in zip(self._columns, self.weights, strict=True):
            self._move(column, weight)

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
        wanted = weight + self._newton(self._columns[j], weight - self.expected[j], _PENALTY)
        allowed = max(wanted, 0.0) if self.expected[j] > 0 else min(wanted, 0.0)
        self.weights[j] = allowed
        self._move(self._columns[j], allowed - weight)
        return allowed - weight

    def _newton(self, column: Column, excess: float, penalty: float) -> float:
        """The step of a weight that is by `excess` more than expected."""
        slope, curve = -penalty * excess, penalty + 1e-9
        for n, value in column:
            sample, chance = self.samples[n], logistic(self._margins[n])
            slope += sample.importance * value * (sample.right - chance)
            curve += sample.importance * value * value * chance * (1.0 - chance)
        return max(-_STEP, min(_STEP, slope / curve))

    def _move(self, column: Column, step: float) -> None:
        if step:
            for n, value in column:
                self._margins[n] += step * value
