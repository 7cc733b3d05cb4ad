"""Keeps the calls that tests make to some functions, with copies of their arguments."""

from __future__ import annotations

import copy
import gc
import inspect
import os
import sys
import time
import types
from collections.abc import Iterable
from typing import Any

from ..places import is_source_below
from .vary import Call

#: Different calls of one function that are kept, and calls that are looked at for them.
MOST_CALLS, _MOST_LOOKED_AT = 40, 400

_RESUMED = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


class Recorder:
    """Watches calls of functions in this process. Start and stop it around each test."""

    def __init__(
        self, root: str, wanted: Iterable[tuple[str, str]], tests: Iterable[str], deadline: float
    ) -> None:
        """Find the functions.

        Args:
            root: of the project, absolute.
            wanted: file (absolute) and qualified name of each function of interest; none:
                all that files of tests call directly.
            tests: files of tests, absolute.
            deadline: `time.monotonic()` from which on nothing is recorded.
        """
        self.calls: list[Call] = []
        #: Calls whose arguments cannot be copied.
        self.uncopied = 0
        self._deadline = deadline
        self._tests = frozenset(tests)
        self._wanted = frozenset(wanted)
        self._functions = self._find(root)
        self._looked_at: dict[int, int] = {}
        self._known: set[str] = set()
        # Frames of generators that were entered: they are entered again on each item.
        self._entered: list[types.FrameType] = []

    def start(self) -> None:
        """Watch this thread."""
        sys.setprofile(self._see)

    def stop(self) -> None:
        """Watch no longer."""
        sys.setprofile(None)

    def _find(self, root: str) -> dict[int, types.FunctionType]:
        """The functions of interest by the id of their code."""
        gc.unfreeze()
        found = {}
        for candidate in gc.get_objects():
            if type(candidate) is types.FunctionType and self._is_wanted(candidate, root):
                found[id(candidate.__code__)] = candidate
        return found

    def _is_wanted(self, function: types.FunctionType, root: str) -> bool:
        code = function.__code__
        file = os.path.abspath(code.co_filename)  # noqa: PTH100 - many calls, no file access
        if not is_source_below(root, file) or file in self._tests:
            return False
        if not self._wanted:
            return "<locals>" not in function.__qualname__
        name = function.__qualname__
        # A wrapper has the qualified name of what it wraps, but not its code.
        return (file, name) in self._wanted and name.rpartition(".")[2] == code.co_name

    def _see(self, frame: types.FrameType, event: str, _argument: Any) -> None:
        function = self._functions.get(id(frame.f_code)) if event == "call" else None
        if function is None or not self._is_new(frame) or time.monotonic() > self._deadline:
            return
        if not self._wanted and not self._is_from_test(frame):
            return
        looked_at = self._looked_at.get(id(function), 0)
        if looked_at >= _MOST_LOOKED_AT:
            return
        self._looked_at[id(function)] = looked_at + 1
        self._keep(function, frame)

    def _keep(self, function: types.FunctionType, frame: types.FrameType) -> None:
        try:
            positional, keywords = copy.deepcopy(_arguments(function, frame))
            is_method = "." in function.__qualname__ and "self" in function.__code__.co_varnames[:1]
            call = Call(function, tuple(positional), keywords, is_method)
            text = call.text()
        except Exception:  # noqa: BLE001 - copying runs code of the arguments
            self.uncopied += 1
            return
        kept = sum(other.function is function for other in self.calls)
        if text not in self._known and kept < MOST_CALLS:
            self._known.add(text)
            self.calls.append(call)

    def _is_new(self, frame: types.FrameType) -> bool:
        """Whether a call begins here, and no generator goes on."""
        if not frame.f_code.co_flags & _RESUMED:
            return True
        if any(entered is frame for entered in self._entered):
            return False
        self._entered.append(frame)
        return len(self._entered) < _MOST_LOOKED_AT

    def _is_from_test(self, frame: types.FrameType) -> bool:
        caller = frame.f_back
        return caller is not None and os.path.abspath(caller.f_code.co_filename) in self._tests  # noqa: PTH100


def _arguments(
    function: types.FunctionType, frame: types.FrameType
) -> tuple[list[Any], dict[str, Any]]:
    """What a function was called with; defaults are left out, each version has its own."""
    code, values = frame.f_code, frame.f_locals
    count = code.co_argcount + code.co_kwonlyargcount
    positional = [values[name] for name in code.co_varnames[: code.co_argcount]]
    keywords = {name: values[name] for name in code.co_varnames[code.co_argcount : count]}
    further: tuple[Any, ...] = ()
    if code.co_flags & inspect.CO_VARARGS:
        further = values[code.co_varnames[count]]
        count += 1
    if not further:
        _drop_defaults(positional, function.__defaults__ or ())
    for name, default in (function.__kwdefaults__ or {}).items():
        if keywords.get(name, function) is default:
            del keywords[name]
    if code.co_flags & inspect.CO_VARKEYWORDS:
        keywords.update(values[code.co_varnames[count]])
    return [*positional, *further], keywords


def _drop_defaults(positional: list[Any], defaults: tuple[Any, ...]) -> None:
    for default in reversed(defaults):
        if not positional or positional[-1] is not default:
            return
        positional.pop()
