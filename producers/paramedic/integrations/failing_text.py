"""Reads what a failing test or program prints: the exception, and the places it names.

It knows pytest's own style and Python's tracebacks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from paramedic.event import Frame
from paramedic.source import CodeRoot

#: `shop.errors.Empty: nothing in it`.
TYPED = re.compile(r"^(?P<type>[A-Za-z_][\w.]*): ?(?P<message>.*)$", re.DOTALL)
#: A line that is nothing but the name of an exception.
TYPE_ALONE = re.compile(
    r"^[A-Za-z_][\w.]*(Error|Exception|Interrupt|Exit|Warning|Failed|Iteration|Group)$"
)
#: `shop/cart.py:3: ZeroDivisionError` and `shop/cart.py:3: in total`.
_PYTEST_PLACE = re.compile(
    r"^(?P<file>[^\s:][^:]*\.py):(?P<line>\d{1,9}): ?(?:in (?P<function>.+)|(?P<type>[\w.]*))$"
)
_PYTHON_PLACE = re.compile(
    r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d{1,9})(?:, in (?P<function>.+))?$'
)
_DEFINITION = re.compile(r"^>?\s*(?:async\s+)?def (?P<function>\w+)\(")


def type_at_end(text: str) -> str:
    """The type in pytest's closing line `shop/cart.py:3: ZeroDivisionError`; may be empty."""
    place = _PYTEST_PLACE.match(text.rpartition("\n")[2])
    return (place["type"] or "") if place else ""


def last_error_line(text: str) -> str:
    """The last line that pytest marks with an E, else the last line."""
    lines = [line[1:].strip() for line in text.splitlines() if line.startswith("E ")]
    return lines[-1] if lines else text.strip().rpartition("\n")[2]


def type_of(message: str, fallback: str) -> str:
    """The type that a message without one stands for."""
    first = message.partition("\n")[0].strip()
    if first.startswith("assert "):
        return "AssertionError"
    return first if TYPE_ALONE.match(first) else fallback


def raised(named: str, message: str, fallback: str) -> tuple[str, str]:
    """Type and message of an exception.

    Args:
        named: its type, where something else than the message names it.
        message: may begin with the type.
        fallback: the type where nothing names one.
    """
    typed = TYPED.match(message)
    if typed and (not named or typed["type"].rpartition(".")[2] == named.rpartition(".")[2]):
        return typed["type"], typed["message"]
    return named or type_of(message, fallback), message


def frames(text: str, code: CodeRoot) -> Iterator[Frame]:
    """The places that a failing output names, in its order: outermost first."""
    function = ""
    for line in text.splitlines():
        if definition := _DEFINITION.match(line):
            function = definition["function"]
        place = _PYTHON_PLACE.match(line) or _PYTEST_PLACE.match(line)
        if place is None:
            continue
        file, in_app = code.locate(str(code.path / place["file"]))
        yield Frame(
            file=file,
            function=place["function"] or function or "?",
            line=int(place["line"]),
            in_app=in_app,
        )
        function = ""
