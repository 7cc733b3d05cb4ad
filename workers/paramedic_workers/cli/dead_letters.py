"""`paramedic dead-letters`: what could not be processed, listed, shown, replayed, dropped."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from paramedic.text import counted
from paramedic_workers.cli.age import Age
from paramedic_workers.cli.ledger import ledger_errors
from paramedic_workers.errors import UsageError

if TYPE_CHECKING:
    import redis

    from paramedic_workers.dead_letters.changes import TargetChanges
    from paramedic_workers.dead_letters.criteria import Criteria
    from paramedic_workers.dead_letters.selection import Selected, Selection
    from paramedic_workers.dead_letters.store import DeadLetters
    from paramedic_workers.settings import Settings

#: Letters that are listed unless --limit says otherwise.
LIMIT = 100
#: As in `Reason`, which the help need not import.
REASONS = [
    *("invalid", "attempts_exhausted", "worker_lost"),
    *("timeout", "error", "delivery_failed"),
]


@click.group(
    epilog="""\b
Examples:
  paramedic dead-letters list                          the newest first
  paramedic dead-letters list --reason invalid --newer-than 2h
  paramedic dead-letters show 3f9ac1                   one whole: error, attempts, message
  paramedic dead-letters replay 3f9ac1                 … and done again
  paramedic dead-letters replay --sink jira --rate 5   all that Jira refused, five a second
  paramedic dead-letters drop --reason invalid --older-than 7d --yes
"""
)
def command() -> None:
    """List, show, replay and drop dead letters.

    A dead letter is a message that could not be processed, kept whole with the reason.
    Nothing is replayed twice, whatever interrupts a replay. docs/dead-letters.md says
    how to read one, and what to do about it.
    """


def _filters(default: int | None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options that say which letters are meant."""
    options = (
        click.option("--reason", type=click.Choice(REASONS), help="Only with this reason."),
        click.option("--target", default="", metavar="NAME", help="Only of this target."),
        click.option("--queue", default="", metavar="NAME", help="Only from this queue."),
        click.option("--sink", default="", metavar="NAME", help="Only refused by this sink."),
        click.option("--error-type", default="", metavar="TYPE", help="Only with this error."),
        click.option("--older-than", type=Age(), metavar="AGE", help="Kept longer ago: 2h, 7d."),
        click.option("--newer-than", type=Age(), metavar="AGE", help="Kept since: 30m, 2h."),
        click.option(
            "--limit",
            type=click.IntRange(min=1),
            metavar="N",
            default=default,
            show_default=default is not None,
            help="At most so many, the newest.",
        ),
    )

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return add


_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
_ids = click.argument("ids", nargs=-1, metavar="[ID]...")
_all = click.option("--all", "everything", is_flag=True, help="All letters, where nothing is said.")
_dry_run = click.option("--dry-run", is_flag=True, help="Only show what would happen.")
_changed = click.option(
    "--if-target-changed",
    is_flag=True,
    help="Only where the target's main branch has a newer commit than the letter.",
)


@command.command("list", short_help="List dead letters, the newest first.")
@_filters(LIMIT)
@click.option(
    "--replayed", is_flag=True, help="Those that were replayed and have not failed since."
)
@_json
def list_(*, replayed: bool, as_json: bool, **filters: Any) -> None:
    """List dead letters, the newest first."""
    from paramedic_workers.cli.dead_letters_show import print_summaries, show_list

    place = _open()
    with ledger_errors():
        letters = place.store.letters(_criteria(filters), replayed=replayed)
        if as_json:
            print_summaries(letters)
            return
        show_list(place.store, list(letters), place.settings, replayed=replayed)


@command.command()
@click.argument("letter", metavar="ID")
@click.option(
    "--raw",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Write the bytes of the original message to this file; - is stdout.",
)
@_json
def show(letter: str, raw: Path | None, as_json: bool) -> None:
    """Show one dead letter whole; ID is the beginning of its id."""
    from paramedic_workers.cli.dead_letters_show import print_whole, show_letter, write_raw

    if raw is not None and as_json:
        raise UsageError("--raw writes bytes: leave --json out.")
    place = _open()
    with ledger_errors():
        found = place.store.get(letter)
    if raw is not None:
        write_raw(found, raw)
    elif as_json:
        print_whole(found)
    else:
        show_letter(found, place.settings)


