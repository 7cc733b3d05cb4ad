"""Collects tests with pytest, and takes over where pytest would run them."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from .items import CallWatcher, describe_error, path_of
from .options import WITHOUT_OUR_PLUGIN, OnlyFiles, QuietOptions, arguments, knows_paths

#: Bytes of pytest's own output that are kept to explain why it did not collect.
_OUTPUT = 8000


class Collected:
    """The tests that pytest has collected, and the files it could not."""

    def __init__(self, items: list[pytest.Item], errors: list[dict[str, Any]]) -> None:
        """Take what pytest found.

        Args:
            items: in collection order.
            errors: `{"file", "error"}` for each file.
        """
        self.items = items
        self.errors = errors

    def names(self) -> list[dict[str, str]]:
        """File and name (the node id after the file) of each test."""
        return [
            {"file": path_of(item), "name": item.nodeid.partition("::")[2], "id": item.nodeid}
            for item in self.items
        ]


class TakeOver:
    """A pytest plug-in that hands the collected tests over and never runs any itself."""

    def __init__(self, root: str, handle: Callable[[Collected], None]) -> None:
        """Call `handle` in place of pytest's own loop."""
        self._root = root
        self._handle = handle
        self._errors: list[dict[str, Any]] = []

    def pytest_exception_interact(self, node: Any, call: Any) -> None:
        """Keep why a file could not be collected."""
        if isinstance(node, pytest.Collector):
            error = describe_error(call.excinfo.value, self._root)
            self._errors.append({"file": path_of(node), "error": error})

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Hand over."""
        self._handle(Collected(session.items, self._errors))
        return True


def collect(
    settings: dict[str, Any],
    files: list[str],
    watcher: CallWatcher,
    handle: Callable[[Collected], None],
) -> str:
    """Start pytest in this process, which is a child of the zygote.

    Returns only if pytest did not come as far as running tests: the end of its output.
    """
    output = os.memfd_create("output")
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    plugins: list[Any] = [QuietOptions(), watcher, TakeOver(settings["root"], handle)]
    if knows_paths():
        plugins.append(OnlyFiles(files))
    text = ""
    for further in WITHOUT_OUR_PLUGIN, []:
        status = _start([*further, *arguments(settings["pytest_args"], files)], plugins)
        text = _explained(_end_of(output), status)
        if "--paramedic" not in text:
            break
    return text


def _explained(text: str, status: Any) -> str:
    """What pytest said, with a last line that says why it did not collect."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return f"pytest ended with status {status}"
    return f"{text}\n{' '.join(dict.fromkeys((lines[0], lines[-1])))}"


def _start(arguments: list[str], plugins: list[Any]) -> Any:
    try:
        return pytest.main(arguments, plugins=plugins)
    except SystemExit as error:
        return error.code


def _end_of(output: int) -> str:
    size = os.lseek(output, 0, os.SEEK_END)
    os.lseek(output, max(0, size - _OUTPUT), os.SEEK_SET)
    return os.read(output, _OUTPUT).decode("utf-8", "replace").strip()
