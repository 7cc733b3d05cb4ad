"""Incidents as a table, and as it changes: live on a terminal, a line per change in a pipe."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from paramedic.text import counted
from paramedic_workers.cli.screen import table
from paramedic_workers.cli.show import badge, tone, words
from paramedic_workers.incidents import IncidentRecord, IncidentState
from paramedic_workers.sinks.jira.tickets import Ticket
from paramedic_workers.sinks.report import plain

#: Seconds between two looks at the ledger.
PAUSE = 0.25
#: Digits of an incident's id that are shown: enough to name it on the command line.
ID_SHOWN = 10
#: Columns of a terminal from which on it has room for everything.
WIDE = 110
#: Title of the column that says what failed.
SUBJECT = "failure"

Labels = Callable[[IncidentRecord], str]


def board(
    console: Console,
    records: Sequence[IncidentRecord],
    label: tuple[str, Labels] | None = None,
    tickets: Mapping[str, Ticket] = {},
) -> Table:
    """The table of incidents.

    Args:
        console: where it is shown.
        records: one row each, in this order.
        label: title and content of a further first column.
        tickets: by fingerprint; a further column where there are any.
    """
    columns = _columns(console, label)
    if tickets:
        columns["ticket"] = lambda record: ticket_text(tickets.get(record.fingerprint))
    whole = tuple(title for title in columns if title != SUBJECT)
    made = table(console, *columns, right=("count",), whole=whole)
    for record in records:
        made.add_row(*(cell(record) for cell in columns.values()))
    return made


def _columns(
    console: Console, label: tuple[str, Labels] | None
) -> dict[str, Callable[[IncidentRecord], Text]]:
    """Titles and cells; with a column of the caller's own, a terminal has room for fewer."""
    columns: dict[str, Callable[[IncidentRecord], Text]] = {
        "state": state_text,
        "incident": lambda record: Text(record.fingerprint[:ID_SHOWN], style="soft"),
        "target": lambda record: Text(record.target),
        # The one column that is cut where the terminal is narrow.
        SUBJECT: lambda record: Text(plain(subject(record)), no_wrap=True, overflow="ellipsis"),
        "count": lambda record: Text(f"{record.count:,}"),
        "phase": lambda record: _doing(record, console.is_terminal),
    }
    if label is None:
        return columns
    title, text_of = label
    dropped = (
        ("target", "incident") if console.is_terminal and console.width < WIDE else ("target",)
    )
    kept = {name: cell for name, cell in columns.items() if name not in dropped}
    return {title: lambda record: Text(text_of(record), style="bold"), **kept}


def ticket_text(ticket: Ticket | None) -> Text:
    """The key of a ticket; on a terminal that can do it, a link to the ticket."""
    if ticket is None:
        return Text("–", style="soft")
    return Text(plain(ticket.key), style=f"link {ticket.url}" if ticket.url else "")


def subject(record: IncidentRecord) -> str:
    """What failed: the test, else the exception and where it came from."""
    if record.test:
        return record.test
    place = f" in {record.frames[-1].function}" if record.frames else ""
    return f"{record.exception_type}{place}"


def state_text(record: IncidentRecord) -> Text:
    """The verdict of a closed incident, the state of an open one."""
    if record.state is IncidentState.CLOSED and record.verdict is not None:
        return badge(record.verdict)
    busy = record.state is IncidentState.HEALING
    return Text(f"{'▶' if busy else '·'} {words(record.state)}", style="brand" if busy else "soft")


def is_merged(record: IncidentRecord) -> bool:
    """Whether another incident leads its result."""
    return bool(record.lead) and record.lead != record.fingerprint


def _doing(record: IncidentRecord, terminal: bool) -> Text:
    if record.state is IncidentState.HEALING and record.phase is not None:
        return Text(record.phase, style="brand")
    merged = is_merged(record) and record.state is IncidentState.CLOSED
    into = "↳" if terminal else "merged into"
    return Text(f"{into} {record.lead[:ID_SHOWN]}" if merged else "", style="soft")


def activity(records: Sequence[IncidentRecord]) -> list[Text]:
    """What the running heals do: a line for each group."""
    healing = [r for r in records if r.state is IncidentState.HEALING and r.phase is not None]
    lines = []
    for group, record in {record.group: record for record in healing}.items():
        target, _, revision = group.partition("@")
        tried = f", {counted(record.candidates, 'candidate')}" if record.candidates else ""
        place = f"{target} at {revision[:10]}" if revision else target
        what = f"  {plain(record.detail)}{tried}"
        lines.append(
            Text.assemble(("▶ ", "brand"), f"{place}: ", (record.phase or "", "brand"), what)
        )
    return lines


def tally(records: Sequence[IncidentRecord]) -> Text:
    """How many incidents there are, by verdict or state."""
    counts: dict[str, tuple[int, str]] = {}
    for record in records:
        name = words(record.verdict or record.state)
        counts[name] = (counts.get(name, (0, ""))[0] + 1, tone(record.verdict))
    parts = [Text(f"{number} {name}", style=style) for name, (number, style) in counts.items()]
    return Text(", ").join(parts) if parts else Text("no incidents", style="soft")


class Watch:
    """Shows what changes in a list of incidents, look by look."""

    def __init__(
        self, console: Console, show: Callable[[Sequence[IncidentRecord]], RenderableType]
    ):
        """Show it with `show` on a terminal, as lines otherwise."""
        self._console = console
        self._show = show
        self._lines: dict[str, str] = {}
        self._live: Live | None = None

    def until(
        self,
        look: Callable[[], Sequence[IncidentRecord]],
        done: Callable[[Sequence[IncidentRecord]], bool],
    ) -> Sequence[IncidentRecord]:
        """Look again and again until it is done; gives the last look."""
        with self._screen():
            while True:
                records = look()
                self._tell(records)
                if done(records):
                    return records
                time.sleep(PAUSE)

    def _screen(self) -> AbstractContextManager[object]:
        if not self._console.is_terminal:
            return nullcontext()
        self._live = Live(console=self._console, auto_refresh=False)
        return self._live

    def _tell(self, records: Sequence[IncidentRecord]) -> None:
        if self._live is not None:
            self._live.update(self._show(records), refresh=True)
            return
        for record in records:
            line = change_line(record)
            if self._lines.get(record.fingerprint) != line:
                self._lines[record.fingerprint] = line
                self._console.print(Text(line))


def change_line(record: IncidentRecord) -> str:
    """Where an incident stands, in one plain line."""
    stands = words(record.verdict or record.phase or record.state)
    name = f"{record.target} {record.fingerprint[:ID_SHOWN]}"
    return f"{name}: {stands}: {plain(subject(record))}"


def board_with_tally(
    console: Console,
    records: Sequence[IncidentRecord],
    label: tuple[str, Labels] | None = None,
    tickets: Mapping[str, Ticket] = {},
) -> Group:
    """The table; below it what is being done, and the numbers."""
    if not records:
        return Group(tally(records))
    lines = activity(records) if console.is_terminal else []
    for line in lines:
        line.no_wrap, line.overflow = True, "ellipsis"
    return Group(board(console, records, label, tickets), Text(), *lines, tally(records))
