"""What a call did, as a text: the same text for the same behaviour.

Texts and not values are compared, because each version runs in a process of its own.
Values that are equal have the same text, as far as that can be told from outside:
`1 == 1.0 == True`, NaN is NaN, the last digits of a float do not count, a subclass of a
container is the container, an object is its type and attributes.
"""

from __future__ import annotations

import collections.abc
import contextlib
import enum
import hashlib
import re
import types
from typing import Any

#: Items that are taken of an iterator.
MOST_ITEMS = 200
#: Values inside one value that are looked at, and how deep.
_MOST_VALUES, _DEEPEST = 4000, 20
#: Characters of a text that is told whole; of a longer one the beginning and a digest.
_WHOLE = 160
#: Significant digits of a float that count.
_DIGITS = 12

#: Containers of which the order counts, with their brackets.
_SEQUENCES = (((list, collections.deque), "[]"), (tuple, "()"))

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def text_of(value: Any) -> str:
    """The text of a value."""
    return _Writer().text(value, 0)


def shortened(text: str) -> str:
    """A text of bounded length that is the same for the same text."""
    if len(text) <= _WHOLE:
        return text
    digest = hashlib.sha1(text.encode("utf-8", "replace")).hexdigest()[:16]
    return f"{text[: _WHOLE - 20]}… {digest}"


class _Writer:
    """Writes one value, within bounds."""

    def __init__(self) -> None:
        self._left = _MOST_VALUES
        self._around: list[int] = []

    def text(self, value: Any, depth: int) -> str:
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            return "…"
        if id(value) in self._around:
            return "<itself>"
        if value is None or isinstance(value, (str, bytes, bytearray)):
            return _plain(value)
        if isinstance(value, (int, float, complex)) and not isinstance(value, enum.Enum):
            return _number(value)
        self._around.append(id(value))
        try:
            return self._composed(value, depth + 1)
        finally:
            self._around.pop()

    def _composed(self, value: Any, depth: int) -> str:
        for kinds, brackets in _SEQUENCES:
            if isinstance(value, kinds):
                return f"{brackets[0]}{self._items(value, depth)}{brackets[1]}"
        if isinstance(value, (set, frozenset)):
            return "{" + ", ".join(sorted(self.text(item, depth) for item in value)) + "}"
        if isinstance(value, dict):
            pairs = (f"{self.text(k, depth)}: {self.text(v, depth)}" for k, v in value.items())
            return "{" + ", ".join(sorted(pairs)) + "}"
        return _named(value) or self._object(value, depth)

    def _items(self, values: Any, depth: int) -> str:
        texts = []
        for item in values:
            texts.append(self.text(item, depth))
            if self._left < 0:
                break
        return ", ".join(texts)

    def _object(self, value: Any, depth: int) -> str:
        name = type(value).__name__
        if isinstance(value, BaseException):
            return f"{name}{self.text(value.args, depth)}"
        attributes = _attributes(value)
        if attributes is not None:
            inner = (f"{key}={self.text(item, depth)}" for key, item in sorted(attributes.items()))
            return f"{name}({', '.join(inner)})"
        if isinstance(value, collections.abc.Iterator):
            return f"<{name}>"
        try:
            return f"{name} {_ADDRESS.sub('', repr(value))}"
        except Exception:  # noqa: BLE001 - an object's repr is foreign code
            return f"<{name}>"


def _named(value: Any) -> str:
    """What has a name of its own is its name: enum members, classes, functions."""
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
        return f"<{value.__qualname__}>"
    return ""


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return str.__repr__(value)
    return "None" if value is None else repr(bytes(value))


def _number(value: Any) -> str:
    if isinstance(value, complex):
        return f"{_number(value.real)}+{_number(value.imag)}j"
    if isinstance(value, int):
        number = int(value)
        return str(number) if abs(number) < 10**40 else hex(number)
    text = format(float(value), f".{_DIGITS}g")
    return "0" if text == "-0" else _as_whole_number(text)


def _as_whole_number(text: str) -> str:
    """The text of an equal whole number, where there is one of not too many digits."""
    if "e+" in text and int(text.partition("e+")[2]) < 40:
        return str(int(float(text)))
    return text


def _attributes(value: Any) -> dict[str, Any] | None:
    """The attributes of an object that has some of its own; None for all others."""
    found: dict[str, Any] = {}
    with contextlib.suppress(AttributeError, TypeError):
        found.update(object.__getattribute__(value, "__dict__"))
    for kind in type(value).__mro__:
        slots = vars(kind).get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            try:
                found[slot] = object.__getattribute__(value, slot)
            except (AttributeError, TypeError):
                continue
    has_own_repr = type(value).__repr__ is not object.__repr__  # type: ignore[comparison-overlap]
    if type(value).__module__ == "builtins" or (not found and has_own_repr):
        return None
    return found
