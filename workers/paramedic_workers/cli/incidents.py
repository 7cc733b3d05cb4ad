"""`paramedic incidents`: the list, or one incident whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from paramedic.text import counted
from paramedic_workers.cli.ledger import ledger_errors
from paramedic_workers.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from paramedic_workers.incidents import IncidentRecord, IncidentState, Ledger
    from paramedic_workers.results import Result
    from paramedic_workers.sinks.jira.tickets import Ticket, Tickets

#: Incidents that are listed unless --limit says otherwise.
LIMIT = 100


@click.command(
    epilog="""\b
Examples:
  paramedic incidents                          the last seen first
  paramedic incidents --watch                  … as they change
  paramedic incidents 3f9ac1                   one whole: history, evidence, patch, proof
  paramedic incidents --state closed --json | jq '.[].verdict'
  paramedic dead-letters list                  events that were refused, and why
"""
)
@click.argument("incident", required=False, metavar="[ID]")
@click.option("--target", help="Only incidents of this target.")
@click.option(
    "--state",
    type=click.Choice(["waiting", "healing", "closed"]),
    help="Only incidents in this state.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    default=LIMIT,
    show_default=True,
    help="Show at most so many.",
)
@click.option("--watch", is_flag=True, help="Keep looking, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def command(
    *,
    incident: str | None,
    target: str | None,
    state: str | None,
    limit: int,
    watch: bool,
    as_json: bool,
) -> None:
    """List incidents, or show one whole.

    ID is the beginning of an incident's id.
    """
    from paramedic_workers.incidents import IncidentState

    if incident and (watch or target or state):
        raise UsageError("an ID stands alone, with --json at the most.")
    if watch and as_json:
        raise UsageError("--watch shows a list for people: leave --json out.")
    ledger, tickets = _opened()
    wanted = IncidentState(state) if state else None
    with ledger_errors():
        if incident:
            _show_incident(ledger, tickets, incident, as_json)
        elif watch:
            _watch(ledger, limit, wanted, target)
        else:
            _show_list(ledger.incidents(limit, wanted, target), ledger, tickets, as_json)


def _opened() -> tuple[Ledger, Tickets]:
    from paramedic_workers import settings_file
    from paramedic_workers.cli.logs import quiet_logs
    from paramedic_workers.connections import connect
    from paramedic_workers.incidents import Ledger
    from paramedic_workers.sinks.jira.tickets import Tickets

    settings = settings_file.load()
    quiet_logs(settings)
    client = connect(settings)
    return Ledger(client), Tickets(client)


def _show_list(
    records: Sequence[IncidentRecord], ledger: Ledger, tickets: Tickets, as_json: bool
) -> None:
    from paramedic_workers.cli.board import board_with_tally
    from paramedic_workers.cli.screen import output

    found = _tickets_of(records, tickets)
    if as_json:
        _print_json([_with_ticket(record, found.get(record.fingerprint)) for record in records])
        return
    console = output()
    if not records:
        console.print("no incidents")
    else:
        console.print(board_with_tally(console, records, tickets=found))
    if dead := ledger.dead_letter_count():
        click.echo(f"{counted(dead, 'dead letter')}: paramedic dead-letters list", err=True)


def _tickets_of(records: Sequence[IncidentRecord], tickets: Tickets) -> dict[str, Ticket]:
    """The tickets of these incidents by fingerprint; of a merged one, that of its lead."""
    if next(tickets.all(), None) is None:
        return {}
    found = ((record, _ticket_of(record, tickets)) for record in records)
    return {record.fingerprint: ticket for record, ticket in found if ticket is not None}


def _ticket_of(record: IncidentRecord, tickets: Tickets) -> Ticket | None:
    own = tickets.get(record.fingerprint)
    return own or (tickets.get(record.lead) if record.lead else None)


def _with_ticket(record: IncidentRecord, ticket: Ticket | None) -> dict[str, object]:
    """An incident as JSON shows it in a list."""
    import msgspec

    shown: dict[str, object] = msgspec.to_builtins(record)
    return {**shown, "ticket": _shown_ticket(ticket)}


def _shown_ticket(ticket: Ticket | None) -> dict[str, str] | None:
    return {"key": ticket.key, "url": ticket.url} if ticket is not None else None


def _watch(ledger: Ledger, limit: int, state: IncidentState | None, target: str | None) -> None:
    from paramedic_workers.cli.board import Watch, board_with_tally
    from paramedic_workers.cli.screen import output

    console = output()
    Watch(console, lambda records: board_with_tally(console, records)).until(
        lambda: ledger.incidents(limit, state, target), lambda _: False
    )


def _show_incident(ledger: Ledger, tickets: Tickets, prefix: str, as_json: bool) -> None:
    from paramedic_workers.cli.screen import output

    record = ledger.incident(prefix)
    # A merged incident has no result of its own: its lead's result speaks for both.
    results = ledger.results_of(record.lead or record.fingerprint)
    ticket = _ticket_of(record, tickets)
    if as_json:
        shown = _shown_ticket(ticket)
        _print_json({"incident": record, "results": results, "ticket": shown})
        return
    console = output()
    for part in _incident_parts(console, ledger, record, results, ticket):
        console.print(part)


def _incident_parts(
    console: Console,
    ledger: Ledger,
    record: IncidentRecord,
    results: Sequence[Result],
    ticket: Ticket | None,
) -> Iterator[RenderableType]:
    from rich.text import Text

    from paramedic_workers.cli.board import state_text
    from paramedic_workers.cli.show import result_section

    yield Text.assemble(state_text(record), (f" {record.fingerprint}", "bold"))
    yield _facts(record, ticket)
    if results:
        yield Text()
        yield result_section(console, results[0], _how_to_take(results[0]))
        yield _deliveries(console, ledger, results[0])
    if record.attempts_log:
        yield _heals(console, record)
    if len(results) > 1:
        yield _history(console, results[1:])


def _facts(record: IncidentRecord, ticket: Ticket | None) -> RenderableType:
    from rich.table import Table

    from paramedic_workers.cli.board import is_merged, subject

    facts = {
        "target": record.target,
        "failed": subject(record),
        "with": f"{record.exception_type}: {record.message}".strip(": "),
        "revision": record.commit or record.revision or "(the main branch)",
        "seen": f"{_times(record.count)}, {record.first_seen:%Y-%m-%d %H:%M:%S} "
        f"to {record.last_seen:%Y-%m-%d %H:%M:%S} UTC",
        "heals": f"{record.attempts} since {record.opened_at:%Y-%m-%d %H:%M:%S} UTC "
        f"{'on ' + ', '.join(record.hosts) if record.hosts else ''}",
        "merged": record.lead if is_merged(record) else "",
        "waits": _held(record),
        "ticket": f"{ticket.key} {ticket.url}" if ticket is not None else "",
    }
    grid = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        if value:
            grid.add_row(f"[soft]{name}[/]", _plain_cell(value))
    return grid


def _held(record: IncidentRecord) -> str:
    """Until when a waiting incident is held back, and why."""
    if record.state != "waiting" or record.not_before is None:
        return ""
    return f"until {record.not_before:%Y-%m-%d %H:%M:%S} UTC: {record.held_for}".rstrip(": ")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _plain_cell(value: str) -> RenderableType:
    from rich.text import Text

    from paramedic_workers.sinks.report import plain

    return Text(" ".join(plain(value).split()))


def _how_to_take(result: Result) -> str:
    if result.branch:
        return f"git fetch REMOTE {result.branch} && git merge FETCH_HEAD"
    return (
        f"paramedic incidents {result.incident[:10]} --json | jq -r '.results[0].patch' | git apply"
    )


def _deliveries(console: Console, ledger: Ledger, result: Result) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    from paramedic_workers.cli.screen import table

    shown = table(console, "sink", "delivery", "tried", "what it said", right=("tried",))
    deliveries = ledger.deliveries_of(result.id)
    for one in deliveries:
        shown.add_row(one.sink, one.outcome, str(one.attempts), _plain_cell(one.error))
    return Group(Text("Delivered", style="brand"), shown) if deliveries else Text("")


def _heals(console: Console, record: IncidentRecord) -> RenderableType:
    """The heals begun since the incident was opened, and how each ended."""
    from rich.console import Group
    from rich.text import Text

    from paramedic_workers.cli.screen import table

    shown = table(console, "heal begun", "host", "phase", "how it ended")
    for one in record.attempts_log:
        at = f"{one.at:%Y-%m-%d %H:%M:%S} UTC"
        shown.add_row(at, _plain_cell(one.host), one.phase, _plain_cell(one.end or "it runs"))
    return Group(Text("Heals", style="brand"), shown)


def _history(console: Console, earlier: Sequence[Result]) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    from paramedic_workers.cli.screen import table
    from paramedic_workers.cli.show import badge

    shown = table(console, "verdict", "when", "summary")
    for result in earlier:
        at = f"{result.started_at:%Y-%m-%d %H:%M:%S} UTC"
        shown.add_row(badge(result.verdict), at, _plain_cell(result.summary))
    return Group(Text("Earlier results", style="brand"), shown)


def _print_json(content: object) -> None:
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(content), indent=2).decode())
