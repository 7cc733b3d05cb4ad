"""How far a failing test comes with each of many candidates.

A candidate that does not make a test pass may still get it further: past the first of
several assertions. The measure is the line of the test's own file at which it ends.
"""

from __future__ import annotations

import gc
import os
import random
import time
import types
from collections.abc import Callable
from typing import Any

import pytest

from .children import Nursery, OutOfTime, limit_cpu, write_all
from .items import PASSED, CallWatcher, Parameters, path_of, run_fully
from .swap import Swap, apply

#: Told of a test that passes, and of one that was not run or ended nowhere in its file.
END, NOWHERE = 1 << 30, -1


class Reach:
    """Answers how far one test comes with each of many candidates."""

    def __init__(
        self,
        nursery: Nursery,
        items: list[pytest.Item],
        watcher: CallWatcher,
        swap_of: Callable[[list[Any]], Any],
        seed: int,
    ) -> None:
        """Take what belongs to the warm process.

        Args:
            nursery: forks the children.
            items: the collected tests.
            watcher: is registered with pytest.
            swap_of: the swap of a candidate in a request, or a letter where there is none.
            seed: of random numbers.
        """
        self._nursery = nursery
        self._items = items
        self._watcher = watcher
        self._swap_of = swap_of
        self._seed = seed

    def answer(self, request: dict[str, Any]) -> list[int]:
        """The line at which the test ends with each candidate, END or NOWHERE.

        A child that dies costs only the candidate it was at. When the time is up, the
        answer is shorter than the list of candidates.
        """
        swaps = [self._swap_of(candidate) for candidate in request["candidates"]]
        lines: list[int] = []
        wall = request["wall"]
        while len(lines) < len(swaps) and wall > 0:
            work = self._worker(self._items[request["test"]], request, swaps[len(lines) :])
            started = time.monotonic()
            end = self._nursery.run(work, wall, request["idle"])
            wall -= time.monotonic() - started
            lines += [int(line) for line in end.output.split(b"\n")[:-1]]
            if len(lines) < len(swaps):
                lines.append(NOWHERE)
        return lines

    def _worker(
        self, item: pytest.Item, request: dict[str, Any], swaps: list[Any]
    ) -> Callable[[int], None]:
        def work(pipe: int) -> None:
            gc.disable()
            parameters = Parameters(item)
            for swap in swaps:
                line = NOWHERE
                if not isinstance(swap, str):
                    parameters.renew()
                    random.seed(self._seed)
                    line = self._line(item, swap, request["limit"])
                write_all(pipe, b"%d\n" % line)

        return work

    def _line(self, item: pytest.Item, swap: Swap, limit: float) -> int:
        back = apply(swap)
        try:
            limit_cpu(limit, lethal=False)
            ending = run_fully(item, None, self._watcher)
            limit_cpu(0, lethal=False)
        except OutOfTime:
            limit_cpu(0, lethal=False)
            return NOWHERE
        finally:
            apply(back)
        if ending.outcome == PASSED:
            return END
        return _line_in(path_of(item), ending.error)


def _line_in(path: str, error: BaseException | None) -> int:
    """The line of the first frame of this file, which is the test's own."""
    trace: types.TracebackType | None = error.__traceback__ if error else None
    while trace is not None:
        if os.path.realpath(trace.tb_frame.f_code.co_filename) == os.path.realpath(path):
            return trace.tb_lineno
        trace = trace.tb_next
    return NOWHERE
