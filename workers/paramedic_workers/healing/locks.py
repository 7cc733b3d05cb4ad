"""Locks that die with their holder: files held by flock, with the holder's pid inside."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from paramedic_workers.errors import HealerError
from paramedic_workers.healing.model import Deadline

#: Seconds between two looks at a lock that another process holds.
_PAUSE = 0.02


class FileLock:
    """One held lock; released by `release` or by the end of the process, however it ends."""

    def __init__(self, path: Path, descriptor: int) -> None:
        """For `take` and `take_if_free` only."""
        self.path = path
        self.descriptor = descriptor

    @classmethod
    def take_if_free(cls, path: Path) -> FileLock | None:
        """The lock, or None where a living process holds it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                return None
            raise
        if not _is_still(path, descriptor):
            # Its last holder removed the file after we had opened it.
            os.close(descriptor)
            return cls.take_if_free(path)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(path, descriptor)

    @classmethod
    def take(cls, path: Path, deadline: Deadline) -> FileLock:
        """The lock, as soon as no other process holds it.

        Raises:
            HealerError: another process held it until the deadline.
        """
        while True:
            lock = cls.take_if_free(path)
            if lock is not None:
                return lock
            if deadline.passed():
                holder = path.read_text().strip() or "unknown"
                raise HealerError(
                    f"Process {holder} has held {path} for too long.",
                    remedy="Wait for it, or end it.",
                )
            time.sleep(_PAUSE)

    def release(self, *, remove: bool = False) -> None:
        """Let go; removes the file first where nobody will need it again."""
        if self.descriptor < 0:
            return
        if remove:
            self.path.unlink(missing_ok=True)
        os.close(self.descriptor)
        self.descriptor = -1


@contextmanager
def locked(path: Path, deadline: Deadline) -> Iterator[FileLock]:
    """Hold the lock for a block."""
    lock = FileLock.take(path, deadline)
    try:
        yield lock
    finally:
        lock.release()


class Use:
    """The use of a cached folder: many may use it at once; who removes it must be alone.

    The lock is a file beside the folder, whose time says when it was last used. It is let
    go by `release`, when this object is dropped, or when the process ends.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        """For `begin` and `take_alone` only."""
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def begin(cls, folder: Path) -> Use:
        """Use a folder, which may not exist yet; waits while somebody removes it."""
        path = _use_file(folder)
        while True:
            use = cls._locked(path, fcntl.LOCK_SH)
            if use is not None:
                os.utime(path)
                return use

    @classmethod
    def take_alone(cls, folder: Path) -> Use | None:
        """The only use of a folder; None where somebody else uses it."""
        return cls._locked(_use_file(folder), fcntl.LOCK_EX | fcntl.LOCK_NB)

    @classmethod
    def _locked(cls, path: Path, operation: int) -> Use | None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        use = cls(path, os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        try:
            fcntl.flock(use._descriptor, operation)
        except BlockingIOError:
            return None
        # Who had it alone may have removed the file after we had opened it.
        return use if _is_still(path, use._descriptor) else None

    def release(self, *, remove: bool = False) -> None:
        """Let go; may be called twice."""
        if self._descriptor < 0:
            return
        if remove:
            self._path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = -1

    def __del__(self) -> None:
        """Let go with the last reference."""
        self.release()


def last_use(folder: Path) -> float:
    """When a cached folder was last used, in seconds since 1970; 0 where it is gone."""
    for path in (_use_file(folder), folder):
        with suppress(FileNotFoundError):
            return path.stat().st_mtime
    return 0.0


def _use_file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.use")


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        named = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(named, os.fstat(descriptor))
