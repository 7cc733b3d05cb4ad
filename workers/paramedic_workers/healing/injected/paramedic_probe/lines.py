"""Notes which lines below the repository run, with as little cost as the interpreter allows."""

# Plain strings, not paths: this runs for every file that the tests touch.
# ruff: noqa: PTH100

from __future__ import annotations

import os
import sys
import threading
import types
from collections.abc import Callable
from typing import Any


class Lines:
    """Which lines below the repository run while a test runs."""

    def __init__(self, root: str) -> None:
        self._root = root.rstrip(os.sep) + os.sep
        self._names: dict[str, str | None] = {}
        self._seen: dict[types.CodeType, set[int]] = {}

    def of(self, code: types.CodeType) -> set[int] | None:
        """Where to note the lines of this code; None where nobody wants to know."""
        lines = self._seen.get(code)
        if lines is None and self.name(code.co_filename) is not None:
            lines = self._seen[code] = set()
        return lines

    def name(self, filename: str) -> str | None:
        """The file relative to the repository; None for a file of somebody else."""
        try:
            return self._names[filename]
        except KeyError:
            name = self._names[filename] = self._relative(filename)
            return name

    def take(self) -> dict[str, list[int]]:
        """All lines noted since the last call, by file."""
        files: dict[str, set[int]] = {}
        for code, lines in list(self._seen.items()):
            name = self.name(code.co_filename)
            if lines and name is not None:
                files.setdefault(name, set()).update(lines)
            lines.clear()
        return {name: sorted(lines) for name, lines in files.items()}

    def _relative(self, filename: str) -> str | None:
        if filename.startswith("<"):
            return None
        path = os.path.abspath(filename)
        if not path.startswith(self._root):
            return None
        name = path[len(self._root) :].replace(os.sep, "/")
        foreign = {"site-packages", ".venv", "venv", ".tox", ".nox"} & set(name.split("/"))
        return None if foreign else name


class SetTrace:
    """Notes lines by `sys.settrace`: for Python 3.11 and older."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._tracers: dict[types.CodeType, Callable[..., Any] | None] = {}

    def start(self) -> None:
        threading.settrace(self._enter)
        sys.settrace(self._enter)

    def stop(self) -> None:
        sys.settrace(None)
        threading.settrace(None)

    def _enter(self, frame: types.FrameType, event: str, argument: object) -> Any:
        code = frame.f_code
        try:
            return self._tracers[code]
        except KeyError:
            tracer = self._tracers[code] = self._tracer(code)
            return tracer

    def _tracer(self, code: types.CodeType) -> Callable[..., Any] | None:
        lines = self._lines.of(code)
        if lines is None:
            return None
        add = lines.add

        def tracer(frame: types.FrameType, event: str, argument: object) -> Any:
            if event == "line":
                add(frame.f_lineno)
            return tracer

        return tracer


class Monitoring:
    """Notes lines by `sys.monitoring`: each line costs something only once a test."""

    #: Neither of the ids that are meant for debuggers, coverage or profilers.
    TOOL = 4

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._api: Any = getattr(sys, "monitoring")  # noqa: B009 - from Python 3.12 on
        self._api.use_tool_id(self.TOOL, "paramedic")
        events = self._api.events
        self._entries = events.PY_START | events.PY_RESUME
        self._api.register_callback(self.TOOL, events.PY_START, self._enter)
        self._api.register_callback(self.TOOL, events.PY_RESUME, self._enter)
        self._api.register_callback(self.TOOL, events.LINE, self._line)

    def start(self) -> None:
        self._api.restart_events()
        self._api.set_events(self.TOOL, self._entries)

    def stop(self) -> None:
        self._api.set_events(self.TOOL, 0)

    def _enter(self, code: types.CodeType, offset: int) -> Any:
        if self._lines.of(code) is not None:
            self._api.set_local_events(self.TOOL, code, self._api.events.LINE)
        return self._api.DISABLE

    def _line(self, code: types.CodeType, line: int) -> Any:
        lines = self._lines.of(code)
        if lines is not None:
            lines.add(line)
        return self._api.DISABLE
