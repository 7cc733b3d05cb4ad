"""Puts a unified diff into working files, or into a commit, without running in a working tree.

`apply_to_files` copies the named files into a folder of its own, lets git apply the
diff there, and copies them back without following links. `commit_of` works on an index
of its own in the clone. Neither can be led astray by what target code has left behind.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from paramedic_workers.errors import HealerError
from paramedic_workers.healing import trees
from paramedic_workers.healing.git import Git, GitFailed

_MOVED = re.compile(rb"^(?:rename|copy) from (.+)$", re.MULTILINE)
_APPLY = ("apply", "--whitespace=nowarn")


class PatchRefused(HealerError):
    """The patch does not apply."""


def apply_to_files(root: Path, diff: str, scratch: Path) -> None:
    """Change the working files at `root` as the diff says: all of it, or nothing.

    Args:
        root: working files, possibly touched by target code.
        diff: unified, with `a/` and `b/` prefixes.
        scratch: a folder outside any working tree.

    Raises:
        PatchRefused: it does not apply to these files.
        HealerError: one of its files was replaced by a link or the like.
    """
    patch = _encoded(diff)
    with tempfile.TemporaryDirectory(prefix="apply-", dir=scratch) as name:
        folder = Path(name)
        alone = {"GIT_CEILING_DIRECTORIES": str(folder.parent.resolve())}
        git = Git(start=folder)
        try:
            files = sorted(_touched(git, patch, alone))
            before = {file: trees.read_file(root, file) for file in files}
            _copy_in(folder, before)
            git.run(*_APPLY, "-", stdin=patch, environment=alone)
        except GitFailed as failed:
            raise _refused(failed) from failed
        _copy_back(root, {file: (before[file], trees.read_file(folder, file)) for file in files})


def commit_of(git: Git, diff: str, message: str, *, onto: str) -> str:
    """The id of a commit with the diff on top of `onto`; on no branch.

    Raises:
        PatchRefused: it does not apply to that commit.
    """
    with tempfile.TemporaryDirectory(prefix="paramedic-index-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        git.run("read-tree", onto, environment=index)
        try:
            git.run(*_APPLY, "--cached", "-", stdin=_encoded(diff), environment=index)
        except GitFailed as failed:
            raise _refused(failed) from failed
        tree = git.line("write-tree", environment=index)
    return git.line("commit-tree", "-p", onto, "-F", "-", tree, stdin=message.encode())


def _encoded(diff: str) -> bytes:
    if not diff.strip():
        raise PatchRefused("The patch is empty.")
    return os.fsencode(diff if diff.endswith("\n") else diff + "\n")


def _touched(git: Git, patch: bytes, alone: dict[str, str]) -> set[str]:
    listed = git.run("apply", "--numstat", "-z", "-", stdin=patch, environment=alone)
    names = {os.fsdecode(row.split(b"\t", 2)[2]) for row in listed.split(b"\0") if row}
    return names | {os.fsdecode(name) for name in _MOVED.findall(patch)}


def _copy_in(folder: Path, before: dict[str, tuple[bytes, int] | None]) -> None:
    for file, found in before.items():
        if found:
            trees.write_file(folder, file, found[0], _PRIVATE | found[1])


#: The copy must be readable for us, whatever target code has made of the original.
_PRIVATE = 0o600


def _copy_back(
    root: Path,
    changes: dict[str, tuple[tuple[bytes, int] | None, tuple[bytes, int] | None]],
) -> None:
    for file, (before, after) in changes.items():
        if after is None:
            if before is not None:
                trees.delete_file(root, file)
        elif before is None or before[0] != after[0] or _runs(before[1]) != _runs(after[1]):
            trees.write_file(root, file, after[0], 0o755 if _runs(after[1]) else 0o644)


def _runs(mode: int) -> bool:
    return bool(mode & 0o100)


def _refused(failed: GitFailed) -> PatchRefused:
    reasons = [
        line.removeprefix("error: ")
        for line in failed.stderr.splitlines()
        if line.startswith("error: ")
    ]
    return PatchRefused(f"The patch does not apply: {'; '.join(reasons) or failed.message}.")
