"""Orders plausible candidates, and has each of them judged.

Passing the tests is not being right. The order is the search's score times what a careful
reader would say of the edit (`hygiene`); how patches behave on other inputs than those of
the tests does not change the order, only how far they are trusted (`trust/`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from paramedic_workers.repair.behaviour.comparison import Comparison
from paramedic_workers.repair.diffs import unified_diff
from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.expected import Expected
from paramedic_workers.repair.hygiene import findings
from paramedic_workers.repair.judged import Judged, meaning
from paramedic_workers.repair.localise import Suspicion
from paramedic_workers.repair.messages import ErrorSeen
from paramedic_workers.repair.model import RankedPatch
from paramedic_workers.repair.trust.edit import turns_condition
from paramedic_workers.repair.trust.gather import coverage, gather
from paramedic_workers.repair.trust.model import judge as weigh
from paramedic_workers.repair.trust.pinning import Pinning
from paramedic_workers.repair.trust.reasons import reasons

#: Patches that are reported.
_MOST = 10
#: Those of them of which variants are tried.
_MOST_PINNED = 3
#: Factor for turning a condition around that no passing test runs: any other branch will do.
_OTHER_BRANCH = 0.6


def _not_compared(_candidates: Sequence[Candidate]) -> Comparison | None:
    return None


def _not_pinned(_candidate: Candidate) -> Pinning:
    return Pinning()


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What is known of the search that found the candidates."""

    suspicion: Suspicion = field(default_factory=Suspicion)
    #: Sources of the files of the failing tests, in which constants are looked for.
    tests: Sequence[str] = ()
    #: Messages of the errors of the failing tests.
    messages: Sequence[str] = ()
    failing_tests: int = 1
    #: What the failing tests expected.
    expected: Expected = field(default_factory=Expected)
    #: Candidates that were tried.
    tried: int = 0
    #: In which the failing tests ended.
    errors: Sequence[ErrorSeen] = ()
    #: Tries variants of a candidate.
    pin: Callable[[Candidate], Pinning] = _not_pinned
    #: Runs candidates on varied inputs; None where they cannot be compared.
    compare: Callable[[Sequence[Candidate]], Comparison | None] = _not_compared


def rank(
    plausible: Sequence[Candidate],
    circumstances: Circumstances,
    module_of: Callable[[Path], str],
) -> tuple[RankedPatch, ...]:
    """The patches, best first; of those that mean the same only the best.

    Args:
        plausible: candidates with which all tests passed.
        circumstances: of the search.
        module_of: the name under which a file is imported.
    """
    judged = [_judge(candidate, circumstances.suspicion) for candidate in plausible]
    judged.sort(key=lambda j: (-j.score, j.candidate.order()))
    best: dict[str, Judged] = {}
    for judge in judged:
        best.setdefault(judge.meaning, judge)
    distinct = list(best.values())
    shown = distinct[:_MOST]
    several = len(shown) > 1
    comparison = circumstances.compare([j.candidate for j in shown]) if several else None
    patches = []
    for position, judge in enumerate(shown):
        title = f"{judge.candidate.title} in {_place(judge.candidate, module_of)}"
        patches.append(_patch(position, distinct, comparison, circumstances, title))
    return tuple(patch for patch in patches if patch is not None)


def _judge(candidate: Candidate, suspicion: Suspicion) -> Judged:
    found = findings(candidate)
    score = candidate.score
    if turns_condition(candidate) and not coverage(candidate, suspicion)[1]:
        score *= _OTHER_BRANCH
    for finding in found:
        score *= finding.factor
    return Judged(candidate, score, tuple(f for f in found if f.reason), meaning(candidate))


def _patch(
    position: int,
    distinct: Sequence[Judged],
    comparison: Comparison | None,
    circumstances: Circumstances,
    title: str,
) -> RankedPatch | None:
    judge = distinct[position]
    diff = unified_diff(judge.candidate.source, judge.candidate.text())
    if diff is None:
        return None
    evidence = gather(
        position,
        distinct,
        comparison,
        suspicion=circumstances.suspicion,
        tests=circumstances.tests,
        messages=circumstances.messages,
        failing_tests=circumstances.failing_tests,
        expected=circumstances.expected,
        tried=circumstances.tried,
        errors=circumstances.errors,
        pins=circumstances.pin(judge.candidate) if position < _MOST_PINNED else Pinning(),
    )
    trust, chance = weigh(evidence)
    return RankedPatch(
        diff=diff,
        template=judge.candidate.template,
        title=title,
        score=round(judge.score, 6),
        trust=trust,
        chance=round(chance, 3),
        reasons=reasons(
            evidence,
            trust,
            template=judge.candidate.template,
            against=tuple(f.reason for f in judge.findings if f.factor < 1),
            favour=tuple(f.reason for f in judge.findings if f.factor > 1),
        ),
        evidence=evidence,
    )


def _place(candidate: Candidate, module_of: Callable[[Path], str]) -> str:
    if candidate.in_broken_file:
        return f"{candidate.source.relative} line {candidate.line}"
    module = module_of(candidate.source.path)
    return f"{module}.{candidate.function.name}" if candidate.function else module