@command.command(short_help="Do again what dead letters stand for, each once.")
@_ids
@_filters(None)
@_all
@_changed
@_dry_run
@click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    help="At most N a second.",
)
@_json
@click.pass_context
def replay(
    context: click.Context,
    /,
    *,
    ids: tuple[str, ...],
    everything: bool,
    if_target_changed: bool,
    dry_run: bool,
    rate: float | None,
    as_json: bool,
    **filters: Any,
) -> None:
    """Do again what dead letters stand for, each once.

    A delivery goes to its sink again, an incident is healed again, any other message goes
    to its queue again. A letter that fails again is dead again, with its history. The exit
    status is 1 where a letter could not be replayed.
    """
    from paramedic_workers.cli.dead_letters_work import replay_letters

    selection = _selection(ids, filters, everything=everything, changed=if_target_changed)
    place = _open()
    with ledger_errors():
        selected = _select(place, selection, if_target_changed)
        done = replay_letters(
            place.settings, place.store, selected, rate=rate, dry_run=dry_run, as_json=as_json
        )
    context.exit(0 if done else 1)


@command.command(short_help="Delete dead letters for good.")
@_ids
@_filters(None)
@_all
@_changed
@_dry_run
@click.option("--yes", is_flag=True, help="Do not ask, also where there are several.")
@_json
def drop(
    *,
    ids: tuple[str, ...],
    everything: bool,
    if_target_changed: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **filters: Any,
) -> None:
    """Delete dead letters for good."""
    from paramedic_workers.cli.dead_letters_work import drop_letters

    selection = _selection(ids, filters, everything=everything, changed=if_target_changed)
    place = _open()
    with ledger_errors():
        selected = _select(place, selection, if_target_changed)
        if not dry_run and not yes:
            _ask(len(selected.ids))
        drop_letters(place.store, selected, dry_run=dry_run, as_json=as_json)


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where the letters are."""

    settings: Settings
    client: redis.Redis
    store: DeadLetters


def _open() -> _Place:
    from paramedic_workers import settings_file
    from paramedic_workers.cli.logs import quiet_logs
    from paramedic_workers.connections import connect
    from paramedic_workers.dead_letters.store import DeadLetters

    settings = settings_file.load()
    quiet_logs(settings)
    client = connect(settings)
    return _Place(settings=settings, client=client, store=DeadLetters.of(client, settings))


def _criteria(filters: dict[str, Any]) -> Criteria:
    from paramedic.event import now
    from paramedic_workers.dead_letters.criteria import Criteria
    from paramedic_workers.dead_letters.model import Reason

    def ago(age: timedelta | None) -> Any:
        return None if age is None else now() - age

    return Criteria(
        reason=Reason(filters["reason"]) if filters["reason"] else None,
        target=filters["target"],
        queue=filters["queue"],
        error_type=filters["error_type"],
        older_than=ago(filters["older_than"]),
        newer_than=ago(filters["newer_than"]),
        sink=filters["sink"],
        limit=filters["limit"],
    )


def _selection(
    ids: tuple[str, ...], filters: dict[str, Any], *, everything: bool, changed: bool
) -> Selection:
    """What was asked for.

    Raises:
        UsageError: nothing was, or several things that exclude each other.
    """
    from paramedic_workers.dead_letters.selection import Selection

    filtered = [name for name, value in filters.items() if value and name != "limit"]
    if ids and (filtered or everything or filters["limit"]):
        raise UsageError("IDs stand alone: leave --all, --limit and the filters out.")
    if not (ids or filtered or everything or changed):
        raise UsageError("which ones?", remedy="Give IDs, filters, or --all.")
    return Selection(ids=ids, criteria=_criteria(filters))


def _select(place: _Place, selection: Selection, if_target_changed: bool) -> Selected:
    from paramedic_workers.dead_letters.selection import select

    changes = _changes(place.settings) if if_target_changed else None
    selected = select(place.store, selection, changes.since if changes else None)
    for doubt in selected.doubts:
        click.echo(f"paramedic: left out: {doubt}", err=True)
    return selected


def _changes(settings: Settings) -> TargetChanges:
    from paramedic_workers.dead_letters.changes import TargetChanges

    return TargetChanges(targets=settings.targets)


def _ask(number: int) -> None:
    """Let a person confirm that several letters are deleted.

    Raises:
        UsageError: there is nobody to ask.
        click.Abort: they declined.
    """
    if number < 2:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            f"{counted(number, 'dead letter')} would be deleted, and there is nobody to ask.",
            remedy="Say --yes, or look with --dry-run.",
        )
    click.confirm(f"Delete {counted(number, 'dead letter')} for good?", abort=True, err=True)
