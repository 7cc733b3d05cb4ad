"""Words of other languages, misspelt keywords, and characters that no parser takes.

if (a && !b) || c:          ->  if (a and not b) or c:
else if ready:              ->  elif ready:
function total(prices):     ->  def total(prices):
count++                     ->  count += 1
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from itertools import pairwise

from paramedic_workers.repair.source import Replacement
from paramedic_workers.repair.spelling import closest
from paramedic_workers.repair.syntax.broken import (
    Broken,
    Idea,
    Kind,
    Line,
    Token,
    insertion,
    substitution,
)

_FOREIGN = "foreign word"
_OPERATORS = {
    **{"&&": "and", "||": "or", "===": "==", "!==": "!=", "<>": "!=", "=>": ">=", "=<": "<="},
    "!": "not",
}
_NAMES = {
    **{"elseif": "elif", "elsif": "elif", "catch": "except", "throw": "raise"},
    **{"null": "None", "nil": "None", "NULL": "None", "undefined": "None"},
    **{"true": "True", "TRUE": "True", "false": "False", "FALSE": "False"},
    **{"AND": "and", "OR": "or", "NOT": "not"},
}
_DEFINING = ("function", "func", "fn", "fun", "sub", "method")
_DECLARING = ("var", "let", "const", "auto", "new")
#: Characters that look like others; what has no likeness is taken away.
_LOOKALIKES = {
    **{"\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2018": "'", "\u2019": "'"},
    **{"\u2013": "-", "\u2014": "-", "\u2212": "-", "\u00d7": "*", "\u00f7": "/"},
    **{"\u2264": "<=", "\u2265": ">=", "\u2260": "!=", "\u00a0": " ", "\uff1a": ":"},
    **{"\uff08": "(", "\uff09": ")", "\uff0c": ",", "\u200b": "", "\ufeff": "", "\u3000": " "},
}
#: Keywords that people misspell in the place of a name.
_KEYWORDS = [word for word in keyword.kwlist if len(word) > 2]
_LEAST_LIKE = 0.7


def ideas(broken: Broken) -> Iterator[Idea]:
    """What the lines near the error would be in Python."""
    for line in broken.near:
        closeness = broken.closeness(line)
        for idea in _of_line(broken, line):
            yield Idea(idea.parts, idea.kind, idea.title, idea.weight * closeness)


def _of_line(broken: Broken, line: Line) -> Iterator[Idea]:
    tokens = broken.tokens_of(line)
    yield from _translated(broken, tokens)
    yield from _defining(tokens)
    yield from _counting(line, tokens)
    yield from _python_2(line, tokens)
    yield from _misspelt(tokens)
    yield from _unprintable(line)
    if line.text.lstrip().startswith("//"):
        start = line.start + len(line.indentation)
        yield Idea((Replacement(start, start + 2, "#"),), _FOREIGN, "`#` in place of `//`", 0.9)


def _translated(broken: Broken, tokens: list[Token]) -> Iterator[Idea]:
    """All foreign words of a line at once."""
    parts, titles = [], []
    following = [*tokens[1:], None][: len(tokens)]
    for token, after in zip(tokens, following, strict=True):
        new = _translation(token, after)
        if new is None:
            continue
        start, end, old = token.start, token.end, token.text
        if after is not None and token.text == "else":
            end, old = after.end, "else if"
        parts.append(Replacement(start, end, _spaced(broken.text, start, end, new)))
        titles.append(f"`{new}` in place of `{old}`")
    if parts:
        yield Idea(tuple(parts), _FOREIGN, ", ".join(dict.fromkeys(titles)), 0.95)


def _translation(token: Token, after: Token | None) -> str | None:
    if token.kind is Kind.OPERATOR:
        return _OPERATORS.get(token.text)
    if token.text == "else" and after is not None and after.text == "if":
        return "elif"
    return _NAMES.get(token.text)


def _spaced(text: str, start: int, end: int, new: str) -> str:
    """A word with the spaces that it needs around it."""
    if not new.isalpha():
        return new
    before = " " if start and (text[start - 1].isalnum() or text[start - 1] in "_)]\"'") else ""
    after = " " if end < len(text) and not text[end].isspace() and text[end] != ":" else ""
    return f"{before}{new}{after}"


def _defining(tokens: list[Token]) -> Iterator[Idea]:
    """`def`, foreign or missing; a declaration that Python does not have."""
    if len(tokens) < 2:
        return
    first, second = tokens[0], tokens[1]
    if first.text in _DEFINING and second.kind is Kind.NAME:
        title = f"`def` in place of `{first.text}`"
        yield Idea(substitution(first, "def"), _FOREIGN, title, 0.95)
    is_header = tokens[-1].text == ":" and second.text == "("
    if is_header and first.kind is Kind.NAME and not keyword.iskeyword(first.text):
        yield Idea(insertion(first.start, "def "), "missing def", "a missing `def`", 0.9)
    if tokens[-1].text == ":" and first.text == "def" and len(tokens) == 3:
        yield Idea(insertion(second.end, "()"), "missing bracket", "missing `()`", 0.9)
    for token, after in pairwise(tokens):
        if token.text in _DECLARING and after.kind is Kind.NAME:
            part = Replacement(token.start, after.start, "")
            yield Idea((part,), _FOREIGN, f"an extra `{token.text}`", 0.7)
        if token.text in ("of", "on") and tokens[0].text == "for":
            title = f"`in` in place of `{token.text}`"
            yield Idea(substitution(token, "in"), _FOREIGN, title, 0.9)


def _counting(line: Line, tokens: list[Token]) -> Iterator[Idea]:
    """`x++` and `x--`."""
    for token in tokens:
        if token.text not in ("++", "--"):
            continue
        sign = token.text[0]
        title = f"`{sign}= 1` in place of `{token.text}`"
        start = line.start + len(line.text[: token.start - line.start].rstrip())
        part = Replacement(start, token.end, f" {sign}= 1")
        yield Idea((part,), _FOREIGN, title, 0.95)


def _python_2(line: Line, tokens: list[Token]) -> Iterator[Idea]:
    """What was right in Python 2."""
    if len(tokens) < 2:
        return
    first, second, last = tokens[0], tokens[1], tokens[-1]
    if first.text == "print" and second.text != "(":
        parts = (Replacement(first.end, second.start, "("), *insertion(last.end, ")"))
        yield Idea(parts, _FOREIGN, "`print` as a function", 0.9)
    commas = [token for token in tokens if token.text == ","]
    if first.text == "except" and len(commas) == 1:
        title = "`as` in place of `,`"
        yield Idea(substitution(commas[0], " as"), _FOREIGN, title, 0.8)
        parts = (*insertion(second.start, "("), *insertion(tokens[-2].end, ")"))
        if last.text == ":":
            yield Idea(parts, "missing bracket", "missing `()`", 0.75)
    if first.text == "raise" and commas:
        comma = commas[0]
        after = next((t for t in tokens if t.start >= comma.end), comma)
        parts = (Replacement(comma.start, after.start, "("), *insertion(last.end, ")"))
        yield Idea(parts, _FOREIGN, "an exception that is called", 0.85)
    for match in re.finditer(r"\b0(?=[0-7]+\b)(?!\.)", line.text):
        part = Replacement(line.start + match.end(), line.start + match.end(), "o")
        yield Idea((part,), _FOREIGN, "`0o` in place of `0`", 0.7)


def _misspelt(tokens: list[Token]) -> Iterator[Idea]:
    """A name that is nearly a keyword."""
    for place, token in enumerate(tokens):
        if token.kind is not Kind.NAME or keyword.iskeyword(token.text) or len(token.text) < 2:
            continue
        near = closest(token.text, _KEYWORDS, least=_LEAST_LIKE, most=3)
        for number, word in enumerate(near):
            title = f"`{word}` in place of `{token.text}`"
            weight = (0.9 if place == 0 else 0.7) / (1 + number)
            yield Idea(substitution(token, word), "misspelt keyword", title, weight)


def _unprintable(line: Line) -> Iterator[Idea]:
    """All characters of a line that look like others."""
    parts = tuple(
        Replacement(line.start + n, line.start + n + 1, _LOOKALIKES[character])
        for n, character in enumerate(line.text)
        if character in _LOOKALIKES
    )
    if parts:
        old = line.text[parts[0].start - line.start]
        title = f"`{parts[0].text.strip()}` in place of the character U+{ord(old):04X}"
        yield Idea(parts, "odd character", title, 0.95)
