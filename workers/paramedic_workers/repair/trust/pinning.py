"""How well the tests pin an edit: do they refuse small changes of it?

A patch that passes is right only as far as the tests can tell. Where most slips in its
place pass as well, the tests hardly look at what it computes, and whatever made them green
is more likely luck. This is mutation analysis (DeMillo, Lipton and Sayward, "Hints on test
data selection", 1978), of the patch alone: a few dozen runs in the warm process.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.knowledge import Knowledge
from paramedic_workers.repair.messages import Letter
from paramedic_workers.repair.session import WarmProcessLost
from paramedic_workers.repair.trust.variants import variants
from paramedic_workers.repair.validate import KnownTest, Validator

#: Variants that are tried: of what the edit has written, and of the rest of its statement.
_INSIDE, _AROUND = 24, 16
#: Tests that try them, failing and passing ones, and CPU seconds these may take together.
_FAILING, _PASSING, _SECONDS = 6, 24, 0.5
#: Seconds, and share of what is left, after which no more variants are tried.
_LONGEST, _SHARE = 4.0, 0.15
_CHUNK = 8
#: Answers that say nothing of the variant.
_NO_ANSWER = (Letter.NOT_SWAPPABLE, Letter.NO_PYTHON)


@dataclass(frozen=True)
class Pinning:
    """How many variants of one edit were tried, and how many of them the tests refused."""

    inside: int = 0
    inside_refused: int = 0
    around: int = 0
    around_refused: int = 0


def pinning(
    validator: Validator, candidate: Candidate, knowledge: Knowledge, *, left: float
) -> Pinning:
    """Try variants of a candidate that passes.

    Args:
        validator: of the search that has found it.
        candidate: of which the variants are made.
        knowledge: what the runs have shown.
        left: seconds of the repair that are left.
    """
    if candidate.function is None:
        return Pinning()
    found = variants(candidate, knowledge, _INSIDE, _AROUND)
    tests = _tests(validator, candidate)
    until = time.monotonic() + min(_LONGEST, _SHARE * left)
    try:
        inside = _tried(validator, found.inside, tests, until)
        around = _tried(validator, found.around, tests, until)
    except WarmProcessLost:
        return Pinning()
    return Pinning(*inside, *around)


def _tried(
    validator: Validator, chosen: Sequence[Candidate], tests: Sequence[KnownTest], until: float
) -> tuple[int, int]:
    """How many were tried, and how many of them did not pass."""
    letters: list[Letter] = []
    for start in range(0, len(chosen), _CHUNK):
        if time.monotonic() >= until:
            break
        sifted = validator.sift(chosen[start : start + _CHUNK], tests)
        letters += [one.letter for one in sifted if one.letter not in _NO_ANSWER]
    return len(letters), sum(letter is not Letter.PASSED for letter in letters)


def _tests(validator: Validator, candidate: Candidate) -> list[KnownTest]:
    """The quickest failing tests, then the quickest passing ones that run the function."""
    assert candidate.function is not None
    function = candidate.function
    near = [test for test in validator.passing if test.lines and test.may_run(function)]
    near.sort(key=_quickest)
    chosen = sorted(validator.failing, key=_quickest)[:_FAILING]
    seconds = 0.0
    for test in near[:_PASSING]:
        seconds += test.seconds
        if seconds > _SECONDS:
            break
        chosen.append(test)
    return chosen


def _quickest(test: KnownTest) -> tuple[bool, float, int]:
    return test.hangs, round(test.seconds, 2), test.number
