"""Reads the state of the whole; nothing is changed.

What cannot be reached is said, and what else there is to know is read all the same.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TypeVar, cast

import msgspec
import redis
from celery import Celery

from paramedic.event import now
from paramedic.text import one_line
from paramedic_workers import keys, topology
from paramedic_workers.connections import broker_url, ledger_url, state_client, without_password
from paramedic_workers.dead_letters.store import NOTICE, DeadLetters
from paramedic_workers.errors import describe
from paramedic_workers.incidents import milliseconds
from paramedic_workers.resilience.breakers import Breakers, BreakerStanding
from paramedic_workers.resilience.holds import Holds
from paramedic_workers.resilience.limits import Limits
from paramedic_workers.resting import Resting
from paramedic_workers.settings import Settings
from paramedic_workers.status.model import (
    Hindrance,
    LedgerState,
    LettersState,
    MemoryState,
    PatternStatus,
    Place,
    QueueState,
    RestingSink,
    SpoolState,
    Status,
)
from paramedic_workers.status.problems import problems_of
from paramedic_workers.systemic.patterns import Patterns
from paramedic_workers.systemic.switching import Switches

#: Seconds that workers have to answer.
ANSWER_SECONDS = 1.0
#: Groups that are looked into for their oldest incident.
_GROUPS_READ = 200
#: How many wait in the ledger, and seconds since the oldest does.
_Waits = tuple[int, float | None]

T = TypeVar("T")


def read_status(settings: Settings, app: Celery) -> Status:
    """Look at everything once.

    Args:
        settings: where broker, ledger and data directory are.
        app: the application of the workers.

    Raises:
        UsageError: no broker is configured, and none runs on the data directory.
    """
    broker, place = broker_url(settings), ledger_url(settings)
    client = state_client(place, retries=0)
    state, ledger_problem = _tried(lambda: _ledger_state(client, settings))
    waiting, _ = _tried(lambda: _waiting(client, settings))
    depths, broker_problem = _tried(lambda: _depths(app, settings))
    workers = None
    if not broker_problem:
        workers, _ = _tried(lambda: topology.readers(app, ANSWER_SECONDS))
    data = settings.data_directory()
    found = Status(
        at=now(),
        broker=Place(url=without_password(broker), problem=broker_problem),
        ledger=Place(url=without_password(place), problem=ledger_problem),
        state=state,
        queues=tuple(_queues(settings, depths or {}, waiting or {}, workers or {})),
        workers=workers,
        spool=_spool(data / "spool"),
        disk_free=_disk_free(data),
    )
    return msgspec.structs.replace(found, problems=tuple(problems_of(found, settings)))


def _tried(read: Callable[[], T]) -> tuple[T | None, str]:
    """What was read, or why it could not be."""
    try:
        return read(), ""
    except Exception as error:  # noqa: BLE001 - each broker's client raises errors of its own
        kind, message, _ = describe(error)
        return None, without_password(f"{kind.rpartition('.')[2]}: {message}")


# --- the broker


def _depths(app: Celery, settings: Settings) -> dict[str, int]:
    names = [queue.name for queue in topology.queues(topology.sink_names(settings))]
    return {name: topology.depth(app, name) for name in names}


def _queues(
    settings: Settings,
    depths: Mapping[str, int],
    waiting: Mapping[str, _Waits],
    workers: Mapping[str, tuple[str, ...]],
) -> Iterator[QueueState]:
    for queue in topology.queues(topology.sink_names(settings)):
        number, oldest = waiting.get(queue.name, (0, None))
        yield QueueState(
            name=queue.name,
            messages=depths.get(queue.name),
            waiting=number,
            oldest=oldest,
            workers=tuple(worker for worker, read in workers.items() if queue.name in read),
        )


# --- the ledger


def _ledger_state(client: redis.Redis, settings: Settings) -> LedgerState:
    sinks = topology.sink_names(settings)
    healing = cast("list[str]", client.zrange(keys.HEALING, 0, -1))
    waiting = cast("list[str]", client.zrange(keys.WAITING, 0, -1))
    return LedgerState(
        incidents=client.zcard(keys.INCIDENTS),
        waiting=_members(client, [keys.waiting(group) for group in waiting]),
        healing=_members(client, [keys.healing(group) for group in healing]),
        undelivered={sink: client.zcard(keys.outbox(sink)) for sink in sinks},
        resting=tuple(_resting(client, sinks)),
        dead_letters=_letters(client, settings),
        hindrances=tuple(_hindrances(client, settings)),
        patterns=tuple(_patterns(client, settings)),
        memory=_memory(client),
    )


def _resting(client: redis.Redis, sinks: tuple[str, ...]) -> Iterator[RestingSink]:
    for rest in Resting(client=client).standing(sinks):
        waiting = client.zcard(keys.outbox(rest.sink))
        if waiting or rest.until > now():
            yield RestingSink(
                sink=rest.sink, since=rest.since, until=rest.until, why=rest.why, waiting=waiting
            )


def _members(client: redis.Redis, sets: list[str]) -> int:
    with client.pipeline(transaction=False) as pipe:
        for name in sets:
            pipe.scard(name)
        return sum(pipe.execute())


def _letters(client: redis.Redis, settings: Settings) -> LettersState:
    store = DeadLetters.of(client, settings)
    expiring = milliseconds(now() - timedelta(days=store.days) + NOTICE)
    return LettersState(
        waiting=store.count(),
        by_reason=store.counts(),
        replayed=client.zcard(keys.DEAD_REPLAYED),
        limit=store.limit,
        expiring=client.zcount(keys.DEAD, "-inf", expiring),
        discarded=store.discarded(),
    )


def _patterns(client: redis.Redis, settings: Settings) -> Iterator[PatternStatus]:
    patterns = Patterns(client, settings)
    for pattern in patterns.open_patterns():
        incidents = patterns.incidents(pattern.id)
        yield PatternStatus(
            id=pattern.id,
            what=pattern.signature.words,
            message=one_line(pattern.example.message),
            strategy=pattern.strategy,
            since=pattern.first_seen,
            incidents=len(incidents),
            settled=sum(bool(incident.settled) for incident in incidents),
        )


def _hindrances(client: redis.Redis, settings: Settings) -> Iterator[Hindrance]:
    for target in settings.targets:
        for off in Switches(client, settings).off_at(target):
            yield Hindrance(kind="pattern", target=target, why=off.words)
    for breaker in Breakers(client=client, settings=settings).standing():
        if breaker.state is not BreakerStanding.COUNTING:
            target, why = breaker.target, breaker.words
            yield Hindrance(kind="breaker", target=target, why=why, until=breaker.until)
    for target_settings in settings.targets.values():
        for rate in Limits(client=client).standing(target_settings):
            if rate.reached:
                why = (
                    f"{rate.kind}: {rate.used_hour} of {rate.per_hour or 'any'} in the last hour,"
                    f" {rate.used_day} of {rate.per_day or 'any'} in the last day"
                )
                yield Hindrance(kind="limit", target=rate.target, why=why)
    for hold in Holds(client=client).standing():
        target = hold.group.partition("@")[0]
        yield Hindrance(kind="hold", target=target, why=hold.why, until=hold.until)


def _memory(client: redis.Redis) -> MemoryState:
    found, persistence = client.info("memory"), client.info("persistence")
    return MemoryState(
        used=int(found["used_memory"]),
        most=int(found["maxmemory"]),
        policy=str(found["maxmemory_policy"]),
        persistent=bool(int(persistence.get("aof_enabled", 0))),
    )


def _waiting(client: redis.Redis, settings: Settings) -> dict[str, _Waits]:
    """What waits in the ledger, by the queue that brings it on."""
    waits = {
        topology.INTAKE.name: _journal(client),
        topology.HEAL_QUEUE: _waiting_incidents(client),
    }
    for sink in topology.sink_names(settings):
        if sink != topology.EXCHANGE_SINK:
            waits[topology.results_queue(sink)] = _undelivered(client, sink)
    return waits


def _journal(client: redis.Redis) -> _Waits:
    first = cast(
        "list[tuple[str, float]]", client.zrange(keys.JOURNAL_PUBLISHED, 0, 0, withscores=True)
    )
    return client.zcard(keys.JOURNAL_PUBLISHED), _since(score for _, score in first)


def _waiting_incidents(client: redis.Redis) -> _Waits:
    groups = cast("list[str]", client.zrange(keys.WAITING, 0, -1))
    with client.pipeline(transaction=False) as pipe:
        for group in groups:
            pipe.smembers(keys.waiting(group))
        members = pipe.execute()
        names = [name for found in members[:_GROUPS_READ] for name in found]
        for name in names:
            pipe.hget(keys.incident(name), "opened_at")
        opened = [float(stamp) for stamp in pipe.execute() if stamp]
    return sum(map(len, members)), _since(opened)


def _undelivered(client: redis.Redis, sink: str) -> _Waits:
    """Results that a sink has not taken, the oldest by the time its heal was closed."""
    ids = cast("list[str]", client.zrange(keys.outbox(sink), 0, -1))
    if not ids:
        return 0, None
    closed = client.zmscore(keys.RESULTS, ids)
    return len(ids), _since(score for score in closed if score is not None)


def _since(stamps: Iterator[float] | list[float]) -> float | None:
    """Seconds since the earliest of these milliseconds."""
    earliest = min(stamps, default=None)
    return None if earliest is None else max(0.0, time.time() - earliest / 1000)


# --- this machine


def _spool(folder: Path) -> SpoolState:
    """What is spooled there for any broker; a publisher may be at it right now."""
    batches = broken = size = 0
    for file in folder.glob("*/*"):
        try:
            taken = file.stat().st_size
        except FileNotFoundError:
            continue
        batches += file.suffix == ".json"
        broken += file.suffix == ".broken"
        size += taken
    return SpoolState(batches=batches, broken=broken, size=size)


def _disk_free(data: Path) -> int:
    place = next(folder for folder in (data, *data.absolute().parents) if folder.exists())
    return shutil.disk_usage(place).free
