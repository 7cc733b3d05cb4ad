"""Colons, commas and equals signs: missing, extra, or one in place of another.

if ready                    ->  if ready:
pair = [one two]            ->  pair = [one, two]
if count = 1:               ->  if count == 1:
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from paramedic_workers.repair.source import Replacement
from paramedic_workers.repair.syntax.broken import (
    Broken,
    Idea,
    Kind,
    Line,
    Token,
    insertion,
    substitution,
)

_OPENS_BLOCK = frozenset(
    {
        *("if", "elif", "else", "for", "while", "def", "class", "try", "except", "finally"),
        *("with", "async", "match", "case", "lambda"),
    }
)
#: What is written in place of the `:` at the end of a line.
_FOR_COLON = (";", ",", ".", "=", "{", "then", "do", "->")
_SWAPS = {
    ";": (":", ","),
    ":": ("=", ","),
    "=": (":", "=="),
    ".": (",",),
    ",": (".", ":"),
    "==": ("=",),
    "->": (":",),
    "=>": (":",),
}
_SINGLE = frozenset(",.:;=)]}+-*/|&")
_MISSING_COLON = "missing colon"


def ideas(broken: Broken) -> Iterator[Idea]:
    """Every mark near the error that may be missing or another."""
    for line in broken.near:
        closeness = broken.closeness(line)
        found = (*_colons(broken, line), *_commas(broken, line), *_equals(broken, line))
        for idea in found:
            yield Idea(idea.parts, idea.kind, idea.title, idea.weight * closeness)
    yield from _at_the_error(broken)


def _colons(broken: Broken, line: Line) -> Iterator[Idea]:
    """The `:` of a block."""
    tokens = broken.tokens_of(line)
    if not tokens or tokens[-1].text == ":":
        return
    last = tokens[-1]
    opens = tokens[0].text in _OPENS_BLOCK or tokens[0].kind is Kind.CLOSE
    expected = "expected ':'" in broken.problem.message and line is broken.error_line
    # A header of several lines begins further up.
    if opens or expected:
        if last.text in _FOR_COLON:
            title = f"`:` in place of `{last.text}`"
            yield Idea(substitution(last, ":"), "wrong mark", title, 0.95)
        weight = 1.0 if expected else 0.85
        yield Idea(insertion(last.end, ":"), _MISSING_COLON, "a missing `:`", weight)
        for token in tokens[:-1]:
            yield Idea(insertion(token.end, ":"), "colon", "a missing `:`", 0.3)


def _commas(broken: Broken, line: Line) -> Iterator[Idea]:
    """A `,` or the `:` of a dictionary between two values that stand side by side."""
    tokens = broken.tokens
    guided = "comma" in broken.problem.message
    for before, left, right in zip([None, *tokens], tokens, tokens[1:], strict=False):
        if not line.start <= left.start <= line.end:
            continue
        if not (left.ends_operand and right.begins_operand):
            continue
        around = broken.enclosing(right.start)
        weight = 0.9 if around else 0.3
        distance = min(abs(left.end - broken.position), abs(right.start - broken.position))
        weight *= (1.05 if guided else 1.0) / (1.0 + 0.005 * distance)
        yield Idea(insertion(left.end, ","), "missing comma", "a missing `,`", weight)
        if around and around[-1].text == "{":
            is_key = before is not None and before.text in ("{", ",")
            weight *= 1.05 if is_key else 0.5
            yield Idea(insertion(left.end, ":"), "colon", "a missing `:`", weight)
        yield Idea(insertion(left.end, "."), "wrong mark", "a missing `.`", 0.3 * weight)


def _equals(broken: Broken, line: Line) -> Iterator[Idea]:
    """`=` where two values are compared."""
    tokens = broken.tokens_of(line)
    compares = bool(tokens) and tokens[0].text in ("if", "elif", "while", "assert", "return")
    for token in tokens:
        if token.text == "=":
            title = "`==` in place of `=`"
            weight = 0.95 if compares or "'=='" in broken.problem.message else 0.4
            yield Idea(substitution(token, "=="), "comparison", title, weight)
            if "':='" in broken.problem.message:
                title = "`:=` in place of `=`"
                yield Idea(substitution(token, ":="), "wrong mark", title, 0.45)


def _at_the_error(broken: Broken) -> Iterator[Idea]:
    """The tokens at the parser's own position: another mark, or none."""
    around = [t for t in broken.tokens_of(broken.error_line) if _is_close(t, broken.position)]
    for token in around:
        for other in _SWAPS.get(token.text, ()):
            title = f"`{other}` in place of `{token.text}`"
            yield Idea(substitution(token, other), "wrong mark", title, 0.6)
        if token.text in _SINGLE and token.kind is not Kind.CLOSE:
            title = f"an extra `{token.text}`"
            yield Idea(substitution(token, ""), "extra mark", title, 0.45)
    for left, right in pairwise(around):
        if left.text == right.text and left.kind is Kind.NAME:
            title = f"`{left.text}` once in place of twice"
            yield Idea(_without(left, right), "extra mark", title, 0.8)


def _without(left: Token, right: Token) -> tuple[Replacement, ...]:
    return (Replacement(left.start, right.start, ""),)


def _is_close(token: Token, position: int) -> bool:
    return token.start - 12 <= position <= token.end + 12
