"""Stopping a worker: a running heal ends by itself if it can, else it is interrupted.

1. SIGTERM makes Celery take no more messages and wait for what runs.
2. After `shutdown_seconds`, or at the second SIGTERM, the processes that heal get
   `INTERRUPT`. A heal then cleans up, its group waits again, and the attempt does not
   count (`groups`).
3. A worker that still has not ended some seconds later is killed with its pool: its
   messages come back, and its leases are given back by whoever starts next.

A heal that has lost its lease is interrupted in the same way.
"""

from __future__ import annotations

import _thread
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

import structlog

#: Tells a process that heals to stop healing.
INTERRUPT = signal.SIGUSR2
#: Seconds that an interrupted heal has to clean up before its worker is killed.
CLEAN_UP_SECONDS = 10.0
#: Seconds between two interruptions: a heal may begin after the first one.
_AGAIN_SECONDS = 0.5
_POLL_SECONDS = 0.05

_log = structlog.get_logger()


class HealInterrupted(BaseException):
    """The heal was told to stop."""


@dataclass(kw_only=True)
class Interruption:
    """Lets the heal of this process be interrupted; there is one for each process."""

    #: Whether the heal that runs, or ran last, was interrupted.
    came: bool = False
    _listening: bool = False
    _installed: bool = False

    def install(self) -> None:
        """Take the signal from now on: without a heal it does nothing. In any thread but the
        main one nothing can be interrupted, and this does nothing.
        """
        if not self._installed and threading.current_thread() is threading.main_thread():
            signal.signal(INTERRUPT, self._handle)
            self._installed = True

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Interrupt what runs in the block with `HealInterrupted`, at most once."""
        self.install()
        self.came = False
        self._listening = threading.current_thread() is threading.main_thread()
        try:
            yield
        finally:
            self._listening = False

    def now(self) -> None:
        """Interrupt the heal of this process, from any thread."""
        if self._installed and self._listening:
            signal.pthread_kill(threading.main_thread().ident or 0, INTERRUPT)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if self._listening:
            self._listening = False
            self.came = True
            raise HealInterrupted("This heal was told to stop.")


#: Of this process.
INTERRUPTION = Interruption()


@dataclass(kw_only=True)
class Stop:
    """The stop of a worker; `ask` is called by its signal handler, once for each signal."""

    #: Seconds that running heals have to end by themselves.
    seconds: float
    #: The processes that heal.
    processes: Callable[[], Iterable[int]]
    clean_up_seconds: float = CLEAN_UP_SECONDS
    _asked: int = field(default=0, init=False)

    def ask(self) -> None:
        """Begin to stop; the second time, without patience.

        No `threading.Thread`: the lock it takes to start may be held by what the signal
        has interrupted.
        """
        self._asked += 1
        if self._asked == 1:
            _thread.start_new_thread(self._run, ())

    def _run(self) -> None:
        self._wait(self.seconds)
        _log.warning("what still runs is interrupted", after=self.seconds)
        end = time.monotonic() + self.clean_up_seconds
        while time.monotonic() < end:
            self._interrupt()
            time.sleep(_AGAIN_SECONDS)
        _log.error("this worker does not end, and is killed", after=self.clean_up_seconds)
        os.kill(os.getpid(), signal.SIGKILL)

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._asked < 2:
            time.sleep(_POLL_SECONDS)

    def _interrupt(self) -> None:
        for pid in self.processes():
            try:
                os.kill(pid, INTERRUPT)
            except ProcessLookupError:
                continue
