"""The warm process: a pytest session that has collected the tests and runs them on request.

The requests, each a JSON object with its `kind`:

    run     tests by number, alone or together in one child: outcome, seconds, error
    trace   the same, with the lines and types that each run has shown
    units   the functions that later requests edit
    screen  many candidates against a few tests, as many as possible in one child (`sieve.py`)
    prove   one candidate against several tests, in children of its own
    reach   how far one test comes with each of many candidates (`reach.py`)
    compare several versions on varied inputs of the tests' calls (`behaviour/`)
"""

from __future__ import annotations

import gc
import json
import os
import random
import re
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from .behaviour.compare import Comparer
from .channel import Channel, Closed
from .children import ChildEnd, Nursery, count_processes, limit_cpu, write_all
from .collected import Collected, collect
from .definitions import Definitions
from .items import LOST, CallWatcher, Ending, describe_error, run_fully
from .reach import Reach
from .sieve import CRASHED, LETTERS, NO_PYTHON, NOT_SWAPPABLE, TIMED_OUT, Sieve, new_key
from .state import modules_by_file
from .swap import LiveFunctions, Swap, Unit, apply, edit_from
from .tracing import Trace

#: Wall-clock seconds that a child may take beyond twice the CPU time of its tests.
_PATIENCE = 2.0
#: Share of its wall-clock seconds after which a traced test tells what it has shown.
_TOLD_IN_TIME = 0.8


def serve(settings: dict[str, Any], files: list[str], channel: Channel, other: Channel) -> None:
    """Collect, greet the engine, and answer it until it is gone. Never returns.

    Args:
        settings: what the engine has sent the zygote.
        files: to collect, absolute paths.
        channel: this process's own.
        other: the zygote's, which is closed here.
    """
    other.close()
    watcher = CallWatcher()

    def handle(collected: Collected) -> None:
        process = WarmProcess(settings, collected, watcher, channel)
        process.greet()
        process.answer_requests()
        os._exit(0)

    detail = collect(settings, files, watcher, handle)
    channel.send_object({"ready": False, "detail": detail})
    os._exit(0)


