"""What came of running several versions of some code on the same inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

#: Begins the outcome of a call that raised; the type's name follows.
RAISED = "raised "


@dataclass(frozen=True)
class Comparison:
    """The outcomes of every version on every input that could be compared."""

    #: Number of versions.
    versions: int
    #: For each input the outcome of each version, the same text for the same behaviour.
    outcomes: Sequence[Sequence[str]] = ()
    #: Exception types that the tests' own calls raised; other ones may be an input's fault.
    usual_errors: frozenset[str] = field(default_factory=frozenset)
    #: Why there is less to compare than there might be; empty where there is enough.
    detail: str = ""

    @property
    def inputs(self) -> int:
        """Inputs that could be compared."""
        return len(self.outcomes)

    def differing(self, one: int, other: int) -> int:
        """Inputs on which these two versions behave differently."""
        return sum(outcome[one] != outcome[other] for outcome in self.outcomes)

    def agree(self, one: int, other: int) -> bool | None:
        """Whether two versions behave the same on all inputs; None: nothing to compare."""
        return self.differing(one, other) == 0 if self.inputs else None

    def within(self, version: int) -> Comparison:
        """The same with those inputs only that one version takes as it takes the tests'.

        An input on which it raises an error that it never raised for the tests is one
        that it was not made for.
        """
        kept = [o for o in self.outcomes if not self._is_unusual(o[version])]
        return Comparison(self.versions, kept, self.usual_errors, self.detail)

    def _is_unusual(self, outcome: str) -> bool:
        error = outcome.removeprefix(RAISED)
        return error != outcome and error not in self.usual_errors
