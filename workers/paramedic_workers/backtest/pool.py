"""Work in processes of its own, a few at a time: what breaks one takes no other with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Generic, TypeVar

from paramedic_workers.errors import WorkerLost, describe

T = TypeVar("T")
R = TypeVar("R")

#: A process that is asked to end cleans up its working trees; then it is killed.
_ENDING_SECONDS = 30.0


@dataclass(frozen=True)
class Done(Generic[T, R]):
    """One piece of work that came to its end."""

    item: T
    #: What it gave; None where it broke.
    value: R | None
    #: Why it broke, one line.
    error: str = ""


@dataclass(frozen=True)
class _Running(Generic[T]):
    item: T
    process: SpawnProcess
    answers: Connection


def run_all(
    work: Callable[[T], R],
    items: Iterable[T],
    *,
    jobs: int,
    enough: Callable[[], bool] = lambda: False,
) -> Iterator[Done[T, R]]:
    """What the work gives for each item, as they end; started in their order.

    Closing the iterator, or an exception in whoever iterates, ends the processes that are
    still at work.

    Args:
        work: a function of a module; its argument and answer can be pickled.
        items: taken only when there is a process for the next one.
        jobs: how many at a time.
        enough: asked before an item is started; from when it holds nothing new is begun.
    """
    waiting = iter(items)
    running: list[_Running[T]] = []
    try:
        while True:
            while len(running) < jobs and not enough():
                try:
                    item = next(waiting)
                except StopIteration:
                    break
                running.append(_start(work, item))
            if not running:
                return
            for ready in wait([one.answers for one in running]):
                ended = next(one for one in running if one.answers is ready)
                running.remove(ended)
                yield _answer(ended)
    finally:
        _end(running)


def _start(work: Callable[[T], R], item: T) -> _Running[T]:
    # Not forked: the parent has threads, and what a child finds must not depend on them.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(work, item, theirs))
    process.start()
    theirs.close()
    return _Running(item, process, ours)


def _child(work: Callable[[T], R], item: T, answers: Connection) -> None:
    # Ctrl-C reaches the whole group; the parent decides, and asks each child to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # What foreign code prints must not get into a document on stdout.
    os.dup2(2, 1)
    try:
        answers.send((work(item), ""))
    except Exception as error:  # noqa: BLE001 - told to the parent
        kind, message, _ = describe(error)
        answers.send((None, f"{kind}: {message}"))


def _answer(ended: _Running[T]) -> Done[T, R]:
    try:
        value, error = ended.answers.recv()
    except EOFError:
        value, error = None, ""
    ended.answers.close()
    ended.process.join(_ENDING_SECONDS)
    if value is None and not error:
        status = ended.process.exitcode
        error = f"{WorkerLost.__name__}: its process ended with status {status}"
    return Done(ended.item, value, error)


def _end(running: list[_Running[T]]) -> None:
    for one in running:
        one.process.terminate()
    for one in running:
        one.process.join(_ENDING_SECONDS)
        if one.process.is_alive():
            one.process.kill()
            one.process.join()
