"""Turns the patches of a backtest into data for the fit.

    python -m tests.benchmarks.trust.convert PATCHES.jsonl … > data/history.jsonl

Each line of the input is one patch that was found for a bug of a repository's history:
`package`, `commit`, `rank`, `label` (how it compares with people's fix: same, equivalent,
different, unknown), `eye` (right or wrong, where someone has read it), `chosen` (whether it
is what the heal ended with), `evidence`. What is not known to be right or wrong is left out,
and so is everything else: no code goes in.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

_LABELS = {"same": "right", "equivalent": "right", "different": "wrong"}


def converted(entries: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The samples, in the order of the entries."""
    for entry in entries:
        label = entry.get("eye") or _LABELS.get(entry["label"])
        if label and entry.get("evidence"):
            yield {
                "source": f"{entry['package']} {entry['commit'][:10]}",
                "label": label,
                "real": True,
                "offered": bool(entry.get("chosen", entry["rank"] == 0)),
                "evidence": entry["evidence"],
            }


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the samples of these files to standard output."""
    files = [Path(name) for name in (sys.argv[1:] if arguments is None else arguments)]
    for file in files:
        entries = (json.loads(line) for line in file.read_text(encoding="utf-8").splitlines())
        for sample in converted(entries):
            sys.stdout.write(f"{json.dumps(sample)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
