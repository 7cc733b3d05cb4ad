"""Runs one version on inputs, in children, and compares what came of it with the others."""

from __future__ import annotations

import asyncio
import collections.abc
import contextlib
import copy
import gc
import inspect
import io
import json
import random
import signal
import time
from collections.abc import Callable, Sequence
from typing import Any

from ..children import Nursery, OutOfTime, limit_cpu, write_all
from .outcome import MOST_ITEMS, shortened, text_of
from .transplant import Transplant
from .vary import Call

#: CPU seconds that one call may take.
CALL_SECONDS = 0.15
#: CPU seconds of one call after which its process ends.
_LETHAL_SECONDS = 1.0
#: Wall-clock seconds without a word from a child after which it is killed: it waits.
_QUIET = 5.0
#: Inputs on which all versions are run before the next ones are looked at.
_PARTS = (30, 90)
#: Children of one version that may die of an input, or run out of its time.
_MOST_LOST = 6
#: Characters of printed text that count.
_LONGEST_PRINT = 4000

LOST, OUT_OF_TIME = "lost", "out of time"

#: Absolute path -> whole text.
Texts = dict[str, str]


def install(loaded: Texts, wanted: Texts) -> Transplant:
    """Have this process, which has these texts loaded, be of another version."""
    transplant = Transplant()
    for path, text in wanted.items():
        if text != loaded[path]:
            transplant.install(path, loaded[path], text)
    return transplant


class Replay:
    """Runs versions on the same calls."""

    def __init__(self, calls: Sequence[Call], loaded: Texts, seed: int, deadline: float) -> None:
        """Make ready.

        Args:
            calls: the inputs.
            loaded: the version that this process has loaded.
            seed: of random numbers.
            deadline: `time.monotonic()` at which it must end.
        """
        self._calls = calls
        self._loaded = loaded
        self._seed = seed
        self._deadline = deadline

    def rows(self, versions: Sequence[Texts], nursery: Nursery) -> list[list[str]]:
        """For each input the outcome of each version, as far as the time allows.

        A part of the inputs after the other, so that all versions have run on what was
        begun when the time is up.
        """
        rows: list[list[str]] = []
        begin = 0
        for size in (*_PARTS, len(self._calls)):
            part = self._calls[begin : begin + size]
            begin += size
            columns = [self._run(version, part, nursery) for version in versions]
            rows += [[column[n] for column in columns] for n in range(min(map(len, columns)))]
        return rows

    def _run(self, version: Texts, calls: Sequence[Call], nursery: Nursery) -> list[str]:
        """The outcomes of these calls; fewer than calls when the time is up."""
        outcomes: list[str] = []
        lost = 0
        while len(outcomes) < len(calls) and lost < _MOST_LOST:
            left = self._deadline - time.monotonic()
            if left <= 0:
                break
            end = nursery.run(self._worker(version, calls[len(outcomes) :]), left, _QUIET)
            outcomes += [json.loads(line) for line in end.output.split(b"\n")[:-1]]
            if len(outcomes) < len(calls) and time.monotonic() < self._deadline:
                outcomes.append(LOST)
                lost += 1
        return outcomes

    def _worker(self, version: Texts, calls: Sequence[Call]) -> Callable[[int], None]:
        def work(pipe: int) -> None:
            gc.disable()
            try:
                transplant = install(self._loaded, version)
            except Exception as error:  # noqa: BLE001 - the version's own code is run
                told = _line(f"not loaded: {type(error).__name__}")
                write_all(pipe, told * len(calls))
                return
            for call in calls:
                random.seed(self._seed)
                write_all(pipe, _line(_within(call, transplant.current(call.function))))

        return work


def outcome_of(call: Call, function: Callable[..., Any]) -> str:
    """What a call does: returns, raises, prints, changes its arguments."""
    positional, keywords = copy.deepcopy((call.positional, call.keywords))
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            value = _result(function(*positional, **keywords))
    except OutOfTime:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it raises is its outcome
        return f"raised {type(error).__name__}"
    text = f"{value} with {text_of(positional)}{text_of(keywords)}"
    output = printed.getvalue()[:_LONGEST_PRINT]
    return shortened(f"{text} printed {output!r}" if output else text)


def _result(value: Any) -> str:
    if inspect.iscoroutine(value):
        value = asyncio.run(value)
    if isinstance(value, collections.abc.Iterator):
        return _yielded(value)
    return f"returned {text_of(value)}"


def _yielded(values: Any) -> str:
    """The first items of an iterator, and how it ended."""
    items: list[str] = []
    end = ""
    try:
        for value in values:
            items.append(text_of(value))
            if len(items) >= MOST_ITEMS:
                end = " …"
                break
    except Exception as error:  # noqa: BLE001 - whatever it raises is its end
        end = f" raised {type(error).__name__}"
    return f"yielded {', '.join(items)}{end}"


def _within(call: Call, function: Callable[..., Any]) -> str:
    # For loops in C, which no exception ends.
    signal.setitimer(signal.ITIMER_VIRTUAL, _LETHAL_SECONDS)
    try:
        limit_cpu(CALL_SECONDS, lethal=False)
        outcome = outcome_of(call, function)
        limit_cpu(0, lethal=False)
    except OutOfTime:
        limit_cpu(0, lethal=False)
        return OUT_OF_TIME
    return outcome


def _line(outcome: str) -> bytes:
    return json.dumps(outcome).encode("ascii") + b"\n"
