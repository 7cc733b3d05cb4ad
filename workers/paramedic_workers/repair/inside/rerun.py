"""Tries a change by collecting and running tests in a new child of the zygote.

For what cannot be swapped into live functions: module and class level, defaults,
decorators, imports. The edited text is given to the import system and never written,
so the working tree stays as it is.
"""

from __future__ import annotations

import importlib.machinery
import json
import os
import random
import types
from collections.abc import Callable
from typing import Any

from .children import limit_cpu, write_all
from .collected import Collected, collect
from .items import FAILED, CallWatcher, path_of, run_fully


def import_from_text(path: str, text: str) -> None:
    """Have the module of this file executed from `text`, wherever it is imported."""
    load = importlib.machinery.SourceFileLoader.get_code

    def get_code(
        loader: importlib.machinery.SourceFileLoader, fullname: str
    ) -> types.CodeType | None:
        if os.path.realpath(loader.path) != os.path.realpath(path):
            return load(loader, fullname)
        return compile(text, path, "exec", dont_inherit=True)

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[assignment, method-assign]


def rerunner(settings: dict[str, Any], request: dict[str, Any]) -> Callable[[int], None]:
    """The work of a child that tries `request`.

    Request: `path` and `text` of the edited file (or none), `texts` of other files that are
    imported in place of those on disk, `files` to collect, `tests`
    (file and name) that must pass, `whole_files` of which every test must, `limit` (CPU
    seconds of one test), `all`: whether the other tests are run as well. The child writes
    one line for each test as it ends, and `{"done": true, "errors": […]}` at the end.
    """

    def work(pipe: int) -> None:
        for path, text in request.get("texts", {}).items():
            import_from_text(path, text)
        if request["path"]:
            import_from_text(request["path"], request["text"])
        watcher = CallWatcher()

        def handle(collected: Collected) -> None:
            run_collected(collected, request, watcher, pipe, settings["seed"])
            os._exit(0)

        # Importing has no limit of its own; a test's limit is far too short for it.
        limit_cpu(max(10.0, request["limit"]), lethal=True)
        detail = collect(settings, request["files"], watcher, handle)
        write_all(pipe, _line({"done": True, "errors": [], "detail": detail}))

    return work


def run_collected(
    collected: Collected, request: dict[str, Any], watcher: CallWatcher, pipe: int, seed: int
) -> None:
    """Run the wanted tests in collection order, until one that must pass fails."""
    named = {(file, name) for file, name in request["tests"]}
    whole = set(request["whole_files"])
    must_pass = {key for key in map(_key, collected.items) if key in named or key[0] in whole}
    wanted = [item for item in collected.items if request["all"] or _key(item) in must_pass]
    random.seed(seed)
    errors = [error["file"] for error in collected.errors]
    for position, item in enumerate(wanted):
        following = wanted[position + 1] if position + 1 < len(wanted) else None
        limit_cpu(request["limit"], lethal=True)
        ending = run_fully(item, following, watcher)
        file, name = _key(item)
        write_all(pipe, _line({"file": file, "name": name, "outcome": ending.outcome}))
        if ending.outcome == FAILED and (file, name) in must_pass:
            break
    write_all(pipe, _line({"done": True, "errors": errors, "detail": ""}))


def _key(item: Any) -> tuple[str, str]:
    return path_of(item), item.nodeid.partition("::")[2]


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode("ascii") + b"\n"
