"""What an epic tells: a pattern of failures of the healer, its incidents, what came of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from paramedic_workers.incidents import IncidentRecord
from paramedic_workers.sinks.jira.tickets import Ticket
from paramedic_workers.systemic.model import Pattern, PatternIncident

#: Rows of the table of incidents; the others are counted.
MAX_ROWS = 100


@dataclass(frozen=True, kw_only=True)
class EpicRow:
    """One cause: the incident that leads, with its ticket."""

    #: Key of its ticket; empty: it has none yet.
    key: str
    url: str
    target: str
    #: Type of the error, without its module.
    type: str
    #: What failed, and what the error said.
    summary: str
    #: How it stands, in a few words.
    status: str
    #: Further incidents that were merged into it.
    merged: int = 0
    #: Whether the healer failed otherwise than the pattern says.
    exception: bool = False
    settled: bool = False


@dataclass(frozen=True, kw_only=True)
class EpicView:
    """A pattern as its epic shows it."""

    pattern: Pattern
    #: What is not settled first.
    rows: tuple[EpicRow, ...]
    #: Rows that there is no room for.
    left_out: int
    #: Exceptions to the pattern, each kind once: type and message.
    exceptions: tuple[tuple[str, str], ...]
    targets: tuple[str, ...]
    incidents: int
    settled: int
    #: Of all its incidents; 0 in a view by which it is told whether more than counts changed.
    occurrences: int
    since: datetime
    #: The last failure of the pattern.
    until: datetime
    #: Targets at which the strategy is switched off; empty: everywhere.
    off_at: tuple[str, ...] = ()
    #: Whether the ticket is an epic; else its incidents are linked to it.
    is_epic: bool = True


def epic_view(
    pattern: Pattern,
    incidents: Sequence[PatternIncident],
    records: Mapping[str, IncidentRecord],
    tickets: Mapping[str, Ticket],
    *,
    is_epic: bool = True,
) -> EpicView:
    """What the epic of a pattern tells.

    Args:
        pattern: open or closed.
        incidents: its incidents and the exceptions to it.
        records: of the ledger, by fingerprint; those that it has forgotten are missing.
        tickets: by the fingerprint of the incident that leads.
        is_epic: whether this Jira has epics.
    """
    rows = [_row(lead, same, records, tickets) for lead, same in _by_lead(incidents).items()]
    rows.sort(key=lambda row: row.settled)
    own = [one for one in incidents if not one.exception]
    targets = tuple(sorted({one.target for one in own}))
    others = {(_short(one.signature.type), one.message) for one in incidents if one.exception}
    return EpicView(
        pattern=pattern,
        rows=tuple(rows[:MAX_ROWS]),
        left_out=max(len(rows) - MAX_ROWS, 0),
        exceptions=tuple(sorted(others)),
        targets=targets,
        incidents=len(incidents),
        settled=sum(bool(one.settled) for one in incidents),
        occurrences=sum(
            records[name].count for name in {i.fingerprint for i in incidents} if name in records
        ),
        since=pattern.first_seen,
        until=pattern.last_seen,
        off_at=targets if len(targets) == 1 else (),
        is_epic=is_epic,
    )


def _by_lead(incidents: Sequence[PatternIncident]) -> dict[str, list[PatternIncident]]:
    """The incidents of each ticket, in the order in which they failed."""
    found: dict[str, list[PatternIncident]] = {}
    for incident in incidents:
        found.setdefault(incident.lead, []).append(incident)
    return found


def _row(
    lead: str,
    same: Sequence[PatternIncident],
    records: Mapping[str, IncidentRecord],
    tickets: Mapping[str, Ticket],
) -> EpicRow:
    shown = next((one for one in same if one.fingerprint == lead), same[0])
    record, ticket = records.get(shown.fingerprint), tickets.get(lead)
    subject = (record.test or record.exception_type) if record else shown.fingerprint
    settled = all(one.settled for one in same)
    return EpicRow(
        key=ticket.key if ticket else "",
        url=ticket.url if ticket else "",
        target=shown.target,
        type=_short(shown.signature.type),
        summary=f"{subject}: {shown.message}",
        status=shown.settled if settled else str(shown.verdict).replace("_", " "),
        merged=len(same) - 1,
        exception=shown.exception,
        settled=settled,
    )


def _short(kind: str) -> str:
    return kind.rpartition(".")[2]
