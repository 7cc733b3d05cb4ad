"""Watches one test run: which lines it runs, in which order, with values of which types.

Types and names choose templates and fill them in; small samples of values (`values.py`)
tell which expressions can make a difference.
"""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Callable
from typing import Any

from .places import is_source_below
from .values import Samples, own_attributes

#: How often the variables of one line are looked at.
_LOOKS = 25
#: How many objects of one class are looked at for their attributes.
_OBJECTS = 3
#: How many of the functions entered last are told.
_RECENT = 8

_LocalTrace = Callable[[types.FrameType, str, Any], Any]


class Trace:
    """What one run has shown so far."""

    def __init__(self, root: str, *, with_types: bool) -> None:
        """Watch files below `root`.

        Args:
            root: absolute path.
            with_types: also note types of variables and attributes, and samples of
                values; slower.
        """
        self._root = root
        self._with_types = with_types
        self._wanted: dict[str, str | None] = {}
        self._lines: dict[str, dict[int, int]] = {}
        self._types: dict[tuple[str, int], dict[str, set[str]]] = {}
        self._attributes: dict[str, dict[str, str]] = {}
        self._objects: dict[str, int] = {}
        self._recent: list[tuple[str, int]] = []
        self._samples = Samples()

    def start(self) -> None:
        """Begin to watch this thread."""
        sys.settrace(self._enter)

    def stop(self) -> None:
        """Watch no longer."""
        sys.settrace(None)

    def report(self) -> dict[str, Any]:
        """What was seen, ready for JSON, in an order that does not vary."""
        return {
            "lines": {file: sorted(lines) for file, lines in sorted(self._lines.items())},
            "types": [
                {
                    "file": file,
                    "line": line,
                    "names": {n: sorted(t) for n, t in sorted(seen.items())},
                }
                for (file, line), seen in sorted(self._types.items())
            ],
            "attributes": {
                kind: dict(sorted(a.items())) for kind, a in sorted(self._attributes.items())
            },
            "recent": [list(place) for place in self._recent],
            "values": self._samples.report(),
        }

    def _enter(self, frame: types.FrameType, _event: str, _argument: Any) -> _LocalTrace | None:
        code = frame.f_code
        file = self._wanted_file(code.co_filename)
        if file is None:
            return None
        place = (file, code.co_firstlineno)
        if place in self._recent:
            self._recent.remove(place)
        self._recent.append(place)
        del self._recent[:-_RECENT]
        return self._watch_lines(file, code.co_firstlineno, code.co_name == "<module>")

    def _watch_lines(self, file: str, first_line: int, is_module: bool) -> _LocalTrace:
        hits = self._lines.setdefault(file, {})

        def step(frame: types.FrameType, event: str, _argument: Any) -> _LocalTrace:
            line = frame.f_lineno
            if event == "line":
                hits[line] = hits.get(line, 0) + 1
            if self._with_types and hits.get(line, 0) <= _LOOKS:
                variables = dict(frame.f_locals)
                self._look(variables, file, first_line)
                if event == "line" and variables and not is_module:
                    self._samples.take(file, line, variables)
            return step

        return step

    def _wanted_file(self, filename: str) -> str | None:
        if filename not in self._wanted:
            file = os.path.abspath(filename)  # noqa: PTH100 - many calls, no file access
            wanted = not filename.startswith("<") and is_source_below(self._root, file)
            self._wanted[filename] = file if wanted else None
        return self._wanted[filename]

    def _look(self, variables: dict[str, Any], file: str, first_line: int) -> None:
        seen = self._types.setdefault((file, first_line), {})
        for name, value in variables.items():
            if not name.startswith("."):
                seen.setdefault(name, set()).add(_type_name(value))
                self._look_into(value)

    def _look_into(self, value: Any) -> None:
        kind = type(value)
        if kind.__module__ == "builtins" or isinstance(value, (type, types.ModuleType)):
            return
        name = kind.__name__
        if self._objects.get(name, 0) >= _OBJECTS:
            return
        self._objects[name] = self._objects.get(name, 0) + 1
        known = self._attributes.setdefault(name, {})
        known.update(_attributes_of_class(kind))
        for attribute, content in list(own_attributes(value).items())[:60]:
            known[str(attribute)] = _type_name(content)


def _attributes_of_class(kind: type) -> dict[str, str]:
    """Attributes of a class by the kind of what they are, without running its code."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__[:-1]):
        for name, content in list(vars(base).items())[:80]:
            if not name.startswith("__"):
                found[name] = "method" if isinstance(content, types.FunctionType) else "value"
    return found


def _type_name(value: Any) -> str:
    kind = type(value)
    name = kind.__name__
    if kind in (list, tuple, set, frozenset) and value:
        return f"{name}[{type(next(iter(value))).__name__}]"
    return name
