"""Starts processes of a target without any sandbox."""

from __future__ import annotations

import os
import signal
import subprocess

from paramedic_workers.repair import Command


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

    description = "none: plain processes"

    def __init__(self) -> None:
        """Nothing is started yet."""
        self.started: list[LocalProcess] = []

    def start(self, command: Command) -> LocalProcess:
        """Start it; `readable` and `writable` mean nothing without a sandbox."""
        stream = subprocess.DEVNULL if command.output is None else command.output
        basics = {"PATH": os.defpath, "HOME": str(command.root), "LANG": "C.UTF-8"}
        process = subprocess.Popen(
            command.argv,
            cwd=command.directory or command.root,
            env={**basics, **command.environment},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            pass_fds=tuple(command.pass_fds),
            start_new_session=True,
        )
        started = LocalProcess(process)
        self.started.append(started)
        return started
