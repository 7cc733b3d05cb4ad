"""What RabbitMQ does by itself: refuses declarations, returns messages, gives them up."""

# amqp and kombu are not, or not wholly, typed.
# mypy: disable-error-code="no-untyped-call, import-untyped"

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
from amqp import Channel
from celery import Celery
from kombu.entity import Exchange
from kombu.exceptions import ChannelError

from paramedic import wire
from paramedic.transport import KombuTransport, TransportError
from paramedic_workers import topology
from paramedic_workers.app import make_app
from paramedic_workers.broker_letters import keep_given_up
from paramedic_workers.connections import state_client
from paramedic_workers.dead_letters.model import DeadLetter, Reason
from paramedic_workers.dead_letters.store import DeadLetters
from paramedic_workers.embedded import running_url
from paramedic_workers.errors import BrokerError
from paramedic_workers.incidents import Ledger
from tests.conftest import OpensBroker
from tests.integration.queue.test_supervisor import up
from tests.support import events
from tests.support.brokers import RABBITMQ, Broker
from tests.support.queueing import make_batch, make_event, make_settings
from tests.support.rabbitmq import connected
from tests.support.waiting import wait_for
from tests.support.workers import make_deployment


@pytest.fixture
def rabbit(open_broker: OpensBroker) -> Iterator[Broker]:
    with open_broker(RABBITMQ) as opened:
        yield opened


@pytest.fixture
def app(rabbit: Broker) -> Celery:
    return make_app(rabbit.settings)


@pytest.fixture
def ledger(rabbit: Broker) -> Iterator[redis.Redis]:
    with state_client(rabbit.state_url) as client:
        yield client


def give_back(channel: Channel, times: int) -> None:
    """Take the first message of intake and give it back, again and again."""
    for _ in range(times):
        message = wait_for("the message", lambda: channel.basic_get(wire.INTAKE_QUEUE))
        channel.basic_reject(message.delivery_tag, requeue=True)


def given_up_once(rabbit: Broker, app: Celery) -> wire.Message:
    """Publish a batch that RabbitMQ delivers until it gives it up."""
    topology.declare(app)
    message = wire.build_message([events.make_event()])
    with closing(KombuTransport(rabbit.url)) as transport:
        transport.send([message])
    with connected(rabbit.url) as connection:
        give_back(connection.channel(), wire.DELIVERY_LIMIT + 1)
    wait_for("the broker's dead letter", lambda: rabbit.depth("paramedic.dead") == 1)
    return message


def kept_letter(app: Celery, client: redis.Redis) -> DeadLetter:
    assert keep_given_up(topology.given_up(app, 10), DeadLetters(client)) == 1
    (letter,) = DeadLetters(client).letters()
    return letter


def test_what_the_broker_gives_up_becomes_a_dead_letter(
    rabbit: Broker, app: Celery, ledger: redis.Redis
) -> None:
    message = given_up_once(rabbit, app)
    letter = kept_letter(app, ledger)
    assert letter.reason is Reason.ATTEMPTS_EXHAUSTED
    assert letter.queue == wire.INTAKE_QUEUE
    assert letter.target == "shop"
    assert "delivery_limit" in letter.message
    assert (letter.original.body, letter.original.headers["id"]) == (message.body, message.id)
    assert letter.original.routing_key == message.routing_key
    (death,) = letter.original.headers["x-death"]
    assert (death["queue"], death["reason"]) == (wire.INTAKE_QUEUE, "delivery_limit")
    assert rabbit.depth("paramedic.dead") == 0


def test_what_is_given_up_is_kept_once_though_the_sweep_dies_before_it_says_so(
    rabbit: Broker, app: Celery, ledger: redis.Redis
) -> None:
    given_up_once(rabbit, app)
    letters = DeadLetters(ledger)

    class Interrupted:
        def keep(self, letter: DeadLetter) -> bool:
            letters.keep(letter)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keep_given_up(topology.given_up(app, 10), Interrupted())
    wait_for("the message", lambda: rabbit.depth("paramedic.dead") == 1)
    kept_letter(app, ledger)


