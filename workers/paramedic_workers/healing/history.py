"""What may be asked of a target's history: read from the clone, changing nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from paramedic_workers.errors import RepositoryError
from paramedic_workers.healing.clones import Clone
from paramedic_workers.healing.git import Git, GitFailed

#: Gives a private working tree at a revision, never shown to target code.
PrivateTree = Callable[[str], AbstractContextManager[Path]]


class CloneHistory:
    """The history of one clone; implements `History`."""

    def __init__(self, clone: Clone, private_tree: PrivateTree) -> None:
        """Read this clone; `private_tree` gives the working trees that reverts are tried in."""
        self._clone = clone
        self._git = clone.git
        self._private_tree = private_tree

    def ancestors(self, revision: str, limit: int) -> list[str]:
        """First-parent ancestors, newest first, without `revision` itself."""
        if limit <= 0:
            return []
        listed = self._git.line(
            "rev-list", "--first-parent", f"--max-count={limit + 1}", self.resolve(revision), "--"
        )
        return listed.split()[1:]

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether `older` is in the history of `newer`."""
        return self._git.succeeds(
            "merge-base", "--is-ancestor", self.resolve(older), self.resolve(newer)
        )

    def subject(self, revision: str) -> str:
        """The first line of the commit message."""
        return self._git.line("show", "--no-patch", "--format=%s", self.resolve(revision), "--")

    def recent_changes(self, revision: str, commits: int) -> dict[str, frozenset[int]]:
        """Python files that the last commits have changed, and the lines as they are now.

        Posix paths relative to the repository. A hint: empty where git fails or takes longer
        than a second.
        """
        try:
            older = self.ancestors(revision, commits)
            if not older:
                return {}
            options = ("--unified=0", "--diff-filter=AM", *DIFF_OPTIONS)
            diff = self._git.run(
                "diff", *options, older[-1], self.resolve(revision), "--", seconds=_HINT_SECONDS
            )
        except RepositoryError:
            return {}
        return _changed_lines(diff.decode(errors="replace"))

    def resolve(self, revision: str) -> str:
        """The full commit id.

        Raises:
            RepositoryError: there is no such revision.
        """
        return self._clone.resolve(revision)

    def revert_diff(self, culprit: str, onto: str) -> str | None:
        """The diff that takes `culprit` back on top of `onto`.

        None where it conflicts, or where nothing of it is left to take back.
        """
        culprit, onto = self.resolve(culprit), self.resolve(onto)
        parents = self._git.line("rev-list", "--parents", "--max-count=1", culprit, "--").split()[
            1:
        ]
        mainline = ["--mainline=1"] if len(parents) > 1 else []
        with self._private_tree(onto) as root:
            git = Git(start=root)
            try:
                git.run("revert", "--no-commit", "--no-edit", *mainline, culprit)
            except GitFailed:
                return None
            diff = git.run("diff", "--cached", *DIFF_OPTIONS, onto, "--")
        return diff.decode(errors="surrogateescape") or None


def _changed_lines(diff: str) -> dict[str, frozenset[int]]:
    """The lines of Python files that a diff without context has put there."""
    found: dict[str, set[int]] = {}
    path = ""
    for name, first, count in _HUNK.findall(diff):
        path = name or path
        if first and path.endswith(".py"):
            start = int(first)
            found.setdefault(path, set()).update(range(start, start + int(count or 1)))
    return {path: frozenset(lines) for path, lines in found.items()}


#: Seconds that looking for a mere hint may take.
_HINT_SECONDS = 1.0
#: The name of a file as it is now, or the lines that a hunk has put there.
_HUNK = re.compile(r"^(?:\+\+\+ b/(.+)|@@ -\S+ \+(\d+)(?:,(\d+))? @@)", re.MULTILINE)

#: How every diff of ours is made: whole, plain, and the same on every machine.
DIFF_OPTIONS = (
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-renames",
    "--binary",
    "--full-index",
    "--ignore-submodules=all",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)
