"""Quotes: a string that does not end, does not begin, or holds its own quote.

greeting = "hello           ->  greeting = "hello"
greeting = 'don't'          ->  greeting = "don't"
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from paramedic_workers.repair.source import Replacement
from paramedic_workers.repair.syntax.broken import (
    Broken,
    Idea,
    Kind,
    Line,
    Token,
    closer_of,
    insertion,
)

#: Lines in which the end of a long string may be missing.
_FURTHER_LINES = 30
_PUNCTUATION = " \t)]}:,;"
_KIND = "quote"
#: Two quotes where a text follows or ends, which is no empty string.
_TWO_QUOTES = re.compile(
    r"""(?<!["'\\])(?:""(?=\w)|''(?=\w)|(?<=[\w.!?)`])(?:""|'')(?=[ \t]*$))(?!["'])""", re.MULTILINE
)
_MOST_INCOMPLETE = 12


def ideas(broken: Broken) -> Iterator[Idea]:
    """Every way in which a quote near the error may be meant."""
    stray = [t for t in broken.tokens if t.kind is Kind.QUOTE]
    near = {line.number for line in broken.near}
    for token in stray:
        if len(token.text) == 3:
            yield from _long_ended(broken, token)
            continue
        line = broken.line_at(token.start)
        if line.number in near:
            yield from _ended(line, token)
            yield from _begun(line, token)
            yield from _mixed(line, token)
    if stray:
        yield from _long_incomplete(broken)
    for line in broken.near:
        yield from _holding_its_own(line)
        yield from _inner_of_formatted(broken, line)


def _ended(line: Line, quote: Token) -> Iterator[Idea]:
    """The end of the string, behind the last word, or before what may follow a string."""
    rest = line.text[quote.end - line.start :]
    natural = len(rest.rstrip(_PUNCTUATION))
    title = f"a missing `{quote.text}`"
    places = [m.start() for m in re.finditer(r"(?<=\w)\b|[)\]},:;+% ]|$", rest)]
    for place in dict.fromkeys([natural, *places]):
        weight = 0.9 if place == natural else 0.4 / (1.0 + 0.05 * abs(place - natural))
        yield Idea(insertion(quote.end + place, quote.text), _KIND, title, weight)


def _begun(line: Line, quote: Token) -> Iterator[Idea]:
    """The beginning of the string, before a word."""
    title = f"a missing `{quote.text}`"
    before = line.text[: quote.start - line.start]
    # Strings and what is between them have changed places: every word may be meant.
    words = [match.start() for match in re.finditer(r"(?<![\w'\"])\w|(?<=\w)(?=[,)\]}:])", before)]
    for distance, place in enumerate(reversed(words)):
        weight = 0.6 / (1.0 + 0.1 * distance)
        yield Idea(insertion(line.start + place, quote.text), _KIND, title, weight)
    title = f"an extra `{quote.text}`"
    yield Idea((Replacement(quote.start, quote.end, ""),), _KIND, title, 0.3)


def _mixed(line: Line, quote: Token) -> Iterator[Idea]:
    """A string that begins with one quote and ends with the other."""
    other = "'" if quote.text == '"' else '"'
    rest = line.text[quote.end - line.start :]
    for match in re.finditer(other, rest):
        end = quote.end + match.start()
        title = f"`{quote.text}` in place of `{other}`"
        yield Idea((Replacement(end, end + 1, quote.text),), _KIND, title, 0.95)
    for match in re.finditer(other, line.text[: quote.start - line.start]):
        start = line.start + match.start()
        title = f"`{other}` in place of `{quote.text}`"
        yield Idea((Replacement(quote.start, quote.end, other),), _KIND, title, 0.95)
        title = f"`{quote.text}` in place of `{other}`"
        yield Idea((Replacement(start, start + 1, quote.text),), _KIND, title, 0.6)


def _holding_its_own(line: Line) -> Iterator[Idea]:
    """A string with its own quote in it: other quotes around the whole."""
    for quote, other in (("'", '"'), ('"', "'")):
        places = [line.start + m.start() for m in re.finditer(quote, line.text)]
        for first in range(len(places) - 2):
            for last in range(first + 2, min(len(places), first + 5)):
                start, end = places[first], places[last]
                if other in line.text[start - line.start : end - line.start]:
                    continue
                parts = (
                    Replacement(start, start + 1, other),
                    Replacement(end, end + 1, other),
                )
                weight = 0.85 / (last - first - 1)
                yield Idea(parts, _KIND, f"`{other}` around a text with `{quote}`", weight)


def _inner_of_formatted(broken: Broken, line: Line) -> Iterator[Idea]:
    """A replacement field that does not end."""
    if not broken.problem.message.startswith("f-string"):
        return
    for match in re.finditer(r"\{([^{}'\"]*)", line.text):
        position = line.start + match.end()
        inner = _closers_missing_in(match[1])
        missing = inner if line.text[match.end() : match.end() + 1] == "}" else f"{inner}}}"
        if missing:
            yield Idea(insertion(position, missing), "bracket", f"a missing `{missing}`", 0.8)


def _closers_missing_in(text: str) -> str:
    stack: list[str] = []
    for character in text:
        if character in "([":
            stack.append(closer_of(character))
        elif stack and character == stack[-1]:
            stack.pop()
    return "".join(reversed(stack))


def _long_incomplete(broken: Broken) -> Iterator[Idea]:
    """Three quotes of which one is missing, however far up."""
    places = list(_TWO_QUOTES.finditer(broken.text))[-_MOST_INCOMPLETE:]
    for match in places:
        title = f"a missing `{match.group()[0]}`"
        yield Idea(insertion(match.end(), match.group()[0]), _KIND, title, 0.8)


def _long_ended(broken: Broken, quote: Token) -> Iterator[Idea]:
    """The end of a string in three quotes, at the end of this line or one of the next."""
    first = broken.line_at(quote.start)
    title = f"a missing `{quote.text}`"
    for line in broken.lines[first.number - 1 : first.number + _FURTHER_LINES]:
        distance = line.number - first.number
        weight = 0.9 / (1.0 + 0.2 * distance)
        end = line.start + len(line.text.rstrip())
        begun = line.text.rstrip()
        if end <= quote.start or (end == quote.end and not distance):
            continue
        for length in (2, 1):
            if begun.endswith(quote.text[:length]) and end - length >= quote.end:
                yield Idea(insertion(end, quote.text[length:]), _KIND, title, weight + 0.1)
                break
        yield Idea(insertion(end, quote.text), _KIND, title, weight)
