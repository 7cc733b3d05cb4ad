"""Is the fix of an incident on the main branch? Asked of the commits alone; nothing is run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from paramedic_workers.healing.diffs import parse_diff
from paramedic_workers.healing.git import COMMITTER_EMAIL, Git, GitFailed
from paramedic_workers.healing.history import DIFF_OPTIONS
from paramedic_workers.landing.records import LandingHow

#: Commits that are compared with a fix, the newest ones.
MAX_COMMITS = 1_000
#: Lines around a change that must be the same for its lines to be found in a changed file.
_CONTEXT = "-C1"
#: Endings of files that no test depends on.
_PROSE = (".md", ".rst")


@dataclass(frozen=True, kw_only=True)
class Found:
    """A fix on the main branch."""

    #: The full id of the commit that has brought it; empty where that is not known.
    commit: str
    how: LandingHow


@dataclass(frozen=True, kw_only=True)
class MainBranch:
    """The main branch of a target in its clone."""

    git: Git
    #: The full id of its newest commit.
    tip: str
    #: What keeps the clone from being removed as long as it is needed.
    held: object = None
    #: What was asked before.
    _changed: dict[str, frozenset[str]] = field(default_factory=dict)

    def has(self, revision: str) -> bool:
        """Whether a commit is part of its history: what failed there has failed on main."""
        return self.git.succeeds("merge-base", "--is-ancestor", revision, self.tip)

    def changed_since(self, revision: str) -> frozenset[str]:
        """Posix paths of the files that are not as they were at a commit, without mere prose.

        Raises:
            GitFailed: the commit is gone.
        """
        if revision not in self._changed:
            options = ("--name-only", "--no-renames", "-z")
            listed = self.git.run("diff", *options, revision, self.tip, "--")
            paths = [os.fsdecode(path) for path in listed.split(b"\0") if path]
            self._changed[revision] = frozenset(
                path for path in paths if not path.lower().endswith(_PROSE)
            )
        return self._changed[revision]

    def find(self, patch: str, revision: str) -> Found | None:
        """The fix, where it is there, or where somebody has changed the same lines otherwise.

        Args:
            patch: unified diff of the fix.
            revision: the full id of the commit that it was made for.
        """
        diff = os.fsencode(patch if patch.endswith("\n") else patch + "\n")
        files = sorted({change.path for change in parse_diff(patch)})
        changes = self._changes(revision, files) if files else b""
        newest = self._newest(changes)
        if not newest:
            return None
        commit = self._same_patch(self._as_git_writes(diff, revision), changes)
        if commit:
            return Found(commit=commit, how=self._by_whom(commit))
        with self._index(self.tip) as index:
            if self._applies(diff, index, "--reverse", _CONTEXT):
                return Found(commit=newest, how=LandingHow.SAME_LINES)
            if not self._applies(diff, index) and self.has(revision):
                return Found(commit=newest, how=LandingHow.OTHER_CHANGE)
        return None

    def _changes(self, revision: str, files: list[str]) -> bytes:
        """What commits that the revision does not have did to these files, newest first."""
        known = self.git.succeeds("cat-file", "-e", f"{revision}^{{commit}}")
        without = [f"^{revision}"] if known else []
        limit = f"--max-count={MAX_COMMITS}"
        options = (*DIFF_OPTIONS, "--no-merges", "--no-notes", limit, "--patch")
        return self.git.run("log", *options, self.tip, *without, "--", *files)

    def _newest(self, changes: bytes) -> str:
        """The newest of these commits; empty where there is none."""
        first = changes.split(b"\n", 1)[0].decode()
        return first.removeprefix("commit ") if first.startswith("commit ") else ""

    def _as_git_writes(self, diff: bytes, revision: str) -> bytes:
        """The same changes as git tells them of a commit: ids are of the very words."""
        try:
            with self._index(revision) as index:
                self.git.run("apply", "--cached", "-", stdin=diff, environment=index)
                tree = self.git.line("write-tree", environment=index)
            return self.git.run("diff", *DIFF_OPTIONS, revision, tree, "--")
        except GitFailed:  # the revision is gone from the repository
            return diff

    def _same_patch(self, diff: bytes, changes: bytes) -> str:
        """The commit that makes the same changes to the files; empty where none does."""
        own = self._patch_ids(diff)
        wanted = next(iter(own), "")
        return self._patch_ids(changes).get(wanted, "") if wanted else ""

    def _patch_ids(self, diffs: bytes) -> dict[str, str]:
        """Each patch id, with the newest commit that has it."""
        listed = self.git.run("patch-id", "--stable", stdin=diffs).decode().split()
        pairs = zip(listed[::2], listed[1::2], strict=True)
        found: dict[str, str] = {}
        for patch_id, commit in pairs:
            found.setdefault(patch_id, commit)
        return found

    def _by_whom(self, commit: str) -> LandingHow:
        committer = self.git.line("log", "-1", "--format=%ce", commit)
        ours = committer == COMMITTER_EMAIL
        return LandingHow.OUR_COMMIT if ours else LandingHow.SAME_PATCH

    @contextmanager
    def _index(self, revision: str) -> Iterator[dict[str, str]]:
        """An index of its own with the files of a revision, as git is told of it."""
        with tempfile.TemporaryDirectory(prefix="paramedic-index-") as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
            self.git.run("read-tree", revision, environment=index)
            yield index

    def _applies(self, diff: bytes, index: dict[str, str], *options: str) -> bool:
        try:
            self.git.run(
                "apply", "--cached", "--check", *options, "-", stdin=diff, environment=index
            )
        except GitFailed:
            return False
        return True
