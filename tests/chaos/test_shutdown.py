"""Workers are stopped in the middle of a heal: it ends in time, or waits for another worker."""

# kombu is typed only in part.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kombu import pools

from paramedic import wire
from paramedic_workers import keys
from paramedic_workers.app import make_app
from paramedic_workers.connections import state_client
from paramedic_workers.dead_letters.model import LostBy
from paramedic_workers.errors import Verdict
from paramedic_workers.incidents import IncidentRecord, IncidentState, Ledger
from tests.conftest import OpensBroker
from tests.support.brokers import REDIS, Broker
from tests.support.queueing import make_batch, make_event
from tests.support.repositories import Repository, make_repository
from tests.support.waiting import wait_for
from tests.support.workers import Deployment, make_deployment

#: No lease ends and no sweep rings while a test runs: what comes back is given back.
LONG = 600
HEAL = ("paramedic.heal", "-c", "1")
OTHER_QUEUES = "paramedic.intake,paramedic.results.file"

#: Tells its process, and hangs for as long as there is no file that lets it go.
_WAITING_TEST = """
import os
import pathlib
import time

from shop import total


def test_total():
    with open({runs!r}, "a") as file:
        file.write(f"{{os.getpid()}}\\n")
    while not pathlib.Path({go!r}).exists():
        time.sleep(0.05)
    assert total([1, 2]) == 3
"""


@pytest.fixture
def redis_broker(open_broker: OpensBroker) -> Iterator[Broker]:
    """The one on which stopping alone is tested; giving back is tested on both."""
    with open_broker(REDIS) as broker:
        yield broker
    pools.reset()  # the next broker at this address has no exchange yet


class Scene:
    """A deployment with one failing test, which hangs until it is let go."""

    def __init__(self, folder: Path, broker: Broker, shutdown_seconds: float) -> None:
        self._go, self._runs = folder / "go", folder / "runs"
        self._runs.touch()
        self._runs.chmod(0o666)
        self.repository = _repository(folder, self._go, self._runs)
        self.broker = broker
        self.deployment = make_deployment(
            folder / "deployment",
            broker,
            self.repository.path,
            lease_seconds=LONG,
            sweep_seconds=LONG,
            shutdown_seconds=shutdown_seconds,
        )
        self.ledger = Ledger(state_client(broker.state_url))

    def publish(self) -> None:
        """Let a test fail."""
        revision = self.repository.git("rev-parse", "HEAD")
        event = make_event(datetime.now(UTC), "tests/test_shop.py::test_total", revision=revision)
        make_app(self.deployment.settings).send_task(wire.INTAKE_TASK, (make_batch(event),))

    def await_heal(self) -> None:
        """Wait until the test hangs in a heal."""
        wait_for("the hanging test", self.runs, 60)

    def let_go(self) -> None:
        """Let the test end from now on."""
        self._go.touch()

    def runs(self) -> list[int]:
        """Processes that run the test."""
        told = self._runs.read_text().split()
        return [int(pid) for pid in told if _lives(pid)]

    def incident(self) -> IncidentRecord:
        """The only one."""
        (incident,) = self.ledger.incidents()
        return incident

    def assert_nothing_left(self) -> None:
        """No process, working tree or lock of a heal, and no lease."""
        data = self.deployment.folder / "data"
        wait_for("the end of what the heal started", lambda: not self.runs(), 20)
        assert list((data / "work").iterdir()) == []
        assert list(data.glob("clones/*.git/worktrees/*")) == []
        client = state_client(self.broker.state_url)
        assert list(client.scan_iter(keys.lease("*"))) == []


def _repository(folder: Path, go: Path, runs: Path) -> Repository:
    test = _WAITING_TEST.format(go=str(go), runs=str(runs))
    good = {"shop.py": "def total(prices):\n    return sum(prices)\n", "conftest.py": ""}
    repository = make_repository(folder / "shop", {**good, "tests/test_shop.py": test})
    repository.commit({"shop.py": "def total(prices):\n    return sum(prices) - 1\n"})
    return repository


def _lives(pid: str) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


@contextmanager
def workers(deployment: Deployment) -> Iterator[ExitStack]:
    """Everything but heal workers."""
    with ExitStack() as running:
        running.enter_context(deployment.worker("other", OTHER_QUEUES, "-P", "solo"))
        yield running


def stop(worker: subprocess.Popen[bytes]) -> None:
    """SIGTERM, and wait for the end that it must lead to."""
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(120) == 0


def test_a_heal_that_ends_in_time_is_finished(tmp_path: Path, redis_broker: Broker) -> None:
    scene = Scene(tmp_path, redis_broker, 100)
    with workers(scene.deployment) as running:
        heal = running.enter_context(scene.deployment.worker("heal", *HEAL))
        scene.publish()
        scene.await_heal()
        heal.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert heal.poll() is None, "it waits for the heal"
        scene.let_go()
        assert heal.wait(120) == 0
    incident = scene.incident()
    assert (incident.state, incident.attempts) == (IncidentState.CLOSED, 1)
    assert incident.verdict in (Verdict.HEALED, Verdict.PROPOSED)
    scene.assert_nothing_left()


def test_a_heal_that_takes_longer_is_left_to_another_worker(tmp_path: Path, broker: Broker) -> None:
    scene = Scene(tmp_path, broker, 0.5)
    with workers(scene.deployment) as running:
        heal = running.enter_context(scene.deployment.worker("heal", *HEAL))
        scene.publish()
        scene.await_heal()
        stop(heal)
        waiting = scene.incident()
        scene.assert_nothing_left()
        scene.let_go()
        running.enter_context(scene.deployment.worker("next", *HEAL))
        (result,) = wait_for("the result", scene.ledger.results, 90)
    assert (waiting.state, waiting.attempts) == (IncidentState.WAITING, 0)
    assert [attempt.lost_by for attempt in waiting.attempts_log] == [LostBy.STOP]
    healed = scene.incident()
    assert (healed.state, healed.attempts) == (IncidentState.CLOSED, 1)
    assert result.verdict in (Verdict.HEALED, Verdict.PROPOSED), result.cause


@pytest.mark.parametrize("pool", ["prefork", "solo"])
def test_a_second_signal_interrupts_at_once(
    tmp_path: Path, redis_broker: Broker, pool: str
) -> None:
    scene = Scene(tmp_path, redis_broker, LONG)
    with workers(scene.deployment) as running:
        heal = running.enter_context(scene.deployment.worker("heal", *HEAL, "-P", pool))
        scene.publish()
        scene.await_heal()
        heal.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        stop(heal)
    assert scene.incident().state is IncidentState.WAITING
    scene.assert_nothing_left()
