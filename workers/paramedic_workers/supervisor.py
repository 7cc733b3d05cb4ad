"""The supervisor: everything that one machine needs, started, kept running, and stopped.

1. The data directory is locked; with no broker configured, or RabbitMQ without a Redis for
   the ledger, the bundled server is started.
2. What an earlier, killed run was healing waits again at once: no worker of it is left.
3. The workers and beat are started, as ordinary `celery` commands with logs of their own.
4. What dies is started again, after a pause that grows while it keeps dying; what it was
   healing waits again at once, with a note of how it died.
5. Stopping ends the workers first (a heal that does not end in time waits for the next
   start, and does not count as an attempt, see `stopping`), then the server, which loses
   nothing.

Children are started by the thread that watches them, and die with it: a killed supervisor
leaves no process behind.
"""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import msgspec
import redis
import structlog

from paramedic_workers import topology
from paramedic_workers.app import HANDED_SETTINGS, make_app
from paramedic_workers.children import FIRST_PAUSE, Child, put_aside
from paramedic_workers.connections import configured_ledger_url, speaks_amqp, state_client
from paramedic_workers.deaths import OutOfMemoryWatch, words_for_exit
from paramedic_workers.embedded import DirectoryLock, Embedded, lock_directory
from paramedic_workers.errors import BrokerError
from paramedic_workers.healing.workspace import sweep_leftovers
from paramedic_workers.housekeeping import keep_house
from paramedic_workers.recovery import LostBy, return_dead, return_everything
from paramedic_workers.roles import APPLICATION, roles
from paramedic_workers.settings import Settings
from paramedic_workers.stopping import CLEAN_UP_SECONDS
from paramedic_workers.tasks import ring_group

#: Seconds that workers have to end, after those in which they end their heals themselves.
GRACE = 5.0
_POLL_SECONDS = 0.05

_log = structlog.get_logger()


