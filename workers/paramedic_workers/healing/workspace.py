"""Where a heal works: a clone of the target, and working trees that nobody will miss.

1. The clone is fetched (`clones`), the revision resolved; for a checkout, what is in its
   working files becomes a commit of the clone (`snapshot`).
2. Working trees are made in a folder of this heal, whose lock says that it lives.
3. Target code runs in them and may leave anything behind: once a tree was handed out,
   git never starts in it again; all that git does goes by the clone.
4. Closing removes every tree; opening the next one sweeps after those who could not.
"""

from __future__ import annotations

import functools
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

import structlog

from paramedic_workers.errors import Phase, RepositoryError, TargetError
from paramedic_workers.healing import branches, patching, snapshot, trees
from paramedic_workers.healing.clones import Clone, Source
from paramedic_workers.healing.git import Git, GitFailed
from paramedic_workers.healing.history import DIFF_OPTIONS, CloneHistory
from paramedic_workers.healing.locks import FileLock
from paramedic_workers.healing.model import Deadline
from paramedic_workers.healing.processes import end_orphans
from paramedic_workers.settings import TargetSettings

#: How the names of folders in a clone begin that are being deleted.
_FORGOTTEN = "forgotten-"

_log = structlog.get_logger()


class Workspace:
    """The clone of one target and the working trees of one heal."""

    def __init__(self, target: TargetSettings, clone: Clone, folder: WorkFolder) -> None:
        """Use `Workspace.open`."""
        self._target = target
        self._clone = clone
        self._folder = folder
        #: Tree -> its administrative folder in the clone.
        self._trees: dict[Path, Path] = {}
        self._ready: Path | None = None
        #: The full id of the commit that is healed.
        self.revision = ""
        #: The commit that the working files come from; the same as `revision` where clean.
        self.base = ""
        #: Whether the checkout differs from its commit.
        self.dirty = False
        #: What the tree of `revision` was built from: history, read-only.
        self.history = CloneHistory(clone, self._private_tree)

    @classmethod
    def open(
        cls,
        target: TargetSettings,
        *,
        data: Path,
        revision: str | None,
        checkout: Path | None = None,
        deadline: Deadline,
    ) -> Workspace:
        """Fetch the target and resolve the revision.

        Args:
            target: whose `repository` is cloned.
            data: the data directory.
            revision: anything git resolves; None: the target's main branch, or the
                working files as they are where a checkout is given.
            checkout: a folder inside a user's checkout, which is only ever read.
            deadline: by when it must be done.

        Raises:
            RepositoryError: there is no such repository or revision; one line with a remedy.
        """
        try:
            return cls._open(target, data, revision or None, checkout, deadline)
        except RepositoryError as error:
            error.phase = Phase.PREPARE
            raise

    @classmethod
    def _open(
        cls,
        target: TargetSettings,
        data: Path,
        revision: str | None,
        checkout: Path | None,
        deadline: Deadline,
    ) -> Workspace:
        sweep_leftovers(data)
        user = snapshot.Checkout.at(checkout) if checkout else None
        source = Source(str(user.top), is_local=True) if user else Source.named(target.repository)
        base = user.head() if user else ""
        asked = _asked(user, revision) or base or target.main
        clone = Clone.of(source, target.name, data)
        clone.refresh(asked, deadline)
        workspace = cls(target, clone, WorkFolder.make(data))
        try:
            workspace._settle(user if revision is None else None, asked, deadline)
        except BaseException:
            workspace.close()
            raise
        return workspace

    def _settle(self, user: snapshot.Checkout | None, asked: str, deadline: Deadline) -> None:
        """Decide what is healed, and make sure that the clone holds all of it."""
        try:
            self._decide(user, asked)
            self._ready = self._make_tree(self.revision)
        except RepositoryError as error:
            if not isinstance(error, GitFailed) and self._clone.is_readable():
                raise
            self._clone.remake(asked, deadline)
            self._decide(user, asked)
            self._ready = self._make_tree(self.revision)

    def _decide(self, user: snapshot.Checkout | None, asked: str) -> None:
        git = self._clone.git
        self.base = self.revision = self._clone.resolve(asked)
        if user is None:
            return
        tree = snapshot.tree_of_files(git, user.top, self.base, user.git)
        self.dirty = tree != git.line("rev-parse", f"{self.base}^{{tree}}")
        if self.dirty:
            message = f"Working files of {user.top}\n"
            self.revision = git.line(
                "commit-tree", "-p", self.base, "-F", "-", tree, stdin=os.fsencode(message)
            )

    @property
    def stale(self) -> str:
        """Why an earlier copy of the repository is used; empty where it was reached."""
        return self._clone.stale

    @functools.cached_property
    def unsupported(self) -> tuple[str, ...]:
        """Submodules and Git LFS files at the revision, which are not fetched, by name."""
        return tuple(_unsupported(self._clone.git, self.revision))

    def main_revision(self) -> str:
        """The full id of the newest commit of the target's main branch.

        Raises:
            RepositoryError: there is no such branch.
        """
        return self._clone.resolve(self._target.main)

    def checkout(self, revision: str) -> Path:
        """A new working tree at this revision, deleted with the workspace at the latest.

        Raises:
            RepositoryError: there is no such revision, or it cannot be checked out.
        """
        commit = self._clone.resolve(revision)
        if self._ready and commit == self.revision:
            ready, self._ready = self._ready, None
            return ready
        return self._make_tree(commit)

    def discard(self, root: Path) -> None:
        """Delete a working tree that is no longer needed."""
        administration = self._trees.pop(root, None)
        if administration is None:
            return
        trees.remove_tree(root)
        with suppress(FileNotFoundError):
            _forget_tree(administration)

    def apply(self, root: Path, diff: str) -> None:
        """Change the files of a working tree as the diff says: all of it, or nothing.

        Raises:
            PatchRefused: it does not apply.
            HealerError: target code has replaced one of its files by a link or the like.
        """
        patching.apply_to_files(root, diff, self._folder.path)

    def diff_of_checkout(self, root: Path) -> str:
        """The diff from the commit of a working tree to its files; ignored files are left out."""
        git = self._clone.git
        commit = (self._trees[root] / "HEAD").read_text().strip()
        tree = snapshot.tree_of_files(git, root, commit, Git(directory=self._trees[root]))
        diff = git.run("diff", *DIFF_OPTIONS, commit, tree, "--")
        return diff.decode(errors="surrogateescape")

    def commit(self, diff: str, message: str, *, onto: str | None = None) -> str:
        """The id of a commit with the diff on top of `onto` (the revision), on no branch.

        Raises:
            PatchRefused: it does not apply there.
        """
        return patching.commit_of(self._clone.git, diff, message, onto=onto or self.revision)

    def publish(self, branch: str, commit: str, remote: str) -> None:
        """Put a commit on a branch below `paramedic/` of a remote, touching nothing else.

        Raises:
            PublishError: the branch is not ours, is checked out there, or cannot be pushed.
        """
        branches.push_branch(self._clone, branch, commit, remote)

    def close(self) -> None:
        """Remove every working tree; safe to call again."""
        for root in list(self._trees):
            self.discard(root)
        self._folder.remove()

    def __enter__(self) -> Workspace:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def _make_tree(self, commit: str) -> Path:
        root = self._folder.path / f"tree-{os.urandom(4).hex()}"
        try:
            self._clone.git.run("worktree", "add", "--quiet", "--detach", "--", root, commit)
        except TargetError:
            _forget_trees(self._clone.directory.parent, root)
            raise
        administration = (root / ".git").read_text().removeprefix("gitdir:").strip()
        self._trees[root] = Path(administration)
        return root

    @contextmanager
    def _private_tree(self, revision: str) -> Iterator[Path]:
        root = self._make_tree(revision)
        try:
            yield root
        finally:
            self.discard(root)


