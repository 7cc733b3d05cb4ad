"""Whatever lies in a queue becomes a dead letter, and the worker goes on."""

# kombu is typed only in part.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pytest
from kombu import transport
from kombu.connection import Connection
from kombu.entity import Queue

from paramedic import wire
from paramedic_workers import redis_items
from paramedic_workers.connections import state_client
from paramedic_workers.dead_letters.model import DeadLetter, Reason
from paramedic_workers.dead_letters.store import DeadLetters
from paramedic_workers.redis_items import Transport
from tests.support.brokers import RABBITMQ, REDIS, Broker, RedisBroker
from tests.support.malformed import MALFORMED, RAW_ITEMS, Malformed
from tests.support.queueing import make_batch
from tests.support.waiting import wait_for
from tests.support.workers import make_deployment

QUEUES = "paramedic.intake,paramedic.heal,paramedic.results.file"


@dataclass(frozen=True)
class Worker:
    """A running worker, its broker and the letters it has kept."""

    broker: Broker
    letters: DeadLetters
    process: subprocess.Popen[bytes]

    def next_letter(self, push: Callable[[], object]) -> DeadLetter:
        """The letter of what is pushed now; the only one there is."""
        push()
        (letter,) = wait_for("the dead letter", lambda: list(self.letters.letters()), 20)
        assert self.letters.drop(letter.id)
        return letter


@pytest.fixture(scope="module", params=[REDIS, RABBITMQ])
def worker(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    open_broker: Callable[[str], AbstractContextManager[Broker]],
) -> Iterator[Worker]:
    """One worker of every queue, which has to outlive all of this."""
    with open_broker(request.param) as broker, state_client(broker.state_url) as client:
        made = make_deployment(tmp_path_factory.mktemp("shop"), broker)
        with made.worker("all", QUEUES, "-P", "solo") as process:
            wait_for("the worker", lambda: "ready" in made.log("all").read_text())
            yield Worker(broker, DeadLetters(client), process)


@pytest.mark.parametrize("malformed", MALFORMED, ids=lambda one: one.name)
def test_a_message_that_cannot_be_worked_on_becomes_a_letter(
    worker: Worker, malformed: Malformed
) -> None:
    headers = malformed.headers_with_id()
    letter = worker.next_letter(
        lambda: worker.broker.push_raw(
            wire.INTAKE_QUEUE, malformed.body, headers, **malformed.properties
        )
    )
    assert letter.reason is Reason.INVALID
    assert letter.error_type.rpartition(".")[2] == malformed.error_type
    assert malformed.words in letter.message
    assert letter.queue == wire.INTAKE_QUEUE
    assert letter.original.body == malformed.body
    assert letter.original.headers == headers
    assert letter.versions["celery"]
    assert worker.process.poll() is None


@pytest.mark.parametrize("worker", [REDIS], indirect=True)
@pytest.mark.parametrize("name", RAW_ITEMS)
def test_an_item_that_is_no_message_becomes_a_letter(worker: Worker, name: str) -> None:
    item = RAW_ITEMS[name]
    client = worker.letters.client
    letter = worker.next_letter(lambda: client.lpush(wire.INTAKE_QUEUE, item))
    assert letter.original.body == item
    assert letter.original.properties == {"raw_item": True}
    assert (letter.reason, letter.queue) == (Reason.INVALID, wire.INTAKE_QUEUE)
    assert letter.message
    assert worker.process.poll() is None


@pytest.mark.parametrize("worker", [REDIS], indirect=True)
def test_two_items_of_the_same_text_are_two_letters(worker: Worker) -> None:
    worker.letters.client.lpush(wire.INTAKE_QUEUE, b"twice", b"twice")
    letters = wait_for(
        "both letters", lambda: found if len(found := list(worker.letters.letters())) == 2 else []
    )
    for letter in letters:
        worker.letters.drop(letter.id)


def test_a_bad_event_is_a_letter_that_can_be_sent_again_alone(worker: Worker) -> None:
    batch = make_batch({"version": 1, "target": "shop", "odd": [1]}, batch="the-batch")
    body = b'[[%s], {}, {"callbacks": null}]' % json.dumps(batch).encode()
    letter = worker.next_letter(
        lambda: worker.broker.push_raw(
            wire.INTAKE_QUEUE, body, {"task": wire.INTAKE_TASK, "id": "the-batch"}
        )
    )
    assert "invalid" in letter.message
    assert letter.target == "shop"
    assert letter.original.headers["task"] == wire.INTAKE_TASK


def test_what_was_not_acknowledged_goes_back_to_where_it_was_taken_from(broker_url: str) -> None:
    redis_items.register(lambda *_: None)
    transport._transport_cache.clear()  # an earlier test may have connected without it
    broker = RedisBroker(url=broker_url, state_url=broker_url)
    # An exchange that this process has not declared: kombu would find no queue for it.
    broker.push_raw(
        "somewhere", b"{}", {}, delivery_info={"exchange": "undeclared", "routing_key": "a.b"}
    )
    taken: list[object] = []
    with Connection(broker_url) as connection:
        assert isinstance(connection.transport, Transport)
        with connection.Consumer(
            [Queue("somewhere")],
            on_message=taken.append,
            accept=["json"],
        ):
            connection.drain_events(timeout=30)
    assert len(taken) == 1
    assert broker.depth("somewhere") == 1
