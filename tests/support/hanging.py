"""A deployment with one failing test that hangs in each heal, until it is let go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from paramedic import wire
from paramedic_workers import keys
from paramedic_workers.app import make_app
from paramedic_workers.connections import state_client
from paramedic_workers.incidents import IncidentRecord, Ledger
from tests.support.brokers import Broker
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


class Scene:
    """A deployment with one failing test, which hangs until it is let go."""

    def __init__(
        self,
        folder: Path,
        broker: Broker,
        *,
        shutdown_seconds: float = LONG,
        lease_seconds: float = LONG,
        sweep_seconds: float = LONG,
        remote: str = "",
    ) -> None:
        self._go, self._runs = folder / "go", folder / "runs"
        self._runs.touch()
        self._runs.chmod(0o666)
        self.repository = _repository(folder, self._go, self._runs)
        self.broker = broker
        self.deployment = make_deployment(
            folder / "deployment",
            broker,
            self.repository.path,
            lease_seconds=lease_seconds,
            sweep_seconds=sweep_seconds,
            shutdown_seconds=shutdown_seconds,
        )
        with (self.deployment.folder / "paramedic.toml").open("a") as file:
            file.write(f'trust = "low"\nremote = "{remote}"\n')
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
