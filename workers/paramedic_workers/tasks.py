"""The life of a failure, as Celery tasks.

1. `intake`: a batch of failure events is validated and recorded in the ledger, exactly
   once. For each group that waits now, the doorbell of `heal` is rung.
2. `heal`: the group is leased, taken, healed and closed. The doorbells of `deliver` are
   rung, and `heal`'s again for what waits meanwhile.
3. `deliver`: one sink takes one result, or the result stays in its outbox.
4. `tend`: one sink does what it has to do beside deliveries.
5. `landing`: a target's main branch is looked at for fixes that have landed there.
6. `sweep` (from beat): rings again for whatever waits without a message or a live lease.

The tasks are thin: each calls one part of the flow and rings for the next.
"""

# Celery has no types.
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import msgspec
import structlog
from celery import Celery, current_task, shared_task, signals
from celery.exceptions import Reject, TimeLimitExceeded
from redis.exceptions import RedisError

from paramedic.location import speaks_amqp
from paramedic_workers import topology
from paramedic_workers.broker_letters import keep_given_up
from paramedic_workers.connections import takes_no_writes
from paramedic_workers.dead_letters.messages import letter_of_broken_intake, letter_of_message
from paramedic_workers.dead_letters.model import DeadLetter, Reason
from paramedic_workers.groups import RoundEnd
from paramedic_workers.incidents import group_name, group_parts
from paramedic_workers.outbox import SINK_PARALLEL
from paramedic_workers.redis_full import demand_room
from paramedic_workers.resting import Resting
from paramedic_workers.results import Result
from paramedic_workers.runtime import runtime

#: Seconds before a message is put back while the ledger cannot be written.
PUT_BACK_PAUSE = 1.0
#: Seconds after which the bell for a look at a main branch is worthless: others have rung since.
LANDING_PATIENCE = 3600.0
#: Messages that RabbitMQ has given up, moved into the store of dead letters per sweep.
GIVEN_UP_PER_SWEEP = 200

_log = structlog.get_logger()


# What kills a process of its pool comes again: the ledger of attempts ends that.
@shared_task(name=topology.INTAKE_TASK, reject_on_worker_lost=True)
def intake(*args: object, **kwargs: object) -> None:
    """Record one batch of failure events."""
    work = runtime(current_task.app)
    try:
        if speaks_amqp(current_task.app.conf.broker_url):
            # A queue in the same Redis is drained even if that is full; one elsewhere can wait.
            demand_room(work.client)
        recorded = work.intake.record([*args, kwargs] if kwargs else args, current_task.request.id)
    except Exception as error:  # noqa: BLE001 - a batch is never lost, whatever it does to intake
        if not takes_no_writes(error) and _is_kept(args, kwargs, error):
            _log.exception("intake broke; its batch is a dead letter")
            return
        _log.error("a batch is put back: the ledger cannot be written", error=str(error))
        time.sleep(PUT_BACK_PAUSE)
        _put_back(args, kwargs, error)
        return
    _log.info(
        "a batch is recorded",
        accepted=recorded.accepted,
        rejected=recorded.rejected,
        opened=recorded.opened,
        again=not recorded.new,
    )
    ring_groups(current_task.app, recorded.groups)


def _is_kept(args: tuple[object, ...], kwargs: dict[str, object], error: Exception) -> bool:
    """Whether a batch that could not be recorded is a dead letter now."""
    arguments = [*args, kwargs] if kwargs else args
    letter = letter_of_broken_intake(arguments, error, current_task.request.id)
    try:
        runtime(current_task.app).letters.keep(letter)
    except RedisError:
        return False
    return True


