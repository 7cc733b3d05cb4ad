"""Files that are whole at every moment, in folders that one process at a time writes to."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: How the names of files begin that are not yet whole.
_DRAFT = ".new-"


def write_whole(file: Path, content: str | bytes) -> None:
    """Write a file beside its place, and move it there: nobody ever sees half of it.

    Raises:
        OSError: it cannot be written.
    """
    data = content.encode("utf-8", "replace") if isinstance(content, str) else content
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=_DRAFT)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Be the only one who writes to a folder.

    Raises:
        OSError: there is no such folder.
    """
    # The directory itself is the lock: it ends with its holder, and no lock file stays behind.
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        # Whoever wrote these was killed: nobody else writes here now.
        for stray in (*directory.glob(f"{_DRAFT}*"), *directory.glob(f"history/{_DRAFT}*")):
            stray.unlink(missing_ok=True)
        yield
    finally:
        os.close(handle)
