"""The processes of a supervisor: started, found dead, started again, stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import structlog

from paramedic_workers.processes import dying_with_parent
from paramedic_workers.roles import Role

#: Seconds before a process that died is started again: the first time, and at most.
FIRST_PAUSE = 0.5
GREATEST_PAUSE = 30.0
#: Seconds a process must run before an earlier death is forgotten.
HEALTHY_AFTER = 60.0
#: Bytes after which a log is put aside at the next start; one old log is kept.
LOG_LIMIT = 10 * 1024 * 1024
#: Seconds to wait until killed processes are gone.
_END_LIMIT = 2.0
_POLL_SECONDS = 0.02

_log = structlog.get_logger()


@dataclass(kw_only=True)
class Child:
    """One role and the process that fills it."""

    role: Role
    #: How often it died and was started again.
    restarts: int = 0
    process: subprocess.Popen[bytes] | None = None
    _pause: float = 0.0
    _started_at: float = 0.0
    _start_after: float = 0.0

    @property
    def running(self) -> bool:
        """Whether its process runs."""
        return self.process is not None and self.process.poll() is None

    def start(self, logs: Path, environment: dict[str, str]) -> None:
        """Start the process, leader of a process group of its own."""
        with (logs / f"{self.role.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                dying_with_parent(self.role.command, signal.SIGKILL),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        self._started_at = time.monotonic()

    def note_death(self) -> int | None:
        """Plan the next start; later each time, unless it had run well for a while.

        Gives the status with which it ended. Nothing of its pool lives afterwards.
        """
        if self.process is not None:
            _end_group(self.process.pid)
        healthy = time.monotonic() - self._started_at > HEALTHY_AFTER
        self._pause = FIRST_PAUSE if healthy else min(self._pause * 2, GREATEST_PAUSE)
        self._pause = max(self._pause, FIRST_PAUSE)
        self._start_after = time.monotonic() + self._pause
        self.restarts += 1
        status = self.process.returncode if self.process else None
        self.process = None
        _log.warning(
            "a process died and is started again",
            role=self.role.name,
            status=status,
            pause=self._pause,
        )
        return status

    @property
    def due(self) -> bool:
        """Whether it does not run and its pause is over."""
        return self.process is None and time.monotonic() >= self._start_after

    def ask_to_end(self) -> None:
        """Let it finish what it does, and end."""
        self._signal(signal.SIGTERM, group=False)

    def kill(self) -> None:
        """Kill it with the processes of its pool."""
        self._signal(signal.SIGKILL, group=True)
        if self.process is not None:
            self.process.wait()

    def _signal(self, number: signal.Signals, *, group: bool) -> None:
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):  # it has ended, and its pool with it
            (os.killpg if group else os.kill)(self.process.pid, number)


def _end_group(leader: int) -> None:
    """Kill what is left of a process group."""
    end = time.monotonic() + _END_LIMIT
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < end:
            os.killpg(leader, signal.SIGKILL)
            time.sleep(_POLL_SECONDS)


def put_aside(log: Path) -> None:
    """Keep a log from growing for ever."""
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.old"))
