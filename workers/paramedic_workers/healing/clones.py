"""The clone cache: one bare repository per target, fetched anew for each heal.

1. The clone is locked, made where it is missing or broken, and fetched; a source that is
   away for a moment is asked again a few times.
2. Where fetching fails, what is there already will do, and is said to be old.
3. The lock is let go: objects are only ever added, so heals share the clone.

The clone has its own objects, our configuration only, and no hooks. It is never
visible to target code.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from paramedic.redaction import without_credentials
from paramedic_workers.errors import RepositoryError
from paramedic_workers.healing.git import (
    REMOTE_PATIENCE,
    Configuration,
    Git,
    GitFailed,
)
from paramedic_workers.healing.locks import FileLock, Use, locked
from paramedic_workers.healing.model import Deadline

_log = structlog.get_logger()

#: Where the HEAD of the source is kept while it is fetched.
_FETCHED_HEAD = "refs/paramedic/head"
_BRANCHES = "+refs/heads/*:refs/heads/*"
_TAGS = "+refs/tags/*:refs/tags/*"
_REMOTE_BRANCHES = "+refs/remotes/*:refs/remotes/*"
_FULL_ID = re.compile(r"^[0-9a-f]{40}([0-9a-f]{24})?$")
#: git puts these aside while it changes a ref; a killed git leaves them behind.
_LOCKED_FILES = ("*.lock", "refs/**/*.lock")


@dataclass(frozen=True)
class Source:
    """Where a target's commits come from."""

    #: Path or URL, as git takes it.
    location: str
    is_local: bool

    @classmethod
    def named(cls, repository: str) -> Source:
        """The source that settings name; a path may lie inside the repository.

        Raises:
            RepositoryError: it is a path, and there is nothing.
        """
        if "://" in repository or re.match(r"^[\w.@-]+:(?!//)", repository):
            return cls(repository, is_local=repository.startswith("file://"))
        path = Path(repository).expanduser().absolute()
        if not path.exists():
            raise RepositoryError(
                f"There is no repository at {path}.", remedy="Check the target's `repository`."
            )
        return cls(str(_top(path)), is_local=True)

    @property
    def shown(self) -> str:
        """The location as it may be shown."""
        return without_credentials(self.location)


