"""The way to the broker: a journal entry, then the message.

kombu is imported here alone, with the first message, and in the background thread.
"""

# kombu is typed in parts only.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from paramedic import wire
from paramedic.location import NoBroker, broker_url, speaks_amqp
from paramedic.text import one_line

if TYPE_CHECKING:
    from kombu.connection import Connection
    from kombu.entity import Exchange, Queue
    from kombu.messaging import Producer

#: Held while kombu is imported: a process that forks in the middle of an import gives
#: its child a half-imported module that nobody will finish.
_importing = threading.Lock()
#: Seconds that a fork waits for such an import.
_IMPORT_PATIENCE = 2.0
#: Connections of a parent process: kept, because closing them would close the parent's.
_inherited: list[object] = []


class TransportError(Exception):
    """The broker did not take the messages; its text is one line, without a password."""


class Transport(Protocol):
    """What a publisher needs of a transport; `paramedic.testing` has one in memory."""

    def send(self, messages: Sequence[wire.Message]) -> None:
        """Hand these messages to the broker.

        Raises:
            TransportError: it did not take them all; it may have taken some.
        """

    def close(self) -> None:
        """Give up the connection; a later `send` makes a new one."""


class KombuTransport:
    """Publishes to the exchange, on any broker that kombu speaks to."""

    def __init__(self, url: str | None = None, *, timeout: float = 5.0) -> None:
        """Say where to; nothing is connected yet.

        Args:
            url: kombu URL; looked up with each connection where it is not given.
            timeout: seconds after which an unanswered step is given up.
        """
        self._url = url
        self._timeout = timeout
        self._process = 0
        self._connection: Connection | None = None
        self._channel: Any = None
        self._producer: Producer | None = None

    def send(self, messages: Sequence[wire.Message]) -> None:
        """Publish the messages, in one go where the broker can do that."""
        url = ""
        try:
            url = broker_url(self._url)
            producer = self._connected(url)
            exchange = self._declared()
            self._note_in_journal(url, messages)
            with _in_one_go(producer):
                for message in messages:
                    self._publish(producer, exchange, message)
        except NoBroker as error:
            raise TransportError(str(error)) from None
        except Exception as error:  # every transport of kombu raises errors of its own
            self.close()
            raise TransportError(_reason(error, url)) from error

    def close(self) -> None:
        """Give up the connection."""
        connection, self._connection = self._connection, None
        self._channel = self._producer = None
        if connection is None:
            return
        if self._process != os.getpid():
            _inherited.append(connection)
            return
        try:
            connection.release()
        except Exception as error:  # noqa: BLE001 - it is given up; how it ends changes nothing
            del error

    def _connected(self, url: str) -> Producer:
        if self._producer is not None and self._process == os.getpid():
            return self._producer
        self.close()
        with _importing:
            from kombu.connection import Connection
            from kombu.messaging import Producer
        self._process = os.getpid()
        self._connection = Connection(
            url, connect_timeout=self._timeout, transport_options=self._options(url)
        )
        self._connection.ensure_connection(max_retries=0)  # the courier has its own retries
        self._channel = self._connection.channel()
        self._producer = Producer(self._channel, auto_declare=False)
        return self._producer

    def _options(self, url: str) -> dict[str, object]:
        if speaks_amqp(url):
            return {
                "confirm_publish": True,
                "read_timeout": self._timeout,
                "write_timeout": self._timeout,
            }
        # Without these a publisher waits for ever on a broker that has stopped answering.
        return {"socket_timeout": self._timeout, "socket_connect_timeout": self._timeout}

    def _declared(self) -> Exchange:
        """The exchange; it, the queue and the binding are declared before every send.

        kombu remembers the bindings it has made on Redis. A broker that has lost its
        data meanwhile would never hear of them again, and every message would be lost.
        """
        state = getattr(self._channel, "state", None)  # the memory of this connection alone
        if state is not None:
            state.clear()
        queue = intake_queue().bind(self._channel)
        queue.declare()
        exchange: Exchange = queue.exchange
        return exchange

    def _note_in_journal(self, url: str, messages: Sequence[wire.Message]) -> None:
        """Write the batches down where intake finds them, should their messages get lost.

        A worker on Redis takes a message from the queue in two steps; when it is killed
        between them, the message is gone. RabbitMQ keeps it until it is acknowledged.
        """
        if speaks_amqp(url):
            return
        published = time.time_ns() // 1_000_000
        with self._channel.conn_or_acquire() as client, client.pipeline() as pipeline:
            pipeline.hset(wire.JOURNAL, mapping={m.id: m.batch for m in messages})
            pipeline.zadd(wire.JOURNAL_PUBLISHED, {m.id: published for m in messages})
            pipeline.execute()

    def _publish(self, producer: Producer, exchange: Exchange, message: wire.Message) -> None:
        producer.publish(
            message.body,
            # The declared object: a mere name that kombu does not know on this connection
            # is taken for a direct exchange, and the message is lost.
            exchange=exchange,
            routing_key=message.routing_key,
            headers=message.headers,
            content_type=wire.CONTENT_TYPE,
            content_encoding=wire.CONTENT_ENCODING,
            delivery_mode=2,
            timeout=self._timeout,
            # RabbitMQ returns what it has no queue for, and its return is an error.
            mandatory=True,
            **message.properties,
        )


def _in_one_go(producer: Producer) -> AbstractContextManager[object]:
    """One round trip for several messages, where kombu (5.7) and the broker can do that."""
    batch: Callable[[], AbstractContextManager[object]] | None = getattr(producer, "batch", None)
    return batch() if batch is not None else nullcontext()


def intake_queue() -> Queue:
    """The intake queue with its exchange and binding, not yet declared anywhere."""
    from kombu.entity import Exchange, Queue

    exchange = Exchange(wire.FAILURE_EXCHANGE, type="topic", durable=True)
    return Queue(
        wire.INTAKE_QUEUE,
        exchange=exchange,
        routing_key=wire.INTAKE_BINDING,
        durable=True,
        queue_arguments=dict(wire.INTAKE_QUEUE_ARGUMENTS),
    )


def _reason(error: Exception, url: str) -> str:
    cause = error.__cause__ or error
    text = one_line(f"{type(cause).__name__}: {cause}")
    if "PRECONDITION_FAILED" in text:
        text += "; if the queue is of an earlier version, let it run empty and delete it"
    try:
        password = urlsplit(url).password
    except ValueError:
        return f"{type(cause).__name__}: the broker's URL cannot be read"
    return text.replace(password, "***") if password else text


def _before_fork() -> None:
    _importing.acquire(timeout=_IMPORT_PATIENCE)


def _after_fork() -> None:
    global _importing  # noqa: PLW0603 - in a child its holder may not exist
    _importing = threading.Lock()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
