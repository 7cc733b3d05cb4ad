"""The two commits of a trial, made in the private clone: the bug, and people's fix of it.

The bug is the parent of the change with the change's tests; the fix is that with the
change's source, and nothing else of it: what the healer could have written. Both have
the same id whenever they are made.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from paramedic_workers.backtest.model import Change
from paramedic_workers.healing.git import Git, GitFailed

_NOTHING = "0" * 40


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Ids of the two commits."""

    bug: str
    fix: str


def make_trial(git: Git, change: Change) -> Trial:
    """Make the commits of a change, and keep them from being thrown away.

    Raises:
        RepositoryError: git cannot read the change.
    """
    bug = _commit(git, change, change.parent, change.tests, "Bug")
    fix = _commit(git, change, bug, change.sources, "Fix")
    for name, commit in (("bug", bug), ("fix", fix)):
        git.run("update-ref", f"refs/paramedic/backtest/{change.commit}/{name}", commit)
    return Trial(bug=bug, fix=fix)


def texts_at(git: Git, commit: str, paths: Iterable[str]) -> dict[str, str]:
    """The files that exist at a commit, as text; undecodable bytes are replaced."""
    found = {}
    for path in paths:
        try:
            found[path] = git.run("cat-file", "blob", f"{commit}:{path}").decode("utf-8", "replace")
        except GitFailed:
            continue
    return found


def changed_paths(git: Git, before: str, after: str) -> tuple[str, ...]:
    """The files in which two commits differ."""
    return tuple(git.names("diff-tree", "-r", "-z", "--name-only", "--no-renames", before, after))


def _commit(git: Git, change: Change, onto: str, paths: tuple[str, ...], name: str) -> str:
    """A commit on top of `onto` in which these files are as they are after the change."""
    with tempfile.TemporaryDirectory(prefix="paramedic-trial-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        git.run("read-tree", onto, environment=index)
        entries = git.names("ls-tree", "-r", "-z", "--full-tree", change.commit, "--", *paths)
        present = {entry.partition("\t")[2]: entry.partition("\t")[0] for entry in entries}
        told = b"".join(_index_line(path, present).encode() for path in paths)
        git.run("update-index", "-z", "--index-info", environment=index, stdin=told)
        tree = git.line("write-tree", environment=index)
    when = f"{change.committed_at} +0000"
    message = f"{name} of {change.commit}\n"
    return git.line(
        *("commit-tree", "-p", onto, "-F", "-", tree),
        environment={"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when},
        stdin=message.encode(),
    )


def _index_line(path: str, present: Mapping[str, str]) -> str:
    """What `git update-index --index-info` reads: mode, object and name, or a removal."""
    if path not in present:
        return f"0 {_NOTHING}\t{path}\0"
    mode, _, blob = present[path].split()
    return f"{mode} {blob}\t{path}\0"
