"""`paramedic demo`: the tour, shown."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from paramedic_workers.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from paramedic_workers.demo.tour import Outcome, Tour
    from paramedic_workers.incidents import IncidentRecord


@click.command(
    epilog="""\b
Examples:
  paramedic demo
  paramedic demo --directory /tmp/tour --keep

\b
Exit status: 0 every verdict is as it must be; 1 one is not; 2 wrong usage
or set-up.
"""
)
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    help="Make the tour in this new or empty folder. Without: in a temporary one.",
)
@click.option(
    "--keep", is_flag=True, help="Keep broker data and logs too, not only shop and reports."
)
@click.option(
    "--picture", type=click.Path(path_type=Path), help="Save the last table as an SVG picture."
)
@click.pass_context
def command(
    context: click.Context, *, directory: Path | None, keep: bool, picture: Path | None
) -> None:
    """The tour: a sample project, broken in seven ways, healed through the real queue.

    A small shop with a git history is made; its CI run and a service publish what
    fails; two workers heal it through the bundled broker, on a private data
    directory. The shop and the report pages, with the tickets that Jira would get,
    stay for you to look at; all of it stays where a verdict is not as it must be.
    """
    from paramedic_workers.cli.logs import quiet_logs
    from paramedic_workers.cli.screen import output
    from paramedic_workers.demo.tour import Tour

    _check_pytest()
    console = output()
    tour = Tour(folder=_folder(directory), tell=lambda text: _tell(console, text))
    quiet_logs(tour.settings(), "error")
    try:
        shortfalls = tour.run(_watch(console))
    except BaseException:
        if not keep:
            tour.remove()
        raise
    if not (keep or shortfalls):
        tour.clean()
    _show(console, tour)
    if picture is not None:
        _save_picture(tour, picture)
    for shortfall in shortfalls:
        click.echo(f"paramedic: not as it must be: {shortfall}", err=True)
    context.exit(1 if shortfalls else 0)


def _check_pytest() -> None:
    """The sample project is tested with this interpreter.

    Raises:
        UsageError: it has no pytest.
    """
    if find_spec("pytest") is None:
        raise UsageError(
            f"The tour needs pytest, and {sys.executable} has none.",
            remedy=f"Install it: {sys.executable} -m pip install pytest",
        )


def _folder(directory: Path | None) -> Path:
    if directory is None:
        return Path(tempfile.mkdtemp(prefix="paramedic-demo-"))
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise UsageError(f"{directory} is not empty.", remedy="Name a new or empty folder.")
    except OSError as error:
        raise UsageError(f"{directory} cannot be used: {error.strerror}.") from error
    return directory.resolve()


def _tell(console: Console, text: str) -> None:
    from rich.text import Text

    console.print(Text.assemble(("▸ ", "brand"), text))


def _watch(
    console: Console,
) -> Callable[
    [Callable[[], Sequence[IncidentRecord]], Callable[[Sequence[IncidentRecord]], bool]],
    Sequence[IncidentRecord],
]:
    from paramedic_workers.cli.board import Watch, board_with_tally
    from paramedic_workers.demo.tour import kind_of

    return Watch(
        console, lambda records: board_with_tally(console, records, ("what", kind_of))
    ).until


def _show(console: Console, tour: Tour) -> None:
    from paramedic_workers.cli.show import result_section

    for outcome in tour.outcomes:
        if outcome.result is not None and outcome.result.patch:
            console.print()
            console.print(f"[brand]{outcome.expectation.kind}[/]")
            how = _how_to_take(tour, outcome)
            console.print(result_section(console, outcome.result, how))
    console.print(summary(console, tour))
    console.print(_places(tour))


def _how_to_take(tour: Tour, outcome: Outcome) -> str:
    branch = outcome.result.branch if outcome.result else None
    return f"git -C {tour.repository} merge {branch}" if branch else "git apply fix.patch"


def summary(console: Console, tour: Tour) -> RenderableType:
    """The table of what was broken and how it ended."""
    from rich.text import Text

    from paramedic_workers.cli.screen import table
    from paramedic_workers.cli.show import badge, confidence_text
    from paramedic_workers.sinks.report import duration

    columns = ("what is broken", "verdict", "how", "confidence", "tests", "count", "time", "branch")
    shown = table(console, *columns, right=("tests", "count", "time"))
    for outcome in tour.outcomes:
        result, record = outcome.result, outcome.record
        if result is None or record is None:
            shown.add_row(outcome.expectation.kind, Text("missing", style="bad"))
            continue
        shown.add_row(
            outcome.expectation.kind,
            badge(result.verdict),
            result.strategy or "–",
            confidence_text(result.confidence),
            str(len(result.failing_tests)),
            f"{record.count:,}",
            duration(result.seconds),
            result.branch or "–",
        )
    return shown


def _places(tour: Tour) -> str:
    from rich.markup import escape

    branches = f"git -C {tour.repository} log --oneline --all"
    lines = {
        "reports": str(tour.reports / "index.html"),
        "tickets": f"{tour.ticket or 'none'} and the like: nothing was sent to Jira",
        "branches": branches,
        "all of it": f"{tour.folder} (delete it when you have seen enough)",
        "took": f"{tour.seconds:.0f} s",
    }
    return "\n" + "\n".join(f"  [soft]{name:9}[/] {escape(text)}" for name, text in lines.items())


def _save_picture(tour: Tour, picture: Path) -> None:
    """Draw the table as a terminal would, whatever this command runs in."""
    import io
    import re

    from rich.console import Console

    from paramedic_workers.cli.screen import THEME

    console = Console(
        record=True, width=128, force_terminal=True, theme=THEME, file=io.StringIO(), emoji=False
    )
    console.print("[soft]$[/] [bold]paramedic demo[/]\n")
    console.print(summary(console, tour))
    svg = console.export_svg(title="paramedic demo", unique_id="paramedic")
    # Fonts from the network: the picture has to be whole in itself.
    whole = re.sub(r"@font-face\s*\{.*?\}\s*", "", svg, flags=re.DOTALL)
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text(re.sub(r"\s*<!-- .*? -->", "", whole), encoding="utf-8")
