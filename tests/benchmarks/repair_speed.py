"""Candidates that the warm process tries in a second, against one pytest process for each.

    python -m tests.benchmarks.repair_speed [FILE.jsonl]

takes the bugs of a file (`id`, `buggy`, `test`), or else the small modules below. A
candidate costs the CPU time of all processes involved, so that other work on the machine
does not count: "a second a core".
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from paramedic_workers.repair import repair
from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.messages import Letter
from paramedic_workers.repair.validate import Validator
from tests.benchmarks.table import Row, cheaper, in_words, medians
from tests.support.large import write_modules
from tests.support.prepared import prepared
from tests.support.projects import QUICK_START, describe

#: Candidates tried a second a core, at least.
REQUIRED_RATE = 700.0
#: One candidate may cost this share of a pytest process.
REQUIRED_SHARE = 0.01
#: A repair in 1,000 modules may cost this many times one in 10.
REQUIRED_GROWTH = 1.5
#: Candidates of one bug, and those of them that also get a pytest process.
CANDIDATES, PROCESSES = 400, 4

#: Name -> module with a bug, and its tests: one assertion for each pair.
MODULES: dict[str, tuple[str, list[tuple[str, object]]]] = {
    "wrap": (
        """
def wrap(text, width):
    lines, line = [], ""
    for word in text.split():
        if len(line) + len(word) < width:
            line = (line + " " + word).strip()
        else:
            lines.append(line)
            line = word
    return lines + [line]
""",
        [
            ("wrap('a b', 10)", ["a b"]),
            ("wrap('aa bb cc', 5)", ["aa bb", "cc"]),
            ("wrap('one two three', 7)", ["one two", "three"]),
            ("wrap('x', 1)", ["x"]),
        ],
    ),
    "intervals": (
        """
