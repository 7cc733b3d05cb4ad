"""The broker, as replays use it."""

# amqp has no types.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

from amqp import AMQPError
from kombu.entity import Queue
from kombu.exceptions import OperationalError

from paramedic_workers import topology
from paramedic_workers.app import make_app
from paramedic_workers.connections import broker_url, without_password
from paramedic_workers.dead_letters.model import Original
from paramedic_workers.dead_letters.replay import Unsendable
from paramedic_workers.errors import BrokerError, describe
from paramedic_workers.settings import Settings
from paramedic_workers.tasks import ring_group, ring_sink

#: What people who watch the queue are shown of a doorbell.
_SHOWN = "a dead letter is replayed"


class BrokerPosts:
    """Publishes and rings through the broker of the settings."""

    def __init__(self, settings: Settings) -> None:
        """Use this broker; nothing is connected yet.

        Raises:
            UsageError: none is configured, and none runs on the data directory.
        """
        self._settings = settings
        self._app = make_app(settings)

    def has_queue(self, queue: str) -> bool:
        """Whether the settings know a queue of this name."""
        return queue in self._queues

    def publish(self, queue: str, message: Original) -> None:
        """Publish a message to a queue, as it is.

        Raises:
            BrokerError: the broker did not take it.
            Unsendable: it never will.
        """
        try:
            with self._broker_errors():
                topology.publish_again(self._app, self._queues[queue], message)
        except (ValueError, TypeError, struct.error, AMQPError) as error:
            raise Unsendable(": ".join(describe(error)[:2])) from error

    def ring_group(self, group: str) -> None:
        """Ring for a group that waits.

        Raises:
            BrokerError: the broker did not take it; the sweep will ring.
        """
        with self._broker_errors():
            ring_group(self._app, group, _SHOWN)

    def ring_delivery(self, sink: str, result: str) -> None:
        """Ring for a delivery.

        Raises:
            BrokerError: the broker did not take it; the sweep will ring.
        """
        with self._broker_errors():
            ring_sink(self._app, sink, result, _SHOWN)

    @cached_property
    def _queues(self) -> dict[str, Queue]:
        known = topology.queues(topology.sink_names(self._settings))
        return {queue.name: queue for queue in known}

    @contextmanager
    def _broker_errors(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, OSError) as error:
            where = without_password(broker_url(self._settings))
            raise BrokerError(
                f"The broker at {where} does not answer: {str(error).rstrip('.')}.",
                remedy="Run the same command again: nothing is replayed twice.",
            ) from error
