"""Runs the patch engine on a file of small bugs and prints what it found.

    python -m tests.benchmarks.repair_bugs FILE.jsonl [--budget 60] [--only ID] [--jobs 2]

Each line of the file is a JSON object with `id`, `buggy`, `test` and `reference`: the
sources of `solution.py` before and after, and of `test_solution.py`. A patch is plausible
when the whole test file passes under a pytest of its own, outside of the engine.
"""

from __future__ import annotations

import argparse
import ast
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click

from paramedic_workers.repair import Project, RepairReport, Trust, repair
from tests.support.launchers import LocalLauncher

_PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:paramedic", "--tb=no")


@dataclass(frozen=True)
class Bug:
    """One line of the file."""

    id: str
    buggy: str
    test: str
    reference: str


@dataclass(frozen=True)
class Outcome:
    """What the engine made of one bug."""

    bug: Bug
    report: RepairReport
    #: Candidates a second in the search, start and observation included.
    rate: float
    #: Whether the first patch passes a clean run of pytest.
    plausible: bool
    #: Whether the first patch is the reference, layout aside.
    same: bool

    @property
    def trust(self) -> str:
        """Trust in the first patch; empty without one."""
        return str(self.report.patches[0].trust) if self.report.patches else ""


def read_bugs(file: Path) -> Iterator[Bug]:
    """The bugs of a file."""
    for line in file.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        yield Bug(entry["id"], entry["buggy"], entry["test"], entry["reference"])


def heal(bug: Bug, budget: float) -> Outcome:
    """Make a small repository of the bug and repair it."""
    with tempfile.TemporaryDirectory(prefix="bug-") as folder:
        root = Path(folder).resolve()
        (root / "solution.py").write_text(bug.buggy, encoding="utf-8")
        (root / "test_solution.py").write_text(bug.test, encoding="utf-8")
        launcher = LocalLauncher()
        project = Project(root=root, directory=root, python=Path(sys.executable), launcher=launcher)
        started = time.monotonic()
        report = repair(project, _failing(root), budget)
        rate = report.candidates / max(0.001, time.monotonic() - started)
        plausible = bool(report.patches) and _passes_with(root, report.patches[0].diff)
        fixed = (root / "solution.py").read_text(encoding="utf-8")
        return Outcome(bug, report, rate, plausible, plausible and _same(fixed, bug.reference))


def _failing(root: Path) -> list[str]:
    """Node ids of failing tests; the file itself where it cannot be collected."""
    command = [sys.executable, *_PYTEST, "-rfE", "--timeout=10"]
    run = subprocess.run(
        command, cwd=root, capture_output=True, text=True, timeout=300, check=False
    )
    marks = ("FAILED ", "ERROR ")
    lines = [line for line in run.stdout.splitlines() if line.startswith(marks)]
    return [line.split(" ", 1)[1].split(" - ")[0] for line in lines]


def _passes_with(root: Path, diff: str) -> bool:
    subprocess.run(["git", "apply", "-"], cwd=root, input=diff, text=True, check=True)
    command = [sys.executable, *_PYTEST, "--timeout=10"]
    return subprocess.run(command, cwd=root, capture_output=True, check=False).returncode == 0


def _same(one: str, other: str) -> bool:
    return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))


def print_row(outcome: Outcome) -> None:
    """One bug, one line."""
    report = outcome.report
    best = report.patches[0] if report.patches else None
    state = "same" if outcome.same else "plausible" if outcome.plausible else str(report.stop)
    template = f"{best.template}: {best.title}" if best else report.detail
    figures = f"{report.seconds:6.2f} s {report.candidates:6d} {outcome.rate:6.0f}/s"
    click.echo(f"{outcome.bug.id:20} {state:10} {figures} {outcome.trust:7} {template}")


def print_totals(outcomes: Sequence[Outcome]) -> None:
    """The figures over all bugs."""
    found = [outcome for outcome in outcomes if outcome.plausible]
    seconds = sorted(outcome.report.seconds for outcome in found)
    click.echo(
        f"\nbugs {len(outcomes)}, plausible {len(found)}, same as the reference "
        f"{sum(outcome.same for outcome in found)}"
    )
    if seconds:
        quick = sum(second <= 3.0 for second in seconds)
        click.echo(
            f"seconds of the plausible: median {statistics.median(seconds):.2f}, "
            f"greatest {seconds[-1]:.2f}, within 3 s {quick}"
        )
        click.echo(
            f"candidates a second, all in: median {statistics.median(o.rate for o in outcomes):.0f}"
        )
    for trust in Trust:
        of_trust = [outcome for outcome in found if outcome.trust == trust]
        click.echo(
            f"{trust}: {len(of_trust)}, same as the reference {sum(o.same for o in of_trust)}"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; exit status 0."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("file", type=Path)
    parser.add_argument("--budget", type=float, default=60.0, help="seconds for each bug")
    parser.add_argument("--only", action="append", default=[], metavar="ID")
    parser.add_argument("--jobs", type=int, default=1, help="bugs at the same time")
    options = parser.parse_args(arguments)
    bugs = [bug for bug in read_bugs(options.file) if not options.only or bug.id in options.only]
    outcomes = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for outcome in pool.map(lambda bug: heal(bug, options.budget), bugs):
            print_row(outcome)
            outcomes.append(outcome)
    print_totals(outcomes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
