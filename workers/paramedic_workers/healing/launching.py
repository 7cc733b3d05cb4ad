"""Every process that a heal started, so that none outlives it.

The launcher of a heal is wrapped: what was started through it can be killed at once, and
nothing more can be started afterwards. A strategy gets a wrapper of its own inside the
heal's, so that one which hangs can be stopped alone.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from paramedic_workers.errors import HealerError
from paramedic_workers.healing.model import Command, Launcher, Process


class ClosableLauncher:
    """A launcher that remembers what it started and can end all of it."""

    def __init__(self, launcher: Launcher, readable: Sequence[Path] = ()) -> None:
        """Start processes through `launcher`; all of them may read `readable`."""
        self._launcher = launcher
        self._readable = tuple(readable)
        self._lock = threading.Lock()
        self._running: set[_Remembered] = set()
        self._closed = False

    @property
    def description(self) -> str:
        """What keeps the processes apart; see `healing.model.Launcher`."""
        return self._launcher.description

    def start(self, command: Command) -> Process:
        """Start a process; see `healing.model.Launcher`.

        Raises:
            HealerError: the heal has ended.
            SandboxError: the sandbox is required and cannot be set up.
        """
        with self._lock:
            if self._closed:
                raise HealerError(
                    "No process can be started any more: this part of the heal ended."
                )
            process = self._launcher.start(
                replace(command, readable=(*dict.fromkeys((*command.readable, *self._readable)),))
            )
            remembered = _Remembered(process, self)
            self._running.add(remembered)
        return remembered

    def close(self) -> None:
        """Kill whatever still runs, and refuse to start more; may be called twice."""
        with self._lock:
            self._closed = True
            running = tuple(self._running)
        for process in running:
            process.kill()

    def forget(self, process: _Remembered) -> None:
        """Note that a process has ended with all its children."""
        with self._lock:
            self._running.discard(process)


class _Remembered:
    """A process that its launcher knows until it was killed.

    A process that ended by itself may have left children: only `kill`, which runners call
    in any case, makes sure of them.
    """

    def __init__(self, process: Process, launcher: ClosableLauncher) -> None:
        self._process = process
        self._launcher = launcher

    def wait(self, timeout: float | None = None) -> int:
        """The exit status; see `healing.model.Process`."""
        return self._process.wait(timeout)

    def kill(self) -> None:
        """Kill it with every process it started."""
        self._process.kill()
        self._launcher.forget(self)
