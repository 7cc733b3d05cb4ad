"""A storm: failure events are published while everything that processes them is killed.

One machine runs `paramedic up`. Events of many causes are published to it; at random, one
of its processes gets SIGKILL every few seconds. The order of everything follows from a
seed, so that a storm can be repeated as far as processes allow it.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from paramedic.limits import Limits
from paramedic.publisher import Publisher
from tests.support.command_line import LEAN_PYTEST, PROGRAM, CommandLine
from tests.support.poison import poisonous_test
from tests.support.queueing import make_event
from tests.support.repositories import Repository, make_repository
from tests.support.waiting import wait_for

#: Targets, tests of each, and events of each test.
TARGETS, TESTS, REPEATS = 10, 20, 5
#: Seconds between two kills.
PAUSE = 2.0
#: What is killed, and how often compared with the others: a process of a pool, a worker, the
#: broker, the server of the ledger (on Redis the same), or all at once.
KINDS, WEIGHTS = ("child", "worker", "broker", "ledger", "machine"), (10, 6, 1, 2, 1)
#: The target whose test kills the process that heals it.
POISON = "poison"

_SHOP = """
def total(prices):
    found = 0
    for price in prices:
        found -= price
    return found
"""
_TEST = "def test_{number}():\n    assert total([{number}, 2]) == {number} + 2\n"
_SETTINGS = """
lease_seconds = 6
sweep_seconds = 1
breaker_failures = 0
fuse_heals = 0
[sinks.file]
"""
_TARGET = """
[targets.{name}]
repository = "{repository}"
python = "{python}"
sandbox = "off"
runs = 1
repair_budget = 5
heals_per_hour = 0
"""


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process of the machine."""

    pid: int
    parent: int
    command: str

    def kill(self) -> None:
        """SIGKILL, if it has not ended already."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


@dataclass(kw_only=True)
class Storm:
    """What is broken, what is published, and what is killed."""

    machine: CommandLine
    #: kombu URL of the broker; empty: the bundled server of the machine.
    broker_url: str
    seed: int
    #: Kills the broker and starts it again, where it is not the bundled server.
    strike_broker: Callable[[], None] | None = None
    kills: Counter[str] = field(default_factory=Counter)
    published: int = 0
    #: Kinds that are still to be killed for the first time.
    _not_yet: list[str] = field(default_factory=lambda: list(reversed(KINDS)))
    _up: subprocess.Popen[bytes] | None = None
    _repositories: dict[str, Repository] = field(default_factory=dict)
    _before: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def runs(self) -> int:
        """How often the poison was run."""
        return (self.machine.folder / "runs").read_text().count("run")

    def set_up(self) -> None:
        """Make the repositories and the settings."""
        runs = self.machine.folder / "runs"
        runs.touch()
        runs.chmod(0o666)
        tests = "\n\n".join(_TEST.format(number=number) for number in range(TESTS))
        sound = f"from shop import total\n\n\n{tests}"
        for number in range(TARGETS):
            self._add_target(f"shop{number}", sound)
        self._add_target(POISON, poisonous_test("test_0", runs))
        targets = "".join(
            _TARGET.format(name=name, repository=repository.path, python=sys.executable)
            for name, repository in self._repositories.items()
        )
        (self.machine.folder / "paramedic.toml").write_text(_SETTINGS + targets)

    def publish(self, seconds: float) -> None:
        """Publish every event, in a random order, over this many seconds."""
        order = random.Random(self.seed)
        began = datetime.now(UTC)
        causes = [(name, test) for name in self._repositories for test in self._tests(name)]
        planned = causes * REPEATS
        order.shuffle(planned)
        limits = Limits(linger=0.05, retry_most=1.0)
        publishers = {
            name: Publisher(
                name,
                broker_url=self._url,
                spool=self.machine.folder / "spool" / name,
                limits=limits,
            )
            for name in self._repositories
        }
        for name, test in planned:
            # Seen before the storm: what is seen after a heal opens its incident again.
            event = make_event(
                began, f"test_shop.py::{test}", target=name, revision=self._revision(name)
            )
            publishers[name].report(event)
            self.published += 1
            time.sleep(seconds / len(planned))
        for publisher in publishers.values():
            while not publisher.flush(5):
                time.sleep(0.1)
            publisher.close()

    def rage(self, seconds: float) -> None:
        """Kill something every few seconds, for so long, once everything runs."""
        wait_for("the pools", lambda: len(self._of_kind("child")) >= 2, 60)
        chance = random.Random(self.seed + 1)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(min(PAUSE, max(0.0, until - time.monotonic())))
            self._strike(chance)

    @contextmanager
    def running(self) -> Iterator[Storm]:
        """Run `paramedic up` until the block ends."""
        self._before = {name: one.state() for name, one in self._repositories.items()}
        self._start()
        try:
            yield self
        finally:
            if self._up is not None:
                with suppress(ProcessLookupError):
                    os.killpg(self._up.pid, signal.SIGKILL)
                self._up.wait()

    def stop(self) -> int:
        """Stop it as a person would; gives its exit status."""
        assert self._up is not None
        self._up.send_signal(signal.SIGINT)
        return self._up.wait(180)

    def changed_repositories(self) -> list[str]:
        """Targets whose repository is not as it was."""
        return [n for n, one in self._repositories.items() if one.state() != self._before[n]]

    def processes(self) -> list[Process]:
        """Every process of the machine."""
        needle = os.fsencode(f"PARAMEDIC_DATA={self.machine.data}")
        return [found for found in map(_process, _pids()) if found and needle in _said(found.pid)]

    @property
    def _url(self) -> str:
        """Where its events are sent; the bundled server always has the same socket."""
        return self.broker_url or f"redis+socket://{self.machine.data / 'valkey.sock'}"

    def _strike(self, chance: random.Random) -> None:
        """Kill one process: each kind once, then mostly of a pool, seldom all at once."""
        kind = self._not_yet.pop() if self._not_yet else chance.choices(KINDS, WEIGHTS)[0]
        if kind == "machine":
            self._restart_machine()
        elif kind == "broker" and self.strike_broker is not None:
            self.strike_broker()
        elif found := self._of_kind(kind) or self._of_kind("worker"):
            chance.choice(found).kill()
        self.kills[kind] += 1

    def _of_kind(self, kind: str) -> list[Process]:
        everything = self.processes()
        workers = [one for one in everything if " -A paramedic_workers " in one.command]
        pids = {one.pid for one in workers}
        if kind == "child":
            return [one for one in workers if one.parent in pids]
        if kind == "worker":
            return [one for one in workers if one.parent not in pids]
        return [one for one in everything if "valkey-server" in one.command]

    def _restart_machine(self) -> None:
        """Everything dies at once, as it does when the power fails; then it starts again."""
        assert self._up is not None
        with suppress(ProcessLookupError):
            os.kill(self._up.pid, signal.SIGKILL)
        self._up.wait()
        self._start()

    def _start(self) -> None:
        environment = self.machine.environment()
        if self.broker_url:
            environment["PARAMEDIC_BROKER_URL"] = self.broker_url
        with (self.machine.folder / "up.log").open("ab") as log:
            self._up = subprocess.Popen(
                [str(PROGRAM), "up", "--heal-workers", "2"],
                cwd=self.machine.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _add_target(self, name: str, tests: str) -> None:
        files = {"shop.py": _SHOP, "test_shop.py": tests, "pyproject.toml": LEAN_PYTEST}
        files[".gitignore"] = "__pycache__/\n.pytest_cache/\n"
        self._repositories[name] = make_repository(self.machine.folder / "code" / name, files)

    def _tests(self, name: str) -> list[str]:
        return [f"test_{number}" for number in range(1 if name == POISON else TESTS)]

    def _revision(self, name: str) -> str:
        return self._repositories[name].git("rev-parse", "HEAD")


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").glob("[0-9]*"))


def _process(pid: int) -> Process | None:
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
    except OSError:  # it has ended
        return None
    if state == "Z":
        return None
    return Process(pid=pid, parent=int(parent), command=command.decode("utf-8", "replace"))


def _said(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes()
    return b""
