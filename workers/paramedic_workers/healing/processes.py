"""Process trees of target code: waited for, read within bounds, and killed to the last one.

Under bubblewrap a tree is a process namespace, which dies with its first process.
Without it, a tree is everything below its guard (`guard.py`), which inherits whoever
loses its parent. Should target code kill the guard, what is left is found by the session
that was started, and by the mark that we put into its environment.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

#: Environment variable that marks every process of a tree: `<pid>.<start>-<random>`, of its worker.
MARK = "PARAMEDIC_TREE"
#: Bytes of output that are kept: this many of the beginning, and of the end.
KEPT_OUTPUT = 32 * 1024
#: Seconds that the kernel may take to end what was killed.
_GRACE = 10.0
_PAUSE = 0.005
#: States of processes that have ended and are not yet reaped.
_DEAD = (b"Z", b"X")


class ProcessTree:
    """A started process and all that came of it; implements `Process`.

    Must be waited for or killed in the process that started it, whose starting thread must
    stay alive: the kernel ends the tree with that thread.
    """

    def __init__(
        self,
        popen: subprocess.Popen[bytes],
        *,
        end_others: Callable[[], None],
        clean_up: Callable[[], None] = lambda: None,
    ) -> None:
        """Watch over a process that leads a session of its own.

        Args:
            popen: the first process.
            end_others: kills whatever else is in the tree; returns when nothing is left. It
                is called while the first process still lives, unless that ended by itself.
            clean_up: called once when the whole tree has ended.
        """
        self._popen = popen
        self._end_others = end_others
        self._clean_up = clean_up
        self._status: int | None = None
        self._lock = threading.Lock()

    @property
    def pid(self) -> int:
        """The first process's id."""
        return self._popen.pid

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, negative for a signal; nothing of the tree is left then.

        Raises:
            TimeoutError: it did not end in time.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        if self._status is None and not _await_end(self._popen, deadline):
            raise TimeoutError(f"process {self.pid} did not end within {timeout} seconds")
        return self._finish()

    def kill(self) -> None:
        """Kill it with every process it started; returns when none is left."""
        self._finish()

    def _finish(self) -> int:
        """Kill what is left, then reap: until then the group's id cannot be anyone else's."""
        with self._lock:
            if self._status is None:
                self._end_others()
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._popen.pid, signal.SIGKILL)
                self._status = _signed(self._popen.wait())
                self._clean_up()
            return self._status


class BoundedOutput:
    """The reading end of a pipe: keeps the beginning and the end of what is written to it."""

    def __init__(self, limit: int = KEPT_OUTPUT) -> None:
        """Open the pipe and start to read; `limit` bytes of each end are kept."""
        self._limit = limit
        self._head = bytearray()
        self._tail = bytearray()
        self._left_out = 0
        self._reader, self.descriptor = os.pipe()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Close the writing end: done once the process has inherited it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def text(self) -> str:
        """All that was kept, once every writer is gone."""
        self.close()
        self._thread.join()
        head = self._head.decode(errors="replace")
        tail = self._tail.decode(errors="replace")
        if not self._left_out:
            return head + tail
        return f"{head}\n… {self._left_out} bytes left out …\n{tail}"

    def _read(self) -> None:
        with os.fdopen(self._reader, "rb", buffering=0) as pipe:
            while chunk := pipe.read(65536):
                self._keep(chunk)

    def _keep(self, chunk: bytes) -> None:
        room = self._limit - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[max(room, 0) :]
        excess = len(self._tail) - self._limit
        if excess > 0:
            del self._tail[:excess]
            self._left_out += excess


def end_namespace(first: int | None) -> Callable[[], None]:
    """Ends a process namespace by its first process, given by a pidfd; None: it is gone."""

    def end() -> None:
        if first is None:
            return
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(first, signal.SIGKILL)
        # It ends when the kernel has ended and reaped all that was in the namespace.
        _is_over(first, _GRACE)
        os.close(first)

    return end


def end_guarded(mark: str, guard: int) -> Callable[[], None]:
    """Ends every process below the guard, then the guard, then who else bears its mark.

    The guard goes last: as long as it lives, nobody below it can get out of sight.
    """

    def end() -> None:
        _kill_all(lambda: _below(guard))
        _kill_all(lambda: (pid for pid in _processes() if _belongs(pid, mark, guard)))

    return end


