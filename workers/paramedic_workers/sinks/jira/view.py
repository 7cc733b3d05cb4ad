"""What a ticket tells: everything that its texts are made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from paramedic_workers.incidents import IncidentRecord
from paramedic_workers.results import Result


@dataclass(frozen=True, kw_only=True)
class Link:
    """Somewhere else to look."""

    title: str
    url: str
    #: What it is the same by, so that it is put down once: `branch`, `report`, `sentry`.
    kind: str


@dataclass(frozen=True, kw_only=True)
class TicketView:
    """One incident and its newest result, as a ticket shows them."""

    result: Result
    #: None where the ledger has forgotten it; then the result says what is known.
    incident: IncidentRecord | None = None
    #: Branch, report, Sentry issue: those that are known.
    links: tuple[Link, ...] = ()
    #: Since when the fix is on the target's main branch and the test passes there.
    fixed_since: datetime | None = None
    #: Keys of the tickets that merged incidents had of their own.
    merged_tickets: tuple[str, ...] = field(default_factory=tuple)

    @property
    def count(self) -> int:
        """Occurrences so far."""
        return max(self.result.count, self.incident.count if self.incident else 0)
