"""Ordinary Celery workers as processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from paramedic_workers.settings import Settings
from tests.support.brokers import Broker

_CELERY = (sys.executable, "-m", "celery", "--quiet", "-A", "paramedic_workers")


@dataclass(frozen=True)
class Deployment:
    """Settings and a broker, as an operator would have them."""

    folder: Path
    broker_url: str
    #: Of the ledger, where that is not the broker itself.
    state_url: str = ""

    @property
    def settings(self) -> Settings:
        """Settings of a client that leads to its broker and its ledger."""
        return Settings(broker_url=self.broker_url, state_url=self.state_url, data=str(self.folder))

    @property
    def ledger_url(self) -> str:
        """The kombu URL of the Redis that holds the ledger."""
        return self.state_url or self.broker_url

    @property
    def environment(self) -> dict[str, str]:
        """What its processes see."""
        return {
            **os.environ,
            "PARAMEDIC_CONFIG": str(self.folder / "paramedic.toml"),
            "PARAMEDIC_DATA": str(self.folder / "data"),
            "PARAMEDIC_BROKER_URL": self.broker_url,
            "PARAMEDIC_STATE_URL": self.state_url,
        }

    def celery(self, *arguments: str, timeout: float = 30) -> subprocess.CompletedProcess[str]:
        """Run a `celery` command to its end."""
        return subprocess.run(
            [*_CELERY, *arguments],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    @contextmanager
    def process(self, name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a `celery` command until the block ends; its output goes to `<name>.log`."""
        with self.log(name).open("wb") as log:
            running = subprocess.Popen(
                [*_CELERY, *arguments],
                env=self.environment,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield running
        finally:
            kill_group(running)

    @contextmanager
    def worker(self, name: str, queues: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a worker of these queues."""
        fast = ("--without-mingle", "--without-gossip", "-l", "info")
        node = ("-n", f"{name}@%h", "-Q", queues)
        with self.process(name, "worker", *node, *fast, *options) as running:
            yield running

    def log(self, name: str) -> Path:
        """What a process wrote."""
        return self.folder / f"{name}.log"


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL the process and its pool."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def make_deployment(
    folder: Path, broker: Broker | str, repository: Path | str = "/nowhere", **settings: float
) -> Deployment:
    """Write a paramedic.toml with the target `shop` and the `file` sink.

    Args:
        folder: where it is written.
        broker: its broker, or the URL of a Redis.
        repository: of the target.
        settings: top-level settings.
    """
    lines = [f"{name} = {value}" for name, value in settings.items()]
    lines += ["[sinks.file]", "[targets.shop]", f'repository = "{repository}"', "runs = 1"]
    lines += [f'python = "{sys.executable}"', 'sandbox = "off"', "repair_budget = 10"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "paramedic.toml").write_text("\n".join(lines) + "\n")
    if isinstance(broker, str):
        return Deployment(folder, broker)
    return Deployment(folder, broker.url, broker.configured_state_url)
