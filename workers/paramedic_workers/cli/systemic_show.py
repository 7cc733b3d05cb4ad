"""How patterns of failures of the healer look on a terminal, in a pipe and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click
import msgspec
from rich.text import Text

from paramedic.text import counted, one_line
from paramedic_workers.cli.screen import output, table
from paramedic_workers.sinks.report import plain
from paramedic_workers.systemic.model import Pattern, PatternIncident
from paramedic_workers.systemic.patterns import Patterns

#: Characters of a message in a table.
_MESSAGE = 100


class CountedPattern(msgspec.Struct, frozen=True, kw_only=True):
    """A pattern with its incidents."""

    pattern: Pattern
    incidents: tuple[PatternIncident, ...]

    @property
    def own(self) -> tuple[PatternIncident, ...]:
        """Those that failed in its way."""
        return tuple(one for one in self.incidents if not one.exception)


def with_counts(pattern: Pattern, patterns: Patterns) -> CountedPattern:
    """The pattern with its incidents."""
    return CountedPattern(pattern=pattern, incidents=tuple(patterns.incidents(pattern.id)))


def print_json(found: CountedPattern | Sequence[CountedPattern]) -> None:
    """Print one JSON document: a pattern, or a list of them."""
    shown = _as_json(found) if isinstance(found, CountedPattern) else list(map(_as_json, found))
    click.echo(msgspec.json.format(msgspec.json.encode(shown), indent=2).decode())


def _as_json(found: CountedPattern) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(found.pattern)
    incidents: list[Any] = msgspec.to_builtins(found.incidents)
    return {**shown, "strategy": found.pattern.strategy, "incidents": incidents}


def show_list(found: Sequence[CountedPattern]) -> None:
    """A line for each pattern."""
    console = output()
    if not found:
        console.print("the healer fails in no pattern")
        return
    shown = table(
        console,
        *("id", "state", "since", "incidents", "settled", "switched off", "what"),
        right=("incidents", "settled"),
        whole=("id", "since"),
    )
    for one in found:
        pattern = one.pattern
        shown.add_row(
            pattern.id,
            Text(pattern.state, style="bad" if pattern.is_open else "soft"),
            _moment(pattern.first_seen),
            str(len(one.incidents)),
            str(sum(bool(incident.settled) for incident in one.incidents)),
            pattern.strategy if pattern.strategy and pattern.is_open else "–",
            plain(one_line(f"{pattern.signature.words}: {pattern.example.message}", _MESSAGE)),
        )
    console.print(shown)


def show_whole(found: CountedPattern) -> None:
    """Everything that is known of one pattern."""
    console, pattern = output(), found.pattern
    console.print(Text(f"{pattern.signature.type}: {plain(pattern.example.message)}", style="bold"))
    console.print(f"{pattern.signature.words}, {_standing(pattern)}")
    if pattern.strategy and pattern.is_open:
        console.print(f"! strategy {pattern.strategy} is switched off", style="mild")
    console.print()
    if pattern.example.traceback:
        console.print(Text(plain(pattern.example.traceback).rstrip()))
        console.print()
    exceptions = len(found.incidents) - len(found.own)
    others = counted(exceptions, "exception", "exceptions")
    console.print(f"{counted(len(found.own), 'incident')}, {others}")
    shown = table(console, "incident", "target", "failed", "status", "how", whole=("incident",))
    for incident in found.incidents:
        how = f"{incident.signature.type}: {incident.message}" if incident.exception else ""
        shown.add_row(
            incident.fingerprint,
            incident.target,
            _moment(incident.at),
            incident.settled or str(incident.verdict),
            plain(one_line(how, _MESSAGE)) if how else "the same",
        )
    console.print(shown)


def _standing(pattern: Pattern) -> str:
    again = f", for the {pattern.openings}. time" if pattern.openings > 1 else ""
    if pattern.closed_at is None:
        return f"open since {_moment(pattern.opened_at)}{again}"
    return f"over since {_moment(pattern.closed_at)} ({pattern.closed_because}){again}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
