"""Dead letters, made of what could not be processed.

Each function takes one thing that failed and gives its letter. The id of a letter is made
of what failed, so that the same failure of the same message is kept once, however often it
is met; a message that was replayed has the id of its letter (see `lineage`).
"""

from __future__ import annotations

import functools
import platform
import uuid
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec

from paramedic import wire
from paramedic.event import now
from paramedic_workers.dead_letters.foreign import text_of, written
from paramedic_workers.dead_letters.lineage import Lineage, lineage_of
from paramedic_workers.dead_letters.model import Attempt, DeadLetter, Original, Reason
from paramedic_workers.dead_letters.originals import (
    EMBED,
    bounded,
    call_of,
    digest_of,
    digest_of_message,
    original_of,
)
from paramedic_workers.dead_letters.origins import (
    batch_target,
    queue_of,
    revision_of,
    target_of,
)
from paramedic_workers.errors import InvalidMessage, WorkerLost, describe
from paramedic_workers.incidents import Delivery, IncidentRecord
from paramedic_workers.results import Result

#: Characters of an error's message and of its traceback.
_MESSAGE_LENGTH = 2_000
_TRACEBACK_LENGTH = 50_000
#: Characters of a task id that a message is known by; one with more is known by all of it.
_MOST_ID_LENGTH = 200
#: Task and queue of heals, task of deliveries: as in topology.py, which needs Celery.
HEAL_QUEUE = "paramedic.heal"
DELIVER_TASK = "paramedic.deliver"
#: Set by replay on messages whose headers have no id.
_REPLAY_HEADER = "paramedic_replay"


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """An error as a letter tells it."""

    error_type: str
    message: str
    traceback: str = ""


def letter_of_message(
    message: Any, error: BaseException | None, *, queue: str, reason: Reason = Reason.INVALID
) -> DeadLetter:
    """The letter of a message that could not be processed, decoded or not.

    Args:
        message: a kombu message; nothing of it need be right.
        error: why it could not be processed; None where its form is unknown.
        queue: it came from; where empty, the one that exchange and routing key lead to.
        reason: why it became a letter.
    """
    original = original_of(message)
    queue = queue or queue_of(original)
    lineage = lineage_of(original.headers.get("id")) or lineage_of(
        original.headers.get(_REPLAY_HEADER)
    )
    return _letter(
        reason=reason,
        letter_id=lineage.letter if lineage else digest_of_message(queue, original),
        replay=lineage.number if lineage else 0,
        faults=_faults(error),
        queue=queue,
        target=target_of(original),
        original=original,
    )


def identity_of(message: Any) -> str:
    """What a message is known by, however often it is delivered: its id, else all of it.

    Args:
        message: a kombu message; nothing of it need be right.
    """
    headers = getattr(message, "headers", None)
    name = headers.get("id") if isinstance(headers, dict) else None
    if isinstance(name, str) and name.isascii() and 0 < len(name) <= _MOST_ID_LENGTH:
        return name
    original = original_of(message)
    return digest_of_message(queue_of(original), original)


def as_worker_lost(letter: DeadLetter, name: str, attempts: Sequence[Attempt]) -> DeadLetter:
    """The letter of what was given up because each attempt at it lost its worker.

    Args:
        letter: of the message, or of its batch in the journal.
        name: the id under which the attempts were counted: it makes both the same letter.
        attempts: those that were begun.
    """
    lineage = lineage_of(name)
    return msgspec.structs.replace(
        letter,
        id=lineage.letter if lineage else digest_of("lost", name),
        replay=lineage.number if lineage else 0,
        reason=Reason.WORKER_LOST,
        error_type=describe(WorkerLost())[0],
        message=f"It has lost its worker {len(attempts)} times; see its attempts.",
        traceback="",
        attempts=tuple(attempts),
    )


def letter_of_item(queue: str, item: bytes, error: BaseException) -> DeadLetter:
    """The letter of an item of a Redis list that is no message at all.

    Two such items may be the same text: each is a letter of its own.
    """
    original = Original(body=item, properties={"raw_item": True}, routing_key=queue)
    return _letter(
        reason=Reason.INVALID,
        letter_id=uuid.uuid4().hex,
        faults=_faults(error),
        queue=queue,
        replay=0,
        original=original,
    )


def letter_of_event(
    content: object,
    problem: str,
    *,
    batch: Mapping[str, object],
    number: int,
    lineage: Lineage | None = None,
) -> DeadLetter:
    """The letter of one event of a batch; its original is a batch with that event alone.

    Args:
        content: the event as it came.
        problem: what is wrong with it, one sentence.
        batch: what the message carried.
        number: the event's place in the batch, from 0.
        lineage: the letter that the batch was replayed from, where it has no other event.
    """
    name = str(batch.get("batch"))
    alone = {**batch, "events": [content]}
    target = content.get("target") if isinstance(content, dict) else None
    return _letter(
        reason=Reason.INVALID,
        letter_id=lineage.letter if lineage else digest_of("event", name, str(number)),
        replay=lineage.number if lineage else 0,
        faults=_problem(problem),
        queue=wire.INTAKE_QUEUE,
        target=text_of(target) if isinstance(target, str) else "",
        revision=revision_of(content),
        original=call_of(wire.INTAKE_TASK, [alone], name, wire.INTAKE_QUEUE),
    )


