"""What the runner and the workers of a simulation share: files beside the data directory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from paramedic_workers.simulation.faults import FaultBook
from paramedic_workers.simulation.sinks import TicketBox

#: Environment variable in which the workers find the time limit of a heal, in seconds.
HEAL_LIMIT = "PARAMEDIC_SIMULATION_HEAL_LIMIT"
_FAULTS, _TICKETS, _CLOCK = "faults", "tickets", "clock"


def book_in(data: Path) -> FaultBook:
    """The faults of the simulation on this data directory."""
    return FaultBook(folder=data.parent / _FAULTS)


def tickets_in(data: Path) -> TicketBox:
    """The tickets of the simulation on this data directory."""
    return TicketBox(folder=data.parent / _TICKETS)


@dataclass(frozen=True, kw_only=True)
class SetClock:
    """The clock of every worker, which the runner can put forward or back."""

    file: Path

    @classmethod
    def of(cls, data: Path) -> SetClock:
        """The clock of the simulation on this data directory."""
        return cls(file=data.parent / _CLOCK)

    def set(self, offset: timedelta) -> None:
        """Let every worker's clock be wrong by so much from now on."""
        draft = self.file.with_suffix(".new")
        draft.write_text(str(offset.total_seconds()))
        draft.replace(self.file)

    def __call__(self) -> datetime:
        """The time as the workers believe it."""
        try:
            offset = float(self.file.read_text())
        except FileNotFoundError:
            offset = 0.0
        return datetime.now(UTC) + timedelta(seconds=offset)
