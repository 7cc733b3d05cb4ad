"""Storage that is full: the worker's disk, and the Redis that holds the ledger.

Both are looked at before a heal begins, so that nothing is begun that could not be
written; and a disk that fills up meanwhile is named as what it is.
"""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from paramedic_workers.errors import ParamedicError, StorageFull
from paramedic_workers.resilience.transience import tells_of_a_full_disk

if TYPE_CHECKING:  # healing runs without a broker
    import redis

_MEBIBYTE = 1024 * 1024
#: Share of Redis' `maxmemory` from which on no heal begins: the rest is for what runs.
LEDGER_FULL = 0.95
#: What Linux says of a full disk and of a used-up quota.
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


def storage_full(error: BaseException) -> StorageFull | None:
    """The same error by its right name, where what it tells of is a full disk; else None."""
    if isinstance(error, StorageFull):
        return None
    if isinstance(error, OSError) and error.errno in _NO_SPACE:
        where = f" for {error.filename}" if error.filename else ""
    elif isinstance(error, ParamedicError) and tells_of_a_full_disk(error.message):
        where = f": {error.message.rstrip('.')}"
    else:
        return None
    named = StorageFull(
        f"No space is left on the worker's disk{where}.",
        phase=getattr(error, "phase", None),
        remedy="Free some, lower `cache_limit`, or move the data directory to a larger disk.",
    )
    named.__cause__ = error
    return named.with_traceback(error.__traceback__)


def want_of_disk(data: Path, least: int) -> str:
    """Why the disk of the data directory has no room for a heal; empty where it has.

    Args:
        data: the data directory, which may not exist yet.
        least: MiB that must be free.
    """
    place = next(folder for folder in (data, *data.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free // _MEBIBYTE
    if free >= least:
        return ""
    return f"only {free} MiB are free in {place}, and a heal needs {least} (min_free_disk)"


def want_of_memory(client: redis.Redis) -> str:
    """Why the ledger's Redis has no room for the results of a heal; empty where it has."""
    memory = client.info("memory")
    used, most = int(memory["used_memory"]), int(memory["maxmemory"])
    if not most or used < most * LEDGER_FULL:
        return ""
    return (
        f"the ledger's Redis is full: {used // _MEBIBYTE} of {most // _MEBIBYTE} MiB"
        " are used (maxmemory)"
    )
