"""Gives live functions the code of an edited source, without importing anything anew.

`from shop import total` copies a reference to a function, not to its code: replacing
`total.__code__` reaches every copy. Code objects below a function (closures, lambdas)
are paired by name and order, because decorators have made functions of them at import.
What cannot be reached in this way (free variables that differ, defaults, decorators,
class bodies) is reported as not swappable, and is tried by importing anew.
"""

from __future__ import annotations
import __future__

import gc
import os
import types
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .places import is_source_below

#: Pairs of a live function and the code it is to have.
Swap = list[tuple[types.FunctionType, types.CodeType]]


@dataclass(frozen=True)
class Unit:
    """What the engine edits: a function that is not nested in another, or a definition."""

    path: str
    #: Its first line: that of its first decorator, or of its `def`.
    line: int
    #: Empty for a definition outside of functions.
    name: str
    #: Stands before the source, so that lines are numbered as in the file and names of
    #: a class's functions are mangled: blank lines, `class` headers.
    prefix: str
    source: str
    #: Names of the classes around it, outermost first.
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Edit:
    """Replacements of parts of a unit's source: start, end (in characters), text."""

    unit: Unit
    parts: tuple[tuple[int, int, str], ...]

    def source(self) -> str:
        """The unit's source with the replacements made."""
        text = self.unit.source
        for start, end, new in sorted(self.parts, reverse=True):
            text = text[:start] + new + text[end:]
        return self.unit.prefix + text


class LiveFunctions:
    """Every function of the project that exists now. Made before `gc.freeze`, which hides them."""

    def __init__(self, root: str) -> None:
        """Look through all objects of this process."""
        self._by_code: dict[int, list[types.FunctionType]] = {}
        # A module that was imported under two names has two code objects for one place.
        self._by_place: dict[tuple[str, int, str], dict[int, types.CodeType]] = {}
        for found in gc.get_objects():
            # Not isinstance: it asks the object for its class, and lazy ones run foreign code.
            if type(found) is types.FunctionType:
                self._note(found, root)

    def _note(self, function: types.FunctionType, root: str) -> None:
        code = function.__code__
        file = os.path.abspath(code.co_filename)  # noqa: PTH100 - many calls, no file access
        if is_source_below(root, file):
            self._by_code.setdefault(id(code), []).append(function)
            place = (file, code.co_firstlineno, code.co_name)
            self._by_place.setdefault(place, {})[id(code)] = code

    def swap_for(self, edit: Edit) -> Swap | None:
        """What to replace by what for this edit; None where it cannot be done.

        Raises:
            SyntaxError, ValueError: the edited source does not compile.
        """
        unit = edit.unit
        olds = list(self._by_place.get((unit.path, unit.line, unit.name), {}).values())
        if not olds:
            return None
        flags = olds[0].co_flags & __future__.annotations.compiler_flag
        with warnings.catch_warnings():
            # A doubtful edit is tried like any other, whatever the project makes of warnings.
            warnings.simplefilter("ignore")
            module = compile(edit.source(), unit.path, "exec", flags=flags, dont_inherit=True)
        new = _find(module, unit.line, unit.name)
        if new is None:
            return None
        return self._pair([pair for old in olds for pair in _matching(old, new)])

    def _pair(self, codes: list[tuple[types.CodeType, types.CodeType]]) -> Swap | None:
        swap: Swap = []
        for was, becomes in codes:
            for function in self._by_code.get(id(was), ()):
                if len(was.co_freevars) != len(becomes.co_freevars):
                    return None
                swap.append((function, becomes))
        return swap or None


def apply(swap: Swap) -> Swap:
    """Give the functions their new code; the swap that takes it back."""
    back = [(function, function.__code__) for function, _ in swap]
    for function, code in swap:
        function.__code__ = code
    return back


def edit_from(units: dict[int, Unit], message: list[Any]) -> Edit:
    """The edit in a request: `[unit, [[start, end, text], …]]`."""
    unit, parts = message
    return Edit(units[unit], tuple((start, end, text) for start, end, text in parts))


def _find(code: types.CodeType, line: int, name: str) -> types.CodeType | None:
    for child in _children(code):
        if child.co_name == name and child.co_firstlineno == line:
            return child
        if child.co_firstlineno <= line:
            found = _find(child, line, name)
            if found is not None:
                return found
    return None


def _matching(
    old: types.CodeType, new: types.CodeType
) -> Iterator[tuple[types.CodeType, types.CodeType]]:
    yield old, new
    left = list(_children(new))
    for child in _children(old):
        match = next((code for code in left if code.co_name == child.co_name), None)
        if match is not None:
            left.remove(match)
            yield from _matching(child, match)


def _children(code: types.CodeType) -> Iterator[types.CodeType]:
    return (child for child in code.co_consts if isinstance(child, types.CodeType))
