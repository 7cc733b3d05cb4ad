"""Who holds a lease: a process of a machine, told apart from every later one with its id.

Whoever shares the machine can see whether the holder still lives, long before its lease
expires.
"""

from __future__ import annotations

import functools
import hashlib
import os
import socket
import uuid
from dataclasses import dataclass
from pathlib import Path

from paramedic_workers.healing.processes import runs_since, start_of, status_of


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A process, as the token of a lease names it."""

    machine: str
    pid: int
    #: When it was started, in clock ticks since the machine was; 0 where that is unknown.
    start: int

    @classmethod
    def here(cls) -> Holder:
        """This process."""
        return cls(machine=this_machine(), pid=os.getpid(), start=_started(os.getpid()))

    @classmethod
    def of(cls, token: str) -> Holder | None:
        """The holder that a lease's token names; None where it names none."""
        machine, *numbers = token.partition("-")[0].split(".")
        if len(numbers) != 2 or not all(number.isdigit() for number in numbers):
            return None
        return cls(machine=machine, pid=int(numbers[0]), start=int(numbers[1]))

    def new_token(self) -> str:
        """A token for one lease, which no other lease ever has."""
        return f"{self.machine}.{self.pid}.{self.start}-{uuid.uuid4().hex}"

    def is_dead(self) -> bool:
        """Whether it is known to be dead; processes of other machines never are."""
        return self.start > 0 and self._is_here() and not runs_since(self.pid, self.start)

    def is_child_of(self, parent: int) -> bool:
        """Whether it is a living child of this process of this machine."""
        if not self._is_here() or not runs_since(self.pid, self.start):
            return False
        try:
            return int(status_of(self.pid)[1]) == parent
        except OSError:
            return False

    def _is_here(self) -> bool:
        return self.machine == this_machine()


@functools.cache
def this_machine() -> str:
    """What names this machine since it was started, or this container in it.

    Two containers may have the same host name and the same kernel: their processes are
    kept apart by their process namespace.
    """
    facts = [socket.gethostname()]
    for path in ("/proc/sys/kernel/random/boot_id", "/etc/machine-id"):
        if Path(path).is_file():
            facts.append(Path(path).read_text().strip())
    namespace = Path("/proc/self/ns/pid")
    if namespace.exists():
        facts.append(str(namespace.stat().st_ino))
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def _started(pid: int) -> int:
    try:
        return start_of(pid)
    except OSError:  # no /proc: leases of this process are found by their expiry alone
        return 0
