"""The life of a worker besides its tasks, as far as Celery tells of it.

1. It starts: what dead processes of its machine were healing waits again, and what they
   have left is removed.
2. A process of its pool starts: its memory is limited, and a dead one before it is cleaned
   up after.
3. A process of its pool dies, or hangs until it is killed: what it was healing waits again
   at once, with a note of how it ended.
4. It stops: see `stopping`.
"""

# Celery has no types.
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from celery import Celery, current_app, signals
from celery.exceptions import TimeLimitExceeded, WorkerLostError
from redis.exceptions import RedisError

from paramedic_workers import topology
from paramedic_workers.app import worker_settings
from paramedic_workers.deaths import OutOfMemoryWatch, exit_status, words_for_exit
from paramedic_workers.incidents import group_name
from paramedic_workers.recovery import LostBy, return_dead, return_lost_heal
from paramedic_workers.runtime import runtime
from paramedic_workers.stopping import INTERRUPTION, Stop
from paramedic_workers.tasks import ring_groups

_MEBIBYTE = 1024 * 1024

_log = structlog.get_logger()
_memory = OutOfMemoryWatch()


@signals.celeryd_after_setup.connect
def prepare_stop(instance: Any, **_: object) -> None:
    """Make the stop of this worker one that has an end."""
    INTERRUPTION.install()  # its pool inherits it, so that no interruption finds it unprepared
    stop = Stop(seconds=worker_settings().shutdown_seconds, processes=partial(_processes, instance))

    def ask(**_: object) -> None:
        stop.ask()

    signals.worker_shutting_down.connect(ask, weak=False)


def _processes(worker: Any) -> Iterable[int]:
    """The processes in which its tasks run; none where they run in threads."""
    try:
        processes: Iterable[int] = worker.pool.info.get("processes", ())
    except AttributeError:  # it has no pool yet, or no longer
        return ()
    return processes


@signals.worker_ready.connect
def take_over(sender: Any, **_: object) -> None:
    """Let what dead processes of this machine were healing wait again."""
    if not _heals(sender.app):
        return
    _sweep_in_background(worker_settings().data_directory())
    try:
        groups = return_dead(runtime(sender.app).client)
        ring_groups(sender.app, groups)
    except RedisError as error:
        _log.error("what dead workers healed waits for the end of its leases", error=str(error))
        return
    if groups:
        _log.warning("heals of dead workers wait again", groups=groups)


@signals.worker_process_init.connect
def begin_process(**_: object) -> None:
    """Prepare a process of a pool for heals."""
    INTERRUPTION.install()
    if _heals(current_app):
        settings = worker_settings()
        limit_memory(settings.heal_memory)
        _sweep_in_background(settings.data_directory())


def limit_memory(mebibytes: int) -> None:
    """Let a healer that eats all memory meet a `MemoryError` before the machine runs out.

    Only the soft limit is set: what this process starts has limits of its own.

    Args:
        mebibytes: that this process may use; 0: no limit.
    """
    if not mebibytes:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    asked = mebibytes * _MEBIBYTE
    soft = asked if hard == resource.RLIM_INFINITY else min(asked, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


@signals.task_failure.connect
def take_back_heal(
    sender: Any,
    exception: BaseException,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    **_: object,
) -> None:
    """Let a heal wait again whose process died or hung; its parent is told, and nobody else."""
    if sender.name != topology.HEAL_TASK:
        return
    if isinstance(exception, TimeLimitExceeded):
        # The process is killed after this: what it may yet say of its end comes too late.
        lost_by, how = LostBy.TIME_LIMIT, f"killed at its time limit of {exception.args[0]:g} s"
    elif isinstance(exception, WorkerLostError):
        lost_by = LostBy.DEATH
        how = words_for_exit(exit_status(str(exception)), _memory)
    else:
        return
    group = _group_of(*args, **kwargs)
    work = runtime(sender.app)
    try:
        returned = return_lost_heal(work.client, group, lost_by, how, parent=os.getpid())
        if work.healer.waiting(group):
            ring_groups(sender.app, [group])
    except RedisError as error:
        _log.error("a lost heal waits for the end of its lease", group=group, error=str(error))
        return
    _log.error("a heal lost its process", group=group, how=how, incidents=returned)


def _group_of(target: str, revision: str | None) -> str:
    """The group that a heal is called with."""
    return group_name(target, revision)


def _heals(app: Celery) -> bool:
    return topology.HEAL_QUEUE in app.amqp.queues.consume_from


def _sweep_in_background(data: Path) -> None:
    """Remove what heals have left whose process is dead; nobody waits for it."""
    from paramedic_workers.healing.workspace import sweep_leftovers  # only heal workers pay

    threading.Thread(target=sweep_leftovers, args=(data,), name="leftovers", daemon=True).start()