def end_marked(mark: str) -> None:
    """Kill every process that bears the mark; returns when none is left."""
    _kill_all(lambda: (pid for pid in _processes() if _mark_of(pid) == mark))


def _kill_all(find: Callable[[], Iterable[int]]) -> None:
    """Kill what is found until nothing is found any more; gives up after the grace."""
    deadline = time.monotonic() + _GRACE
    while time.monotonic() < deadline:
        found = tuple(find())
        if not found:
            return
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_PAUSE)


def _below(root: int) -> Iterator[int]:
    """The living descendants of a process."""
    children: dict[int, list[int]] = {}
    for pid in _processes():
        with suppress(OSError):
            state, parent, *_ = status_of(pid)
            children.setdefault(int(parent), []).append(pid if state not in _DEAD else -pid)
    waiting = [root]
    while waiting:
        for pid in children.get(waiting.pop(), ()):
            if pid > 0:
                yield pid
            waiting.append(abs(pid))


def new_mark() -> str:
    """A mark that no other tree carries."""
    return f"{os.getpid()}.{start_of(os.getpid())}-{os.urandom(8).hex()}"


def end_orphans() -> int:
    """Kill marked processes whose worker is dead; says how many there were."""
    ended = 0
    for pid in _processes():
        mark = _mark_of(pid)
        if mark and not _lives(mark.partition("-")[0]):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
                ended += 1
    return ended


def threads_of(user: int) -> int:
    """How many threads a user runs: what RLIMIT_NPROC counts."""
    total = 0
    for pid in _processes():
        with suppress(OSError):
            if Path(f"/proc/{pid}").stat().st_uid == user:
                # A folder has a link for itself, one from its parent, and one per folder in it.
                total += Path(f"/proc/{pid}/task").stat().st_nlink - 2
    return total


def _await_end(popen: subprocess.Popen[bytes], deadline: float | None) -> bool:
    """Whether the process ends in time; it is not reaped."""
    descriptor = os.pidfd_open(popen.pid)
    try:
        return _is_over(descriptor, None if deadline is None else deadline - time.monotonic())
    finally:
        os.close(descriptor)


def _is_over(pidfd: int, timeout: float | None) -> bool:
    """Whether the process ends within so many seconds."""
    ended = select.poll()
    ended.register(pidfd, select.POLLIN)
    return bool(ended.poll(None if timeout is None else max(0.0, timeout) * 1000))


def _signed(status: int) -> int:
    """bubblewrap says 128 + N for a process that was ended by signal N."""
    return 128 - status if 128 < status <= 128 + signal.SIGRTMAX else status


def _processes() -> Iterator[int]:
    return (int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit())


def _belongs(pid: int, mark: str, session: int) -> bool:
    with suppress(OSError):
        if _is_zombie(pid):
            return False
        return os.getsid(pid) == session or _mark_of(pid) == mark
    return False


def _is_zombie(pid: int) -> bool:
    return status_of(pid)[0] in _DEAD


def _lives(worker: str) -> bool:
    """Whether the worker of a mark still runs: its id may be another process's by now."""
    pid, _, start = worker.partition(".")
    with suppress(ValueError):
        return runs_since(int(pid), int(start))
    return False


def runs_since(pid: int, start: int) -> bool:
    """Whether a process lives that was started then, see `start_of`; not a later one."""
    with suppress(OSError):
        return start_of(pid) == start and not _is_zombie(pid)
    return False


def start_of(pid: int) -> int:
    """When a process was started, in clock ticks since the machine was.

    Raises:
        OSError: there is no such process, or no /proc.
    """
    return int(status_of(pid)[19])


def status_of(pid: int) -> list[bytes]:
    """The fields of its `stat` from the third, its state, on; proc(5) tells what they are.

    Raises:
        OSError: there is no such process, or no /proc.
    """
    return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()


def _mark_of(pid: int) -> str:
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return ""
    prefix = f"{MARK}=".encode()
    return next((v[len(prefix) :].decode() for v in variables if v.startswith(prefix)), "")
