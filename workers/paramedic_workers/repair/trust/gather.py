"""Gathers the evidence about one patch of several that pass."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from dataclasses import replace

from paramedic_workers.repair.behaviour.comparison import Comparison
from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.expected import Expected
from paramedic_workers.repair.hygiene import deletes_code
from paramedic_workers.repair.judged import Judged
from paramedic_workers.repair.localise import Suspicion
from paramedic_workers.repair.messages import ErrorSeen
from paramedic_workers.repair.source import statements_below
from paramedic_workers.repair.templates import all_templates
from paramedic_workers.repair.trust import edit
from paramedic_workers.repair.trust.evidence import Evidence
from paramedic_workers.repair.trust.families import AIMED, EASY, SILENCING, USUAL
from paramedic_workers.repair.trust.pinning import Pinning

#: Score of another patch relative to this one from which on it is near, or as likely.
_NEAR, _AS_LIKELY = 0.4, 0.75
#: How much a rival of a less usual family counts.
_UNUSUAL = 0.8
_NOT_PINNED = Pinning()


def gather(
    position: int,
    distinct: Sequence[Judged],
    comparison: Comparison | None,
    *,
    suspicion: Suspicion,
    tests: Sequence[str],
    messages: Sequence[str],
    failing_tests: int,
    expected: Expected,
    tried: int,
    errors: Sequence[ErrorSeen] = (),
    pins: Pinning = _NOT_PINNED,
) -> Evidence:
    """The evidence about the patch at this position.

    Args:
        position: in `distinct`.
        distinct: all plausible candidates that mean something else, best first.
        comparison: of the first of them, in the same order; None where there is none.
        suspicion: which lines failing and passing tests run.
        tests: sources of the files of the failing tests.
        messages: of the errors of the failing tests.
        failing_tests: their number.
        expected: what they expected.
        tried: candidates that were tried in the search.
        errors: in which the failing tests ended.
        pins: what became of variants of the patch.
    """
    judge = distinct[position]
    candidate = judge.candidate
    failing, passing = coverage(candidate, suspicion)
    file = str(candidate.source.path)
    factors = [finding.factor for finding in judge.findings]
    passing_in_function, covered = _function_coverage(candidate, suspicion)
    evidence = Evidence(
        failing_tests=failing_tests,
        failing_on_line=failing,
        passing_on_line=passing,
        raised_here=(file, candidate.line) in suspicion.raised,
        crashes=bool(errors) and all(_is_of_code(error, suspicion) for error in errors),
        raises=any(_is_raised_by(candidate, error) for error in errors),
        passing_in_function=passing_in_function,
        function_covered=round(covered, 4),
        lines_run=sum(map(len, suspicion.failing.values())),
        variants=pins.inside,
        variants_refused=pins.inside_refused,
        variants_around=pins.around,
        variants_around_refused=pins.around_refused,
        suspicion=round(suspicion.lines.get(file, {}).get(candidate.line, 0.0), 4),
        expected_size=sum(map(len, (*expected.texts, *expected.numbers))),
        tried=tried,
        prior=next((t.prior for t in all_templates() if t.name == candidate.template), 0.0),
        score=round(judge.score, 6),
        usual=candidate.template in USUAL,
        aimed=candidate.template in AIMED,
        easy=candidate.template in EASY,
        silences_error=candidate.template in SILENCING,
        turns_condition=edit.turns_condition(candidate),
        shifts_number=edit.shifts_number(candidate),
        turns_default=edit.turns_default(candidate),
        edits_judge=edit.edits_judge(candidate),
        named_in_message=edit.is_named(candidate, messages),
        written_elsewhere=edit.is_written_elsewhere(candidate),
        copies_constant=edit.copies_constant(candidate, tests),
        deletes_code=deletes_code(candidate),
        size=sum(len(part.text) + part.end - part.start for part in candidate.parts),
        places=candidate.places,
        top_level=candidate.function is None,
        in_broken_file=candidate.in_broken_file,
        hygiene=round(math.prod(factors), 4),
        findings_for=sum(factor > 1 for factor in factors),
        findings_against=sum(factor < 1 for factor in factors),
    )
    evidence = _with_rivals(evidence, position, distinct)
    return _with_behaviour(evidence, position, distinct, comparison)


# -- other patches -----------------------------------------------------------------------


def _with_rivals(evidence: Evidence, position: int, distinct: Sequence[Judged]) -> Evidence:
    own = distinct[position]
    shares = [_share(judge, own) for judge in distinct if judge is not own]
    return replace(
        evidence,
        plausible=len(distinct),
        position=position,
        rival_share=round(max(shares, default=0.0), 4),
        rivals_near=sum(share >= _NEAR for share in shares),
        rivals_as_likely=sum(share >= _AS_LIKELY for share in shares),
    )


def _with_behaviour(
    evidence: Evidence, position: int, distinct: Sequence[Judged], comparison: Comparison | None
) -> Evidence:
    own = distinct[position]
    mass = total = own.score
    if comparison is None or not comparison.inputs:
        total = sum(judge.score for judge in distinct)
        return replace(evidence, agreeing_mass=round(mass / total, 4) if total else 1.0)
    disagreeing = as_likely = 0
    most = 0
    for number, judge in enumerate(distinct[: comparison.versions]):
        if number == position:
            continue
        differing = comparison.differing(position, number)
        most = max(most, differing)
        total += judge.score
        mass += 0.0 if differing else judge.score
        disagreeing += differing > 0
        as_likely += differing > 0 and _share(judge, own) >= _AS_LIKELY
    return replace(
        evidence,
        inputs_compared=comparison.inputs,
        rivals_compared=min(len(distinct), comparison.versions) - 1,
        rivals_disagreeing=disagreeing,
        as_likely_disagreeing=as_likely,
        disagreement=round(most / comparison.inputs, 4),
        agreeing_mass=round(mass / total, 4) if total else 1.0,
    )


def _share(rival: Judged, own: Judged) -> float:
    weight = rival.score * (1.0 if rival.candidate.template in USUAL else _UNUSUAL)
    return min(weight / own.score, 10.0) if own.score else 10.0


# -- tests -------------------------------------------------------------------------------


def coverage(candidate: Candidate, suspicion: Suspicion) -> tuple[int, int]:
    """How many failing and passing tests run the changed line or the statement around it."""
    file = str(candidate.source.path)
    failing, passing = suspicion.failing.get(file), suspicion.passing.get(file)
    lines = _lines_of_statement(candidate)
    return (
        max((failing[line] for line in lines), default=0) if failing else 0,
        max((passing[line] for line in lines), default=0) if passing else 0,
    )


def _function_coverage(candidate: Candidate, suspicion: Suspicion) -> tuple[int, float]:
    """The most passing tests that run a line of the function, and the share of lines they run."""
    function = candidate.function
    passing = suspicion.passing.get(str(candidate.source.path))
    if function is None or not passing:
        return 0, 0.0
    lines = {statement.lineno for statement in statements_below(function.node)}
    run = [passing[line] for line in lines if passing[line]]
    return max(run, default=0), len(run) / len(lines)


def _is_of_code(error: ErrorSeen, suspicion: Suspicion) -> bool:
    """Whether code raised the error, and not the test that had called it."""
    return bool(error.frames) and error.frames[-1].file in suspicion.failing


def _is_raised_by(candidate: Candidate, error: ErrorSeen) -> bool:
    """Whether the changed statement raised the error itself, or called a library that did."""
    if not error.frames or error.frames[-1].file != str(candidate.source.path):
        return False
    return error.frames[-1].line in _lines_of_statement(candidate)


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
