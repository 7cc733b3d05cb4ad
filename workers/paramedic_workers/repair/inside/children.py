"""Forks a child that may misbehave, reads what it writes, and leaves nothing of it behind.

The life of a child:

1. it gets a process group, limits and empty standard streams, and loses the pipes to
   the engine;
2. it does its work, and writes what it found to a pipe as it goes, so that a child
   that dies has still told how far it came;
3. the parent reads until the pipe closes or the time is up;
4. the parent kills the group while the dead child still holds its process id, reaps it,
   then kills whatever the child had started outside the group: as "subreaper", the
   parent inherits those.
"""

from __future__ import annotations

import ctypes
import os
import resource
import select
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

#: Bytes that a child may allocate beyond what its parent already has mapped.
MEMORY_HEADROOM = 1 << 30
#: Bytes of the largest file that a child may write.
LARGEST_FILE = 64 << 20
#: Processes that may be added to those of the user while a child runs.
PROCESSES = 128
#: Open files of a child.
OPEN_FILES = 1024
#: Bytes of a child's answer that are read.
LARGEST_ANSWER = 32 << 20

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


class OutOfTime(BaseException):
    """The CPU time of one test is up. No `Exception`, so that few handlers swallow it."""


@dataclass(frozen=True)
class ChildEnd:
    """What a child left."""

    output: bytes
    #: It ended by itself, with status 0.
    clean: bool
    #: It was stopped because its wall clock or CPU time was up.
    timed_out: bool


class Nursery:
    """Forks children, one at a time."""

    def __init__(self, private: Iterable[int], keep: set[int] | None = None) -> None:
        """Prepare this process for having children.

        Args:
            private: file descriptors that children must not have.
            keep: process ids of other children of this process that live on; may change.
                None: those that there are now, such as a server that a conftest has started.
        """
        self._private = tuple(private)
        self._keep = set(_children_of_this_process()) if keep is None else keep
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def run(self, work: Callable[[int], None], wall: float, idle: float | None = None) -> ChildEnd:
        """Run `work(pipe)` in a child.

        Args:
            work: what the child does.
            wall: seconds after which it is killed.
            idle: seconds without a word from it after which it is killed; None: any number.
        """
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            self._become_child(work, reader, writer)
        os.close(writer)
        _own_group(child)
        output, in_time = _read_until(child, reader, wall, wall if idle is None else idle)
        os.close(reader)
        status = self._bury(child)
        return ChildEnd(output, clean=in_time and status == 0, timed_out=_by_time(in_time, status))

    def die_with_parent(self) -> None:
        """Have this process killed when its parent ends, however that happens."""
        self._libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    def _become_child(self, work: Callable[[int], None], reader: int, writer: int) -> None:
        status = 1
        try:
            self.die_with_parent()
            _own_group(0)
            for descriptor in (*self._private, reader):
                os.close(descriptor)
            silence_standard_streams()
            _limit()
            work(writer)
            status = 0
        finally:
            # Whatever it was that happened: a child never returns into the server's code.
            os._exit(status)

    def _bury(self, child: int) -> int:
        _kill_group(child, unless_ended=True)
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        # The group's id cannot be reused while the dead child has not been reaped.
        _kill_group(child, unless_ended=False)
        _, status = os.waitpid(child, 0)
        self._bury_orphans()
        return status

    def _bury_orphans(self) -> None:
        for _ in range(20):
            orphans = [pid for pid in _children_of_this_process() if pid not in self._keep]
            if not orphans:
                return
            for orphan in orphans:
                os.kill(orphan, signal.SIGKILL)
                os.waitpid(orphan, 0)


def limit_cpu(seconds: float, *, lethal: bool) -> None:
    """Stop this process, or raise OutOfTime in it, after this much CPU time.

    Args:
        seconds: CPU seconds from now; 0 takes the limit away.
        lethal: whether the process ends, also inside a loop in C.
    """
    if lethal:
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        return
    rings = 0

    def ring(_signal: int, _frame: object) -> None:
        nonlocal rings
        rings += 1
        if rings > 2:
            os._exit(9)
        raise OutOfTime

    signal.signal(signal.SIGPROF, ring)
    # Rings again, because a handler in the code under test may swallow the first.
    signal.setitimer(signal.ITIMER_PROF, seconds, max(seconds, 0.02) if seconds else 0.0)


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte to a pipe."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def silence_standard_streams() -> None:
    """Point stdin, stdout and stderr to the null device."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    if null > 2:
        os.close(null)


def _own_group(process: int) -> None:
    try:
        os.setpgid(process, process)
    except (PermissionError, ProcessLookupError):
        # Parent and child both try: one of them comes second.
        return


def _kill_group(child: int, *, unless_ended: bool) -> None:
    if unless_ended and _has_ended(child):
        return
    try:
        os.killpg(child, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _has_ended(child: int) -> bool:
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def _by_time(in_time: bool, status: int) -> bool:
    limits = (signal.SIGPROF, signal.SIGXCPU)
    return not in_time or (os.WIFSIGNALED(status) and os.WTERMSIG(status) in limits)


def _read_until(child: int, reader: int, wall: float, idle: float) -> tuple[bytes, bool]:
    """What was written until the child ended, and whether that was in time."""
    output = bytearray()
    deadline = time.monotonic() + wall
    patience = time.monotonic() + idle
    poll = select.poll()
    poll.register(reader, select.POLLIN | select.POLLHUP)
    while len(output) < LARGEST_ANSWER:
        left = min(deadline, patience) - time.monotonic()
        if left <= 0:
            return bytes(output), False
        # A process that the child started may hold the pipe open after the child's end.
        if not poll.poll(min(left, 0.05) * 1000):
            if _has_ended(child) and not poll.poll(0):
                return bytes(output), True
            continue
        part = os.read(reader, 1 << 16)
        if not part:
            return bytes(output), True
        output += part
        patience = time.monotonic() + idle
    return bytes(output), False


def _limit() -> None:
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, LARGEST_FILE)
    _lower(resource.RLIMIT_NOFILE, OPEN_FILES)
    _lower(resource.RLIMIT_AS, _mapped_bytes() + MEMORY_HEADROOM)
    _lower(resource.RLIMIT_NPROC, _threads_of_this_user() + PROCESSES)


def _lower(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(limit, (value, value))


def _mapped_bytes() -> int:
    facts = os.open("/proc/self/statm", os.O_RDONLY)
    pages = int(os.read(facts, 64).split()[0])
    os.close(facts)
    return pages * resource.getpagesize()


_counted: list[int] = []


def count_processes() -> None:
    """Count the user's processes now, once, as the base of the children's limit."""
    _counted[:] = [sum(_threads(entry) for entry in Path("/proc").iterdir())]


def _threads_of_this_user() -> int:
    return _counted[0] if _counted else 4096


def _threads(entry: Path) -> int:
    if not entry.name.isdigit():
        return 0
    try:
        facts = (entry / "task").stat()
    except OSError:
        return 0
    return max(1, facts.st_nlink - 2) if facts.st_uid == os.getuid() else 0


def _children_of_this_process() -> list[int]:
    try:
        found = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    except OSError:
        return []
    return [int(pid) for pid in found.split()]
