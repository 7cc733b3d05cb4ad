"""Starts processes of a target without any sandbox."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path


class LocalProcess:
    """A process in a group of its own."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        """Take over a started process that leads its group."""
        self._process = process
        self.pid = process.pid

    def wait(self, timeout: float | None = None) -> int:
        """The exit status.

        Raises:
            TimeoutError: it did not end in time.
        """
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError from error

    def kill(self) -> None:
        """Kill the group."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class LocalLauncher:
    """Plain subprocesses; keeps what it started, for tests that look at it."""

    def __init__(self) -> None:
        """Nothing is started yet."""
        self.started: list[LocalProcess] = []

    def start(
        self,
        argv: Sequence[str],
        *,
        root: Path,
        directory: Path | None = None,
        readable: Sequence[Path] = (),
        writable: Sequence[Path] = (),
        environment: dict[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        output: int | None = None,
    ) -> LocalProcess:
        """Start `argv`; `readable` and `writable` mean nothing without a sandbox."""
        stream = subprocess.DEVNULL if output is None else output
        process = subprocess.Popen(
            argv,
            cwd=directory or root,
            env={"PATH": os.defpath, "HOME": str(root), "LANG": "C.UTF-8", **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )
        started = LocalProcess(process)
        self.started.append(started)
        return started
