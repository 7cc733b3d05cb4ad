"""Every exchange, queue and route, in one place.

| task | sent by | exchange, key | queue |
| --- | --- | --- | --- |
| `paramedic.intake` | producers | `paramedic.failures`, `failure.<target>` | `paramedic.intake` |
| `paramedic.heal` | intake, heal, sweep | default | `paramedic.heal` |
| `paramedic.deliver` | heal, sweep | default | `paramedic.results.<sink>` |
| `paramedic.landing` | sweep | default | `paramedic.heal` |
| `paramedic.tend` | sweep | default | `paramedic.results.<sink>` |
| `paramedic.sweep` | beat | default | `paramedic.intake` |

Both named exchanges are topics. Every result also goes to `paramedic.results`, key
`result.<target>.<verdict>`, for whoever binds a queue. That is itself a delivery, to the
sink named `exchange`, which the intake workers serve: it is as durable as the others.
kombu's `fanout` exchange is not used on Redis: there it is pub/sub, and loses what nobody
listens to.

On RabbitMQ every queue is a quorum queue, and what the broker gives up goes through the
exchange `paramedic.dead` into the queue of that name, from which the sweep takes it into
the store of dead letters.
"""

# kombu is typed only in part.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from celery import Celery
from kombu.entity import Exchange, Queue
from kombu.exceptions import ChannelError
from kombu.message import Message

from paramedic import wire
from paramedic_workers.connections import speaks_amqp, without_password
from paramedic_workers.dead_letters.model import Original
from paramedic_workers.errors import BrokerError
from paramedic_workers.results import Result, encode_result
from paramedic_workers.settings import Settings

HEAL_QUEUE = "paramedic.heal"
#: The sink that publishes results to the topic exchange.
EXCHANGE_SINK = "exchange"

#: Seconds that a publish waits for RabbitMQ's confirm: one that is out of memory or disk takes
#: nothing, and does not say so.
CONFIRM_TIMEOUT = 15.0

INTAKE_TASK = wire.INTAKE_TASK
HEAL_TASK = "paramedic.heal"
DELIVER_TASK = "paramedic.deliver"
TEND_TASK = "paramedic.tend"
LANDING_TASK = "paramedic.landing"
SWEEP_TASK = "paramedic.sweep"

#: What only rings for something that stands in the ledger.
DOORBELLS = (HEAL_TASK, DELIVER_TASK, LANDING_TASK, TEND_TASK, SWEEP_TASK)
#: Those of them that are worthless when they are heard late: they are rung again anyway.
PASSING_BELLS = (LANDING_TASK, TEND_TASK, SWEEP_TASK)

FAILURES = Exchange(wire.FAILURE_EXCHANGE, type="topic", durable=True)
RESULTS = Exchange("paramedic.results", type="topic", durable=True)

INTAKE = Queue(
    wire.INTAKE_QUEUE,
    FAILURES,
    routing_key=wire.INTAKE_BINDING,
    queue_arguments=dict(wire.INTAKE_QUEUE_ARGUMENTS),
    durable=True,
)

#: Where RabbitMQ's own dead letters wait for the sweep.
DEAD = Queue(
    "paramedic.dead",
    Exchange(wire.DEAD_EXCHANGE, type="fanout", durable=True),
    queue_arguments={"x-queue-type": "quorum"},
    durable=True,
)


def _direct(name: str) -> Queue:
    """The queue of this name, reached through the default exchange."""
    return Queue(
        name,
        Exchange(""),
        routing_key=name,
        queue_arguments=dict(wire.INTAKE_QUEUE_ARGUMENTS),
        durable=True,
    )


def results_queue(sink: str) -> str:
    """The queue of the deliveries to a sink."""
    return wire.INTAKE_QUEUE if sink == EXCHANGE_SINK else f"paramedic.results.{sink}"


def sink_names(settings: Settings) -> tuple[str, ...]:
    """The configured sinks that are not switched off, and the exchange."""
    on = (name for name, table in settings.sinks.items() if table.get("enabled", True))
    return (*sorted(on), EXCHANGE_SINK)


def queues(sinks: Iterable[str]) -> list[Queue]:
    """Every queue that a worker may be told to read."""
    outgoing = [_direct(results_queue(sink)) for sink in sinks if sink != EXCHANGE_SINK]
    return [INTAKE, _direct(HEAL_QUEUE), *outgoing]


def delivery_route(sink: str) -> Queue:
    """Where the doorbells of a sink are sent."""
    return _direct(results_queue(sink))