def test_a_bell_that_nobody_heard_in_time_leaves_no_letter(
    rabbit: Broker, app: Celery, ledger: redis.Redis
) -> None:
    topology.declare(app)
    for task, arguments in ((topology.SWEEP_TASK, ()), (topology.LANDING_TASK, ("shop",))):
        app.send_task(task, arguments, expires=0.05)
    app.send_task(topology.HEAL_TASK, ("shop", None), expires=0.05)
    wait_for("the broker's dead letters", lambda: rabbit.depth("paramedic.dead") == 3)
    assert kept_letter(app, ledger).queue == topology.HEAL_QUEUE
    assert rabbit.depth("paramedic.dead") == 0


def test_nothing_is_given_up_on_redis(broker_url: str) -> None:
    from paramedic_workers.settings import Settings

    assert list(topology.given_up(make_app(Settings(broker_url=broker_url)), 10)) == []


def test_a_queue_of_other_arguments_is_a_clear_error_for_workers_and_publishers(
    rabbit: Broker, app: Celery, tmp_path: Path
) -> None:
    with connected(rabbit.url) as connection:
        connection.channel().queue_declare(wire.INTAKE_QUEUE, durable=True, auto_delete=False)
    with pytest.raises(BrokerError, match=r"paramedic\.intake.*PRECONDITION_FAILED.*delete it"):
        topology.declare(app)
    with pytest.raises(TransportError, match=r"PRECONDITION_FAILED.*delete it"):
        KombuTransport(rabbit.url).send([wire.build_message([events.make_event()])])
    made = make_deployment(tmp_path, rabbit)
    done = made.celery("worker", "-Q", wire.INTAKE_QUEUE, "-P", "solo", timeout=120)
    assert done.returncode == 2
    assert "the queues cannot be declared" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


class RobbedTransport(KombuTransport):
    """A publisher whose queue is deleted at the worst moment."""

    def _declared(self) -> Exchange:
        exchange = super()._declared()
        self._channel.queue_delete(wire.INTAKE_QUEUE)
        return exchange


def test_what_no_queue_takes_is_an_error(rabbit: Broker, app: Celery) -> None:
    with pytest.raises(TransportError, match="NO_ROUTE"):
        RobbedTransport(rabbit.url).send([wire.build_message([events.make_event()])])
    batch = make_batch(make_event(datetime.now(UTC)))
    app.send_task(wire.INTAKE_TASK, (batch,))
    with connected(rabbit.url) as connection:
        connection.channel().queue_delete(wire.INTAKE_QUEUE)
    with pytest.raises(ChannelError, match="NO_ROUTE"):
        app.send_task(wire.INTAKE_TASK, (batch,))


def test_a_ledger_that_takes_no_writes_uses_up_no_delivery(
    rabbit: Broker, app: Celery, ledger: redis.Redis, tmp_path: Path
) -> None:
    made = make_deployment(tmp_path, rabbit)
    ledger.replicaof("127.0.0.1", "1")
    try:
        app.send_task(wire.INTAKE_TASK, (make_batch(make_event(datetime.now(UTC))),))
        with made.worker("intake", wire.INTAKE_QUEUE, "-P", "solo"):
            wait_for("some rounds", lambda: made.log("intake").read_text().count("put back") > 3)
        with connected(rabbit.url) as connection:
            channel = connection.channel()
            message = wait_for("the message", lambda: channel.basic_get(wire.INTAKE_QUEUE))
            # The kill of the worker counts.
            assert message.headers.get("x-delivery-count", 0) <= 1
            channel.basic_reject(message.delivery_tag, requeue=True)
    finally:
        ledger.replicaof("NO", "ONE")
    with made.worker("later", wire.INTAKE_QUEUE, "-P", "solo"):
        wait_for("the event", lambda: Ledger(ledger).occurrences() == 1)


def test_a_supervisor_keeps_the_ledger_in_its_bundled_server(
    rabbit: Broker, tmp_path: Path
) -> None:
    settings = make_settings(tmp_path / "data", broker_url=rabbit.url)
    with up(tmp_path, settings) as process:
        url = running_url(tmp_path / "data")
        assert url is not None
        message = wire.build_message([events.make_event()])
        with closing(KombuTransport(rabbit.url)) as transport:
            transport.send([message])
        wait_for("a result", Ledger(state_client(url)).results, 60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(90) == 0
    assert running_url(tmp_path / "data") is None