def merge(intervals):
    merged = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], min(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
""",
        [
            ("merge([])", []),
            ("merge([(1, 3), (2, 5)])", [(1, 5)]),
            ("merge([(4, 6), (1, 2)])", [(1, 2), (4, 6)]),
            ("merge([(1, 9), (2, 3), (8, 11)])", [(1, 11)]),
        ],
    ),
    "digits": (
        """
def digits(number, base):
    found = []
    while number > 0:
        found.append(number % base)
        number = number // base
    return found
""",
        [
            ("digits(6, 2)", [1, 1, 0]),
            ("digits(255, 16)", [15, 15]),
            ("digits(1234, 10)", [1, 2, 3, 4]),
            ("digits(0, 10)", []),
        ],
    ),
    "runs": (
        """
def runs(text):
    found = []
    for position, letter in enumerate(text):
        if position and text[position - 1] == letter:
            found[-1][1] += 2
        else:
            found.append([letter, 1])
    return found
""",
        [
            ("runs('')", []),
            ("runs('a')", [["a", 1]]),
            ("runs('aab')", [["a", 2], ["b", 1]]),
            ("runs('abbb')", [["a", 1], ["b", 3]]),
        ],
    ),
}


@dataclass(frozen=True)
class Bug:
    """A module and its tests."""

    id: str
    buggy: str
    test: str


@dataclass(frozen=True)
class Speed:
    """What the candidates of one bug cost."""

    bug: Bug
    candidates: int
    #: CPU seconds of all of them in the warm process, and of one in a pytest of its own.
    warm: float
    process: float

    @property
    def rate(self) -> float:
        """Candidates a second a core."""
        return self.candidates / max(self.warm, 0.01)


def run() -> list[Row]:
    """The rate, a candidate against a process, many modules against few."""
    return [*rows([measure(bug) for bug in built_in()]), growth()]


def rows(speeds: Sequence[Speed]) -> list[Row]:
    """The rows over all bugs."""
    candidates = sum(speed.candidates for speed in speeds)
    one = sum(speed.warm for speed in speeds) / candidates
    process = sum(speed.process for speed in speeds) / len(speeds)
    return [
        Row(
            what="repair: candidates a second a core",
            ours=f"{1 / one:,.0f}",
            baseline=f"{REQUIRED_RATE:,.0f} (as promised)",
            ratio=1 / one / REQUIRED_RATE,
            required=1.0,
            holds=1 / one >= REQUIRED_RATE,
        ),
        Row(
            what="repair: a candidate in the warm process / one pytest process",
            ours=in_words(one),
            baseline=in_words(process),
            ratio=one / process,
            required=REQUIRED_SHARE,
            holds=one / process <= REQUIRED_SHARE,
        ),
    ]


def growth() -> Row:
    """One bug in a repository of 1,000 modules against the same in one of 10."""
    with tempfile.TemporaryDirectory(prefix="large-") as folder:
        few, many = Path(folder, "few"), Path(folder, "many")
        failing = {few: write_modules(few, 10), many: write_modules(many, 1000)}
        in_few, in_many = medians(
            3,
            lambda: _seconds_of_repair(few, failing[few]),
            lambda: _seconds_of_repair(many, failing[many]),
        )
    what = "repair: one bug in 1,000 modules / in 10"
    return cheaper(what, in_many, in_few, REQUIRED_GROWTH)


def _seconds_of_repair(root: Path, failing: str) -> float:
    """Seconds of a repair until it has found a patch."""
    started = time.monotonic()
    report = repair(describe(root), [failing], budget=60.0)
    assert report.patches, report.detail
    return time.monotonic() - started


def built_in() -> Iterator[Bug]:
    """The modules above."""
    for name, (module, pairs) in MODULES.items():
        tests = "\n\n".join(
            f"def test_{n}():\n    assert {call} == {value!r}"
            for n, (call, value) in enumerate(pairs)
        )
        yield Bug(name, module.lstrip(), f"from solution import *\n\n\n{tests}\n")


def read_bugs(file: Path) -> Iterator[Bug]:
    """The bugs of a file."""
    for line in file.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        yield Bug(entry["id"], entry["buggy"], entry["test"])


def measure(bug: Bug) -> Speed:
    """Try the first candidates for one bug, and a few of them in a pytest of their own."""
    with tempfile.TemporaryDirectory(prefix="speed-") as folder:
        root = Path(folder).resolve()
        (root / "solution.py").write_text(bug.buggy, encoding="utf-8")
        (root / "test_solution.py").write_text(bug.test, encoding="utf-8")
        names = re.findall(r"^def (test_\w+)", bug.test, re.MULTILINE)
        failing = [f"test_solution.py::{name}" for name in names]
        with prepared(describe(root), failing, CANDIDATES) as ready:
            before = _cpu_seconds_of_tree(os.getpid())
            letters = _try_all(ready.validator, ready.candidates)
            warm = _cpu_seconds_of_tree(os.getpid()) - before
        chosen = [
            (candidate, letter)
            for candidate, letter in zip(ready.candidates, letters, strict=True)
            if letter is not Letter.TIMED_OUT
        ][:: max(1, len(letters) // PROCESSES)]
        seconds = [_seconds_of_process(root, candidate, letter) for candidate, letter in chosen]
        return Speed(bug, len(letters), warm, sum(seconds) / max(1, len(seconds)))


def _try_all(validator: Validator, candidates: Sequence[Candidate]) -> list[Letter]:
    """As a search does: batches, and a proof for each that passes."""
    letters: list[Letter] = []
    size = validator.batch_size()
    for start in range(0, len(candidates), size):
        batch = candidates[start : start + size]
        for candidate, letter in zip(batch, validator.sieve(batch), strict=True):
            passed = letter is Letter.PASSED
            letters.append(validator.prove(candidate) if passed else letter)
    return letters


def _seconds_of_process(root: Path, candidate: Candidate, letter: Letter) -> float:
    """CPU seconds of pytest on the edited file.

    Raises:
        AssertionError: it does not end as it did in the warm process.
    """
    (root / "solution.py").write_text(candidate.text(), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    environment = {**os.environ, **QUICK_START, "PYTHONDONTWRITEBYTECODE": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, timeout=120, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if (ended.returncode == 0) is not (letter is Letter.PASSED):
        raise AssertionError(f"{candidate.title}: {letter.name}, but pytest says otherwise")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _cpu_seconds_of_tree(process: int) -> float:
    """CPU seconds so far of a process, its ended children, and its living ones."""
    own = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    ticks = sum(int(field) for field in own[11:15])
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    living = sum(_cpu_seconds_of_tree(int(child)) for child in children)
    return ticks / os.sysconf("SC_CLK_TCK") + living


def main(arguments: Sequence[str]) -> int:
    """Print the speed of each bug and the rows; exit status 1 if one does not hold."""
    bugs = read_bugs(Path(arguments[0])) if arguments else built_in()
    speeds = []
    for bug in bugs:
        began = time.monotonic()
        speeds.append(measure(bug))
        figures = f"{speeds[-1].candidates:5d} {speeds[-1].rate:7.0f}/s"
        process = in_words(speeds[-1].process)
        click.echo(f"{bug.id:20} {figures} {process:>10} {time.monotonic() - began:6.1f} s")
    found = [*rows(speeds), growth()]
    for row in found:
        click.echo(f"{row.what}: {row.ours}, {row.baseline}; {'holds' if row.holds else 'FAILS'}")
    return 0 if all(row.holds for row in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
