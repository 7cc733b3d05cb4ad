"""One comparison, in a child of the warm process: record calls, vary them, replay them."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from ..children import Nursery, OutOfTime, limit_cpu, write_all
from ..items import CallWatcher, path_of, run_fully
from .record import Recorder
from .replay import LOST, OUT_OF_TIME, Replay, Texts, install
from .vary import Call, varied

#: Share of the time for running the tests.
_RECORDING = 0.4
#: Wall-clock seconds beyond the time asked for after which the work is given up.
_GRACE = 2.0


class Comparer:
    """Answers requests of the kind `compare`.

    Request: `loaded` (path -> text, what this process has loaded), `versions` (the same
    paths each), `functions` (pairs of file and qualified name; none: those that tests
    call), `tests` (pairs of number and CPU seconds), `most` (inputs), `seconds`, `seed`.
    """

    def __init__(
        self, nursery: Nursery, items: Sequence[Any], watcher: CallWatcher, root: str
    ) -> None:
        """Take the collected tests of the warm process."""
        self._nursery = nursery
        self._items = items
        self._watcher = watcher
        self._root = root

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The outcomes of all versions on all inputs that tell something."""
        end = self._nursery.run(partial(self._compare, request), request["seconds"] + _GRACE)
        try:
            return dict(json.loads(end.output))
        except ValueError:
            return {"detail": "Running the tests took the process with it."}

    def _compare(self, request: dict[str, Any], pipe: int) -> None:
        deadline = time.monotonic() + request["seconds"]
        versions: list[Texts] = request["versions"]
        try:
            install(request["loaded"], versions[0])
            calls, detail = self._record(request)
        except Exception as error:  # noqa: BLE001 - the target's code may raise anything
            calls, detail = [], f"{type(error).__name__}: {error}"
        inputs = varied(calls, request["most"], request["seed"])
        replay = Replay(inputs, versions[0], request["seed"], deadline)
        nursery = Nursery(private=(pipe,))
        # The first version twice: what differs from itself cannot be compared.
        rows = replay.rows([versions[0], *versions], nursery)
        answer = {
            "outcomes": [row[1:] for row in rows if _is_telling(row)],
            "usual_errors": sorted(_errors(rows[: len(calls)])),
            "detail": detail,
        }
        write_all(pipe, json.dumps(answer).encode("ascii"))

    def _record(self, request: dict[str, Any]) -> tuple[list[Call], str]:
        """The calls that the tests make, and why there are none."""
        deadline = time.monotonic() + _RECORDING * request["seconds"]
        wanted = [(file, name) for file, name in request["functions"]]
        files = {path_of(item) for item in self._items}
        recorder = Recorder(self._root, wanted, files, deadline)
        random.seed(request["seed"])
        for number, limit in request["tests"]:
            if time.monotonic() > deadline:
                break
            self._run(number, limit, recorder)
        if recorder.calls:
            return recorder.calls, ""
        if recorder.uncopied:
            return [], "The arguments of the recorded calls cannot be copied."
        return [], "The tests call none of the functions that differ."

    def _run(self, number: int, limit: float, recorder: Recorder) -> None:
        recorder.start()
        try:
            limit_cpu(limit, lethal=False)
            run_fully(self._items[number], None, self._watcher)
        except OutOfTime:
            return
        finally:
            recorder.stop()
            limit_cpu(0, lethal=False)


def _is_telling(row: Sequence[str]) -> bool:
    """Whether an input says something about the versions.

    Where all raise the same, it says that it is no input for any of them.
    """
    if row[0] != row[1]:
        return False
    silent = row[0].startswith("raised ") or row[0] in (LOST, OUT_OF_TIME)
    return not (silent and len(set(row)) == 1)


def _errors(rows: Sequence[Sequence[str]]) -> set[str]:
    """Types of the errors that calls raise as the tests make them."""
    outcomes = (outcome for row in rows for outcome in row)
    return {o[len("raised ") :] for o in outcomes if o.startswith("raised ")}
