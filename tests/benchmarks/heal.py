"""`paramedic heal` on a one-line bug, against two runs of the repository's own suite."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.benchmarks.table import Row
from tests.support.repositories import make_repository

#: The heal may take this many times two suite runs …
FACTOR = 3.0
#: … and this many seconds more.
EXTRA_SECONDS = 2.0
ROUNDS = 3

_FILES = {
    "pyproject.toml": '[project]\nname = "small"\nversion = "1"\n',
    "small/__init__.py": "",
    "small/totals.py": (
        "def total(prices):\n"
        "    result = 0\n"
        "    for price in prices:\n"
        "        result -= price\n"
        "    return result\n\n\n"
        "def largest(prices):\n"
        "    return max(prices)\n"
    ),
    "tests/test_totals.py": (
        "from small.totals import largest, total\n\n\n"
        "def test_total():\n    assert total([1, 2, 3]) == 6\n\n\n"
        "def test_total_of_one():\n    assert total([4]) == 4\n\n\n"
        "def test_total_of_nothing():\n    assert total([]) == 0\n\n\n"
        "def test_largest():\n    assert largest([1, 3, 2]) == 3\n"
    ),
}


def run() -> list[Row]:
    """One row: seconds of the heal against what it is allowed."""
    with tempfile.TemporaryDirectory(prefix="paramedic-bench-") as folder:
        repository = make_repository(Path(folder, "small"), _FILES)
        suite, heal = [], []
        for _ in range(ROUNDS):
            suite.append(_seconds(_pytest(), repository.path, expected=1))
            suite.append(_seconds(_pytest(), repository.path, expected=1))
            heal.append(_seconds(_heal(repository.path), repository.path, expected=0))
    twice = 2 * median(suite)
    ratio = (median(heal) - EXTRA_SECONDS) / twice
    return [
        Row(
            what="paramedic heal, one-line bug: (seconds - 2) / two suite runs",
            ours=f"{median(heal):.2f} s",
            baseline=f"{twice:.2f} s",
            ratio=ratio,
            required=FACTOR,
            holds=ratio <= FACTOR,
        )
    ]


def _pytest() -> list[str]:
    return [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]


def _heal(path: Path) -> list[str]:
    return [str(Path(sys.executable).with_name("paramedic")), "heal", str(path)]


def _seconds(command: list[str], folder: Path, expected: int) -> float:
    started = time.monotonic()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - started
    if done.returncode != expected:
        raise RuntimeError(f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return seconds