def letter_of_journal(batch_id: bytes, content: bytes, problem: str) -> DeadLetter:
    """The letter of a batch in the journal whose message was lost and which nobody can read.

    Args:
        batch_id: as the journal has it.
        content: what stands there, in any form.
        problem: what is wrong with it, one sentence.
    """
    name = batch_id.decode("utf-8", "backslashreplace")
    original = call_of(wire.INTAKE_TASK, [], name, wire.INTAKE_QUEUE)
    body = b"[[" + content + b"], {}, " + written(EMBED) + b"]"
    return _letter(
        reason=Reason.INVALID,
        letter_id=digest_of("journal", name),
        replay=0,
        faults=_problem(problem),
        queue=wire.INTAKE_QUEUE,
        original=msgspec.structs.replace(original, body=body),
    )


def letter_of_arguments(arguments: Sequence[object], problem: str, message_id: str) -> DeadLetter:
    """The letter of an intake message that carries no batch.

    Args:
        arguments: what it carried.
        problem: what is wrong with it, one sentence.
        message_id: of the message or the batch.
    """
    lineage = lineage_of(message_id)
    return _letter(
        reason=Reason.INVALID,
        letter_id=lineage.letter if lineage else digest_of("arguments", message_id),
        replay=lineage.number if lineage else 0,
        faults=_problem(problem),
        queue=wire.INTAKE_QUEUE,
        original=call_of(wire.INTAKE_TASK, list(arguments), message_id, wire.INTAKE_QUEUE),
    )


def letter_of_broken_intake(
    arguments: Sequence[object], error: BaseException, message_id: str
) -> DeadLetter:
    """The letter of an intake message on which intake itself broke.

    Args:
        arguments: what it carried: a batch.
        error: what was raised.
        message_id: of the message.
    """
    lineage = lineage_of(message_id)
    original = call_of(wire.INTAKE_TASK, list(arguments), message_id, wire.INTAKE_QUEUE)
    return _letter(
        reason=Reason.ERROR,
        letter_id=lineage.letter if lineage else digest_of("arguments", message_id),
        replay=lineage.number if lineage else 0,
        faults=_faults(error),
        queue=wire.INTAKE_QUEUE,
        target=batch_target(arguments),
        original=original,
    )


def letter_of_incident(
    incident: IncidentRecord,
    result: Result,
    attempts: Iterable[Attempt],
    reason: Reason = Reason.ERROR,
) -> DeadLetter:
    """The letter of an incident whose heal ended in `failed`.

    Args:
        incident: which one.
        result: how it ended.
        attempts: the heals that were begun.
        reason: why it became a letter.
    """
    revision = incident.revision or None
    letter_id = incident_letter_id(incident)
    return _letter(
        reason=reason,
        letter_id=letter_id,
        faults=Faults(
            error_type=result.cause.type,
            message=result.cause.message,
            traceback=result.cause.traceback,
        ),
        queue=HEAL_QUEUE,
        target=incident.target,
        incident=incident.fingerprint,
        revision=incident.commit or incident.revision,
        phase=str(result.cause.phase),
        attempts=tuple(attempts),
        original=call_of(HEAL_QUEUE, [incident.target, revision], letter_id, HEAL_QUEUE),
    )


def letter_of_delivery(
    result_id: str, result: Result | None, delivery: Delivery, error: BaseException, queue: str
) -> DeadLetter:
    """The letter of a delivery that was given up.

    Args:
        result_id: of the result.
        result: itself, unless it is no longer kept.
        delivery: how it stands, with its attempts.
        error: what the sink said last.
        queue: of the deliveries to this sink.
    """
    letter_id = delivery_letter_id(delivery.sink, result_id)
    return _letter(
        reason=Reason.DELIVERY_FAILED,
        letter_id=letter_id,
        faults=_faults(error),
        queue=queue,
        target=result.target if result else "",
        incident=result.incident if result else "",
        revision=result.revision if result else "",
        result=result_id,
        sink=delivery.sink,
        attempts=delivery.tries,
        original=call_of(DELIVER_TASK, [delivery.sink, result_id], letter_id, queue),
    )


def delivery_letter_id(sink: str, result_id: str) -> str:
    """The id that the letter of a delivery has, if there is one."""
    return digest_of("delivery", sink, result_id)


def incident_letter_id(incident: IncidentRecord) -> str:
    """The id that the letter of an incident has, if its heal has failed."""
    opened = str(incident.opened_at.timestamp())
    return incident.letter or digest_of("incident", incident.fingerprint, opened)


@functools.cache
def versions() -> dict[str, str]:
    """The versions that a letter names."""
    found = {"python": platform.python_version()}
    for name in ("paramedic-workers", "celery", "kombu"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def _letter(*, letter_id: str, faults: Faults, original: Original, **values: Any) -> DeadLetter:
    original, note = bounded(original)
    message = " ".join(text_of(faults.message).split())[:_MESSAGE_LENGTH]
    return DeadLetter(
        id=letter_id,
        at=now(),
        error_type=text_of(faults.error_type),
        message=f"{message} {note}".strip(),
        traceback=text_of(faults.traceback)[-_TRACEBACK_LENGTH:],
        versions=versions(),
        original=original,
        **values,
    )


def _faults(error: BaseException | None) -> Faults:
    if error is None:
        return _problem("Its form is unknown: it is no message of Celery.")
    kind, message, traceback = describe(error)
    return Faults(error_type=kind, message=message, traceback=traceback)


def _problem(problem: str) -> Faults:
    return Faults(error_type=describe(InvalidMessage())[0], message=problem)
