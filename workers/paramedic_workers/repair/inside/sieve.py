"""The first look at candidates: many in one child, each until a test fails.

A child tells of each candidate as soon as it is done with it, so that one that dies costs
only the candidate it was at. It also ends early, and the others get a new child, when a
candidate has left something behind that would disturb them and cannot be put back.
"""

from __future__ import annotations

import gc
import os
import random
import re
import time
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from .changes import Changes
from .children import Nursery, OutOfTime, limit_cpu, write_all
from .definitions import Redefinition
from .items import FAILED, LOST, PASSED, SKIPPED, Parameters, run_quickly
from .state import SharedState
from .surroundings import Surroundings, scratch_of
from .swap import Swap

#: How one candidate did, one letter each.
LETTERS = {PASSED: b"p", SKIPPED: b"f", FAILED: b"f", LOST: b"t"}
TIMED_OUT, CRASHED, NOT_SWAPPABLE, NO_PYTHON = "t", "x", "n", "s"

#: CPU seconds that running definitions again may take.
_REDEFINING = 0.5

#: `key candidate:tests passed letter`. The key is new for each child, so that what
#: candidates write to the pipe is passed over.
_RECORD = rb"%s (\d+):(\d+)([a-z])\n"


@dataclass(frozen=True)
class _Batch:
    """What is tried."""

    #: Each with its CPU seconds.
    tests: list[tuple[pytest.Item, float]]
    #: Letters stand for candidates that cannot be tried.
    swaps: list[Any]
    state: SharedState
    #: The folder below which tests get folders of their own.
    scratch: str
    abort: bool
    seed: int


class Sieve:
    """Answers how many candidates do at a few tests."""

    def __init__(
        self,
        modules: dict[str, list[types.ModuleType]],
        nursery: Nursery,
        items: list[pytest.Item],
        swap_of: Callable[[list[Any]], Any],
    ) -> None:
        """Take what belongs to the warm process.

        Args:
            modules: the project's, by the absolute path of their file.
            nursery: forks the children.
            items: the collected tests.
            swap_of: the swap of a candidate in a request, or a letter where there is none.
        """
        self._nursery = nursery
        self._items = items
        self._swap_of = swap_of
        self._modules = modules
        self._states: dict[tuple[str, ...], SharedState] = {}
        self._scratch = scratch_of(items[0].config) if items else ""

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """One letter for each candidate, and how many tests it passed.

        Request: `candidates`, `tests` (number and CPU seconds of each), `abort` (whether a
        candidate is done with its first test that does not pass), `wall` (seconds for all),
        `idle` (seconds for one candidate), `seed`, `files` (whose modules' variables are put
        back after each candidate). Without `abort` the letter is that of the
        last test that did not pass.
        """
        batch = _Batch(
            tests=[(self._items[number], limit) for number, limit in request["tests"]],
            swaps=[self._swap_of(candidate) for candidate in request["candidates"]],
            state=self._state(tuple(request["files"])),
            scratch=self._scratch,
            abort=request["abort"],
            seed=request["seed"],
        )
        deadline = time.monotonic() + request["wall"]
        letters: list[str] = []
        passed: list[int] = []
        while len(letters) < len(batch.swaps):
            seconds = deadline - time.monotonic()
            if seconds <= 0:
                letters += TIMED_OUT * (len(batch.swaps) - len(letters))
                break
            key = new_key()
            work = _worker(key, batch, len(letters))
            end = self._nursery.run(work, seconds, request["idle"])
            before = len(letters)
            told = {int(n): (int(count), letter) for n, count, letter in _told(key, end.output)}
            while len(letters) in told:
                count, letter = told[len(letters)]
                passed.append(count)
                letters.append(letter)
            # One that leaves with status 0 has told nothing either.
            is_lost = not end.clean or len(letters) == before
            if is_lost and len(letters) < len(batch.swaps):
                letters.append(TIMED_OUT if end.timed_out else CRASHED)
                passed.append(0)
        passed += [0] * (len(letters) - len(passed))
        return {"letters": "".join(letters), "passed": passed}

    def _state(self, files: tuple[str, ...]) -> SharedState:
        """What the modules of these files hold: in this process it does not change."""
        if files not in self._states:
            modules = [module for file in files for module in self._modules.get(file, ())]
            self._states[files] = SharedState(modules)
        return self._states[files]


def new_key() -> bytes:
    """What a child's words begin with."""
    return os.urandom(6).hex().encode("ascii")


def _told(key: bytes, output: bytes) -> list[tuple[bytes, bytes, str]]:
    records = re.findall(_RECORD % key, output)
    return [(n, count, letter.decode("ascii")) for n, count, letter in records]


def _worker(key: bytes, batch: _Batch, first: int) -> Callable[[int], None]:
    def work(pipe: int) -> None:
        gc.disable()
        parameters = [Parameters(item) for item, _ in batch.tests]
        surroundings = Surroundings(batch.scratch)
        # An earlier child may have been killed in the middle of a test.
        surroundings.empty_scratch()
        for number in range(first, len(batch.swaps)):
            swap = batch.swaps[number]
            if isinstance(swap, str):
                write_all(pipe, b"%s %d:0%s\n" % (key, number, swap.encode("ascii")))
                continue
            passed, letter = _try(batch, swap, parameters)
            write_all(pipe, b"%s %d:%d%s\n" % (key, number, passed, letter))
            batch.state.put_back()
            if not surroundings.put_back():
                return

    return work


def _try(
    batch: _Batch, swap: Swap | Redefinition, parameters: Sequence[Parameters]
) -> tuple[int, bytes]:
    """How many of the tests pass with one candidate, and how the one that does not ends."""
    passed, ended = 0, LETTERS[PASSED]
    changes = Changes()
    if not _made(swap, changes):
        return passed, LETTERS[FAILED]
    for (item, limit), values in zip(batch.tests, parameters):  # noqa: B905 - Python 3.9
        values.renew()
        random.seed(batch.seed)
        letter = within(limit, lambda item=item: LETTERS[run_quickly(item)])  # type: ignore[misc]
        if letter == LETTERS[PASSED]:
            passed += 1
            continue
        ended = letter
        if batch.abort:
            break
    changes.take_back()
    return passed, ended


def _made(swap: Swap | Redefinition, changes: Changes) -> bool:
    """Whether a candidate could be put in place; if not, nothing is changed."""
    if not isinstance(swap, Redefinition):
        changes.swap(swap)
        return True
    try:
        limit_cpu(_REDEFINING, lethal=False)
        swap.apply(changes)
        limit_cpu(0, lethal=False)
    except BaseException:  # noqa: BLE001 - what is defined runs foreign code
        limit_cpu(0, lethal=False)
        changes.take_back()
        return False
    return True


def within(limit: float, work: Callable[[], bytes]) -> bytes:
    """The letter that `work` gives, or the one that says that its CPU seconds were up."""
    try:
        limit_cpu(limit, lethal=False)
        letter = work()
        limit_cpu(0, lethal=False)
    except OutOfTime:
        limit_cpu(0, lethal=False)
        return LETTERS[LOST]
    return letter
