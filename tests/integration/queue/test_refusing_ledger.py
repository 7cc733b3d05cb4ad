"""A ledger that refuses writes for reasons of its own loses nothing, and ends no worker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

from paramedic import wire
from paramedic_workers import keys
from paramedic_workers.app import make_app
from paramedic_workers.connections import state_client
from paramedic_workers.dead_letters.model import Reason
from paramedic_workers.dead_letters.store import DeadLetters
from paramedic_workers.incidents import Ledger
from tests.conftest import OpensBroker
from tests.support.brokers import RABBITMQ, Broker
from tests.support.queueing import make_batch, make_event
from tests.support.waiting import wait_for
from tests.support.workers import make_deployment


@pytest.fixture
def rabbit(open_broker: OpensBroker) -> Iterator[Broker]:
    with open_broker(RABBITMQ) as opened:
        yield opened


@contextmanager
def no_replicas(client: redis.Redis) -> Iterator[None]:
    """The server takes no writes: it wants a replica, and has none (NOREPLICAS)."""
    client.config_set("min-replicas-to-write", 1)
    try:
        yield
    finally:
        client.config_set("min-replicas-to-write", 0)


def test_events_and_garbage_wait_until_the_ledger_takes_writes_again(
    rabbit: Broker, tmp_path: Path
) -> None:
    made = make_deployment(tmp_path, rabbit)
    app = make_app(made.settings)
    with (
        state_client(rabbit.state_url) as client,
        made.worker("intake", wire.INTAKE_QUEUE, "-P", "solo") as worker,
    ):
        wait_for("the worker", lambda: "ready" in made.log("intake").read_text())
        with no_replicas(client):
            app.send_task(wire.INTAKE_TASK, (make_batch(make_event(datetime.now(UTC))),))
            rabbit.push_raw(wire.INTAKE_QUEUE, b"no JSON")
            wait_for("some rounds", lambda: made.log("intake").read_text().count("put back") > 3)
        wait_for("the event", lambda: Ledger(client).occurrences() == 1)
        (letter,) = wait_for("the letter", lambda: list(DeadLetters(client).letters()))
        assert letter.original.body == b"no JSON"
        assert worker.poll() is None


def test_a_batch_of_which_intake_breaks_is_a_letter(broker: Broker, tmp_path: Path) -> None:
    """The ledger holds something else where the incidents should be: nobody expects that."""
    made = make_deployment(tmp_path, broker)
    batch = make_batch(make_event(datetime.now(UTC)))
    with state_client(broker.state_url) as client:
        client.set(keys.INCIDENTS, "no sorted set")
        with made.worker("intake", wire.INTAKE_QUEUE, "-P", "solo"):
            wait_for("the worker", lambda: "ready" in made.log("intake").read_text())
            make_app(made.settings).send_task(wire.INTAKE_TASK, (batch,))
            (letter,) = wait_for("the letter", lambda: list(DeadLetters(client).letters()))
        assert (letter.reason, letter.target) == (Reason.ERROR, "shop")
        assert "WRONGTYPE" in letter.message
        assert json.loads(letter.original.body)[0] == [batch]
        assert client.get(keys.batch(str(batch["batch"]))) is None
