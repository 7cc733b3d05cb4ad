"""The evidence in words: what speaks against a patch, what for it."""

from __future__ import annotations

from paramedic_workers.repair.model import Trust
from paramedic_workers.repair.trust.evidence import Evidence
from paramedic_workers.repair.trust.model import (
    ENOUGH_TESTS,
    is_barely_tested,
    is_loose,
    is_other_branch,
)

_FEW_TESTS = (
    *("No test is known to run", "Only one test runs"),
    *(f"Only {number} tests run" for number in range(2, ENOUGH_TESTS)),
)
#: Variants of an edit, and the share of them that may pass, for tests to be called strict.
_MANY_SLIPS, _FEW_PASS = 8, 0.1


def reasons(
    evidence: Evidence,
    trust: Trust,
    *,
    template: str,
    against: tuple[str, ...] = (),
    favour: tuple[str, ...] = (),
) -> tuple[str, ...]:
    """Why a patch is trusted as far as it is, one sentence each, the weightiest first.

    Args:
        evidence: of the patch.
        trust: what the model made of it.
        template: name of the family of the edit.
        against: what a careful reader would say against it.
        favour: what he would say for it.
    """
    doubts = [
        *_strongly_against(evidence),
        *map(_sentence, against),
        *_doubts(evidence, template),
    ]
    if trust is Trust.LOW:
        return tuple(doubts)
    return (*doubts, *_in_favour(evidence, template), *map(_sentence, favour))


def _strongly_against(evidence: Evidence) -> list[str]:
    found = []
    if evidence.deletes_code:
        found.append("It takes code away without putting other code in its place.")
    if evidence.edits_judge:
        found.append("It changes when objects are equal, and so what the tests assert.")
    if evidence.copies_constant:
        found.append("It writes a constant that stands in the failing test.")
    if evidence.inputs_compared and evidence.as_likely_disagreeing:
        found.append(_disagreement(evidence, evidence.as_likely_disagreeing, "no less likely"))
    elif not evidence.inputs_compared and evidence.rivals_as_likely:
        found.append(f"{_other_patches(evidence.rivals_as_likely)} as well, and no less likely.")
    if evidence.shifts_number:
        found.append("It changes a number that is no index, no bound, and not compared.")
    if evidence.silences_error:
        found.append("It has an error go away; whether what then happens is meant is not known.")
    if is_other_branch(evidence):
        found.append("It turns a condition around, and no passing test runs it.")
    if evidence.turns_default:
        found.append("It changes the default of a parameter, for everybody who calls without it.")
    if is_loose(evidence):
        found.append(
            f"The tests let {evidence.slips_that_pass} of {evidence.slips} small changes"
            " of it pass as well."
        )
    if is_barely_tested(evidence):
        tests = evidence.failing_on_line + evidence.passing_on_line
        found.append(f"{_FEW_TESTS[tests]} the changed line.")
    return found


def _doubts(evidence: Evidence, template: str) -> list[str]:
    found = []
    if evidence.inputs_compared:
        less_likely = evidence.rivals_disagreeing - evidence.as_likely_disagreeing
        if less_likely:
            found.append(_disagreement(evidence, less_likely, "less likely"))
    elif evidence.rivals_near > evidence.rivals_as_likely:
        found.append(f"{_other_patches(evidence.rivals_near)} as well.")
    if evidence.position:
        found.append("Another patch ranks above it.")
    if evidence.places > 1:
        found.append(f"It makes the same change in {evidence.places} places.")
    if not evidence.usual and not evidence.aimed:
        found.append(f"An edit of this kind ({template}) is less usual.")
    return found


def _in_favour(evidence: Evidence, template: str) -> list[str]:
    found = []
    if evidence.aimed:
        found.append("It follows from the error message.")
    elif evidence.failing_on_line + evidence.passing_on_line and not is_barely_tested(evidence):
        found.append(
            f"{evidence.failing_on_line} failing and {evidence.passing_on_line} passing tests"
            " run the changed line."
        )
    if evidence.raises:
        found.append("It changes the statement that raised the error.")
    if evidence.slips >= _MANY_SLIPS and evidence.slips_that_pass <= _FEW_PASS * evidence.slips:
        refused = evidence.slips - evidence.slips_that_pass
        found.append(f"The tests refuse {refused} of {evidence.slips} small changes of it.")
    rivals = evidence.plausible - 1
    if evidence.inputs_compared and rivals and not evidence.rivals_disagreeing:
        found.append(
            f"{_other_patches(rivals)} as well and {_behave(rivals)} the same"
            f" on {evidence.inputs_compared} varied inputs."
        )
    if evidence.usual:
        found.append(f"It is an edit that people often make ({template}).")
    return found


def _disagreement(evidence: Evidence, rivals: int, likely: str) -> str:
    return (
        f"{_other_patches(rivals)} as well, {_is(rivals)} {likely} and {_behave(rivals)} otherwise"
        f" on up to {evidence.disagreement:.0%} of {evidence.inputs_compared} varied inputs."
    )


def _other_patches(number: int) -> str:
    return f"{number} other {'patch passes' if number == 1 else 'patches pass'}"


def _behave(number: int) -> str:
    return "behaves" if number == 1 else "behave"


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