class WorkFolder:
    """`<data>/work/<random>/`, with a lock beside it that is held while its heal lives."""

    def __init__(self, path: Path, lock: FileLock) -> None:
        """Use `WorkFolder.make`."""
        self.path = path
        self._lock = lock

    @classmethod
    def make(cls, data: Path) -> WorkFolder:
        """A new, empty folder; locked before it exists."""
        work = data.resolve() / "work"
        work.mkdir(parents=True, exist_ok=True, mode=0o700)
        while True:
            path = work / os.urandom(6).hex()
            lock = FileLock.take_if_free(path.with_suffix(".lock"))
            if lock is not None:
                path.mkdir(mode=0o700)
                return cls(path, lock)

    def remove(self) -> None:
        """Delete it with all that is in it."""
        trees.remove_tree(self.path)
        self._lock.release(remove=True)


def sweep_leftovers(data: Path) -> int:
    """Remove what heals whose process is dead have left: working trees, and orphaned processes.

    Returns:
        how many heals that were.
    """
    end_orphans()
    work = data.resolve() / "work"
    swept = 0
    for path in sorted(work.glob("*.lock")):
        lock = FileLock.take_if_free(path)
        if lock is None:
            continue
        folder = path.with_suffix("")
        left = folder.exists()
        try:
            trees.remove_tree(folder)
            _forget_trees(data.resolve() / "clones", folder)
        except OSError as error:
            _log.warning("leftovers_not_removed", folder=folder.name, error=str(error))
            lock.release()
            continue
        lock.release(remove=True)
        swept += left
    _forget_lost_trees(data.resolve() / "clones", work)
    if swept:
        _log.info("leftovers_removed", heals=swept)
    return swept