def _put_back(args: tuple[object, ...], kwargs: dict[str, object], cause: Exception) -> None:
    """Let a batch come again, as often as it takes.

    It is published anew under its own id, then acknowledged: RabbitMQ counts what is given
    back to it, and gives up what comes back too often.

    Raises:
        Reject: the broker is away too; what it then gets back it has not delivered.
    """
    request = current_task.request
    try:
        current_task.app.send_task(
            topology.INTAKE_TASK,
            args,
            kwargs,
            task_id=request.id,
            argsrepr=request.argsrepr,
            kwargsrepr=request.kwargsrepr,
            retry=False,
        )
    except Exception:  # noqa: BLE001 - each transport of kombu raises errors of its own
        runtime(current_task.app).attempts.end(request.id)  # its worker was not lost
        raise Reject(str(cause), requeue=True) from cause


@shared_task(name=topology.HEAL_TASK)
def heal(target: str, revision: str | None) -> None:
    """Heal what waits of a target at a revision."""
    work = runtime(current_task.app)
    done = work.healer.heal(target, revision)
    _log.info("a heal ended", target=target, revision=revision, end=done.end)
    for result in done.results:
        ring_sinks(current_task.app, work.healer.sinks, result)
    if done.end not in (RoundEnd.BUSY, RoundEnd.FULL, RoundEnd.HELD):
        _ring_next(current_task.app, target, revision)


@shared_task(name=topology.DELIVER_TASK)
def deliver(sink: str, result_id: str) -> None:
    """Let one sink take one result."""
    report = runtime(current_task.app).outbox.deliver(sink, result_id)
    _log.info("a delivery ended", sink=sink, result=result_id, end=report.end)
    for due in report.due:
        ring_sink(current_task.app, sink, due, due)
    if report.pause is not None:
        ring = partial(_ring_due, current_task.app, sink)
        runtime(current_task.app).bells.ring_in(report.pause, sink, ring)


@shared_task(name=topology.TEND_TASK)
def tend(sink: str) -> None:
    """Let one sink do what it has to do beside deliveries."""
    end = runtime(current_task.app).tending.tend(sink)
    _log.info("a sink was tended", sink=sink, end=end)


@shared_task(name=topology.LANDING_TASK)
def landing(target: str) -> None:
    """See whether fixes of a target have landed on its main branch."""
    work = runtime(current_task.app)
    looked = work.landings.look(target)
    _log.info("landings were looked for", target=target, end=looked.end)
    for result in looked.results:
        ring_sinks(current_task.app, work.landings.sinks, result)
    # Meanwhile it has kept others from being healed.
    ring_groups(current_task.app, work.healer.waiting_groups(target)[:1])


@shared_task(name=topology.SWEEP_TASK)
def sweep() -> None:
    """Ring again for whatever waits."""
    from paramedic_workers.housekeeping import keep_house  # takes a while to import

    work = runtime(current_task.app)
    bells = work.sweeper.sweep()
    ring_groups(current_task.app, bells.groups)
    for sink, result_id in bells.deliveries:
        ring_sink(current_task.app, sink, result_id, result_id)
    for sink in bells.tends:
        ring_tend(current_task.app, sink)
    for target in bells.landings:
        ring_landing(current_task.app, target)
    keep_given_up(topology.given_up(current_task.app, GIVEN_UP_PER_SWEEP), work.letters)
    keep_house(work.settings)


def _ring_due(app: Celery, sink: str) -> None:
    """Ring for what became due at a sink; whatever is missed is rung for by the sweep."""
    try:
        due = Resting(client=runtime(app).client).due(sink, SINK_PARALLEL)
    except RedisError as error:
        _log.warning("not rung; the sweep rings later", sink=sink, error=str(error))
        return
    for result_id in due:
        ring_sink(app, sink, result_id, result_id)


def ring_tend(app: Celery, sink: str) -> None:
    """Ring for a sink to be tended; a bell that is heard too late is worthless."""
    expires = max(runtime(app).settings.sweep_seconds, 1.0)
    queue = topology.delivery_route(sink)
    _ring(app, topology.TEND_TASK, (sink,), sink, queue=queue, expires=expires)


def ring_landing(app: Celery, target: str) -> None:
    """Ring for a look at a target's main branch."""
    _ring(app, topology.LANDING_TASK, (target,), target, expires=LANDING_PATIENCE)


