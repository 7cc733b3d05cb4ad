"""Waiting for work in other threads, without letting it outlive or block its caller."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Task(Generic[T]):
    """A function that runs in a thread of its own.

    The thread is a daemon: one that hangs is given up and never keeps the process alive.
    Signals are handled in the main thread, which only waits: so nothing that runs in a
    task, such as the start of a process, is ever broken off in the middle by one.
    """

    def __init__(self, work: Callable[[], T], name: str) -> None:
        """Start `work` at once."""
        self._work = work
        self._answer: list[T] = []
        self._error: BaseException | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._answer.append(self._work())
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            self._error = error
        finally:
            self._done.set()

    def ended(self, seconds: float | None = None) -> bool:
        """Whether it has ended, after waiting at most that long; None: as long as it takes."""
        return self._done.wait(seconds)

    def abandon(self) -> None:
        """Ask a thread that hangs in Python code to end; nobody waits for its answer.

        It cannot be forced: a thread inside a system call ends when that returns. But a
        loop would otherwise use a processor for as long as this process lives.
        """
        number = self._thread.ident
        if number is not None:
            ask = ctypes.pythonapi.PyThreadState_SetAsyncExc
            ask(ctypes.c_ulong(number), ctypes.py_object(SystemExit))

    def answer(self) -> T:
        """What the function returned; waits for its end.

        Raises:
            BaseException: whatever the function raised.
        """
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._answer[0]


def all_of(works: Sequence[Callable[[], T]], *, at_once: int = 2) -> list[T]:
    """What each of the functions returned, in their order; that many run at the same time.

    Each is a task, also if there is only one.

    Raises:
        BaseException: what the first of them that failed has raised, after all have ended.
    """
    slots = threading.Semaphore(at_once)

    def limited(work: Callable[[], T]) -> Callable[[], T]:
        def run() -> T:
            with slots:
                return work()

        return run

    tasks = [Task(limited(work), f"paramedic-{n}") for n, work in enumerate(works)]
    for task in tasks:
        task.ended()
    return [task.answer() for task in tasks]
