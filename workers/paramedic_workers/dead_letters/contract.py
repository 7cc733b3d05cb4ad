"""What a message must be, so that one of our tasks can work on it.

Checked in the part of a worker that takes messages off their queue, where the message is
whole: what is wrong becomes a dead letter before any task has seen it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from paramedic.event import now
from paramedic_workers import topology
from paramedic_workers.errors import InvalidMessage
from paramedic_workers.intake import opened_batch

#: How far ahead a message may ask to be worked on: until then a worker holds it in memory.
GREATEST_DELAY = timedelta(hours=1)
#: Args, kwargs and embedded calls, in protocol 2.
_BODY_PARTS = 3


def check_message(message: Any) -> None:
    """See that a message is one of ours, and can be worked on.

    An `expires` is taken out: events, heals and deliveries do not become worthless. So is an
    `eta`: a worker would hold the message until then, and it would be lost with the worker.

    Args:
        message: a kombu message; nothing of it need be right.

    Raises:
        InvalidMessage: it breaks the contract.
        Exception: it cannot be decoded.
    """
    headers = message.headers
    if not isinstance(headers, dict):
        raise InvalidMessage("Its headers are no object.")
    task, arguments, named = _call(headers, message.payload)
    if not isinstance(task, str) or task not in _CHECKS:
        raise InvalidMessage(f"It is no task of Paramedic: {str(task)[:200]!r}.")
    _CHECKS[task](arguments, named)
    _check_delay(headers.get("eta"))
    headers.pop("eta", None)
    if task not in topology.PASSING_BELLS:
        headers.pop("expires", None)


def _call(
    headers: Mapping[str, object], payload: object
) -> tuple[object, Sequence[object], Mapping[str, object]]:
    """Task, arguments and keyword arguments of a message, protocol 1 or 2."""
    if "task" not in headers and isinstance(payload, dict):
        message_id, task = payload.get("id"), payload.get("task")
        arguments, named, embedded = payload.get("args", []), payload.get("kwargs", {}), {}
    else:
        if not isinstance(payload, list) or len(payload) != _BODY_PARTS:
            raise InvalidMessage("Its body is no call: it must be [args, kwargs, embed].")
        message_id, task = headers.get("id"), headers.get("task")
        arguments, named, embedded = payload
    if not isinstance(message_id, str) or not message_id:
        raise InvalidMessage("It has no usable id: its header `id` must be text.")
    shapes = isinstance(arguments, list), isinstance(named, dict), isinstance(embedded, dict)
    if not all(shapes):
        raise InvalidMessage("Its body is no call: args must be a list, the others objects.")
    if any(embedded.values()):
        raise InvalidMessage("It embeds further calls (a chain or a callback): none is made.")
    return task, arguments, named


def _check_intake(arguments: Sequence[object], named: Mapping[str, object]) -> None:
    opened_batch([*arguments, named] if named else arguments)


def _check_heal(arguments: Sequence[object], named: Mapping[str, object]) -> None:
    def heal(target: object, revision: object) -> bool:
        return isinstance(target, str) and (revision is None or isinstance(revision, str))

    _check_arguments(heal, arguments, named)


def _check_deliver(arguments: Sequence[object], named: Mapping[str, object]) -> None:
    def deliver(sink: object, result_id: object) -> bool:
        return isinstance(sink, str) and isinstance(result_id, str)

    _check_arguments(deliver, arguments, named)


def _check_landing(arguments: Sequence[object], named: Mapping[str, object]) -> None:
    def landing(target: object) -> bool:
        return isinstance(target, str)

    _check_arguments(landing, arguments, named)


def _check_tend(arguments: Sequence[object], named: Mapping[str, object]) -> None:
    def tend(sink: object) -> bool:
        return isinstance(sink, str)

    _check_arguments(tend, arguments, named)


def _check_sweep(arguments: Sequence[object], named: Mapping[str, object]) -> None:
    def sweep() -> bool:
        return True

    _check_arguments(sweep, arguments, named)


_CHECKS = {
    topology.INTAKE_TASK: _check_intake,
    topology.HEAL_TASK: _check_heal,
    topology.DELIVER_TASK: _check_deliver,
    topology.LANDING_TASK: _check_landing,
    topology.TEND_TASK: _check_tend,
    topology.SWEEP_TASK: _check_sweep,
}


def _check_arguments(
    right: Callable[..., bool], arguments: Sequence[object], named: Mapping[str, object]
) -> None:
    try:
        inspect.signature(right).bind(*arguments, **named)
    except TypeError as error:
        raise InvalidMessage(f"Its arguments are wrong: {error}.") from error
    if not right(*arguments, **named):
        raise InvalidMessage("Its arguments are wrong: they must be text.")


def _check_delay(eta: object) -> None:
    """See that the message does not ask to wait for long, or for a time that there is not."""
    if eta is None:
        return
    try:
        due = eta if isinstance(eta, datetime) else datetime.fromisoformat(str(eta))
        aware = due if due.tzinfo else due.replace(tzinfo=UTC)
        is_soon = aware - now() <= GREATEST_DELAY
    except (ValueError, OverflowError, TypeError, AttributeError) as error:
        raise InvalidMessage(f"Its time (eta) is none: {str(eta)[:100]!r}.") from error
    if not is_soon:
        raise InvalidMessage(f"It asks to wait until {aware}, which is more than an hour ahead.")
