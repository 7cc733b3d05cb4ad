"""`make bench`: every speed figure as a ratio against a baseline of the same run.

`python -m tests.benchmarks [NAME …]` runs all, or the named ones. Exit status 1 if a
ratio is worse than what is required of it.
"""

from __future__ import annotations

import importlib
import sys

from rich.console import Console
from rich.table import Table

from tests.benchmarks.table import Row

#: Name -> module, in the order in which a failure meets them.
BENCHMARKS = {
    "capture": "capture",
    "publish": "publish",
    "intake": "intake",
    "validation": "repair_speed",
    "heal": "heal",
}


def run(names: tuple[str, ...]) -> list[Row]:
    """The rows of these benchmarks."""
    rows: list[Row] = []
    for name in names:
        Console(stderr=True).print(f"[dim]measuring {name} …[/dim]")
        rows += importlib.import_module(f"tests.benchmarks.{BENCHMARKS[name]}").run()
    return rows


def show(rows: list[Row]) -> None:
    """The rows as a table for people, then as Markdown for the README."""
    columns = ("what", "ours", "baseline", "ratio", "required", "holds")
    table = Table(*columns, title="Speed, as ratios in one run")
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for row in rows:
        cells = (row.what, row.ours, row.baseline, f"{row.ratio:.3g}", f"{row.required:.3g}")
        table.add_row(*cells, "[green]yes" if row.holds else "[red]no")
        lines.append("| " + " | ".join((*cells, "yes" if row.holds else "**no**")) + " |")
    Console().print(table)
    sys.stdout.write("\n" + "\n".join(lines) + "\n")


def main() -> int:
    """Run what the command line names."""
    names = tuple(sys.argv[1:]) or tuple(BENCHMARKS)
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        sys.stderr.write(
            f"no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(BENCHMARKS)}\n"
        )
        return 2
    rows = run(names)
    show(rows)
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
