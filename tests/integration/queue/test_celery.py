"""An ordinary Celery application: its commands, its messages, Flower."""

# kombu is typed only in part.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import base64
import json
import socket
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest
from celery import Celery
from kombu.connection import Connection
from kombu.entity import Exchange, Queue

from paramedic import wire
from paramedic_workers.app import make_app
from paramedic_workers.connections import state_client
from paramedic_workers.incidents import Ledger
from paramedic_workers.results import decode_result
from tests.conftest import OpensBroker
from tests.support.brokers import RABBITMQ, REDIS, Broker
from tests.support.queueing import make_batch, make_event
from tests.support.waiting import wait_for
from tests.support.workers import Deployment, make_deployment

QUEUES = "paramedic.intake,paramedic.heal,paramedic.results.file"


@pytest.fixture(scope="module", params=[REDIS, RABBITMQ])
def own_broker(request: pytest.FixtureRequest, open_broker: OpensBroker) -> Iterator[Broker]:
    """Each kind of broker, for all tests of this module."""
    with open_broker(request.param) as opened:
        yield opened


@pytest.fixture(scope="module")
def deployment(
    tmp_path_factory: pytest.TempPathFactory, own_broker: Broker
) -> Iterator[Deployment]:
    """One worker of every queue, started by the ordinary command."""
    made = make_deployment(tmp_path_factory.mktemp("shop"), own_broker)
    with made.worker("all", QUEUES, "-P", "solo"):
        wait_for("the worker", lambda: "ready" in made.log("all").read_text())
        yield made


@pytest.fixture
def client_app(deployment: Deployment) -> Celery:
    """A Celery client."""
    return make_app(deployment.settings)


@pytest.fixture
def ledger(deployment: Deployment) -> Iterator[Ledger]:
    """The ledger of the deployment."""
    with state_client(deployment.ledger_url) as client:
        yield Ledger(client)


def test_inspect_answers(deployment: Deployment) -> None:
    done = deployment.celery("inspect", "ping", "--timeout", "1")
    assert done.returncode == 0, done.stderr
    assert "pong" in done.stdout
    registered = deployment.celery("inspect", "registered", "--timeout", "1").stdout
    for name in ("intake", "heal", "deliver", "tend", "landing", "sweep"):
        assert f"paramedic.{name}" in registered


def test_a_failure_goes_all_the_way_and_to_whoever_binds_a_queue(
    deployment: Deployment, client_app: Celery, ledger: Ledger
) -> None:
    results = Exchange("paramedic.results", type="topic")
    listener = Queue("listener", results, routing_key="result.shop.*")
    with Connection(deployment.broker_url) as connection:
        listener.bind(connection.default_channel).declare()
        batch = make_batch(make_event(datetime.now(UTC)))
        client_app.send_task(wire.INTAKE_TASK, (batch,))
        (result,) = wait_for("a result", ledger.results)
        wait_for(
            "both deliveries",
            lambda: (
                {d.outcome for d in ledger.deliveries_of(result.id)} == {"delivered"}
                and len(ledger.deliveries_of(result.id)) == 2
            ),
        )
        message = connection.SimpleQueue(listener).get(timeout=60)
        body = message.body.encode() if isinstance(message.body, str) else bytes(message.body)
        assert decode_result(body) == result
    assert list((deployment.folder / "data" / "reports").rglob("result.json"))


def test_a_command_without_a_broker_says_what_to_do(tmp_path: Path) -> None:
    done = make_deployment(tmp_path, "").celery("inspect", "ping")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "paramedic up" in done.stderr
    assert "PARAMEDIC_BROKER_URL" in done.stderr


def test_flower_shows_the_workers_to_those_who_may_see_them(deployment: Deployment) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api/workers?refresh=1"
    options = (f"--port={port}", "--address=127.0.0.1", "--basic-auth=me:secret")
    with deployment.process("flower", "flower", *options):
        status = wait_for("Flower", lambda: ask(url)[0])
        assert status == 401
        workers = wait_for("the worker in Flower", lambda: ask(url, "me:secret")[1])
    assert any(name.startswith("all@") for name in workers)


def ask(url: str, login: str = "") -> tuple[int, dict[str, object]]:
    """Status and JSON of an answer; 0 where there is none."""
    request = urllib.request.Request(url)
    if login:
        coded = base64.b64encode(login.encode()).decode()
        request.add_header("Authorization", f"Basic {coded}")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, {}
    except (URLError, OSError):
        return 0, {}
