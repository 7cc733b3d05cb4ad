"""The same edit in several places of one function, or of one file.

    if a == b and c == d and e == f:    if a == b or c == d or e == f:
    return left == right                return set(left) == set(right)

Tried when no single edit is enough. Edits are the same if they are of one template and
do the same to the text: a part that stays (`x` in `set(x)`) may differ. Across functions
only the same text in place of the same text counts: a name or a literal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations, pairwise

from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.source import Replacement

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
    """The same edit wherever a file has it, in several functions or outside of them."""
    groups: dict[_Key, list[Candidate]] = {}
    for candidate in singles:
        if len(candidate.parts) == 1 and not _is_insertion(candidate.parts[0]):
            part = candidate.parts[0]
            before = candidate.source.text[part.start : part.end]
            key = (candidate.source.relative, candidate.template, before, part.text)
            groups.setdefault(key, []).append(candidate)
    spread = [group for group in groups.values() if len({one.function for one in group}) > 1]
    joined = [_join(group, _IN_FILE) for group in spread]
    found = [replace(one, function=None) for one in joined if one is not None]
    return sorted(found, key=Candidate.order)[:_MOST_IN_FILE]


def _is_insertion(part: Replacement) -> bool:
    return part.start == part.end


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
        return place, candidate.template, "", part.text.replace(before, "\0")
    return place, candidate.template, before, part.text
