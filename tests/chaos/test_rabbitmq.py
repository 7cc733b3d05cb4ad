"""RabbitMQ takes nothing for a while: nothing is lost, and nobody hangs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from paramedic import Limits, Publisher, wire
from paramedic_workers.connections import state_client
from paramedic_workers.incidents import IncidentState, Ledger
from tests.support.brokers import NOT_INSTALLED, RabbitBroker
from tests.support.queueing import make_event
from tests.support.rabbitmq import RabbitMQ, private_rabbitmq, scripts
from tests.support.waiting import wait_for
from tests.support.workers import Deployment, make_deployment

LIMITS = Limits(linger=0.01, linger_away=0.01, retry_first=0.2, retry_most=1.0, timeout=2.0)
QUEUES = "paramedic.intake,paramedic.heal,paramedic.results.file"
#: A share of the memory that every server is above.
NO_MEMORY = "0.00001"


@pytest.fixture(scope="module")
def server() -> Iterator[RabbitMQ]:
    """A server of these tests alone, as they break it."""
    if scripts() is None:
        pytest.skip(NOT_INSTALLED)
    with private_rabbitmq() as running:
        yield running


@pytest.fixture
def broker(server: RabbitMQ, broker_url: str) -> RabbitBroker:
    empty = RabbitBroker(url=server.url("main"), state_url=broker_url)
    empty.empty()
    return empty


@pytest.fixture
def publisher(broker: RabbitBroker, tmp_path: Path) -> Iterator[Publisher]:
    with Publisher(
        "shop", broker_url=broker.url, spool=tmp_path / "spool", limits=LIMITS
    ) as opened:
        yield opened


@pytest.fixture
def deployment(broker: RabbitBroker, tmp_path: Path) -> Iterator[Deployment]:
    made = make_deployment(tmp_path / "deployment", broker, sweep_seconds=1)
    with ExitStack() as running:
        running.enter_context(made.worker("all", QUEUES, "-P", "solo"))
        running.enter_context(made.process("beat", "beat"))
        wait_for("the worker", lambda: "ready" in made.log("all").read_text())
        yield made


def fail(publisher: Publisher, number: int) -> None:
    publisher.report(make_event(datetime.now(UTC), f"tests/test_shop.py::test_{number}"))


def await_all(deployment: Deployment, number: int) -> None:
    """Every event is counted once, every incident ends, and every result is delivered."""
    ledger = Ledger(state_client(deployment.ledger_url))
    wait_for("every event", lambda: ledger.occurrences() >= number, 60)
    wait_for("every heal", lambda: not ledger.incidents(state=IncidentState.WAITING), 60)
    wait_for("its end", lambda: not ledger.incidents(state=IncidentState.HEALING), 60)
    wait_for("every delivery", lambda: not ledger.undelivered("file"), 60)
    assert ledger.occurrences() == number
    incidents = ledger.incidents()
    assert len(incidents) == number
    assert {len(ledger.results_of(one.fingerprint)) for one in incidents} == {1}


def test_a_broker_without_memory_holds_nobody_up_and_loses_nothing(
    server: RabbitMQ, broker: RabbitBroker, deployment: Deployment, publisher: Publisher
) -> None:
    fail(publisher, 0)
    assert publisher.flush(60)
    before = server.control("eval", "vm_memory_monitor:get_vm_memory_high_watermark().").strip()
    server.control("set_vm_memory_high_watermark", NO_MEMORY)
    try:
        start = time.monotonic()
        for number in range(1, 6):
            fail(publisher, number)
        assert time.monotonic() - start < 5
        assert not publisher.flush(1)
        wait_for("the spool to be used", lambda: publisher.counts.spooled > 0)
    finally:
        server.control("set_vm_memory_high_watermark", before)
    wait_for("the spool to be drained", lambda: publisher.flush(5))
    await_all(deployment, 6)
    assert deployment.log("all").read_text().count("ready.") == 1
    assert broker.depth("paramedic.dead") == broker.depth(wire.INTAKE_QUEUE) == 0