class WarmProcess:
    """Answers requests about the collected tests."""

    def __init__(
        self,
        settings: dict[str, Any],
        collected: Collected,
        watcher: CallWatcher,
        channel: Channel,
    ) -> None:
        """Index the functions of the project, then freeze what exists: children share it."""
        self._root = settings["root"]
        self._seed = settings["seed"]
        self._items = collected.items
        self._collected = collected
        self._watcher = watcher
        self._channel = channel
        self._units: dict[int, Unit] = {}
        self._functions = LiveFunctions(self._root)
        self._modules = modules_by_file(self._root)
        self._definitions = Definitions(self._modules, self._functions)
        count_processes()
        self._nursery = Nursery(private=(channel.reader, channel.writer))
        self._reach = Reach(self._nursery, self._items, watcher, self._swap, self._seed)
        gc.collect()
        gc.freeze()

    def greet(self) -> None:
        """Tell what was collected."""
        self._channel.send_object(
            {
                "ready": True,
                "tests": self._collected.names(),
                "errors": self._collected.errors,
                "threads": threading.active_count(),
            }
        )

    def answer_requests(self) -> None:
        """Answer until the engine is gone."""
        answers: dict[str, Callable[[dict[str, Any]], Any]] = {
            "run": self._run,
            "trace": self._trace,
            "units": self._remember_units,
            "screen": Sieve(self._modules, self._nursery, self._items, self._swap).answer,
            "prove": self._prove,
            "reach": self._reach.answer,
            "compare": Comparer(self._nursery, self._items, self._watcher, self._root).answer,
        }
        while True:
            try:
                request = self._channel.receive_object()
                self._channel.send_object(answers[request["kind"]](request))
            except Closed:
                return

    # -- running tests ---------------------------------------------------------------

    def _run(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        def perform(number: int, following: int | None, _pipe: int) -> dict[str, Any]:
            limit_cpu(request["limit"], lethal=True)
            return self._told(self._run_item(number, following))

        return self._one_after_another(request, perform)

    def _trace(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        def perform(number: int, following: int | None, pipe: int) -> dict[str, Any]:
            trace = Trace(self._root, with_types=request["with_types"])

            def give_up(_signal: int, _frame: object) -> None:
                trace.stop()
                write_all(pipe, _line({**_lost(request), "trace": trace.report()}))
                os._exit(0)

            signal.signal(signal.SIGPROF, give_up)
            # One that sleeps through its time uses no CPU; it tells shortly before it is killed.
            signal.signal(signal.SIGALRM, give_up)
            wall = min(request["wall"], _wall(request["limit"]))
            signal.setitimer(signal.ITIMER_REAL, _TOLD_IN_TIME * wall)
            signal.setitimer(signal.ITIMER_PROF, request["limit"])
            self._watcher.trace = trace
            ending = self._run_item(number, following)
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
            return {**self._told(ending), "trace": trace.report()}

        return self._one_after_another(request, perform)

    def _one_after_another(
        self,
        request: dict[str, Any],
        perform: Callable[[int, int | None, int], dict[str, Any]],
    ) -> list[dict[str, Any]]:
        """What `perform` says of each test; fewer than asked for when the time is up.

        A test that takes its child with it is lost, and the next ones get a new child.
        """
        tests: list[int] = request["tests"]
        deadline = time.monotonic() + request["wall"]
        answers: list[dict[str, Any]] = []
        while len(answers) < len(tests) and time.monotonic() < deadline:
            left = tests[len(answers) :] if request["together"] else [tests[len(answers)]]
            wall = min(deadline - time.monotonic(), _wall(request["limit"] * len(left)))
            end = self._nursery.run(_performer(left, perform, self._seed), wall)
            told = [json.loads(line) for line in end.output.split(b"\n")[:-1]]
            answers += told
            is_told = len(told) == len(left) or (told and told[-1]["outcome"] == LOST)
            # What uses up all the time by itself hangs; what comes later had little of it.
            if not is_told and (time.monotonic() < deadline or not answers):
                answers.append(_lost(request))
        return answers

    def _run_item(self, number: int, following: int | None) -> Ending:
        next_item = None if following is None else self._items[following]
        return run_fully(self._items[number], next_item, self._watcher)

    def _told(self, ending: Ending) -> dict[str, Any]:
        error = describe_error(ending.error, self._root)
        told = {"outcome": ending.outcome, "seconds": ending.seconds, "wall": ending.wall}
        return {**told, "error": error}

    # -- trying candidates -----------------------------------------------------------

    def _remember_units(self, request: dict[str, Any]) -> int:
        for number, unit in request["units"]:
            self._units[number] = Unit(**unit)
        return len(self._units)

    def _prove(self, request: dict[str, Any]) -> dict[str, Any]:
        """How one candidate does at groups of tests, each group in a child of its own.

        Ends with the first test that does not pass. The letters are those of the tests, in
        order; `ended` is that of the last.
        """
        swap = self._swap(request["candidate"])
        letters = ""
        if isinstance(swap, str):
            return {"letters": letters, "ended": swap}
        deadline = time.monotonic() + request["wall"]
        for tests in request["groups"]:
            wall = max(0.1, deadline - time.monotonic())
            key = new_key()
            end = self._nursery.run(self._prover(key, tests, swap), wall, request["idle"])
            told = b"".join(re.findall(key + b"([a-z])", end.output)).decode("ascii")
            letters += told
            if told != "p" * len(tests):
                return {"letters": letters, "ended": _how_it_ended(end, told)}
        return {"letters": letters, "ended": "p"}

    def _prover(
        self, key: bytes, tests: list[tuple[int, float]], swap: Swap
    ) -> Callable[[int], None]:
        def work(pipe: int) -> None:
            apply(swap)
            random.seed(self._seed)
            for position, (number, limit) in enumerate(tests):
                following = tests[position + 1][0] if position + 1 < len(tests) else None
                limit_cpu(limit, lethal=True)
                letter = LETTERS[self._run_item(number, following).outcome]
                write_all(pipe, key + letter)
                if letter != b"p":
                    return

        return work

    def _swap(self, candidate: Any) -> Any:
        """What makes a candidate, or the letter that says why there is nothing."""
        try:
            if isinstance(candidate, dict):
                edits = [edit_from(self._units, edit) for edit in candidate["edits"]]
                made = self._definitions.redefinition(edits, candidate["imports"])
                return made or NOT_SWAPPABLE
            return self._functions.swap_for(edit_from(self._units, candidate)) or NOT_SWAPPABLE
        except (SyntaxError, ValueError):
            return NO_PYTHON


def _performer(
    tests: list[int], perform: Callable[[int, int | None, int], dict[str, Any]], seed: int
) -> Callable[[int], None]:
    def work(pipe: int) -> None:
        random.seed(seed)
        for position, number in enumerate(tests):
            following = tests[position + 1] if position + 1 < len(tests) else None
            write_all(pipe, _line(perform(number, following, pipe)))

    return work


def _how_it_ended(end: ChildEnd, told: str) -> str:
    if told.endswith("f"):
        return "f"
    return TIMED_OUT if end.timed_out else CRASHED


def _lost(request: dict[str, Any]) -> dict[str, Any]:
    limit = request["limit"]
    return {"outcome": LOST, "seconds": limit, "wall": limit, "error": None}


def _wall(cpu_seconds: float) -> float:
    return _PATIENCE + 2 * cpu_seconds


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode("ascii") + b"\n"
