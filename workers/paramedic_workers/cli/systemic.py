"""`paramedic systemic`: failures of the healer itself, listed, shown, closed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from paramedic_workers.cli.ledger import ledger_errors
from paramedic_workers.errors import UsageError

if TYPE_CHECKING:
    from paramedic_workers.systemic.patterns import Patterns

_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")


@click.group(
    epilog="""\b
Examples:
  paramedic systemic list                those that stand now
  paramedic systemic list --all          … and those that are over
  paramedic systemic show 3f9ac1         one whole: the error, its incidents, the exceptions
  paramedic systemic close 3f9ac1        it is mended: its strategy is switched on again
"""
)
def command() -> None:
    """List, show and close failures of the healer itself.

    Where the healer fails in the same way in several incidents, that is a pattern. While it
    is open the strategy that it concerns is switched off. docs/operate.md says more.
    """


@command.command("list", short_help="List patterns.")
@click.option("--all", "everything", is_flag=True, help="Those that are over, too.")
@_json
def list_(*, everything: bool, as_json: bool) -> None:
    """List the patterns that stand, the first opened first."""
    from paramedic_workers.cli.systemic_show import print_json, show_list, with_counts

    with _opened() as patterns:
        found = patterns.all() if everything else patterns.open_patterns()
        counted = [with_counts(pattern, patterns) for pattern in found]
    if as_json:
        print_json(counted)
    else:
        show_list(counted)


@command.command(short_help="Show one whole.")
@click.argument("pattern", metavar="ID")
@_json
def show(*, pattern: str, as_json: bool) -> None:
    """Show a pattern whole: the error, its incidents, the exceptions to it.

    ID is the beginning of its id.
    """
    from paramedic_workers.cli.systemic_show import print_json, show_whole, with_counts

    with _opened() as patterns:
        found = with_counts(patterns.find(pattern), patterns)
    if as_json:
        print_json(found)
    else:
        show_whole(found)


@command.command(short_help="Say that it is mended.")
@click.argument("pattern", metavar="ID")
def close(*, pattern: str) -> None:
    """Close a pattern: its strategy is switched on again, its epic is moved to done.

    ID is the beginning of its id. If the same comes again, so does the pattern.
    """
    from paramedic_workers.systemic.model import PatternEnd

    with _opened() as patterns:
        found = patterns.find(pattern)
        if not patterns.close(found, PatternEnd.PERSON):
            raise UsageError(
                f"The pattern {found.id} is over already.",
                remedy="`paramedic systemic list` shows those that stand.",
            )
    said = f"; {found.strategy} is switched on again" if found.strategy else ""
    click.echo(f"closed {found.id}: {found.signature.words}{said}")


@contextmanager
def _opened() -> Iterator[Patterns]:
    """The patterns of the ledger; one that is away is one clear line.

    Raises:
        BrokerError: the ledger cannot be reached.
    """
    from paramedic_workers import settings_file
    from paramedic_workers.cli.logs import quiet_logs
    from paramedic_workers.connections import connect
    from paramedic_workers.systemic.patterns import Patterns

    settings = settings_file.load()
    quiet_logs(settings)
    with ledger_errors():
        yield Patterns(connect(settings), settings)
