"""A Redis that is full: nothing new comes in, nothing is lost, nobody crashes, all of it drains."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from paramedic import Limits, Publisher, wire
from paramedic.event import now
from paramedic_workers import keys
from paramedic_workers.connections import state_client
from paramedic_workers.dead_letters.store import DeadLetters
from paramedic_workers.errors import Verdict
from paramedic_workers.groups import RoundEnd
from paramedic_workers.healing.model import HealReport, HealRequest
from paramedic_workers.incidents import DeliveryEnd, IncidentState, group_name
from paramedic_workers.outbox import Outbox
from paramedic_workers.resilience.holds import Holds
from paramedic_workers.sinks.recording import RecordingSink
from paramedic_workers.sweep import Doorbells
from tests.conftest import OpensBroker
from tests.support.brokers import RABBITMQ, RedisBroker
from tests.support.queueing import REVISION, Flow, healed, make_event
from tests.support.valkey import private_valkey
from tests.support.waiting import wait_for
from tests.support.workers import make_deployment

_QUICK = Limits(linger=0.01, linger_away=0.01, retry_first=0.05, retry_most=0.1)


@pytest.fixture
def socket() -> Iterator[Path]:
    """A server that may be filled up."""
    with private_valkey() as path:
        yield path


@pytest.fixture
def full_flow(socket: Path) -> Iterator[Flow]:
    """The flow on that server."""
    with state_client(f"redis+socket://{socket}") as client:
        yield Flow(client)


def fill(client: redis.Redis, share: float = 2.0) -> None:
    """Let the server use this share of what it may."""
    client.set("ballast", "x" * 20_000_000)  # so that a connection more or less is nothing
    used = int(client.info("memory")["used_memory"])
    client.config_set("maxmemory", int(used / share))


def free(client: redis.Redis) -> None:
    client.config_set("maxmemory", 0)


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Let a process stand still for a block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_worker_waits_for_a_full_redis_or_goes_on_and_loses_nothing(
    socket: Path, tmp_path: Path
) -> None:
    url = f"redis+socket://{socket}"
    client = redis.Redis(unix_socket_path=str(socket), decode_responses=True)
    deployment = make_deployment(tmp_path / "paramedic", url, sweep_seconds=1)
    with Publisher("shop", broker_url=url, spool=tmp_path / "s", limits=_QUICK) as publisher:

        def publish(*tests: str) -> None:
            for test in tests:
                publisher.report(make_event(now(), test))
                assert publisher.flush(30)

        def incidents() -> int:
            return client.zcard(keys.INCIDENTS)

        publish("test_1", "test_2", "test_3")
        fill(client)
        with deployment.worker("intake", "paramedic.intake", "-P", "solo") as worker:
            log = deployment.log("intake")
            wait_for("the worker to say why it waits", lambda: "Redis is full" in log.read_text())
            publisher.report(make_event(now(), "test_4"))
            assert not publisher.flush(5)
            free(client)
            wait_for("everything to be recorded", lambda: incidents() == 4)
            # And one that runs already, while messages wait.
            with stopped(worker.pid):
                publish("test_5", "test_6", "test_7")
                RedisBroker(url=url, state_url=url).push_raw(wire.INTAKE_QUEUE, b"rubbish")
                fill(client)
            wait_for("what is inside to be recorded", lambda: incidents() == 7)
            wait_for("it to be acknowledged", lambda: client.hlen("unacked") == 0)
            assert [letter.original.body for letter in DeadLetters(client).letters()] == [
                b"rubbish"
            ]
            assert client.llen("paramedic.heal") > 0
            free(client)
            publish("test_8")
            wait_for("the next one", lambda: incidents() == 8)
            assert worker.poll() is None
    assert client.hlen(keys.JOURNAL) == 0
    assert "Unrecoverable" not in log.read_text()


def test_beside_rabbitmq_batches_stay_in_their_queue_until_the_ledger_has_room(
    socket: Path, tmp_path: Path, open_broker: OpensBroker
) -> None:
    client = redis.Redis(unix_socket_path=str(socket), decode_responses=True)
    with open_broker(RABBITMQ) as rabbit:
        beside = replace(rabbit, state_url=f"redis+socket://{socket}")
        deployment = make_deployment(tmp_path / "paramedic", beside)
        with Publisher("shop", broker_url=rabbit.url, spool=tmp_path / "s") as publisher:
            for test in ("test_1", "test_2"):
                publisher.report(make_event(now(), test))
                assert publisher.flush(30)
        beside.push_raw(wire.INTAKE_QUEUE, b"rubbish")
        fill(client)
        with deployment.worker("intake", "paramedic.intake", "-P", "solo") as worker:
            log = deployment.log("intake")
            wait_for("a batch to be put back", lambda: "a batch is put back" in log.read_text())
            wait_for("the other", lambda: "a message is put back" in log.read_text())
            assert (client.zcard(keys.INCIDENTS), DeadLetters(client).count()) == (0, 0)
            free(client)
            wait_for("the letter", DeadLetters(client).count)
            wait_for("everything to be recorded", lambda: client.zcard(keys.INCIDENTS) == 2)
            assert worker.poll() is None


@pytest.mark.parametrize("share", [0.97, 2.0], ids=["nearly", "over"])
def test_no_heal_begins_that_could_not_be_written(full_flow: Flow, share: float) -> None:
    flow = full_flow
    flow.fail("test_a")
    fill(flow.client, share)
    assert flow.healer.heal("shop", REVISION).end is RoundEnd.HELD
    assert flow.standin.requests == []
    (incident,) = flow.ledger.incidents()
    assert (incident.state, incident.attempts) == (IncidentState.WAITING, 0)
    free(flow.client)
    flow.clock.forward(flow.settings.sweep_seconds)
    assert flow.healer.heal("shop", REVISION).end is RoundEnd.CLOSED


def test_a_group_that_waits_for_room_says_so(full_flow: Flow) -> None:
    full_flow.fail("test_a")
    fill(full_flow.client, 0.97)
    full_flow.healer.heal("shop", REVISION)
    (hold,) = Holds(full_flow.client, full_flow.clock).standing()
    assert hold.why.startswith("the ledger's Redis is full:")
    assert full_flow.ledger.incidents()[0].held_for == hold.why


def test_what_was_begun_while_there_was_room_is_written_and_delivered(full_flow: Flow) -> None:
    flow = full_flow

    def fill_up(request: HealRequest) -> HealReport:
        fill(flow.client)
        return healed(request)

    flow.fail("test_a")
    flow.standin.act = fill_up
    assert flow.healer.heal("shop", REVISION).end is RoundEnd.CLOSED
    (result,) = flow.ledger.results()
    assert result.verdict is Verdict.HEALED
    sink = RecordingSink()
    outbox = Outbox(client=flow.client, sinks={"file": sink}, attempts=3, clock=flow.clock)
    assert outbox.deliver("file", result.id).end is DeliveryEnd.DELIVERED
    assert flow.ledger.undelivered("file") == []
    assert [one.id for one in sink.results] == [result.id]


def test_a_full_redis_is_swept_all_the_same(full_flow: Flow) -> None:
    flow = full_flow
    flow.fail("test_a")
    flow.healer.heal("shop", REVISION)
    flow.clock.forward((flow.settings.retention_days + 1) * 24 * 3600)
    flow.fail("test_new")
    flow.clock.forward(60)
    fill(flow.client)
    sweeper = flow.sweeper(sinks=())
    assert sweeper.sweep() == Doorbells()
    assert [incident.test for incident in flow.ledger.incidents()] == ["test_new"]
    free(flow.client)
    assert sweeper.sweep().groups == (group_name("shop", REVISION),)
