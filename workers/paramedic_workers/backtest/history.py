"""Past commits that may be fixes of bugs, by the names of their files and line counts alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import PurePosixPath

from paramedic_workers.backtest.model import Change
from paramedic_workers.healing.git import Git
from paramedic_workers.healing.tamper import is_test_file, may_touch
from paramedic_workers.settings import TargetSettings

#: A fix is small: at most so many source files, and lines added and removed together.
MOST_FILES = 2
MOST_LINES = 10
#: Names of modules that pytest can be started with.
_TEST_MODULES = ("test*.py", "*_test.py", "*_tests.py")
#: One git log of a very long history.
_LOG_SECONDS = 600.0
#: Separated by the one character that neither a subject nor the name of a file can hold.
_FORMAT = "%x00%H%x00%P%x00%ct%x00%s%x00"
_FIELDS = 5


@dataclass
class _Entry:
    """One commit as git log tells it."""

    commit: str
    parents: list[str]
    committed_at: int
    subject: str
    #: Path -> lines added and removed; None for a binary file.
    files: dict[str, int | None] = field(default_factory=dict)


def changes(
    git: Git, revision: str, target: TargetSettings, *, since: str = ""
) -> Iterator[Change]:
    """Small changes of source with tests in the same commit, the newest first.

    A merge counts as one change, compared with its first parent: in many repositories
    the tests and the fix are commits of one branch.

    Args:
        git: bound to the clone.
        revision: from which to look backwards.
        target: its settings say which files are source and which are tests.
        since: a date that git understands; older commits are left out.
    """
    for entry in _entries(git, revision, since):
        change = _change(entry, target)
        if change is not None:
            yield change


def test_modules(change: Change) -> tuple[str, ...]:
    """The files of a change that pytest can be started with."""
    return tuple(path for path in change.tests if _is_test_module(path))


def essence(git: Git, change: Change) -> tuple[str, ...]:
    """The source lines that a change adds and removes: the same for a commit and its merge."""
    options = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "-U0")
    diff = git.run("diff", *options, change.parent, change.commit, "--", *change.sources)
    lines = diff.decode("utf-8", "replace").splitlines()
    return tuple(line for line in lines if line.startswith(("-", "+")))


def _entries(git: Git, revision: str, since: str) -> Iterator[_Entry]:
    dates = [f"--since={since}"] if since else []
    log = git.run(
        "log",
        *("--numstat", "--no-renames", "--diff-merges=first-parent", f"--format={_FORMAT}"),
        *dates,
        "--end-of-options",
        revision,
        "--",
        seconds=_LOG_SECONDS,
    ).decode("utf-8", "replace")
    told = log.split("\0")[1:]
    for start in range(0, len(told), _FIELDS):
        commit, parents, when, subject, counts = told[start : start + _FIELDS]
        entry = _Entry(commit, parents.split(), int(when), subject)
        for line in counts.split("\n"):
            words = line.split("\t")
            if len(words) == 3:
                entry.files[words[2]] = _lines(words[0], words[1])
        yield entry


def _lines(added: str, removed: str) -> int | None:
    return None if "-" in (added, removed) else int(added) + int(removed)


def _change(entry: _Entry, target: TargetSettings) -> Change | None:
    """The entry as a change; None where it cannot be the small fix of a bug."""
    if not entry.parents:
        return None
    tests = tuple(path for path in entry.files if is_test_file(path))
    sources = tuple(path for path in entry.files if _is_source(path, target))
    counts = [entry.files[path] for path in sources]
    lines = sum(count for count in counts if count is not None)
    small = 0 < len(sources) <= MOST_FILES and None not in counts and 0 < lines <= MOST_LINES
    if not small or not any(map(_is_test_module, tests)):
        return None
    return Change(
        commit=entry.commit,
        parent=entry.parents[0],
        committed_at=entry.committed_at,
        subject=entry.subject,
        sources=sources,
        tests=tests,
        lines=lines,
    )


def _is_source(path: str, target: TargetSettings) -> bool:
    return path.endswith(".py") and may_touch(path, target)


def _is_test_module(path: str) -> bool:
    name = PurePosixPath(path).name
    return is_test_file(path) and any(fnmatch(name, pattern) for pattern in _TEST_MODULES)
