"""Snapshots of working files: a tree object in our clone, nothing anywhere else.

What is stored is what is there: changed files, deletions, and files that git does not
know and does not ignore. Submodules and files outside a sparse checkout stay as the
commit has them. The names come from git, the files are hashed into our clone.
"""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

import structlog

from paramedic_workers.errors import RepositoryError
from paramedic_workers.healing.git import Configuration, Git, GitFailed

_log = structlog.get_logger()
_SUBMODULE = "160000"


@dataclass(frozen=True)
class Checkout:
    """A user's checkout, only ever read."""

    #: Its top folder.
    top: Path
    git: Git

    @classmethod
    def at(cls, path: Path) -> Checkout:
        """The checkout that `path` lies in: a top folder, one below, or a linked worktree.

        Raises:
            RepositoryError: it lies in none, or in one that git refuses to read.
        """
        if not path.is_dir():
            raise RepositoryError(
                f"There is no folder {path}.", remedy="Name the folder of a git checkout."
            )
        finder = Git(configuration=Configuration.USER, start=path)
        try:
            found = finder.run("rev-parse", "--absolute-git-dir", "--show-toplevel")
        except GitFailed as failed:
            raise _unreadable(path, failed) from failed
        directory, top = os.fsdecode(found).splitlines()
        git = Git(directory=Path(directory), configuration=Configuration.USER, start=Path(top))
        return cls(Path(top), git)

    def head(self) -> str:
        """The full id of HEAD.

        Raises:
            RepositoryError: nothing has been committed yet.
        """
        try:
            return self.git.line("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        except GitFailed as failed:
            raise RepositoryError(
                f"{self.top} has no commits.", remedy="Commit something first."
            ) from failed

    def resolve(self, revision: str) -> str | None:
        """The full id of what the user calls `revision` here; None where there is none."""
        try:
            return self.git.line(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
            )
        except (GitFailed, ValueError):
            return None


def tree_of_files(git: Git, top: Path, base: str, names_git: Git) -> str:
    """The id of a tree with the working files at `top`, written to a clone.

    Args:
        git: the clone.
        top: the working files.
        base: the commit they come from.
        names_git: tells tracked and untracked names; bound to the repository of `top`.
    """
    with tempfile.TemporaryDirectory(prefix="paramedic-index-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        git.run("read-tree", base, environment=index)
        tracked, sparse = _tracked(names_git, top)
        untracked = names_git.names(
            *_at(top), "ls-files", "-z", "--others", "--exclude-standard", "--full-name"
        )
        known = set(git.names("ls-files", "-z", environment=index))
        kept_as_they_are = _submodules(git, index) | sparse
        names = (tracked | known | set(untracked)) - kept_as_they_are
        present = {name for name in names if _is_storable(top, name)}
        _store(git, top, index, present=present, gone=names - present)
        return git.line("write-tree", environment=index)


def _at(top: Path) -> tuple[str, ...]:
    return ("-c", "core.bare=false", f"--work-tree={top}")


def _tracked(git: Git, top: Path) -> tuple[set[str], set[str]]:
    """Names in the index, and those among them that a sparse checkout leaves out."""
    listed = git.names(*_at(top), "ls-files", "-z", "-t", "--cached", "--full-name")
    entries = [(line[0], line[2:]) for line in listed]
    return {name for _, name in entries}, {name for tag, name in entries if tag == "S"}


def _submodules(git: Git, index: dict[str, str]) -> set[str]:
    staged = git.names("ls-files", "-z", "--stage", environment=index)
    return {line.partition("\t")[2] for line in staged if line.startswith(_SUBMODULE)}


def _is_storable(top: Path, name: str) -> bool:
    """Whether there is a file or a link that can be read, and no link on the way to it."""
    path = top
    for part in Path(name).parts[:-1]:
        path /= part
        if path.is_symlink():
            return False
    path = top / name
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False
    if stat.S_ISLNK(mode):
        return True
    if not stat.S_ISREG(mode):
        return False
    if not os.access(path, os.R_OK):
        _log.warning("file_unreadable", file=name)
        return False
    return True


def _store(
    git: Git, top: Path, index: dict[str, str], *, present: set[str], gone: set[str]
) -> None:
    """Bring the index to what is there: removals first, so that a folder may follow a file."""
    removals = b"".join(b"0 " + b"0" * 40 + b"\t" + os.fsencode(n) + b"\0" for n in sorted(gone))
    git.run("update-index", "-z", "--index-info", stdin=removals, environment=index)
    additions = b"".join(os.fsencode(n) + b"\0" for n in sorted(present))
    git.run(
        *_at(top),
        "update-index",
        "--add",
        "--replace",
        "-z",
        "--stdin",
        stdin=additions,
        environment=index,
    )


def _unreadable(path: Path, failed: GitFailed) -> RepositoryError:
    if "dubious ownership" in failed.stderr:
        return RepositoryError(
            f"{path} belongs to another user, so git refuses to read it.",
            remedy=f"Allow it with `git config --global --add safe.directory {path}`.",
        )
    if "must be run in a work tree" in failed.stderr:
        return RepositoryError(f"{path} is a bare repository.", remedy="Name a checkout of it.")
    return RepositoryError(
        f"{path} is not inside a git repository.",
        remedy="Name the folder of a git checkout, or make one with `git init` and a commit.",
    )
