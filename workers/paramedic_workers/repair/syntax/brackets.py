"""Brackets: one too few, one too many, one of the wrong kind.

total = sum(prices          ->  total = sum(prices)
total = sum(prices))        ->  total = sum(prices)
first = prices[0)           ->  first = prices[0]
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from paramedic_workers.repair.syntax.broken import (
    Broken,
    Idea,
    Kind,
    Line,
    Token,
    closer_of,
    insertion,
    substitution,
)

#: Lines behind an opening bracket that may hold its end.
_FURTHER_LINES = 12
_OPENER = {")": "(", "]": "[", "}": "{"}


def ideas(broken: Broken) -> Iterator[Idea]:
    """Every way in which a bracket may be meant, near the error."""
    message = broken.problem.message
    openings = {t.start: t for t in (*broken.unclosed, *broken.enclosing(broken.position))}
    for opening in openings.values():
        if opening.start <= broken.position:
            named = "never closed" in message and opening.start == broken.position
            yield from _closed(broken, opening, 1.0 if named else 0.5)
    for token in _closers_near(broken):
        pointed = token.start <= broken.position < token.end
        yield from _wrong_closer(broken, token, 1.0 if pointed else 0.3)


def _closed(broken: Broken, opening: Token, weight: float) -> Iterator[Idea]:
    """The end of an opening bracket, wherever it may be missing."""
    closer = closer_of(opening.text)
    title = f"a missing `{closer}`"
    line = broken.line_at(opening.start)
    last = min(len(broken.lines), line.number + _FURTHER_LINES)
    for number in range(line.number, last + 1):
        further = broken.lines[number - 1]
        tokens = [t for t in broken.tokens_of(further) if t.start >= opening.start]
        distance = number - line.number
        natural = _natural_end(tokens)
        for place, token in enumerate(reversed(tokens)):
            is_natural = token is natural
            factor = 1.0 if is_natural else 0.6 / (1.0 + 0.05 * place)
            kind = "missing bracket" if is_natural else "bracket"
            edit = insertion(token.end, closer)
            yield Idea(edit, kind, title, weight * factor * _nearness(broken, further, distance))
        if distance and tokens and _is_dedented(further, line):
            break


def _natural_end(tokens: list[Token]) -> Token | None:
    """The last token of a line that is not the `:` of a block or the `,` of a sequence."""
    inner = [token for token in tokens if token.text not in (":", ",", ";")]
    if tokens and tokens[-1].text in (":", ",", ";") and len(tokens) > 1:
        return tokens[-2]
    return inner[-1] if inner else None


def _nearness(broken: Broken, line: Line, distance: int) -> float:
    before = broken.line_before(broken.error_line)
    if distance and line in (broken.error_line, before):
        return 0.8
    return 1.0 / (1.0 + 0.4 * distance)


def _is_dedented(line: Line, start: Line) -> bool:
    return len(line.indentation) <= len(start.indentation)


def _closers_near(broken: Broken) -> list[Token]:
    lines = broken.near[:2]
    return [t for line in lines for t in broken.tokens_of(line) if t.kind is Kind.CLOSE]


def _wrong_closer(broken: Broken, token: Token, weight: float) -> Iterator[Idea]:
    yield Idea(substitution(token, ""), "extra bracket", f"an extra `{token.text}`", 0.8 * weight)
    around = broken.enclosing(token.start)
    if around and closer_of(around[-1].text) != token.text:
        opening, closer = around[-1], closer_of(around[-1].text)
        title = f"`{closer}` in place of `{token.text}`"
        yield Idea(substitution(token, closer), "wrong bracket", title, 0.9 * weight)
        opener = _OPENER[token.text]
        title = f"`{opener}` in place of `{opening.text}`"
        yield Idea(substitution(opening, opener), "wrong bracket", title, 0.6 * weight)
        before = broken.token_before(token.start)
        if before:
            title = f"a missing `{closer}`"
            yield Idea(insertion(before.end, closer), "missing bracket", title, weight)
    yield from _opened(broken, token, 0.5 * weight)


def _opened(broken: Broken, token: Token, weight: float) -> Iterator[Idea]:
    """The beginning of a closing bracket."""
    opener = _OPENER[token.text]
    line = broken.line_at(token.start)
    title = f"a missing `{opener}`"
    before = [t for t in broken.tokens_of(line) if t.start < token.start]
    for place, (left, first) in enumerate(pairwise([None, *before, token])):
        assert first is not None
        touches = left is not None and left.ends_operand and left.end == first.start
        calls = touches and left is not None and left.kind is Kind.NAME and opener == "("
        if first is token and not calls:
            continue
        factor = 1.6 if touches and first.text not in (".", ",", ":") else 1.0
        factor /= 1.0 + 0.1 * (len(before) - place)
        yield Idea(insertion(first.start, opener), "bracket", title, weight * factor)
    yield from _opened_inside_name(broken, before, opener, 1.4 * weight)


def _opened_inside_name(
    broken: Broken, tokens: list[Token], opener: str, weight: float
) -> Iterator[Idea]:
    """A name that is two names of the text: `roundprice)`."""
    known = {token.text for token in broken.tokens if token.kind is Kind.NAME}
    for previous, glued in pairwise([None, *tokens]):
        assert glued is not None
        defines = previous is not None and previous.text in ("def", "class")
        for cut in range(1, len(glued.text)):
            first, second = glued.text[:cut], glued.text[cut:]
            if second in known and (defines or first in known):
                edit = insertion(glued.start + cut, opener)
                yield Idea(edit, "bracket", f"a missing `{opener}`", weight)
