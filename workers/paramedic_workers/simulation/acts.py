"""What faults do when they strike; only ever called in a worker of a simulation."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from paramedic_workers.errors import DeliveryError
from paramedic_workers.simulation.faults import Fault, FaultBook, Kind, Place

#: Bytes that a process may take beyond what it has when its memory shall run out.
_MEMORY_LEFT = 256 * 1024 * 1024
_CHUNK = 16 * 1024 * 1024
#: Leases for which a process is frozen: the others must notice, and finish.
_FROZEN_LEASES = 3.0
#: Seconds after which a pause that nobody ends is over.
_LONGEST_PAUSE = 120.0
_LOOK = 0.05


class Unprintable(Exception):
    """An exception whose `str` raises."""

    def __str__(self) -> str:
        """Raise.

        Raises:
            ValueError: always.
        """
        raise ValueError("no text for you")


def _no_space() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


#: Exceptions by the name in a fault.
EXCEPTIONS: Mapping[str, Callable[[], BaseException]] = {
    "Exception": Exception,
    "AssertionError": AssertionError,
    "RuntimeError": lambda: RuntimeError("this fault was injected"),
    "KeyboardInterrupt": KeyboardInterrupt,
    "SystemExit": lambda: SystemExit(3),
    "GeneratorExit": GeneratorExit,
    "Unprintable": Unprintable,
    "OSError": _no_space,
    "DeliveryError": lambda: DeliveryError("The sink is down."),
}


@dataclass(frozen=True, kw_only=True)
class Striker:
    """Lets faults strike in this process."""

    book: FaultBook
    #: The data directory, which says where the broker is.
    data: Path
    lease_seconds: float

    def strike(self, target: str, place: Place) -> None:
        """Let the fault strike that is due for this target here, if there is one.

        Raises:
            BaseException: whatever the fault says.
        """
        fault = self.book.next_strike(target, place)
        if fault is not None:
            self._act(fault, target)

    def _act(self, fault: Fault, target: str) -> None:
        match fault.kind:
            case Kind.RAISE:
                raise EXCEPTIONS[fault.exception]()
            case Kind.HANG:
                while True:
                    time.sleep(3600)
            case Kind.EAT_MEMORY:
                _eat_memory()
            case Kind.KILL_CHILD:
                os.kill(os.getpid(), signal.SIGKILL)
            case Kind.KILL_WORKER:
                os.killpg(os.getpgrp(), signal.SIGKILL)
            case Kind.KILL_BROKER:
                self._kill_broker()
            case Kind.FREEZE:
                _freeze(self.lease_seconds * _FROZEN_LEASES)
            case Kind.PAUSE:
                self._pause(target)

    def _kill_broker(self) -> None:
        address = json.loads((self.data / "embedded.json").read_text())
        os.kill(address["pid"], signal.SIGKILL)

    def _pause(self, target: str) -> None:
        end = time.monotonic() + _LONGEST_PAUSE
        while not self.book.may_go_on(target) and time.monotonic() < end:
            time.sleep(_LOOK)


def _eat_memory() -> None:
    """Take memory until there is none, in bounds that do not hurt the machine.

    Raises:
        MemoryError: always.
    """
    before, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    bound = pages * resource.getpagesize() + _MEMORY_LEFT
    resource.setrlimit(resource.RLIMIT_AS, (bound, hard))
    taken: list[bytearray] = []
    try:
        while True:
            taken.append(bytearray(_CHUNK))
    finally:
        taken.clear()
        resource.setrlimit(resource.RLIMIT_AS, (before, hard))


def _freeze(seconds: float) -> None:
    """Stop this process, and let another one wake it up."""
    wake = f"sleep {seconds:.1f}; kill -CONT {os.getpid()}"
    subprocess.Popen(
        ["/bin/sh", "-c", wake],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.kill(os.getpid(), signal.SIGSTOP)
