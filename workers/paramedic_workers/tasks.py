"""The life of a failure, as Celery tasks.

1. `intake`: a batch of failure events is validated and recorded in the ledger, exactly
   once. For each group that waits now, the doorbell of `heal` is rung.
2. `heal`: the group is leased, taken, healed and closed. The doorbells of `deliver` are
   rung, and `heal`'s again for what waits meanwhile.
3. `deliver`: one sink takes one result, or the result stays in its outbox.
4. `sweep` (from beat): rings again for whatever waits without a message or a live lease.

The tasks are thin: each calls one part of the flow and rings for the next.
"""

# Celery has no types.
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import structlog
from celery import Celery, current_task, shared_task, signals
from celery.exceptions import Reject
from redis.exceptions import ConnectionError, OutOfMemoryError, ReadOnlyError, TimeoutError

from paramedic_workers import topology
from paramedic_workers.groups import RoundEnd
from paramedic_workers.incidents import group_name, group_parts
from paramedic_workers.intake import keep_rejected
from paramedic_workers.results import Result
from paramedic_workers.runtime import runtime

#: Seconds before a message is put back while the ledger cannot be written.
PUT_BACK_PAUSE = 1.0
#: The ledger is away or full: the same batch can be recorded later.
_LEDGER_AWAY = (ConnectionError, TimeoutError, OutOfMemoryError, ReadOnlyError)

_log = structlog.get_logger()


@shared_task(name=topology.INTAKE_TASK)
def intake(*args: object, **kwargs: object) -> None:
    """Record one batch of failure events."""
    work = runtime(current_task.app)
    try:
        recorded = work.intake.record([*args, kwargs] if kwargs else args, current_task.request.id)
    except _LEDGER_AWAY as error:
        _log.error("a batch is put back: the ledger cannot be written", error=str(error))
        time.sleep(PUT_BACK_PAUSE)
        raise Reject(str(error), requeue=True) from error
    _log.info(
        "a batch is recorded",
        accepted=recorded.accepted,
        rejected=recorded.rejected,
        opened=recorded.opened,
        again=not recorded.new,
    )
    ring_groups(current_task.app, recorded.groups)


@shared_task(name=topology.HEAL_TASK)
def heal(target: str, revision: str | None) -> None:
    """Heal what waits of a target at a revision."""
    work = runtime(current_task.app)
    done = work.healer.heal(target, revision)
    _log.info("a heal ended", target=target, revision=revision, end=done.end)
    for result in done.results:
        ring_sinks(current_task.app, work.healer.sinks, result)
    if done.end not in (RoundEnd.BUSY, RoundEnd.FULL):
        _ring_next(current_task.app, target, revision)


@shared_task(name=topology.DELIVER_TASK)
def deliver(sink: str, result_id: str) -> None:
    """Let one sink take one result."""
    report = runtime(current_task.app).outbox.deliver(sink, result_id)
    _log.info("a delivery ended", sink=sink, result=result_id, end=report.end)
    if report.next_due:
        ring_sink(current_task.app, sink, report.next_due, report.next_due)


@shared_task(name=topology.SWEEP_TASK)
def sweep() -> None:
    """Ring again for whatever waits."""
    from paramedic_workers.housekeeping import keep_house  # takes a while to import

    work = runtime(current_task.app)
    bells = work.sweeper.sweep()
    ring_groups(current_task.app, bells.groups)
    for sink, result_id in bells.deliveries:
        ring_sink(current_task.app, sink, result_id, result_id)
    keep_house(work.settings)


def ring_groups(app: Celery, groups: Iterable[str]) -> None:
    """Ring for groups that wait."""
    healer = runtime(app).healer
    for group in groups:
        ring_group(app, group, _many(healer.waiting(group)))


def ring_group(app: Celery, group: str, shown: str) -> None:
    """Ring for one group; `shown` says why, to people who watch."""
    target, revision = group_parts(group)
    what = f"{target} @ {(revision or 'main')[:7]}, {shown}"
    app.send_task(topology.HEAL_TASK, (target, revision), argsrepr=what, kwargsrepr="")


def ring_sinks(app: Celery, sinks: Iterable[str], result: Result) -> None:
    """Ring for the deliveries of a result."""
    shown = f"{result.target} @ {result.revision[:7]}, {result.verdict}"
    for sink in sinks:
        ring_sink(app, sink, result.id, shown)


def ring_sink(app: Celery, sink: str, result_id: str, shown: str) -> None:
    """Ring for one delivery; `shown` says what it is, to people who watch."""
    app.send_task(
        topology.DELIVER_TASK,
        (sink, result_id),
        queue=topology.delivery_route(sink),
        argsrepr=f"{sink}: {shown}",
        kwargsrepr="",
    )


def _ring_next(app: Celery, target: str, revision: str | None) -> None:
    """Ring for this group, if it waits again, and for the one that waited for its slot."""
    waiting = runtime(app).healer.waiting_groups(target)
    own = group_name(target, revision)
    others = [group for group in waiting if group != own]
    ring_groups(app, [own, *others[:1]] if own in waiting else others[:1])


def _many(incidents: int) -> str:
    return f"{incidents} incident{'' if incidents == 1 else 's'}"


@signals.task_unknown.connect
@signals.task_rejected.connect
def keep_unusable_message(sender: Any, message: Any, exc: BaseException | None, **_: Any) -> None:
    """Keep a message whole that is no task of ours; Celery itself would only log it."""
    reason = f"The message is no task of Paramedic: {exc or 'its form is unknown'}."
    whole = {"headers": message.headers, "body": message.body}
    keep_rejected(runtime(sender.app).client, reason, str(message.delivery_tag), whole)