def routes() -> dict[str, dict[str, object]]:
    """Where each task goes; a delivery's queue depends on its sink, see `delivery_route`."""
    # RabbitMQ returns what it has no queue for, and its return is an error; Redis ignores both.
    surely: dict[str, object] = {"mandatory": True, "confirm_timeout": CONFIRM_TIMEOUT}
    return {
        INTAKE_TASK: {"queue": INTAKE, **surely},
        HEAL_TASK: {"queue": _direct(HEAL_QUEUE), **surely},
        LANDING_TASK: {"queue": _direct(HEAL_QUEUE), **surely},
        SWEEP_TASK: {"queue": _direct(wire.INTAKE_QUEUE), **surely},
        DELIVER_TASK: surely,
        TEND_TASK: surely,
    }


def transport_options(url: str, visibility_timeout: float, timeout: float) -> dict[str, object]:
    """What kombu is told about the connection.

    Args:
        url: of the broker.
        visibility_timeout: seconds after which Redis delivers again what is not acknowledged.
        timeout: seconds after which a broker that does not answer counts as away.
    """
    if speaks_amqp(url):
        # A server that has no memory left, or a queue that lost its leader, never answers:
        # such a connection is given up after a while, and made again.
        limits = {"connect_timeout": timeout, "read_timeout": timeout, "write_timeout": timeout}
        return {"confirm_publish": True, **limits}
    return {
        "visibility_timeout": visibility_timeout,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
    }


def declare(app: Celery) -> None:
    """Declare every queue on RabbitMQ; Redis needs none of it.

    Raises:
        BrokerError: one exists with other arguments, which nothing but deleting it changes.
        kombu's connection errors: the broker is away.
    """
    url = str(app.conf.broker_url)
    if not speaks_amqp(url):
        return
    with app.connection_for_write() as connection:
        for queue in (DEAD, *app.conf.task_queues):
            try:
                with connection.channel() as channel:
                    queue.bind(channel).declare()
            except ChannelError as error:
                raise BrokerError(
                    f"The queue {queue.name} on {without_password(url)} cannot be declared: "
                    f"{str(error).rstrip('.')}.",
                    remedy="If it is of an earlier version: let it run empty, and delete it.",
                ) from error


def given_up(app: Celery, limit: int) -> Iterator[Message]:
    """The messages that RabbitMQ itself has dead-lettered; each must be acknowledged in time.

    Args:
        app: of the broker; on Redis there are none.
        limit: greatest number of messages.
    """
    if not speaks_amqp(str(app.conf.broker_url)):
        return
    with app.connection_for_write() as connection, connection.channel() as channel:
        queue = DEAD.bind(channel)
        queue.declare()
        for _ in range(limit):
            message = queue.get()
            if message is None:
                return
            yield message


def depth(app: Celery, queue: str) -> int:
    """How many messages wait in a queue."""
    with app.connection_for_write() as connection, connection.channel() as channel:
        declared = _direct(queue).bind(channel).queue_declare()
        return int(getattr(declared, "message_count", 0) or 0)


def readers(app: Celery, timeout: float = 1.0) -> dict[str, tuple[str, ...]]:
    """The workers that answer, each with the queues that it reads.

    A worker of a solo pool does not answer while it works.

    Args:
        app: whose workers.
        timeout: seconds that they have for it.
    """
    answers = app.control.inspect(timeout=timeout).active_queues() or {}
    return {
        str(worker): tuple(sorted(queue["name"] for queue in queues_))
        for worker, queues_ in sorted(answers.items())
    }


def publish_again(app: Celery, queue: Queue, message: Original) -> None:
    """Publish a message as it once was to one queue, whatever exchange it had come through."""
    with app.producer_or_acquire() as producer:
        producer.publish(
            message.body,
            routing_key=queue.name,
            declare=[queue],
            # Without a type kombu would serialise the bytes once more.
            content_type=message.content_type or "application/data",
            content_encoding=message.content_encoding or "binary",
            headers=dict(message.headers),
            delivery_mode=2,
            mandatory=True,
            confirm_timeout=CONFIRM_TIMEOUT,
            retry=True,
            retry_policy={"max_retries": 3},
            **message.properties,
        )


@dataclass(frozen=True, kw_only=True)
class ResultsExchange:
    """The sink that publishes results to the topic exchange `paramedic.results`."""

    app: Celery
    name: str = EXCHANGE_SINK

    def deliver(self, result: Result) -> None:
        """Publish the result as JSON, key `result.<target>.<verdict>`."""
        with self.app.producer_or_acquire() as producer:
            producer.publish(
                encode_result(result),
                exchange=RESULTS,
                declare=[RESULTS],
                routing_key=f"result.{result.target}.{result.verdict}",
                content_type="application/json",
                content_encoding="utf-8",
                confirm_timeout=CONFIRM_TIMEOUT,
                retry=True,
                retry_policy={"max_retries": 3},
                message_id=result.id,
            )
