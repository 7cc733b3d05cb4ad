"""From a text that does not parse to texts that do, the likeliest first.

1. Every idea near the parser's position is tried; what then parses is a mend.
2. Only when those are used up: after the ideas that bring the parser further, a second one,
   and after two a third one.

Mends with the same syntax tree count once, as the likeliest of them.
"""

from __future__ import annotations

import ast
import difflib
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import takewhile

from paramedic_workers.repair.source import Replacement
from paramedic_workers.repair.syntax import brackets, indentation, punctuation, quotes, words
from paramedic_workers.repair.syntax.broken import Broken, Idea, Problem, parsed
from paramedic_workers.repair.syntax.window import window_of

_FAMILIES = (punctuation, brackets, words, quotes, indentation)
#: Ideas that are parsed for the first problem of a text, and for each of those behind it.
_MOST_IDEAS = (300, 120, 60)
#: Texts with one idea that get another one.
_BEAM = 8
#: How much less likely each further error is.
_TWICE = 0.5
#: How much an edit loses for each character.
_PER_CHARACTER = 0.01


@dataclass(frozen=True)
class Mend:
    """An edit after which a text parses."""

    text: str
    #: The edit as replacements in the broken text.
    parts: tuple[Replacement, ...]
    kind: str
    title: str
    weight: float


@dataclass(frozen=True)
class _Step:
    """A text after some ideas."""

    text: str
    ideas: tuple[Idea, ...]
    weight: float
    result: ast.Module | Problem


def mends(text: str, *, deadline: float = float("inf")) -> Iterator[Mend]:
    """Edits after which `text` parses; none where it parses already.

    Those with one idea come first, then those with two and three; each best first. The same text
    gives the same mends, unless the time is up.

    Args:
        text: of a file.
        deadline: `time.monotonic()` after which no more is looked for.
    """
    problem = parsed(text)
    if not isinstance(problem, Problem):
        return
    window = window_of(text, problem)
    for mend in _mends_of(window.text, deadline):
        whole = f"{window.before}{mend.text}{window.behind}"
        if not isinstance(parsed(whole), Problem):
            yield replace(mend, text=whole, parts=_moved(mend.parts, len(window.before)))


def _mends_of(text: str, deadline: float) -> Iterator[Mend]:
    """The same for a text that is parsed as a whole for each idea."""
    problem = parsed(text)
    if not isinstance(problem, Problem):
        return
    seen: set[str] = set()
    beam = [_Step(text, (), 1.0, problem)]
    for most in _MOST_IDEAS:
        steps = [after for step in beam for after in _steps(step, most, deadline)]
        yield from _mended(text, steps, seen)
        further = [step for step in steps if _is_further(problem, step.result)]
        beam = _various(sorted(further, key=lambda step: -step.weight))


def _steps(before: _Step, most: int, deadline: float) -> Iterator[_Step]:
    """The text with each idea for its problem."""
    if not isinstance(before.result, Problem):
        return
    broken = Broken(before.text, before.result)
    ideas = [idea for family in _FAMILIES for idea in family.ideas(broken)]
    ideas.sort(key=lambda idea: (-_weight(idea), idea.parts))
    factor = _TWICE if before.ideas else 1.0
    tried: set[str] = set()
    for idea in ideas:
        if len(tried) >= most or time.monotonic() > deadline:
            return
        text = _applied(before.text, idea.parts)
        if text not in tried and text != before.text:
            tried.add(text)
            weight = before.weight * _weight(idea) * factor
            yield _Step(text, (*before.ideas, idea), weight, parsed(text))


def _mended(text: str, steps: list[_Step], seen: set[str]) -> Iterator[Mend]:
    for step in sorted(steps, key=lambda step: -step.weight):
        if isinstance(step.result, Problem):
            continue
        meaning = ast.dump(step.result)
        if meaning in seen:
            continue
        seen.add(meaning)
        yield Mend(
            text=step.text,
            parts=replacements(text, step.text),
            kind=_kind(step.ideas),
            title=" and ".join(dict.fromkeys(idea.title for idea in step.ideas)),
            weight=step.weight,
        )


def _moved(parts: tuple[Replacement, ...], by: int) -> tuple[Replacement, ...]:
    return tuple(Replacement(part.start + by, part.end + by, part.text) for part in parts)


def _kind(ideas: tuple[Idea, ...]) -> str:
    return ideas[0].kind if len(ideas) == 1 else "several syntax errors"


def _is_further(before: Problem, after: ast.Module | Problem) -> bool:
    """Whether the parser now stumbles over something else, further down."""
    if not isinstance(after, Problem):
        return False
    # Brackets and quotes are complained of where they begin, which may be further up.
    other = ("never closed", "unterminated", "does not match", "unmatched")
    is_other = after.message != before.message and any(
        words in message for message in (before.message, after.message) for words in other
    )
    return is_other or (after.line, after.column) > (before.line, before.column)


def _various(steps: list[_Step]) -> list[_Step]:
    """The likeliest steps; of those that leave the same problem the two likeliest."""
    left: dict[object, int] = {}
    chosen = []
    for step in steps:
        left[step.result] = left.get(step.result, 0) + 1
        if left[step.result] <= 2:
            chosen.append(step)
    return chosen[:_BEAM]


def _weight(idea: Idea) -> float:
    size = sum(part.end - part.start + len(part.text) for part in idea.parts)
    return idea.weight / (1.0 + _PER_CHARACTER * min(size, 40))


def _applied(text: str, parts: tuple[Replacement, ...]) -> str:
    for part in sorted(parts, reverse=True):
        text = text[: part.start] + part.text + text[part.end :]
    return text


def replacements(old: str, new: str) -> tuple[Replacement, ...]:
    """The least replacements, line by line, that make one text of the other."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    same = sum(1 for _ in takewhile(_is_same, zip(before, after, strict=False)))
    rest = min(len(before), len(after)) - same
    ends = zip(reversed(before[same:]), reversed(after[same:]), strict=False)
    same_end = min(rest, sum(1 for _ in takewhile(_is_same, ends)))
    middle_before = before[same : len(before) - same_end]
    middle_after = after[same : len(after) - same_end]
    starts = [sum(map(len, before[:same]))]
    for line in middle_before:
        starts.append(starts[-1] + len(line))
    matcher = difflib.SequenceMatcher(None, middle_before, middle_after, autojunk=False)
    return tuple(
        _trimmed(starts[i], "".join(middle_before[i:j]), "".join(middle_after[k:m]))
        for tag, i, j, k, m in matcher.get_opcodes()
        if tag != "equal"
    )


def _is_same(pair: tuple[str, str]) -> bool:
    return pair[0] == pair[1]


def _trimmed(start: int, old: str, new: str) -> Replacement:
    """A replacement without what both texts begin and end with."""
    front = sum(1 for _ in takewhile(_is_same, zip(old, new, strict=False)))
    pairs = zip(reversed(old[front:]), reversed(new[front:]), strict=False)
    back = sum(1 for _ in takewhile(_is_same, pairs))
    return Replacement(start + front, start + len(old) - back, new[front : len(new) - back])
