"""Processes that deliver one result each, and may be killed anywhere: couriers.

`python -m tests.support.jira.couriers LEDGER SETTINGS` reads ids of results, a line each, forks
a courier for it, and prints the courier's process id. A courier tries until it has delivered.
`Couriers` starts it from a test. The times after which a request that was announced cannot be
on its way any more are short here.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from paramedic_workers.connections import state_client
from paramedic_workers.errors import DeliveryError
from paramedic_workers.incidents import Ledger
from paramedic_workers.sinks import SinkContext
from paramedic_workers.sinks.jira import finding, tickets
from paramedic_workers.sinks.jira.client import JiraClient
from paramedic_workers.sinks.jira.settings import JiraSettings
from paramedic_workers.sinks.jira.sink import JiraSink
from paramedic_workers.sinks.jira.texts import Texts
from tests.support.jira.places import TOKEN
from tests.support.queueing import make_settings
from tests.support.waiting import wait_for

#: As `tickets.FRESH_SECONDS`.
FRESH_SECONDS = 0.5


@dataclass
class Couriers:
    """Starts couriers."""

    process: subprocess.Popen[str]
    log: Path

    @classmethod
    @contextmanager
    def running(cls, ledger: str, settings: JiraSettings, folder: Path) -> Iterator[Couriers]:
        """Have them until the block ends.

        Args:
            ledger: its kombu URL.
            settings: of the sink.
            folder: for their log.
        """
        module = "tests.support.jira.couriers"
        command = [sys.executable, "-m", module, ledger, msgspec.json.encode(settings).decode()]
        log = folder / "couriers.log"
        with log.open("wb") as errors:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            )
        try:
            yield cls(process, log)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def send(self, result: str) -> int:
        """Send one with this result; gives its process id."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(result + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def await_end(self, *pids: int) -> None:
        """Wait until these have delivered, or were killed."""
        wait_for("the couriers", lambda: not any(map(_runs, pids)), 40)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _deliver(url: str, settings: JiraSettings, result_id: str) -> None:
    client = state_client(url)
    result = Ledger(client).result(result_id)
    assert result is not None
    jira = JiraClient.open(settings, environ={"PARAMEDIC_JIRA_TOKEN": TOKEN})
    sink = JiraSink.on(jira, settings, SinkContext(settings=make_settings(), client=client))
    while True:
        try:
            return sink.deliver(result)
        except DeliveryError:
            time.sleep(0.1)


def main() -> None:
    """Run it until it is killed."""
    for module in (tickets, finding):
        vars(module)["FRESH_SECONDS"] = FRESH_SECONDS
    url, settings = sys.argv[1], msgspec.json.decode(sys.argv[2], type=JiraSettings)
    Texts.load(settings)  # once for all: compiled templates are kept
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os.dup2(2, 1)  # what it logs is not for the test
            _deliver(url, settings, line.strip())
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
