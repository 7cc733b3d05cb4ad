"""Locks that die with their holder: files held by flock, with the holder's pid inside."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
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


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        named = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(named, os.fstat(descriptor))
