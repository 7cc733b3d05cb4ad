"""How mistakes in settings are put in words: what does not fit, and what would."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Union, get_args, get_origin

import msgspec

#: What to write for each type of setting.
_FITTING: dict[Any, str] = {
    str: "Use a text in quotes.",
    int: "Use a whole number.",
    float: "Use a number.",
    bool: "Use true or false.",
    tuple: 'Use a list: ["…", "…"].',
    Mapping: 'Use a table: {NAME = "…"}.',
}


def misfit(value: object, error: msgspec.ValidationError) -> str:
    """What is wrong with a value; where it is a long one, what msgspec says of it."""
    if isinstance(value, str | int | float):
        return f"is {value!r}."
    return f"{str(error).replace('`', '')}."


def fitting(hint: Any) -> str:
    """What would fit a setting of this type, as a remedy."""
    if get_origin(hint) in (Union, types.UnionType):
        return fitting(next(one for one in get_args(hint) if one is not types.NoneType))
    if names := _members(hint):
        return f"Use one of {names}."
    for inner in get_args(hint):
        if names := _members(inner):
            return f"{_FITTING[get_origin(hint)][:-1]} of {names}."
    return _FITTING.get(get_origin(hint) or hint, "See docs/settings.md.")


def closest(key: str, names: Sequence[str]) -> str:
    """Which of these names somebody may have meant, as a remedy."""
    import difflib

    close = difflib.get_close_matches(key, names, n=1)
    return f"Did you mean {close[0]}?" if close else "Remove it; docs/settings.md lists them all."


def _members(hint: Any) -> str:
    if not (isinstance(hint, type) and issubclass(hint, Enum)):
        return ""
    return ", ".join(str(member.value) for member in hint)
