"""The worker roles of one machine, each an ordinary `celery` command."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial

from paramedic_workers import topology
from paramedic_workers.settings import Settings

#: Threads of the deliver worker per sink: one that hangs keeps two by its deliveries and one by
#: being tended, and no other waits.
DELIVER_THREADS_PER_SINK = 3
#: Where `celery -A` finds the application.
APPLICATION = "paramedic_workers"


@dataclass(frozen=True, kw_only=True)
class Role:
    """One process that the supervisor starts and keeps running."""

    #: Also the first part of its Celery node name, and the name of its log.
    name: str
    command: tuple[str, ...]
    #: Whether it answers `celery inspect ping`.
    answers: bool = True


def roles(
    settings: Settings,
    *,
    heal_workers: int,
    heal_concurrency: int,
    application: str = APPLICATION,
) -> list[Role]:
    """What one machine runs: intake, heal workers, deliver, beat.

    Args:
        settings: names the sinks.
        heal_workers: number of heal workers, each with a pool of its own.
        heal_concurrency: heals that each may run at once.
        application: the module of the Celery application, as `celery -A` takes it.
    """
    worker = partial(_worker, application)
    sinks = [name for name in topology.sink_names(settings) if name != topology.EXCHANGE_SINK]
    level = settings.log_level
    heals = [
        worker(
            f"heal{number}",
            [topology.HEAL_QUEUE],
            pool="prefork",
            concurrency=heal_concurrency,
            level=level,
        )
        for number in range(1, heal_workers + 1)
    ]
    queues = [topology.results_queue(sink) for sink in sinks]
    threads = DELIVER_THREADS_PER_SINK * len(sinks)
    deliver = (
        [worker("deliver", queues, pool="threads", concurrency=threads, level=level)]
        if sinks
        else []
    )
    intake = worker("intake", [topology.INTAKE.name], pool="solo", concurrency=1, level=level)
    beat = Role(name="beat", command=_celery(application, "beat"), answers=False)
    return [intake, *heals, *deliver, beat]


def _worker(
    application: str, name: str, queues: list[str], *, pool: str, concurrency: int, level: str
) -> Role:
    # Gossip and mingle are of use among many machines, and cost a second at each start.
    options = ("--without-gossip", "--without-mingle", "-l", level)
    size = ("-P", pool, "-c", str(concurrency))
    command = _celery(
        application, "worker", "-n", f"{name}@%h", "-Q", ",".join(queues), *size, *options
    )
    return Role(name=name, command=command)


def _celery(application: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "celery", "--quiet", "-A", application, *arguments)