def _forget_trees(clones: Path, folder: Path) -> None:
    """Remove what clones remember of the working trees in a folder."""
    for pointer in clones.glob("*.git/worktrees/*/gitdir"):
        with suppress(FileNotFoundError):
            if Path(pointer.read_text().strip()).is_relative_to(folder):
                _forget_tree(pointer.parent)


def _forget_lost_trees(clones: Path, work: Path) -> None:
    """Remove what clones remember of trees whose heal is over.

    A strategy that was given up may have been adding one while its heal cleaned up.
    """
    for pointer in clones.glob("*.git/worktrees/*/gitdir"):
        with suppress(FileNotFoundError, ValueError):
            tree = Path(pointer.read_text().strip()).relative_to(work)
            if not (work / tree.parts[0]).exists():
                _forget_tree(pointer.parent)
    for forgotten in clones.glob(f"*.git/{_FORGOTTEN}*"):
        trees.remove_tree(forgotten)


def _forget_tree(entry: Path) -> None:
    """Remove what a clone remembers of one tree.

    It is moved out of the way first: half of it, left by a process that was killed, could
    not be told from a tree that is just being added.
    """
    forgotten = entry.parents[1] / f"{_FORGOTTEN}{uuid.uuid4().hex}"
    entry.rename(forgotten)
    trees.remove_tree(forgotten)


def _asked(user: snapshot.Checkout | None, revision: str | None) -> str | None:
    """The revision, by its full id where the user's checkout knows it by another name."""
    if user is None or revision is None:
        return revision
    return user.resolve(revision) or revision


def _unsupported(git: Git, revision: str) -> Iterator[str]:
    entries = git.names("ls-tree", "-r", "-z", "--full-tree", revision)
    uses_lfs = False
    for entry in entries:
        kind, _, name = entry.partition("\t")
        mode, _, blob = kind.split()
        if mode == "160000":
            yield f"submodule {name}"
        elif Path(name).name == ".gitattributes":
            uses_lfs = uses_lfs or b"filter=lfs" in git.run("cat-file", "blob", blob)
    if uses_lfs:
        yield from _lfs_files(git, revision)


def _lfs_files(git: Git, revision: str) -> Iterator[str]:
    sign = "version https://git-lfs.github.com/spec/"
    with suppress(GitFailed):  # git grep fails where nothing is found
        for found in git.names("grep", "-z", "-l", "-F", "-e", sign, revision, "--"):
            yield f"Git LFS file {found.partition(':')[2]}"
