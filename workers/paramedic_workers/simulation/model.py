"""What a failure condition is: what is published, what goes wrong, what is promised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from paramedic_workers.simulation.faults import Fault

if TYPE_CHECKING:
    from paramedic_workers.simulation.observation import Facts
    from paramedic_workers.simulation.scene import Scene


class Turn(StrEnum):
    """When a condition is replayed."""

    #: Together with the others: it disturbs nobody but its own target.
    SIDE_BY_SIDE = "side by side"
    #: Likewise, but it hardly needs the processor: it waits for a time limit or the like.
    WAITING = "waiting"
    #: Together with the others that kill the broker, when all the rest is done.
    BROKER = "broker"
    #: Alone: it changes something that all workers share.
    ALONE = "alone"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that is promised."""

    #: As the table shows it: `healed`, `at most 3 runs`.
    expected: str
    #: Tells what is to be seen of it; the promise holds where that is `expected`.
    look: Callable[[Facts], str]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One failure condition. Its name is also the name of its target."""

    name: str
    #: What happens, for the table.
    title: str
    #: What is promised; what holds of every condition stands in `promises.ALWAYS`.
    promise: tuple[Check, ...]
    #: What goes wrong in the workers.
    faults: tuple[Fault, ...] = ()
    #: What is published; one failing test where None.
    publish: Callable[[Scene], None] | None = None
    #: What the runner does while it is under way.
    act: Callable[[Scene], None] | None = None
    turn: Turn = Turn.SIDE_BY_SIDE
    #: The target, where several conditions share one.
    shares: str = ""

    @property
    def target(self) -> str:
        """The name of its target."""
        return self.shares or self.name

    @property
    def expected(self) -> str:
        """The promise in words."""
        return ", ".join(check.expected for check in self.promise)

    @property
    def mark(self) -> str:
        """Is in each of its messages, so that a dead letter can be told to be its own."""
        return f"(of {self.name})"


class Standing(StrEnum):
    """How a condition stands."""

    UNDER_WAY = "under way"
    AS_PROMISED = "as promised"
    BROKEN = "broken"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one condition."""

    name: str
    title: str
    expected: str
    seen: str
    standing: Standing
    seconds: float = 0.0

    @property
    def as_promised(self) -> bool:
        """Whether what was promised was seen."""
        return self.standing is Standing.AS_PROMISED
