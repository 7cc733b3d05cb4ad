"""Keeps the data directory within bounds: old reports go, and caches that grew too large.

1. Report folders whose last result is older than `retention_days` are deleted.
2. Clones, environments and package caches may take `cache_limit` MiB together. Where
   they take more, those go first that were used longest ago.

Nothing goes that a living process uses: who uses a cache holds a lock on it
(`healing.locks.Use`), and keeps it until it ends, however it ends. What is deleted is
renamed first, so that nobody ever finds half of it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from paramedic_workers.healing.locks import FileLock, Use, last_use
from paramedic_workers.healing.trees import remove_tree
from paramedic_workers.settings import FileSinkSettings, Settings
from paramedic_workers.sinks.file import FileSink

_log = structlog.get_logger()

#: Seconds between two rounds in one data directory: to measure it takes a while.
ROUND_SECONDS = 3600.0
#: What may be thrown away: it is made anew where it is needed.
_CACHES = ("clones/*.git", "environments/*", "cache/*")
_MEBIBYTE = 1024 * 1024
#: How the names begin of what is being deleted.
_GONE = ".gone-"


@dataclass(frozen=True, kw_only=True)
class Removed:
    """What one round has deleted."""

    reports: int = 0
    caches: int = 0


def keep_house(settings: Settings, *, clock: Callable[[], float] = time.time) -> Removed:
    """Do a round in the data directory; nothing within an hour after the last one.

    Args:
        settings: which directory, and its bounds.
        clock: seconds since 1970.
    """
    data = settings.data_directory()
    if not data.is_dir():
        return Removed()
    lock = FileLock.take_if_free(data / "housekeeping.lock")
    if lock is None:
        return Removed()
    try:
        if not _is_due(data, clock()):
            return Removed()
        done = Removed(reports=_old_reports(settings, clock()), caches=_large_caches(settings))
    except OSError as error:
        _log.warning("housekeeping_failed", error=str(error))
        return Removed()
    finally:
        lock.release()
    if done != Removed():
        _log.info("housekeeping", reports=done.reports, caches=done.caches)
    return done


def _is_due(data: Path, now: float) -> bool:
    """Whether the last round was long ago; notes that this one begins."""
    stamp = data / "housekeeping.stamp"
    with suppress(FileNotFoundError):
        if 0 <= now - stamp.stat().st_mtime < ROUND_SECONDS:
            return False
    stamp.touch()
    os.utime(stamp, (now, now))
    return True


def _old_reports(settings: Settings, now: float) -> int:
    given = settings.sinks.get("file", {}).get("directory", "")
    sink = FileSink.open(FileSinkSettings(directory=str(given)), settings.data_directory())
    return sink.forget(now - settings.retention_days * 86_400)


def _large_caches(settings: Settings) -> int:
    data = settings.data_directory().resolve()
    for half_removed in data.glob(f"*/{_GONE}*"):
        remove_tree(half_removed)
    sizes = {folder: size_of(folder) for folder in _caches(data)}
    excess = sum(sizes.values()) - settings.cache_limit * _MEBIBYTE
    removed = 0
    for folder in sorted(sizes, key=last_use):
        if excess <= 0:
            break
        if _remove_unused(folder):
            excess -= sizes[folder]
            removed += 1
    return removed


def _caches(data: Path) -> Iterator[Path]:
    for pattern in _CACHES:
        found = (path for path in data.glob(pattern) if not path.name.startswith("."))
        yield from (path for path in found if path.is_dir() and not path.is_symlink())


def size_of(folder: Path) -> int:
    """Bytes that a folder takes on the disk; links are not followed."""
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            with suppress(OSError):
                total += Path(place, name).lstat().st_blocks * 512
    return total


def _remove_unused(folder: Path) -> bool:
    """Delete a cache, unless somebody uses it or makes it at this moment."""
    use = Use.take_alone(folder)
    if use is None:
        return False
    making = FileLock.take_if_free(folder.with_suffix(".lock"))
    try:
        if making is None:
            return False
        gone = folder.with_name(f"{_GONE}{folder.name}")
        folder.rename(gone)
        remove_tree(gone)
    finally:
        if making is not None:
            making.release(remove=True)
        use.release(remove=not folder.exists())
    _log.info("cache_removed", folder=f"{folder.parent.name}/{folder.name}")
    return True
