"""The statements around an error: what needs to be parsed anew for each idea.

Large files take long to parse. Where the text before and the text behind some top-level
statements parse by themselves, the error is between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from paramedic_workers.repair.syntax.broken import Problem, parsed

_STATEMENT = re.compile(r"^(?:def|class|async|@|import|from)\b|^@|^\w+ =", re.MULTILINE)
#: Places that are tried for each end of the window.
_MOST_PLACES = 3
#: Characters of a text that is parsed as a whole.
_SMALL = 4_000


@dataclass(frozen=True)
class Window:
    """A part of a text that does not parse, between parts that do."""

    before: str
    text: str
    behind: str


def window_of(text: str, problem: Problem) -> Window:
    """The smallest window that is found quickly; all of the text where there is none."""
    whole = Window("", text, "")
    if len(text) <= _SMALL:
        return whole
    position = sum(map(len, re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)[: problem.line - 1]))
    places = [match.start() for match in _STATEMENT.finditer(text)]
    starts = (place for place in reversed(places) if place <= position)
    ends = (place for place in places if place > position)
    start = next((p for p in _few(starts) if _parses(text[:p])), 0)
    end = next((p for p in _few(ends) if _parses(text[p:])), len(text))
    window = Window(text[:start], text[start:end], text[end:])
    return whole if _parses(window.text) else window


def _few(places: Iterable[int]) -> Iterable[int]:
    return islice(places, _MOST_PLACES)


def _parses(text: str) -> bool:
    return not isinstance(parsed(text), Problem)
