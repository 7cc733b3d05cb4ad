"""The same edit in several places of one function, or of one file.

    if a == b and c == d and e == f:    if a == b or c == d or e == f:
    return left == right                return set(left) == set(right)

Tried when no single edit is enough. Edits are the same if they are of one template and
do the same to the text: a part that stays (`x` in `set(x)`) may differ on one line. Across
functions only names and literals are changed together.
"""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from itertools import combinations, pairwise

from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.source import Replacement, Source

#: Places of one edit that are combined in pairs; of more, only all together are tried.
_MOST_PLACES = 8
#: Score relative to the single edit.
_PAIR, _EVERYWHERE, _IN_FILE = 0.7, 0.9, 0.5
#: Templates whose edits belong together whatever they do: `True` and `False` change places.
_MIRRORED = frozenset({"truth value"})
_MOST, _MOST_IN_FILE = 3000, 40

_Key = tuple[str, str, str, str]


def coordinated(singles: Iterable[Candidate]) -> list[Candidate]:
    """Combinations of single edits that were tried, the best first."""
    groups: dict[_Key, list[Candidate]] = {}
    for candidate in singles:
        if candidate.function is not None and len(candidate.parts) == 1:
            groups.setdefault(_key(candidate), []).append(candidate)
    found: list[Candidate] = []
    for group in groups.values():
        found += _combinations(group)
    return sorted(found, key=Candidate.order)[:_MOST]


def coordinated_in_file(singles: Iterable[Candidate]) -> list[Candidate]:
    """The same name or literal put in place of another wherever a file has that.

    Also where no failing test came: a test ends at the first of several mistakes.
    """
    found: dict[tuple[str, str, str], Candidate] = {}
    for single in sorted(singles, key=Candidate.order):
        if len(found) >= _MOST_IN_FILE:
            break
        everywhere = _everywhere(single)
        if everywhere is not None:
            part = single.parts[0]
            before = single.source.text[part.start : part.end]
            found.setdefault((single.source.relative, before, part.text), everywhere)
    return sorted(found.values(), key=Candidate.order)


def _everywhere(single: Candidate) -> Candidate | None:
    """The same in the whole file; None where it is no token, or is in one function only."""
    if len(single.parts) != 1 or not isinstance(single.source, Source):
        return None
    part, text = single.parts[0], single.source.text
    before = text[part.start : part.end]
    if not before.isidentifier() and before[:1] not in ("'", '"'):
        return None
    is_attribute = text[: part.start].endswith(".")
    places = [
        start
        for start in _tokens(single.source).get(before, ())
        if text[:start].endswith(".") == is_attribute
    ]
    function = single.function
    outside = [p for p in places if function is None or not function.start <= p < function.end]
    if len(places) < 2 or not outside:
        return None
    return replace(
        single,
        function=None,
        parts=tuple(Replacement(start, start + len(before), part.text) for start in places),
        places=len(places),
        title=f"{single.title} in {len(places)} places",
        line=single.source.line_of(places[0]),
        score=_IN_FILE * single.score,
    )


@lru_cache(maxsize=8)
def _tokens(source: Source) -> dict[str, list[int]]:
    """Where each name and each text of a file stands."""
    found: dict[str, list[int]] = {}
    with suppress(tokenize.TokenError, SyntaxError):
        for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
            if token.type in (tokenize.NAME, tokenize.STRING):
                line, column = token.start
                found.setdefault(token.string, []).append(source.line_start(line) + column)
    return found


def _combinations(group: Sequence[Candidate]) -> list[Candidate]:
    sets: list[tuple[Sequence[Candidate], float]] = []
    if len(group) > 1:
        sets.append((group, _EVERYWHERE))
    if 2 < len(group) <= _MOST_PLACES:
        sets += [(pair, _PAIR) for pair in combinations(group, 2)]
    joined = (_join(members, factor) for members, factor in sets)
    return [candidate for candidate in joined if candidate is not None]


def joined_parts(members: Iterable[Candidate]) -> tuple[Replacement, ...] | None:
    """The replacements of all these edits; None where two of them meet."""
    parts = sorted(part for member in members for part in member.parts)
    for before, after in pairwise(parts):
        if after.start < before.end or after.start == before.start:
            return None
    return tuple(parts)


def _join(members: Sequence[Candidate], factor: float) -> Candidate | None:
    parts = joined_parts(members)
    if parts is None:
        return None
    first = min(members, key=Candidate.order)
    return replace(
        first,
        parts=parts,
        places=len(members),
        title=f"{first.title} in {len(members)} places",
        line=min(member.line for member in members),
        score=factor * min(member.score for member in members),
    )


def _key(candidate: Candidate) -> _Key:
    part = candidate.parts[0]
    before = candidate.source.text[part.start : part.end]
    place = f"{candidate.source.relative}:{candidate.function.name if candidate.function else ''}"
    if candidate.template in _MIRRORED:
        return place, candidate.template, "", "" if part.text in ("True", "False") else part.text
    if before and before in part.text:
        line = f"{place}:{candidate.line}"
        return line, candidate.template, "", part.text.replace(before, "\0")
    return place, candidate.template, before, part.text
