"""The sink of a simulation: it keeps tickets, and faults strike before or after it acts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from paramedic_workers.results import Result
from paramedic_workers.simulation.acts import Striker
from paramedic_workers.simulation.faults import Place

#: Its name in settings and queues.
TICKETS = "tickets"


@dataclass(frozen=True, kw_only=True)
class TicketBox:
    """The tickets of a simulation: a folder per target, a file per result."""

    folder: Path

    def keep(self, result: Result) -> None:
        """Keep the ticket of a result; a second one for the same result changes nothing."""
        folder = self.folder / result.target
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{result.id}.calls").open("ab") as calls:
            os.write(calls.fileno(), b"called\n")
        (folder / f"{result.id}.ticket").write_text(result.summary, encoding="utf-8")

    def tickets(self, target: str) -> frozenset[str]:
        """The ids of the results that have a ticket."""
        return frozenset(file.stem for file in (self.folder / target).glob("*.ticket"))

    def calls(self, target: str) -> int:
        """How often the sink has acted for a target, repeats included."""
        files = (self.folder / target).glob("*.calls")
        return sum(file.read_bytes().count(b"\n") for file in files)


@dataclass(frozen=True, kw_only=True)
class TicketSink:
    """A sink that is idempotent by the result's id, as every sink must be."""

    box: TicketBox
    striker: Striker
    name: str = TICKETS

    def deliver(self, result: Result) -> None:
        """Keep a ticket.

        Raises:
            DeliveryError: a fault says so, before or after the ticket is kept.
        """
        self.striker.strike(result.target, Place.DELIVER)
        self.box.keep(result)
        self.striker.strike(result.target, Place.DELIVERED)
