"""The spool: batches on disk while the broker is away.

One file per batch, written whole or not at all, readable by its owner alone. Whoever
reaches the broker first drains it, this process or the next one; a lock sees to it
that two processes never send one file both.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from paramedic.outbox import Parcel

#: Batches that are read and sent together.
_GROUP = 10
#: Seconds after which a half-written file is taken for left behind.
_ABANDONED_AFTER = 3600.0

# A record lock holds between processes and is not inherited by a fork, but does not
# hold between threads of one process: that is what the second lock is for.
_draining = threading.Lock()


def _renew_lock() -> None:
    global _draining  # noqa: PLW0603 - the thread that may hold it does not exist in the child
    _draining = threading.Lock()


os.register_at_fork(after_in_child=_renew_lock)


class Spool:
    """A folder of batches, bounded by number and bytes."""

    def __init__(self, folder: Path, *, most_batches: int, most_bytes: int) -> None:
        """Use this folder; it is made, with mode 0700, by the first batch."""
        self.folder = folder
        self._most_batches = most_batches
        self._most_bytes = most_bytes
        #: Why the last parcel that was refused was refused; empty before that.
        self.refusal = ""

    def put(self, parcel: Parcel) -> bool:
        """Keep a parcel; False where the spool is full or cannot be written: see `refusal`."""
        data = msgspec.json.encode(parcel)
        try:
            if not self._has_room(len(data)):
                bound = f"{self._most_batches} batches or {self._most_bytes} bytes"
                self.refusal = f"it holds {bound}, its bound"
                return False
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(self.folder / f"{time.time_ns():020d}-{parcel.message.id}.json", data)
        except OSError as error:
            self.refusal = error.strerror or str(error)
            return False
        return True

    def is_empty(self) -> bool:
        """Whether nothing waits to be sent."""
        return not self._files()

    def drain(self, send: Callable[[Sequence[Parcel]], None]) -> bool:
        """Send everything, oldest first, and forget what was sent.

        Args:
            send: takes a few parcels at a time; what it raises ends the draining, and
                these parcels stay.

        Returns:
            Whether all was sent; not so while another process is at it.
        """
        with self._lock() as locked:
            if not locked:
                return False
            self._remove_abandoned()
            files = self._files()
            for start in range(0, len(files), _GROUP):
                group = files[start : start + _GROUP]
                parcels = [parcel for file in group if (parcel := _read(file))]
                if parcels:
                    send(parcels)
                for file in group:
                    file.unlink(missing_ok=True)
        return True

    def _files(self) -> list[Path]:
        try:
            return sorted(file for file in self.folder.iterdir() if file.suffix == ".json")
        except OSError:
            return []

    def _has_room(self, size: int) -> bool:
        try:
            with os.scandir(self.folder) as entries:
                sizes = [entry.stat().st_size for entry in entries]
        except FileNotFoundError:
            sizes = []
        return len(sizes) < self._most_batches and sum(sizes) + size <= self._most_bytes

    def _remove_abandoned(self) -> None:
        for file in self.folder.glob("*.part"):
            try:
                if time.time() - file.stat().st_mtime > _ABANDONED_AFTER:
                    file.unlink()
            except FileNotFoundError:
                continue  # its writer has just finished

    @contextmanager
    def _lock(self) -> Iterator[bool]:
        """Whether this thread of this process is the one that drains."""
        lock = _draining
        if not self.folder.is_dir() or not lock.acquire(blocking=False):
            yield False
            return
        try:
            with (self.folder / ".lock").open("w") as file:
                yield _locked(file.fileno())
        finally:
            lock.release()


def _locked(descriptor: int) -> bool:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _write(file: Path, data: bytes) -> None:
    part = file.with_suffix(".part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as stream:  # noqa: PTH123 - a descriptor, for its mode
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _read(file: Path) -> Parcel | None:
    """The parcel in a file; one that cannot be read is set aside as `….broken`."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Parcel)
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, UnicodeError):
        file.replace(file.with_suffix(".broken"))
        return None
