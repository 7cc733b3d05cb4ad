"""Workers are killed in the middle of their work; nothing is lost, nothing happens twice."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from celery import Celery

from paramedic import wire
from paramedic_workers.app import make_app
from paramedic_workers.connections import state_client
from paramedic_workers.errors import Verdict
from paramedic_workers.incidents import IncidentState, Ledger
from tests.support.brokers import REDIS, Broker
from tests.support.poison import poisonous_test
from tests.support.queueing import make_batch, make_event, write_journal
from tests.support.repositories import Repository, make_repository
from tests.support.waiting import wait_for
from tests.support.workers import Deployment, kill_group, make_deployment

#: Short enough for a test, long enough for a slow machine.
LEASE_SECONDS = 3
SWEEP_SECONDS = 1
OTHER_QUEUES = "paramedic.intake,paramedic.results.file"

_SLOW_BUG = """
import time

from shop import total


def test_total():
    time.sleep(0.7)
    assert total([1, 2]) == 3
"""


def deploy(tmp_path: Path, broker: Broker, repository: Repository) -> Deployment:
    return make_deployment(
        tmp_path / "deployment",
        broker,
        repository.path,
        lease_seconds=LEASE_SECONDS,
        sweep_seconds=SWEEP_SECONDS,
    )


def repository_with(tmp_path: Path, test: str) -> Repository:
    """A repository whose last commit broke what the test tests."""
    good = {"shop.py": "def total(prices):\n    return sum(prices)\n", "conftest.py": ""}
    repository = make_repository(tmp_path / "shop", {**good, "tests/test_shop.py": test})
    repository.commit({"shop.py": "def total(prices):\n    return sum(prices) - 1\n"})
    return repository


def client_app(deployment: Deployment) -> Celery:
    return make_app(deployment.settings)


def publish(deployment: Deployment, repository: Repository) -> None:
    event = make_event(
        datetime.now(UTC),
        "tests/test_shop.py::test_total",
        revision=repository.git("rev-parse", "HEAD"),
    )
    client_app(deployment).send_task(wire.INTAKE_TASK, (make_batch(event),))


def await_progress(ledger: Ledger) -> None:
    seen = ledger.occurrences()
    wait_for("some progress", lambda: ledger.occurrences() > seen, 30)


def test_a_heal_whose_worker_is_killed_is_taken_over(tmp_path: Path, broker: Broker) -> None:
    repository = repository_with(tmp_path, _SLOW_BUG)
    before = repository.state()
    deployment = deploy(tmp_path, broker, repository)
    ledger = Ledger(state_client(broker.state_url))
    with ExitStack() as running:
        running.enter_context(deployment.worker("other", OTHER_QUEUES, "-P", "solo"))
        running.enter_context(deployment.process("beat", "beat"))
        with deployment.worker("first", "paramedic.heal", "-c", "1") as first:
            publish(deployment, repository)
            wait_for("the heal", lambda: any(i.phase for i in ledger.incidents()), 60)
            kill_group(first)
        (incident,) = ledger.incidents()
        assert (incident.state, incident.attempts) == (IncidentState.HEALING, 1)
        running.enter_context(deployment.worker("second", "paramedic.heal", "-c", "1"))
        (result,) = wait_for("the result", ledger.results, 90)
        wait_for("its delivery", lambda: not ledger.undelivered("file"), 30)

        (incident,) = ledger.incidents()
        assert (incident.state, incident.attempts) == (IncidentState.CLOSED, 2)
        assert len(incident.hosts) == 2
        assert len(ledger.results_of(incident.fingerprint)) == 1
        file = next(d for d in ledger.deliveries_of(result.id) if d.sink == "file")
        assert (file.outcome, file.attempts) == ("delivered", 1)
    assert result.verdict in (Verdict.HEALED, Verdict.PROPOSED), result.cause
    assert repository.state() == before


def test_a_heal_that_kills_its_worker_is_run_no_more_than_allowed(
    tmp_path: Path, broker: Broker
) -> None:
    runs = tmp_path / "runs"
    runs.touch()
    runs.chmod(0o666)
    repository = repository_with(tmp_path, poisonous_test("test_total", runs))
    deployment = deploy(tmp_path, broker, repository)
    ledger = Ledger(state_client(broker.state_url))
    with ExitStack() as running:
        running.enter_context(deployment.worker("other", OTHER_QUEUES, "-P", "solo"))
        running.enter_context(deployment.process("beat", "beat"))
        running.enter_context(deployment.worker("heal", "paramedic.heal", "-c", "1"))
        publish(deployment, repository)
        (result,) = wait_for("the result", ledger.results, 120)
    assert result.verdict is Verdict.FAILED
    assert result.cause.type.endswith("WorkerLost")
    assert runs.read_text().count("run") == 3


def test_every_event_of_a_storm_is_counted_once_though_its_workers_are_killed(
    tmp_path: Path, broker: Broker
) -> None:
    batches, events = 150, 20
    deployment = deploy(tmp_path, broker, repository_with(tmp_path, _SLOW_BUG))
    client, app = state_client(broker.state_url), client_app(deployment)
    for _ in range(batches):
        tests = [f"test_{number}" for number in range(events)]
        batch = make_batch(*(make_event(datetime.now(UTC), test) for test in tests))
        if broker.name == REDIS:
            write_journal(client, batch, datetime.now(UTC))
        app.send_task(wire.INTAKE_TASK, (batch,))
    ledger = Ledger(client)
    for round_ in range(3):
        with deployment.worker(f"killed{round_}", wire.INTAKE_QUEUE, "-P", "solo") as worker:
            await_progress(ledger)
            time.sleep(random.random() / 50)  # wherever it may be in its work
            os.kill(worker.pid, signal.SIGKILL)
    with (
        deployment.worker("last", wire.INTAKE_QUEUE, "-P", "solo"),
        deployment.process("beat", "beat"),
    ):
        wait_for("the whole storm", lambda: ledger.occurrences() >= batches * events, 60)
        wait_for("its last message", lambda: not broker.depth(wire.INTAKE_QUEUE), 30)
    assert ledger.occurrences() == batches * events
    assert {incident.count for incident in ledger.incidents()} == {batches}
