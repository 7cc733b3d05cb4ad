"""One small bug, and the repository that is made of it."""

from __future__ import annotations

import ast
import json
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from paramedic_workers.repair import Project
from tests.support.launchers import LocalLauncher

#: The module that has the bug, and its tests.
SOURCE, TESTS = "solution.py", "test_solution.py"

_PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:paramedic", "--tb=no")
#: Seconds that pytest may take.
_PYTEST_SECONDS = 300.0


@dataclass(frozen=True)
class Bug:
    """One line of the file."""

    id: str
    #: Sources of `solution.py` before and after people's fix, and of its tests.
    buggy: str
    test: str
    reference: str


def read_bugs(file: Path) -> list[Bug]:
    """The bugs of a file.

    Raises:
        OSError: it cannot be read.
        ValueError: a line of it is no bug.
    """
    bugs = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            entry = json.loads(line)
            bugs.append(Bug(entry["id"], entry["buggy"], entry["test"], entry["reference"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{file}, line {number}, is no bug: {error!r}") from error
    return bugs


def make_repository(bug: Bug, folder: Path) -> Project:
    """Write the bug and its tests."""
    root = folder.resolve()
    (root / SOURCE).write_text(bug.buggy, encoding="utf-8")
    (root / TESTS).write_text(bug.test, encoding="utf-8")
    return Project(root=root, directory=root, python=Path(sys.executable), launcher=LocalLauncher())


def failing_tests(root: Path) -> list[str]:
    """Node ids of failing tests; the file itself where it cannot be collected."""
    run = _pytest(root, "-rfE")
    marks = ("FAILED ", "ERROR ")
    lines = [line for line in run.stdout.splitlines() if line.startswith(marks)]
    return [line.split(" ", 1)[1].split(" - ")[0] for line in lines]


def with_few_tests(bug: Bug, failing: Sequence[str], few: int) -> Bug:
    """The bug with at most this many of its failing tests, and of its passing ones.

    Which ones is decided by the bug's name, so that it is the same every time.

    Args:
        bug: with all its tests.
        failing: node ids of those that fail.
        few: number of each kind.
    """
    tree = ast.parse(bug.test)
    tests = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name.startswith("test")]
    broken = {test.partition("::")[2] for test in failing}
    dice = random.Random(bug.id)
    kept: set[str] = set()
    for fails in (True, False):
        names = [test.name for test in tests if (test.name in broken) is fails]
        kept.update(dice.sample(names, min(few, len(names))))
    tree.body = [node for node in tree.body if node not in tests or node.name in kept]
    return replace(bug, test=ast.unparse(tree) + "\n")


def patched(root: Path, diff: str) -> str:
    """The text of the module with a patch, which is not kept.

    Raises:
        subprocess.CalledProcessError: the patch does not apply.
    """
    _git_apply(root, diff)
    text = (root / SOURCE).read_text(encoding="utf-8")
    _git_apply(root, diff, "--reverse")
    return text


def passes_with(root: Path, diff: str) -> bool:
    """Whether a clean run of pytest passes with a patch, which is not kept.

    Raises:
        subprocess.CalledProcessError: the patch does not apply.
    """
    _git_apply(root, diff)
    passed = _pytest(root).returncode == 0
    _git_apply(root, diff, "--reverse")
    return passed


def _git_apply(root: Path, diff: str, *options: str) -> None:
    command = ["git", "apply", *options, "-"]
    subprocess.run(command, cwd=root, input=diff.encode(), capture_output=True, check=True)


def _pytest(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *_PYTEST, *options, "--timeout=4"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=_PYTEST_SECONDS,
        check=False,
    )
