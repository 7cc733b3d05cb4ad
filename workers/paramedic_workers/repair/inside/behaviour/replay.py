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
import time
from collections.abc import Callable, Sequence
from typing import Any

from ..children import Nursery, OutOfTime, limit_cpu, write_all
from .outcome import MOST_ITEMS, shortened, text_of
from .transplant import Transplant
from .vary import Call

#: CPU seconds that one call may take.
CALL_SECONDS = 0.15
#: Wall-clock seconds without a word from a child after which it is killed.
_QUIET = 2.0
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

    def run(self, wanted: Texts, nursery: Nursery) -> list[str | None]:
        """The outcome of each call, in order; None for what there was no time for."""
        outcomes: list[str | None] = []
        lost = 0
        while len(outcomes) < len(self._calls) and lost < _MOST_LOST:
            left = self._deadline - time.monotonic()
            if left <= 0:
                break
            end = nursery.run(self._worker(wanted, len(outcomes)), left, _QUIET)
            outcomes += [json.loads(line) for line in end.output.split(b"\n")[:-1]]
            if len(outcomes) < len(self._calls):
                outcomes.append(LOST)
                lost += 1
        return outcomes + [None] * (len(self._calls) - len(outcomes))

    def _worker(self, wanted: Texts, begin: int) -> Callable[[int], None]:
        def work(pipe: int) -> None:
            gc.disable()
            transplant = install(self._loaded, wanted)
            for call in self._calls[begin:]:
                random.seed(self._seed)
                outcome = _within(lambda: outcome_of(call, transplant.current(call.function)))  # noqa: B023
                write_all(pipe, json.dumps(outcome).encode("ascii") + b"\n")

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


def _within(work: Callable[[], str]) -> str:
    try:
        limit_cpu(CALL_SECONDS, lethal=False)
        outcome = work()
        limit_cpu(0, lethal=False)
    except OutOfTime:
        limit_cpu(0, lethal=False)
        return OUT_OF_TIME
    return outcome
