"""`paramedic simulate`: failure conditions, replayed on this machine, against what is promised."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from paramedic_workers.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from paramedic_workers.simulation.model import Condition, Outcome


@click.command(
    epilog="""\b
Examples:
  paramedic simulate
  paramedic simulate --list
  paramedic simulate --only poison --only md-3049
  paramedic simulate --json | jq '.conditions[] | select(.as_promised | not)'

\b
Exit status: 0 all is as promised; 1 something is not; 2 wrong usage or set-up.
"""
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@click.option("--list", "as_list", is_flag=True, help="List the conditions; replay none.")
@click.option(
    "--only",
    "only",
    multiple=True,
    metavar="NAME",
    help="Replay this condition, or all whose name begins so; may be given again.",
)
@click.option(
    "--picture",
    type=click.Path(path_type=Path),
    help="Save the table as an SVG picture.",
)
@click.pass_context
def command(
    context: click.Context,
    *,
    as_json: bool,
    as_list: bool,
    only: tuple[str, ...],
    picture: Path | None,
) -> None:
    """Replay the catalogue of failure conditions, and compare with what is promised.

    A private broker and real workers are started in a temporary folder; small
    repositories are healed in it while workers are killed, the broker goes away and
    sinks fail. It takes about two minutes on two cores. Nothing of it stays, and
    nothing of yours is touched.
    """
    from paramedic_workers.cli.logs import quiet_logs
    from paramedic_workers.cli.screen import notes, output
    from paramedic_workers.settings import Settings

    conditions = chosen(only)
    console = output()
    if as_list:
        _list(console, conditions, as_json)
        return
    _check_pytest()
    # What dies is started again: here that is no news.
    quiet_logs(Settings(), "critical")
    outcomes = _replayed(notes(), conditions)
    held = all(outcome.as_promised for outcome in outcomes)
    if as_json:
        click.echo(document(outcomes))
    else:
        console.print(table_of(console, outcomes))
        console.print(_tally(outcomes))
    if picture is not None:
        _save_picture(outcomes, picture)
    context.exit(0 if held else 1)


def chosen(only: Sequence[str]) -> list[Condition]:
    """The conditions of these names, or of names that begin so; all where none is given.

    Raises:
        UsageError: there is none.
    """
    from paramedic_workers.simulation.catalogue import CATALOGUE

    found: dict[str, Condition] = {}
    for name in only or ("",):
        matching = [c for c in CATALOGUE if c.name == name] or [
            c for c in CATALOGUE if c.name.startswith(name)
        ]
        if not matching or (only and not name):
            raise UsageError(
                f"There is no condition {name!r}.", remedy="`paramedic simulate --list` names them."
            )
        found.update({condition.name: condition for condition in matching})
    return [condition for condition in CATALOGUE if condition.name in found]


def document(outcomes: Sequence[Outcome]) -> str:
    """What `--json` prints."""
    import msgspec

    conditions = [
        {
            "name": outcome.name,
            "title": outcome.title,
            "expected": outcome.expected,
            "seen": outcome.seen,
            "as_promised": outcome.as_promised,
            "seconds": outcome.seconds,
        }
        for outcome in outcomes
    ]
    whole = {
        "conditions": conditions,
        "as_promised": all(outcome.as_promised for outcome in outcomes),
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode()


def table_of(console: Console, outcomes: Sequence[Outcome]) -> RenderableType:
    """The table of expected and seen."""
    from rich.text import Text

    from paramedic_workers.cli.screen import table

    shown = table(console, "", "condition", "expected", "seen", "time", right=("time",))
    for outcome in outcomes:
        good = outcome.as_promised
        shown.add_row(
            Text("✓", style="good") if good else Text("✗", style="bad"),
            outcome.title,
            Text(outcome.expected),
            Text(outcome.seen, style="good" if good else "bad"),
            f"{outcome.seconds:.1f} s",
        )
    return shown


def _tally(outcomes: Sequence[Outcome]) -> str:
    broken = [outcome.name for outcome in outcomes if not outcome.as_promised]
    if not broken:
        return f"\n[good]●[/] all {len(outcomes)} as promised"
    return f"\n[bad]●[/] {len(broken)} of {len(outcomes)} not as promised: {', '.join(broken)}"


def _replayed(console: Console, conditions: Sequence[Condition]) -> list[Outcome]:
    """Replay the conditions; on a terminal, say how far it is."""
    from paramedic_workers.simulation.model import Standing
    from paramedic_workers.simulation.runner import Simulation

    under_way: dict[str, str] = {}
    ended: list[str] = []
    with console.status("broker and workers start …") as status:

        def tell(outcome: Outcome) -> None:
            if outcome.standing is Standing.UNDER_WAY:
                under_way[outcome.name] = outcome.title
            else:
                under_way.pop(outcome.name, None)
                ended.append(outcome.name)
                if not outcome.as_promised:
                    console.print(f"[bad]✗[/] {outcome.title}: {outcome.seen}")
            now = ", ".join(list(under_way))
            status.update(f"{len(ended)} of {len(conditions)} conditions; under way: {now}")

        return Simulation(conditions=conditions, tell=tell).run()


def _list(console: Console, conditions: Sequence[Condition], as_json: bool) -> None:
    import msgspec

    from paramedic_workers.cli.screen import table

    if as_json:
        rows = [{"name": c.name, "title": c.title, "expected": c.expected} for c in conditions]
        click.echo(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
        return
    shown = table(console, "name", "what happens", "what is promised", whole=("name",))
    for condition in conditions:
        shown.add_row(condition.name, condition.title, condition.expected)
    console.print(shown)


def _check_pytest() -> None:
    """The samples are tested with this interpreter.

    Raises:
        UsageError: it has no pytest.
    """
    import sys
    from importlib.util import find_spec

    if find_spec("pytest") is None:
        raise UsageError(
            f"The simulation needs pytest, and {sys.executable} has none.",
            remedy=f"Install it: {sys.executable} -m pip install pytest",
        )


def _save_picture(outcomes: Sequence[Outcome], picture: Path) -> None:
    """Draw the table as a terminal would, whatever this command runs in."""
    import io
    import re

    from rich.console import Console

    from paramedic_workers.cli.screen import THEME

    console = Console(
        record=True, width=150, force_terminal=True, theme=THEME, file=io.StringIO(), emoji=False
    )
    console.print("[soft]$[/] [bold]paramedic simulate[/]\n")
    console.print(table_of(console, outcomes))
    console.print(_tally(outcomes))
    svg = console.export_svg(title="paramedic simulate", unique_id="paramedic")
    # Fonts from the network: the picture has to be whole in itself.
    whole = re.sub(r"@font-face\s*\{.*?\}\s*", "", svg, flags=re.DOTALL)
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text(re.sub(r"\s*<!-- .*? -->", "", whole), encoding="utf-8")
