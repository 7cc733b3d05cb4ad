"""The root of a process tree without bubblewrap: nothing that it starts gets out of its sight.

A program of its own, started with nothing but the standard library: `guard.py COMMAND…`.
The kernel hands it, as "child subreaper", every descendant whose parent has died; so
whoever left its session and cleared its environment is still found below it.

1. It starts the command, and waits for it.
2. When the command has ended, or the worker is gone, it kills whatever is left below it.
3. It ends as the command did: with its status, or by its signal.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterator

#: prctl(2).
_SET_DEATH_SIGNAL = 1
_SET_CHILD_SUBREAPER = 36
#: Python ignores these; a command must not inherit that.
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
_PAUSE = 0.002


class _WorkerGone(BaseException):
    """The worker that started this tree is dead."""


def main(command: list[str]) -> None:
    """Run the command to its end, and end like it."""
    prctl = ctypes.CDLL(None).prctl
    prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = os.fork()
    if child == 0:
        _become(command)
    signal.signal(signal.SIGTERM, _give_up)
    prctl(_SET_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
    status = signal.SIGTERM.value
    try:
        status = _status_of(child)
    except _WorkerGone:
        pass
    finally:
        _end_the_rest()
    _end_like(status)


def _become(command: list[str]) -> None:
    """Replace this process by the command."""
    try:
        for number in _IGNORED_BY_PYTHON:
            signal.signal(number, signal.SIG_DFL)
        os.execvp(command[0], command)
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
    finally:
        os._exit(127)


def _give_up(_number: int, _frame: object) -> None:
    raise _WorkerGone


def _status_of(child: int) -> int:
    """How the command ended, as `wait` says it; others that end are reaped by the way."""
    while True:
        pid, status = os.wait()
        if pid == child:
            return status


def _end_the_rest() -> None:
    """Kill everything below until nothing is left: who is killed leaves its children to us."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        for pid in _children():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(_PAUSE)


def _children() -> Iterator[int]:
    """The processes whose parent this is, or has become."""
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib would double the time to start
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 - see above
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            yield int(name)


def _end_like(status: int) -> None:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status))


if __name__ == "__main__":
    main(sys.argv[1:])
