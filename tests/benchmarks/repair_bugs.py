"""`make bench-repair BUGS=FILE.jsonl`: heals a file of small bugs and judges the patches.

    python -m tests.benchmarks.repair_bugs FILE.jsonl [--budget 60] [--jobs 2] [--only ID]

Each line of the file is a JSON object with `id`, `buggy`, `test` and `reference`: the
sources of `solution.py` before and after, and of `test_solution.py`. A bug counts as
plausible when the first patch passes a clean run of pytest, and as right when that patch
is the reference's code or behaves the same on varied inputs of the tests. Writes
`bench-repair.json` with everything, and `bench-repair.svg`, bugs healed over time.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.benchmarks.bugs.bug import Bug, read_bugs
from tests.benchmarks.bugs.chart import Curve, chart
from tests.benchmarks.bugs.figures import as_json, evidence_lines, figures, lines
from tests.benchmarks.bugs.heal import Healing, heal

_GREEN, _BLUE = "#2e7d32", "#1565c0"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; exit status 2 where there are no bugs to run."""
    options = _parser().parse_args(arguments)
    try:
        bugs = read_bugs(options.file)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"repair_bugs: {error}\n")
        return 2
    bugs = [bug for bug in bugs if not options.only or bug.id in options.only]
    console = Console(highlight=False, soft_wrap=True)
    healings = []
    for healing in _healed(bugs, options, console):
        console.print(row(healing), markup=False)
        healings.append(healing)
        # After each, so that an interrupted run is not lost.
        _write(options, healings)
    console.print()
    for line in lines(figures(healings)):
        console.print(line, markup=False)
    console.print(f"\nwritten: {', '.join(map(str, _write(options, healings)))}", markup=False)
    return 0


def row(healing: Healing) -> str:
    """One bug, one line."""
    report, first = healing.report, healing.first
    said = f"{first.template}: {first.title}" if first else report.detail
    trust = first.trust if first else ""
    speed = f"{report.seconds:6.2f} s {report.candidates:6d} {healing.rate:6.0f}/s"
    return f"{healing.bug.id:20} {healing.verdict:16} {speed} {trust:6} {said}"


def _healed(
    bugs: Sequence[Bug], options: argparse.Namespace, console: Console
) -> Iterator[Healing]:
    """The healings in the order of the bugs; with a bar on a terminal."""
    columns = (
        TextColumn("healing"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with (
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar,
        ThreadPoolExecutor(options.jobs) as pool,
    ):
        task = bar.add_task("healing", total=len(bugs))
        work = partial(heal, budget=options.budget, few_tests=options.few_tests)
        for healing in pool.map(work, bugs):
            bar.advance(task)
            yield healing


def _write(options: argparse.Namespace, healings: Sequence[Healing]) -> list[Path]:
    folder: Path = options.out
    folder.mkdir(parents=True, exist_ok=True)
    document = folder / "bench-repair.json"
    document.write_text(as_json(healings, budget=options.budget, jobs=options.jobs))
    curves = [
        Curve("pass all tests", [h.report.seconds for h in healings if h.plausible], _BLUE),
        Curve("agree with the reference", [h.report.seconds for h in healings if h.right], _GREEN),
    ]
    drawing = folder / "bench-repair.svg"
    drawing.write_text(
        chart("Bugs healed over time", curves, bugs=len(healings), budget=options.budget)
    )
    if options.evidence:
        options.evidence.write_text("".join(f"{line}\n" for line in evidence_lines(healings)))
    return [document, drawing]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path, help="JSONL of bugs")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds for each bug")
    parser.add_argument("--jobs", type=int, default=2, help="bugs at the same time")
    parser.add_argument(
        "--few-tests",
        type=int,
        default=0,
        metavar="N",
        help="let the engine see N failing and N passing tests only, and judge by all",
    )
    parser.add_argument("--only", action="append", default=[], metavar="ID")
    parser.add_argument("--out", type=Path, default=Path("build"), help="folder for the results")
    parser.add_argument(
        "--evidence", type=Path, help="also write the evidence of each patch, to fit trust to"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
