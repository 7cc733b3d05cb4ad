"""The part of a worker that takes messages off their queue, and outlives each of them.

Celery lets through what it does not expect of a message: the worker ends, the message is
delivered again, and the next worker ends of it too. And a body that cannot be decoded, or
arguments that are wrong, it only logs. Here

1. an attempt at each message is counted before it is even decoded, until it is acknowledged
   or put back: what is lost with its worker again and again becomes a dead letter;
2. so does what is no task of ours;
3. what becomes a letter is acknowledged afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import structlog
from celery.worker import state
from celery.worker.consumer import Consumer

from paramedic.location import speaks_amqp
from paramedic_workers import topology
from paramedic_workers.attempts import DOORBELL_ATTEMPTS, MESSAGE_ATTEMPTS
from paramedic_workers.dead_letters.contract import check_message
from paramedic_workers.dead_letters.messages import (
    as_worker_lost,
    identity_of,
    letter_of_message,
)
from paramedic_workers.dead_letters.model import Attempt
from paramedic_workers.redis_full import await_room
from paramedic_workers.runtime import runtime
from paramedic_workers.tasks import keep_or_put_back, keep_unusable_message

#: What ends an attempt at a message.
_SETTLING = ("ack", "requeue")

_log = structlog.get_logger()


class CarefulConsumer(Consumer):  # type: ignore[misc] # Celery is not typed
    """Celery's consumer, which no message can end."""

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc]
        """Celery's steps, without the 28 queues on RabbitMQ in which it keeps delayed tasks.

        Nothing is delayed on a broker here: what is due later stands in the ledger.
        """

        default_steps = tuple(
            step for step in Consumer.Blueprint.default_steps if "delayed_delivery" not in step
        )

    def connect(self) -> Any:
        """A connection to the broker, as soon as that takes writes."""
        if not speaks_amqp(self.app.conf.broker_url):
            await_room(runtime(self.app).client, unless=state.maybe_shutdown)
        return super().connect()

    def create_task_handler(self, *arguments: Any) -> Callable[[Any], None]:
        """What is called with each message."""
        handle = super().create_task_handler(*arguments)
        beyond_the_message = (*self.connection_errors, *self.channel_errors)

        def handle_carefully(message: Any) -> None:
            try:
                if self._begin_attempt(message):
                    check_message(message)
                    handle(message)
            except beyond_the_message:
                raise
            except Exception as error:  # noqa: BLE001 - it may have been sent by anybody
                if keep_unusable_message(sender=self, message=message, exc=error):
                    message.ack()

        return handle_carefully

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Keep a message whose body cannot be decoded; Celery acknowledges it."""
        if keep_unusable_message(sender=self, message=message, exc=exc):
            super().on_decode_error(message, exc)

    def stop(self) -> None:
        """Stop; what is under way then, and comes back, was no fault of its message."""
        super().stop()
        if _is_asked_to_end():
            runtime(self.app).attempts.withdraw()

    def _begin_attempt(self, message: Any) -> bool:
        """Count an attempt at a message; False where it has had all of them, and is ended."""
        attempts = runtime(self.app).attempts
        name, is_doorbell = identity_of(message), _is_doorbell(message)
        limit = DOORBELL_ATTEMPTS if is_doorbell else MESSAGE_ATTEMPTS
        lost = attempts.begin(name, limit=limit)
        if not lost:
            _when_settled(message, lambda: attempts.end(name))
            return True
        if is_doorbell:
            _log.error("a doorbell is dropped: it lost its worker again and again", message=name)
        elif not self._keep_lost(message, name, lost):
            return False  # it comes again, and still has no attempt left
        message.ack()
        attempts.end(name)
        return False

    def _keep_lost(self, message: Any, name: str, lost: Sequence[Attempt]) -> bool:
        """Make a dead letter of a message that is lost with its worker again and again."""
        letter = letter_of_message(message, None, queue="")
        return keep_or_put_back(self.app, message, as_worker_lost(letter, name, lost))


def _is_doorbell(message: Any) -> bool:
    headers = message.headers
    return isinstance(headers, dict) and headers.get("task") in topology.DOORBELLS


def _is_asked_to_end() -> bool:
    """Whether somebody told this worker to end; a message may have made it, too."""
    asked = (state.should_stop, state.should_terminate)
    return any(flag is not None and flag is not False for flag in asked)


def _when_settled(message: Any, end: Callable[[], None]) -> None:
    """Call `end` once the message is acknowledged or put back.

    Celery refuses (`reject`) what has killed a process of its pool: that ends no attempt.
    """
    for name in _SETTLING:
        setattr(message, name, _and_then(message, name, end))


def _and_then(message: Any, name: str, end: Callable[[], None]) -> Callable[..., None]:
    settle = getattr(message, name)

    def settled(*arguments: Any, **options: Any) -> None:
        # Or the message would keep itself, and its body, in memory for a long while.
        for own in _SETTLING:
            message.__dict__.pop(own, None)
        try:
            settle(*arguments, **options)
        finally:
            end()  # also where the broker is away: it comes again, but no worker was lost

    return settled
