"""What is wrong with an event, in a sentence: which field, what it must be, what came."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from paramedic.text import cut_middle, one_line

#: "Expected `int` >= 1 - at `$.count`", as msgspec words it.
_COMPLAINT = re.compile(r"(?P<what>.*?)(?: - at `(?P<key>key in )?\$(?P<path>[^`]*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(\w+)`")
_EXPECTED = re.compile(r"Expected `([^`]+)`(.*?)(?:, got `([^`]+)`)?", re.DOTALL)
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_TYPES = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a JSON object",
    "null": "null",
    "datetime": "a time as in RFC 3339",
}
#: The rest of an expectation, and how a person says it.
_BOUNDS = (
    (re.compile(r" of length >= (\d+)"), r" of length \1 or more"),
    (re.compile(r" of length <= (\d+)"), r" of length \1 or less"),
    (re.compile(r" >= (\S+)"), r", \1 or more"),
    (re.compile(r" <= (\S+)"), r", \1 or less"),
    (re.compile(r" matching regex '(.*)'"), r" that matches \1"),
    (re.compile(r" with a timezone component"), " with its time zone"),
)
#: Characters that are shown of what came.
_SHOWN = 80


def complaint(error: Exception, content: object) -> str:
    """The sentence, in one line and without a full stop.

    Args:
        error: what msgspec raised.
        content: what it was to read, as JSON in bytes or as Python values.
    """
    text = one_line(str(error) or type(error).__name__)
    parts = _COMPLAINT.fullmatch(text)
    if parts is None:
        return text
    what, path = parts["what"], parts["path"] or ""
    field = path.removeprefix(".")
    if missing := _MISSING.fullmatch(what):
        inside = f" of `{field}`" if field else ""
        return f"The field `{missing[1]}`{inside} is missing"
    expected = _EXPECTED.fullmatch(what)
    if expected is None:
        return f"The field `{field}` is wrong: {what}" if field else text
    named = f"The key in `{field}`" if parts["key"] else f"The field `{field}`"
    came = _came(expected[3], "" if parts["key"] else path, content)
    return f"{named if field else 'An event'} must be {_wanted(expected[1], expected[2])}{came}"


def _wanted(types: str, bound: str) -> str:
    for pattern, words in _BOUNDS:
        bound = pattern.sub(words, bound)
    return _type_words(types) + bound


def _type_words(types: str) -> str:
    return " or ".join(_TYPES.get(name, name) for name in types.split(" | "))


def _came(kind: str | None, path: str, content: object) -> str:
    """What came in its place, as far as it can be found."""
    value = _at(path, content)
    if value is not _NOWHERE:
        return f", not {cut_middle(json.dumps(value, default=repr), _SHOWN)}"
    return f", not {_type_words(kind)}" if kind else ""


_NOWHERE: Any = object()


def _at(path: str, content: object) -> Any:
    """The value at a path such as `.frames[0].line`; nowhere, where it cannot be followed."""
    steps = _STEP.findall(path)
    if not steps or "".join(f".{name}" if name else f"[{n}]" for name, n in steps) != path:
        return _NOWHERE
    value: Any = content
    try:
        if isinstance(content, bytes):
            value = msgspec.json.decode(content)
        for name, number in steps:
            value = value[name] if name else value[int(number)]
    except (msgspec.MsgspecError, UnicodeError, LookupError, TypeError):
        return _NOWHERE
    return value