@dataclass
class Clone:
    """A bare repository with everything that its source had when it was last reached."""

    directory: Path
    source: Source
    git: Git
    #: Why the source could not be reached this time; empty where it was.
    stale: str = ""
    _lock_path: Path = field(init=False)
    #: Held for as long as this object lives, so that nobody removes the clone.
    _use: Use | None = None

    def __post_init__(self) -> None:
        """Name the lock."""
        self._lock_path = self.directory.with_suffix(".lock")

    @classmethod
    def of(cls, source: Source, name: str, data: Path) -> Clone:
        """The clone of a source in the data directory, which may not exist yet."""
        digest = hashlib.sha256(source.location.encode()).hexdigest()[:16]
        safe = re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:64].strip("-") or "target"
        directory = data.resolve() / "clones" / f"{safe}-{digest}.git"
        return cls(directory, source, Git(directory=directory))

    def refresh(self, revision: str | None, deadline: Deadline) -> None:
        """Fetch, so that `revision` can be resolved if the source has it.

        Raises:
            RepositoryError: the source cannot be used, and there is no earlier clone of it.
        """
        self._use = self._use or Use.begin(self.directory)
        with locked(self._lock_path, deadline) as lock:
            try:
                self._fetch(lock, revision, deadline)
            except GitFailed as failed:
                self._recover(lock, failed, revision, deadline)

    def remake(self, revision: str | None, deadline: Deadline) -> None:
        """Throw the clone away and make it anew: its contents are broken.

        Raises:
            RepositoryError: the source cannot be used.
        """
        _log.warning("clone_remade", clone=self.directory.name)
        with locked(self._lock_path, deadline) as lock:
            self._remove()
            try:
                self._fetch(lock, revision, deadline)
            except GitFailed as failed:
                raise self._explained(failed) from failed

    def resolve(self, revision: str) -> str:
        """The full id of a commit.

        Raises:
            RepositoryError: there is no such revision.
        """
        try:
            return self.git.line(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
            )
        except (GitFailed, ValueError) as failed:
            raise RepositoryError(
                f"There is no revision {revision[:200]!r} in {self.source.shown}.",
                remedy="Name a commit, a branch or a tag that has been pushed there.",
            ) from failed

    def _recover(
        self, lock: FileLock, failed: GitFailed, revision: str | None, deadline: Deadline
    ) -> None:
        """Remake a broken clone; go on with an older one."""
        if not self._is_sound():
            _log.warning("clone_remade", clone=self.directory.name)
            self._remove()
            try:
                return self._fetch(lock, revision, deadline)
            except GitFailed as again:
                failed = again
        if not self._has_commits():
            raise self._explained(failed) from failed
        self.stale = f"{self.source.shown} cannot be reached, so an earlier copy of it is used"
        _log.warning("repository_unreachable", clone=self.directory.name, error=str(failed))
        return None

    def _fetch(self, lock: FileLock, revision: str | None, deadline: Deadline) -> None:
        self._make()
        for pattern in _LOCKED_FILES:
            for leftover in self.directory.glob(pattern):
                leftover.unlink()
        refspecs = [_BRANCHES, _TAGS, *([_REMOTE_BRANCHES] if self.source.is_local else [])]
        try:
            self._fetch_refs([*refspecs, f"+HEAD:{_FETCHED_HEAD}"], lock, deadline)
            self._adopt_head()
        except GitFailed as failed:
            if "couldn't find remote ref HEAD" not in failed.stderr:
                raise
            self._fetch_refs(refspecs, lock, deadline)
            if not self._has_commits():
                raise
        self._fetch_unadvertised(revision, lock, deadline)

    def _fetch_refs(self, refspecs: list[str], lock: FileLock, deadline: Deadline) -> None:
        transport = Git(directory=self.directory, configuration=Configuration.USER)

        def fetch() -> None:
            transport.run(
                "fetch",
                *("--quiet", "--prune", "--no-tags", "--no-write-fetch-head", "--update-shallow"),
                *("--no-auto-maintenance", "--end-of-options", self.source.location, *refspecs),
                seconds=deadline.left(),
                keep_open=(lock.descriptor,),
            )

        REMOTE_PATIENCE.persist(fetch, left=deadline.left)

    def _fetch_unadvertised(self, revision: str | None, lock: FileLock, deadline: Deadline) -> None:
        """Ask for a commit that no branch or tag reaches, where the source allows it."""
        if revision is None or not (_FULL_ID.match(revision) or revision.startswith("refs/")):
            return
        if self.git.succeeds("cat-file", "-e", f"{revision}^{{commit}}"):
            return
        try:
            kept = f"+{revision}:refs/paramedic/asked/{hashlib.sha1(revision.encode()).hexdigest()}"
            self._fetch_refs([kept], lock, deadline)
        except GitFailed as failed:
            _log.info("revision_not_fetched", revision=revision, error=str(failed))

    def _adopt_head(self) -> None:
        head = self.git.line("rev-parse", "--verify", _FETCHED_HEAD)
        self.git.run("update-ref", "--no-deref", "HEAD", head)

    def _make(self) -> None:
        """Make an empty bare repository, all at once."""
        if self.directory.exists():
            return
        clones = self.directory.parent
        clones.mkdir(parents=True, exist_ok=True, mode=0o700)
        for half_made in clones.glob(f".{self.directory.name}.*"):
            shutil.rmtree(half_made)
        fresh = tempfile.mkdtemp(prefix=f".{self.directory.name}.", dir=clones)
        Git().run("init", "--quiet", "--bare", "--template=", "--", fresh)
        Path(fresh).rename(self.directory)

    def _remove(self) -> None:
        """Put the clone aside first, so that a half-removed one is never mistaken for one."""
        if self.directory.exists():
            aside = tempfile.mkdtemp(prefix=f".{self.directory.name}.", dir=self.directory.parent)
            self.directory.rename(aside)
            shutil.rmtree(aside)

    def is_readable(self) -> bool:
        """Whether every branch and tag leads to an object; a quick look only."""
        return self.git.succeeds("for-each-ref", "--format=%(objecttype)")

    def _is_sound(self) -> bool:
        return self.git.succeeds("fsck", "--connectivity-only", "--no-dangling", "--no-progress")

    def _has_commits(self) -> bool:
        try:
            return bool(self.git.line("for-each-ref", "--count=1"))
        except GitFailed:
            return False

    def _explained(self, failed: GitFailed) -> RepositoryError:
        """What a person needs to know of a fetch that failed."""
        where = self.source.shown
        for sign, message, remedy in _EXPLANATIONS:
            if sign in failed.stderr:
                return RepositoryError(message.format(where=where), remedy=remedy)
        return RepositoryError(
            f"{where} cannot be fetched: {failed.message}",
            remedy="Check the target's `repository`, the network and the credentials.",
            transient=failed.transient,
        )


_EXPLANATIONS = (
    (
        "dubious ownership",
        "{where} belongs to another user, so git refuses to read it.",
        "Allow it with `git config --global --add safe.directory <path>`, as the worker's user.",
    ),
    (
        "couldn't find remote ref HEAD",
        "{where} has no commits.",
        "Commit something first.",
    ),
    (
        "does not appear to be a git repository",
        "{where} is not a git repository.",
        "Name the top folder of a clone, or a URL that git can clone.",
    ),
)


def _top(path: Path) -> Path:
    """The folder at or above `path` that holds `.git`; `path` where there is none."""
    for folder in (path, *path.parents):
        if (folder / ".git").exists():
            return folder
    return path