def ring_groups(app: Celery, groups: Iterable[str]) -> None:
    """Ring for groups that wait."""
    healer = runtime(app).healer
    for group in groups:
        ring_group(app, group, _many(healer.waiting(group)))


def ring_group(app: Celery, group: str, shown: str) -> None:
    """Ring for one group; `shown` says why, to people who watch."""
    target, revision = group_parts(group)
    what = f"{target} @ {(revision or 'main')[:7]}, {shown}"
    _ring(app, topology.HEAL_TASK, (target, revision), what)


def ring_sinks(app: Celery, sinks: Iterable[str], result: Result) -> None:
    """Ring for the deliveries of a result."""
    shown = f"{result.target} @ {result.revision[:7]}, {result.verdict}"
    for sink in sinks:
        ring_sink(app, sink, result.id, shown)


def ring_sink(app: Celery, sink: str, result_id: str, shown: str) -> None:
    """Ring for one delivery; `shown` says what it is, to people who watch."""
    queue = topology.delivery_route(sink)
    _ring(app, topology.DELIVER_TASK, (sink, result_id), f"{sink}: {shown}", queue=queue)


def _ring(app: Celery, task: str, what: tuple[object, ...], shown: str, **route: Any) -> None:
    """Ring; a broker that is full or away is no trouble: what waits stands in the ledger."""
    try:
        app.send_task(task, what, argsrepr=shown, kwargsrepr="", **route)
    except Exception as error:  # noqa: BLE001 - each transport of kombu raises errors of its own
        _log.warning("not rung; the sweep rings later", task=task, what=shown, error=str(error))


def _ring_next(app: Celery, target: str, revision: str | None) -> None:
    """Ring for this group, if it waits again, and for the one that waited for its slot."""
    waiting = runtime(app).healer.waiting_groups(target)
    own = group_name(target, revision)
    others = [group for group in waiting if group != own]
    ring_groups(app, [own, *others[:1]] if own in waiting else others[:1])


def _many(incidents: int) -> str:
    return f"{incidents} incident{'' if incidents == 1 else 's'}"


@signals.task_failure.connect
def keep_hung_batch(
    sender: Any, task_id: str, exception: BaseException, args: Sequence[object], **_: Any
) -> None:
    """Make a dead letter of a batch whose intake hung until its process was killed."""
    if sender.name == topology.INTAKE_TASK and isinstance(exception, TimeLimitExceeded):
        letter = letter_of_broken_intake(args, exception, task_id)
        letter = msgspec.structs.replace(letter, reason=Reason.TIMEOUT)
        runtime(sender.app).letters.keep(letter)


@signals.task_unknown.connect
@signals.task_rejected.connect
def keep_unusable_message(
    sender: Any,
    message: Any,
    exc: BaseException | None,
    reason: Reason = Reason.INVALID,
    **_: Any,
) -> bool:
    """Make a dead letter of a message that cannot be worked on; Celery would only log it.

    Gives False where it is back in its queue, see `keep_or_put_back`.
    """
    letter = letter_of_message(message, exc, queue="", reason=reason)
    return keep_or_put_back(sender.app, message, letter)


def keep_or_put_back(app: Celery, message: Any, letter: DeadLetter) -> bool:
    """Keep the letter of a message, which may be acknowledged then.

    Gives False where the ledger could not be written: then the message is back in its
    queue, unless Celery has let go of it before.
    """
    work = runtime(app)
    try:
        if speaks_amqp(app.conf.broker_url):
            demand_room(work.client)  # in the same Redis it takes room already
        work.letters.keep(letter)
    except RedisError as error:
        if not takes_no_writes(error):
            raise
        _log.error("a message is put back: the ledger cannot be written", error=str(error))
        time.sleep(PUT_BACK_PAUSE)
        if not message.acknowledged:
            message.requeue()
        return False
    return True
