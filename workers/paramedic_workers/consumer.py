"""The part of a worker that takes messages off their queue, and outlives each of them.

Celery lets through what it does not expect of a message: the worker ends, the message is
delivered again, and the next worker ends of it too. And a body that cannot be decoded, or
arguments that are wrong, it only logs. Here such a message becomes a dead letter, and is
acknowledged afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celery.worker import state
from celery.worker.consumer import Consumer

from paramedic.location import speaks_amqp
from paramedic_workers.dead_letters.contract import check_message
from paramedic_workers.redis_full import await_room
from paramedic_workers.runtime import runtime
from paramedic_workers.tasks import keep_unusable_message


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