class StopSignals:
    """Counts SIGINT and SIGTERM for as long as its block runs; only in the main thread.

    A number and no `threading.Event`: a handler that runs while its own thread waits for
    an event can find the event's lock taken, and then nothing ever stops.
    """

    def __init__(self) -> None:
        self.count = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopSignals:
        """Begin to note them."""
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        """Leave them to whoever had them before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def came(self) -> bool:
        """Whether one came."""
        return self.count > 0

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1


@dataclass(kw_only=True)
class Supervisor:
    """Runs the broker, the workers and beat of one machine.

    Use as a context manager, or call `start` and `stop`.
    """

    settings: Settings
    #: Heal workers, and heals that each may run at once.
    heal_workers: int = 1
    heal_concurrency: int = 2
    #: Seconds after which workers that were stopped are killed; None: longer than they need
    #: by their settings.
    grace: float | None = None
    #: The module of the workers' Celery application, as `celery -A` takes it.
    application: str = APPLICATION
    embedded: Embedded | None = None
    children: list[Child] = field(default_factory=list)
    _lock: DirectoryLock | None = None
    _url: str = ""
    _ledger_url: str = ""
    #: The settings handed to the workers, while there are any.
    _handed: Path | None = None
    #: Where workers put temporary files.
    _scratch: Path | None = None
    _stopping: threading.Event = field(default_factory=threading.Event)
    _started: threading.Event = field(default_factory=threading.Event)
    #: Set when nothing is left that would die with the thread that started it.
    _ended: threading.Event = field(default_factory=threading.Event)
    #: Held while a child is started: once `_stopping` is set, no other one is.
    _starting: threading.Lock = field(default_factory=threading.Lock)
    _watcher: threading.Thread | None = None
    _memory: OutOfMemoryWatch = field(default_factory=OutOfMemoryWatch)

    @property
    def broker_url(self) -> str:
        """The kombu URL of the broker that its workers use."""
        return self._url

    @property
    def ledger_url(self) -> str:
        """The kombu URL of the Redis that holds the ledger."""
        return self._ledger_url

    def start(self) -> None:
        """Start everything; returns when the processes exist, see `ready`.

        Raises:
            UsageError: Paramedic already runs on the data directory.
            BrokerError: the bundled server cannot be started, or the ledger not be reached.
        """
        data = self.settings.data_directory()
        lock = lock_directory(data)
        self._stopping.clear()
        try:
            self._ledger_url = configured_ledger_url(self.settings)
            if not self._ledger_url:
                self.embedded = Embedded.start(data, lock)
                self._ledger_url = self.embedded.url
                self._return_work(LostBy.DEATH)
            else:
                self._lock = lock
            self._url = self.settings.broker_url or self._ledger_url
            sweep_leftovers(data)
            keep_house(self.settings)
            self._start_children()
        except BaseException:
            self.stop()
            raise

    def ready(self, timeout: float = 30.0, give_up: Callable[[], bool] = lambda: False) -> bool:
        """Whether every worker answers.

        Args:
            timeout: seconds to wait for it.
            give_up: asked while waiting; true ends it.
        """
        app = make_app(self._settings_in_use())
        expected = sum(child.role.answers for child in self.children)
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and not give_up():
            if all(child.running for child in self.children):
                answers = app.control.broadcast("ping", reply=True, limit=expected, timeout=0.3)
                if len({name for answer in answers or [] for name in answer}) >= expected:
                    return True
            time.sleep(_POLL_SECONDS)
        return False

    def run(self, on_ready: Callable[[], None] = lambda: None, ready_timeout: float = 60.0) -> None:
        """Start, and keep running until SIGINT or SIGTERM; then stop cleanly.

        A second signal interrupts heals that still run. Only in the main thread of a process.

        Args:
            on_ready: called once, when every worker answers.
            ready_timeout: seconds until they must.

        Raises:
            UsageError, BrokerError: see `start`; BrokerError also where a worker does not
                answer in time.
        """
        with StopSignals() as signals:
            try:
                self.start()
                if self.ready(ready_timeout, lambda: signals.came):
                    on_ready()
                elif not signals.came:
                    raise BrokerError(
                        f"The workers did not answer within {ready_timeout:.0f} s.",
                        remedy=f"Their logs are in {self.settings.data_directory() / 'logs'}.",
                    )
                while not signals.came:
                    time.sleep(_POLL_SECONDS)
            finally:
                self.stop(lambda: signals.count > 1)

    def stop(self, hurry: Callable[[], bool] = lambda: False) -> None:
        """Stop everything, within the grace and a few seconds more; may be called twice.

        Args:
            hurry: asked while running heals have time to end; true interrupts them.
        """
        with self._starting:
            self._stopping.set()
        self._end_children(hurry)
        sweep_leftovers(self.settings.data_directory())
        if self.embedded is not None:
            if self.embedded.alive():
                self._return_work(LostBy.STOP)
            self.embedded.stop()
            self.embedded = None
        elif self._ledger_url and self.children:
            self._return_dead("killed: it did not end when its worker was stopped")
        self.children = []
        self._ended.set()
        if self._watcher is not None:
            self._watcher.join()
            self._watcher = None
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None
        if self._handed is not None:
            self._handed.unlink(missing_ok=True)
            self._handed = None

    def __enter__(self) -> Supervisor:
        """Start everything."""
        self.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Stop everything."""
        self.stop()

    def _return_work(self, why: LostBy) -> None:
        """Let what no worker does any more wait again; the bundled server has no others."""
        with state_client(self._ledger_url) as client:
            returned = return_everything(client, topology.sink_names(self.settings), why)
        if returned:
            _log.info("incidents wait again", incidents=returned, why=why)

    def _return_dead(self, how: str) -> list[str]:
        """Let what dead processes were healing wait again; gives its groups.

        Where the ledger cannot be reached, that waits for the end of their leases.
        """
        try:
            with state_client(self._ledger_url) as client:
                groups = return_dead(client, how)
        except redis.RedisError as error:
            _log.error("lost heals wait for the end of their leases", error=str(error))
            return []
        if groups:
            _log.warning("heals of dead workers wait again", groups=groups, how=how)
        return groups

    def _note_death(self, child: Child) -> None:
        how = words_for_exit(child.note_death(), self._memory)
        groups = self._return_dead(f"its worker {'was ' if how.startswith('killed') else ''}{how}")
        if not groups:
            return
        with make_app(self._settings_in_use()) as app:
            for group in groups:
                ring_group(app, group, "its worker died")

    def _start_children(self) -> None:
        self.children = [
            Child(role=role)
            for role in roles(
                self.settings,
                heal_workers=self.heal_workers,
                heal_concurrency=self.heal_concurrency,
                application=self.application,
            )
        ]
        logs = self.settings.data_directory() / "logs"
        for child in self.children:
            put_aside(logs / f"{child.role.name}.log")
        environment = self._environment()
        self._started.clear()
        self._ended.clear()
        self._watcher = threading.Thread(
            target=self._watch, args=(logs, environment), name="supervisor", daemon=True
        )
        self._watcher.start()
        self._started.wait()

    def _settings_in_use(self) -> Settings:
        """The settings, with the bundled server's address where that is used."""
        state_url = self._ledger_url if speaks_amqp(self._url) else ""
        return msgspec.structs.replace(self.settings, broker_url=self._url, state_url=state_url)

    def _environment(self) -> dict[str, str]:
        """The environment of the workers: they get these settings, whatever the file says."""
        data = self.settings.data_directory().absolute()
        handed = data / "handed.json"
        settings = msgspec.structs.replace(self._settings_in_use(), data=str(data))
        handed.unlink(missing_ok=True)
        self._handed = handed
        descriptor = os.open(handed, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(settings))
        return {
            **os.environ,
            HANDED_SETTINGS: str(handed),
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": str(self._fresh_scratch(data)),
        }

    def _fresh_scratch(self, data: Path) -> Path:
        """An empty folder for what workers leave behind: pools do, and what is killed."""
        self._scratch = data / "tmp"
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir(mode=0o700)
        return self._scratch

    def _watch(self, logs: Path, environment: dict[str, str]) -> None:
        """Start what does not run, until the supervisor stops and nothing is left running."""
        while not self._stopping.is_set():
            self._watch_server()
            for child in self.children:
                if child.process is not None and not child.running:
                    self._note_death(child)
                with self._starting:
                    if child.due and not self._stopping.is_set():
                        child.start(logs, environment)
            self._started.set()
            self._stopping.wait(_POLL_SECONDS)
        # What this thread started, a restarted server too, dies with it: it must outlast them.
        self._ended.wait()

    def _watch_server(self) -> None:
        if self.embedded is None or self.embedded.alive():
            return
        _log.warning("the bundled server died and is started again")
        try:
            with self._starting:
                if not self._stopping.is_set():
                    self.embedded.restart()
        except BrokerError as error:
            _log.error("the bundled server cannot be started", error=str(error))
            self._stopping.wait(FIRST_PAUSE)

    def _end_children(self, hurry: Callable[[], bool]) -> None:
        for child in self.children:
            child.ask_to_end()
        hurried = False
        deadline = time.monotonic() + self._patience
        while any(child.running for child in self.children) and time.monotonic() < deadline:
            if hurry() and not hurried:
                hurried = True
                for child in self.children:
                    child.ask_to_end()
            time.sleep(_POLL_SECONDS)
        for child in self.children:
            if child.running:
                _log.warning("a process does not end and is killed", role=child.role.name)
                child.kill()

    @property
    def _patience(self) -> float:
        if self.grace is not None:
            return self.grace
        return self.settings.shutdown_seconds + CLEAN_UP_SECONDS + GRACE
