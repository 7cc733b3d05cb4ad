"""Workers that deliver to Jira, each a process that may be killed: a fleet.

`python -m tests.support.jira.fleet NUMBER` forks them, and a new one for each that dies, as a
supervisor would; it also rings for the sweep, as beat would. `Fleet` starts it from a test.
What takes minutes in an operator's workers, so that nothing is done twice, takes seconds here.
"""

# Celery has no types.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import redis
from celery import Celery

from paramedic import wire
from paramedic_workers import outbox, tending, topology
from paramedic_workers.app import make_app, worker_settings
from paramedic_workers.outbox import Delivers
from paramedic_workers.runtime import Parts, use_parts
from paramedic_workers.settings import Settings
from paramedic_workers.sinks import load_sinks
from paramedic_workers.sinks.jira import ends
from paramedic_workers.sinks.jira.sink import JiraSink
from tests.support.jira.places import EMAIL, TOKEN
from tests.support.waiting import wait_for

#: Seconds after which a delivery that lost its worker is begun again; longer than one takes.
CLAIM_SECONDS = 5.0
#: Seconds after which Jira is asked again that was away.
AWAY_SECONDS = 1.0
SWEEP_SECONDS = 1.0
QUEUES = f"paramedic.results.jira,{wire.INTAKE_QUEUE}"


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Workers of their own, on one ledger and one Jira."""

    folder: Path
    broker_url: str
    jira_url: str
    workers: int = 4
    #: As the settings of the sink.
    search_lag: float = 0.5
    timeout: float = 2.0

    @contextmanager
    def running(self) -> Iterator[Fleet]:
        """Run it until the block ends."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "paramedic.toml").write_text(self._settings())
        environ = {
            **os.environ,
            "PARAMEDIC_CONFIG": str(self.folder / "paramedic.toml"),
            "PARAMEDIC_DATA": str(self.folder / "data"),
            "PARAMEDIC_BROKER_URL": self.broker_url,
            "PARAMEDIC_JIRA_TOKEN": TOKEN,
            "PYTHONPATH": str(Path(__file__).parents[3]),
        }
        command = [sys.executable, "-m", "tests.support.jira.fleet", str(self.workers)]
        with (self.folder / "fleet.log").open("wb") as log:
            parent = subprocess.Popen(
                command,
                cwd=self.folder,
                env=environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_for("the fleet", lambda: self.log.count(" ready.") >= self.workers, 60)
            yield self
        finally:
            os.killpg(parent.pid, signal.SIGKILL)
            parent.wait()

    def pids(self) -> list[int]:
        """The processes of its workers."""
        try:
            return [int(pid) for pid in (self.folder / "pids").read_text().split()]
        except FileNotFoundError:
            return []

    def kill_one(self, choice: random.Random) -> None:
        """SIGKILL one of its workers."""
        try:
            os.kill(choice.choice(self.pids()), signal.SIGKILL)
        except ProcessLookupError:
            return  # it was killed a moment ago

    @property
    def log(self) -> str:
        """What it wrote."""
        return (self.folder / "fleet.log").read_text(errors="replace")

    def _settings(self) -> str:
        return f"""
sweep_seconds = {SWEEP_SECONDS}
delivery_attempts = 20
[targets.shop]
repository = "/nowhere"
[sinks.jira]
url = "{self.jira_url}"
kind = "cloud"
email = "{EMAIL}"
project = "SHOP"
search_lag = {self.search_lag}
timeout = {self.timeout}
repeat_seconds = 1.0
"""


def _quick_sinks(settings: Settings, client: redis.Redis) -> Mapping[str, Delivers]:
    """The sinks of the settings; Jira is tended every second."""
    sinks = load_sinks(settings, client)
    jira = sinks["jira"]
    assert isinstance(jira, JiraSink)
    return {**sinks, "jira": replace(jira, tend_seconds=SWEEP_SECONDS)}


def _work(app: Celery, number: int) -> None:
    options = ["-P", "solo", "-l", "info", "--without-mingle", "--without-gossip"]
    app.worker_main(["worker", "-n", f"w{number}@%h", "-Q", QUEUES, *options])


def _ring(app: Celery) -> None:
    """What beat does."""
    while True:
        app.send_task(topology.SWEEP_TASK, expires=SWEEP_SECONDS)
        time.sleep(SWEEP_SECONDS)


def main() -> None:
    """Run it until it is killed."""
    vars(outbox)["CLAIM_SECONDS"] = CLAIM_SECONDS
    vars(ends)["away"].__kwdefaults__["pause"] = AWAY_SECONDS
    vars(tending)["LOCK_SECONDS"] = int(CLAIM_SECONDS)
    app = make_app(worker_settings())
    app.loader.import_default_modules()
    use_parts(app, Parts(sinks=_quick_sinks, first_pause=0.5))
    if os.fork() == 0:
        _ring(app)
    workers: dict[int, int] = {}
    numbers = list(range(int(sys.argv[1])))
    while True:
        for number in numbers:
            child = os.fork()
            if child == 0:
                _work(app, number)
                os._exit(0)
            workers[child] = number
        Path("pids.new").write_text(" ".join(map(str, workers)))
        Path("pids.new").rename("pids")
        gone, _ = os.wait()
        numbers = [workers.pop(gone)]


if __name__ == "__main__":
    main()
