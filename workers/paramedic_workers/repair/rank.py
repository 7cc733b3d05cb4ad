"""Orders plausible candidates, and says how far each is trusted, and why.

Passing the tests is not being right. What speaks against a patch outweighs what speaks
for it: trust is `high` only where nothing speaks against it and something for it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from paramedic_workers.repair.diffs import unified_diff
from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.hygiene import Finding, deletes_code, edited_function, findings
from paramedic_workers.repair.localise import Suspicion
from paramedic_workers.repair.model import RankedPatch, Trust
from paramedic_workers.repair.normal_form import normal_form

#: Score of another patch relative to the best from which on it is a rival, or a strong one.
_RIVAL, _STRONG_RIVAL = 0.4, 0.75
#: How much a rival of a less usual family counts.
_UNUSUAL = 0.8
#: Tests that must run the changed line for high trust.
_ENOUGH_TESTS = 3
#: Patches that are reported.
_MOST = 10

#: Families of edits that people make often: what speaks for a patch.
USUAL = frozenset(
    {
        "comparison operator",
        "arithmetic operator",
        "augmented assignment",
        "`not` dropped",
        "and/or",
        "off by one",
        "other builtin",
        "arguments swapped",
        "missing import",
        "moved name",
        "undefined name",
        "undefined attribute",
        "truth value",
        "other name",
        "confused method",
        "operands swapped",
        "missing colon",
        "missing bracket",
        "missing comma",
        "foreign word",
        "misspelt keyword",
        "comparison",
        "odd character",
    }
)

#: Families whose edits follow from the error message itself.
AIMED = frozenset(
    {
        *("missing import", "moved name", "other module", "undefined name", "undefined attribute"),
        # In a file that does not parse, at the parser's own position.
        *("missing colon", "missing bracket", "foreign word", "comparison", "odd character"),
    }
)


@dataclass(frozen=True)
class Judged:
    """A plausible candidate with what there is to say about it."""

    candidate: Candidate
    score: float
    findings: tuple[Finding, ...]
    #: The same for candidates that mean the same.
    meaning: str


def rank(
    plausible: Sequence[Candidate],
    suspicion: Suspicion,
    tests: Sequence[str],
    module_of: Callable[[Path], str],
) -> tuple[RankedPatch, ...]:
    """The patches, best first; of those that mean the same only the best.

    Args:
        plausible: candidates with which all tests passed.
        suspicion: which lines failing and passing tests run.
        tests: sources of the files of the failing tests, in which constants are looked for.
        module_of: the name under which a file is imported.
    """
    judged = sorted((_judge(c) for c in plausible), key=lambda j: (-j.score, j.candidate.order()))
    distinct = list({judge.meaning: judge for judge in reversed(judged)}.values())[::-1]
    patches = []
    for judge in distinct[:_MOST]:
        diff = unified_diff(judge.candidate.source, judge.candidate.text())
        if diff is not None:
            trust, reasons = _trust(judge, distinct, suspicion, tests)
            module = module_of(judge.candidate.source.path)
            patches.append(_patch(judge, module, diff, trust, reasons))
    return tuple(patches)


def _patch(
    judge: Judged, module: str, diff: str, trust: Trust, reasons: tuple[str, ...]
) -> RankedPatch:
    candidate = judge.candidate
    place = f"{module}.{candidate.function.name}" if candidate.function else module
    if candidate.in_broken_file:
        place = f"{candidate.source.relative} line {candidate.line}"
    return RankedPatch(
        diff=diff,
        template=candidate.template,
        title=f"{candidate.title} in {place}",
        score=round(judge.score, 6),
        trust=trust,
        reasons=reasons,
    )


def _judge(candidate: Candidate) -> Judged:
    found = findings(candidate)
    score = candidate.score
    for finding in found:
        score *= finding.factor
    return Judged(candidate, score, tuple(f for f in found if f.reason), _meaning(candidate))


def _meaning(candidate: Candidate) -> str:
    edited = edited_function(candidate)
    if edited is None:
        return f"{candidate.source.relative}\n{candidate.text()}"
    return f"{candidate.source.relative}\n{normal_form(edited)}"


def _trust(
    judge: Judged, all_judged: Sequence[Judged], suspicion: Suspicion, tests: Sequence[str]
) -> tuple[Trust, tuple[str, ...]]:
    strong = list(_against(judge, all_judged, suspicion, tests))
    weak = list(_doubts(judge, all_judged))
    favour = list(_in_favour(judge, suspicion))
    if strong:
        return Trust.LOW, (*strong, *weak)
    usual = judge.candidate.template in USUAL
    failing, passing = _coverage(judge.candidate, suspicion)
    aimed = judge.candidate.template in AIMED
    if not weak and usual and (aimed or failing + passing >= _ENOUGH_TESTS):
        return Trust.HIGH, tuple(favour)
    return Trust.MEDIUM, (*weak, *favour)


def _against(
    judge: Judged, all_judged: Sequence[Judged], suspicion: Suspicion, tests: Sequence[str]
) -> list[str]:
    """What makes a patch one for a person to decide."""
    candidate = judge.candidate
    reasons = []
    if deletes_code(candidate):
        reasons.append("It takes code away without putting other code in its place.")
    if _copies_constant_from_tests(candidate, tests):
        reasons.append("It writes a constant that stands in the failing test.")
    rivals = _rivals(judge, all_judged, _STRONG_RIVAL)
    if rivals:
        count = _count(rivals, "other patch passes", "other patches pass")
        reasons.append(f"{count} as well, and no less likely.")
    failing, passing = _coverage(candidate, suspicion)
    if candidate.function and passing == 0 and failing <= 1 and candidate.template not in AIMED:
        reasons.append("Only one test runs the changed line.")
    return reasons


def _doubts(judge: Judged, all_judged: Sequence[Judged]) -> list[str]:
    reasons = [f"{_sentence(f.reason)}" for f in judge.findings if f.factor < 1]
    rivals = _rivals(judge, all_judged, _RIVAL)
    if rivals and not _rivals(judge, all_judged, _STRONG_RIVAL):
        reasons.append(f"{_count(rivals, 'other patch passes', 'other patches pass')} as well.")
    if judge.candidate.places > 1:
        reasons.append(f"It makes the same change in {judge.candidate.places} places.")
    if judge.candidate.template not in USUAL:
        reasons.append(f"An edit of this kind ({judge.candidate.template}) is less usual.")
    return reasons


def _in_favour(judge: Judged, suspicion: Suspicion) -> list[str]:
    failing, passing = _coverage(judge.candidate, suspicion)
    reasons = []
    if judge.candidate.template in AIMED:
        reasons.append("It follows from the error message.")
    elif failing + passing:
        reasons.append(f"{failing} failing and {passing} passing tests run the changed line.")
    reasons += [_sentence(finding.reason) for finding in judge.findings if finding.factor > 1]
    if judge.candidate.template in USUAL:
        reasons.append(f"It is an edit that people often make ({judge.candidate.template}).")
    return reasons


def _rivals(judge: Judged, all_judged: Sequence[Judged], share: float) -> int:
    return sum(other is not judge and _weight(other) >= share * judge.score for other in all_judged)


def _weight(rival: Judged) -> float:
    return rival.score * (1.0 if rival.candidate.template in USUAL else _UNUSUAL)


def _coverage(candidate: Candidate, suspicion: Suspicion) -> tuple[int, int]:
    """How many failing and passing tests run the changed line or the statement around it."""
    file = str(candidate.source.path)
    failing, passing = suspicion.failing.get(file), suspicion.passing.get(file)
    lines = _lines_of_statement(candidate)
    return (
        max((failing[line] for line in lines), default=0) if failing else 0,
        max((passing[line] for line in lines), default=0) if passing else 0,
    )


def _lines_of_statement(candidate: Candidate) -> range:
    if candidate.function is None:
        return range(candidate.line, candidate.line + 1)
    around = [
        node
        for node in ast.walk(candidate.function.node)
        if isinstance(node, ast.stmt)
        and node is not candidate.function.node
        and node.lineno <= candidate.line <= (node.end_lineno or node.lineno)
    ]
    first = around[-1].lineno if around else candidate.line
    return range(first, candidate.line + 1)


def _copies_constant_from_tests(candidate: Candidate, tests: Sequence[str]) -> bool:
    """Whether the edit brings in a constant of some size that a failing test's file has too."""
    before = "".join(candidate.source.text[part.start : part.end] for part in candidate.parts)
    for part in candidate.parts:
        for constant in re.findall(r"'[^']{2,}'|\"[^\"]{2,}\"|\b\d{2,}(?:\.\d+)?\b", part.text):
            bare = constant.strip("'\"")
            known = bare in before or candidate.source.text.count(bare) > 0
            if not known and any(bare in test for test in tests):
                return True
    return False


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
