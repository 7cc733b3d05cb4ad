"""Small samples of the values that variables hold, as literals that can be read back.

Only values of exactly the built-in types are told, so that no code of the target runs,
and only small ones. Attributes of objects are told as `name.attribute`.
"""

from __future__ import annotations

import math
import types
from collections.abc import Iterator
from typing import Any

#: Different samples that are kept of each line.
_SAMPLES = 6
#: Visits of a line that are looked at for them.
_VISITS = 12
#: Greatest number of characters of a text, items of a container, bits of an integer.
_CHARACTERS, _ITEMS, _BITS = 80, 8, 128
#: How deep containers may be nested.
_DEPTH = 3
#: Variables of one line, and attributes of one object, that are looked at.
_VARIABLES, _ATTRIBUTES = 30, 12
#: Characters of all samples of one trace.
_ALL_CHARACTERS = 400_000

_OPEN_CLOSE: dict[type, tuple[str, str]] = {list: ("[", "]"), tuple: ("(", ")"), set: ("{", "}")}


class Samples:
    """The samples of one trace, by file and line."""

    def __init__(self) -> None:
        """Start with none."""
        self._seen: dict[tuple[str, int], list[dict[str, str]]] = {}
        self._visits: dict[tuple[str, int], int] = {}
        self._characters = 0

    def take(self, file: str, line: int, variables: dict[str, Any]) -> None:
        """Note what the variables hold before this line is run."""
        place = (file, line)
        visits = self._visits.get(place, 0)
        self._visits[place] = visits + 1
        if visits >= _VISITS or self._characters > _ALL_CHARACTERS:
            return
        rows = self._seen.setdefault(place, [])
        if len(rows) < _SAMPLES:
            row = dict(_literals(variables))
            if row and row not in rows:
                rows.append(row)
                self._characters += sum(map(len, row.values()))

    def report(self) -> list[dict[str, Any]]:
        """All samples, ready for JSON, in an order that does not vary."""
        return [
            {"file": file, "line": line, "rows": rows}
            for (file, line), rows in sorted(self._seen.items())
            if rows
        ]


def literal(value: Any, depth: int = _DEPTH) -> str | None:
    """The literal of a small value; None for any other."""
    kind = type(value)
    if value is None or kind is bool:
        return repr(value)
    if kind is int:
        return repr(value) if value.bit_length() <= _BITS else None
    if kind is float:
        return repr(value) if math.isfinite(value) else None
    if kind is str or kind is bytes:
        return repr(value) if len(value) <= _CHARACTERS else None
    if kind not in (list, tuple, set, dict) or len(value) > _ITEMS or not depth:
        return None
    return _literal_of_container(value, kind, depth - 1)


def _literal_of_container(value: Any, kind: type, depth: int) -> str | None:
    if kind is dict:
        pairs = [(literal(key, depth), literal(held, depth)) for key, held in value.items()]
        if any(key is None or held is None for key, held in pairs):
            return None
        return "{" + ", ".join(f"{key}: {held}" for key, held in pairs) + "}"
    items = [item for item in (literal(item, depth) for item in value) if item is not None]
    if len(items) < len(value):
        return None
    if kind is set:
        items.sort()
    if not items:
        return repr(value)
    opening, closing = _OPEN_CLOSE[kind]
    comma = "," if kind is tuple and len(items) == 1 else ""
    return opening + ", ".join(items) + comma + closing


def _literals(variables: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in list(variables.items())[:_VARIABLES]:
        if name.startswith("."):
            continue
        text = literal(value)
        if text is not None:
            yield name, text
        elif type(value).__module__ != "builtins":
            yield from _of_attributes(name, value)


def _of_attributes(name: str, value: Any) -> Iterator[tuple[str, str]]:
    for attribute, held in list(own_attributes(value).items())[:_ATTRIBUTES]:
        text = literal(held)
        if text is not None:
            yield f"{name}.{attribute}", text


def own_attributes(value: Any) -> dict[str, Any]:
    """What an object's own dictionary holds, without running its code."""
    if isinstance(value, (type, types.ModuleType)):
        return {}
    try:
        return dict(object.__getattribute__(value, "__dict__"))
    except (AttributeError, TypeError, ValueError):
        return {}
