"""Summaries: one line for a person, that says what failed and how it ended; never empty."""

from __future__ import annotations

from collections.abc import Sequence

from paramedic_workers.errors import Phase, Verdict
from paramedic_workers.healing.outcomes import file_of
from paramedic_workers.results import Cause

#: Our own errors are named without their module.
_OURS = "paramedic_workers.errors."
#: Characters of a summary; a ticket's title takes 255.
_LENGTH = 200


def summary_of(
    verdict: Verdict, tests: Sequence[str], cause: Cause, *, title: str = "", strategy: str = ""
) -> str:
    """One line that tells a heal.

    Args:
        verdict: how it ended.
        tests: node ids of what failed; may be empty.
        cause: why it ended so.
        title: a few words on the patch, where there is one; of `already_fixed` on the one that
            has landed.
        strategy: who found the patch.
    """
    subject = subject_line(tests)
    patch = title or (f"a patch by {strategy}" if strategy else "a patch")
    reason = f"{cause.type.removeprefix(_OURS)}: {first_line(cause.message)}"
    told = {
        Verdict.HEALED: f"{subject}: {patch}",
        Verdict.PROPOSED: f"{subject}: proposal: {patch}",
        Verdict.UNHEALED: f"{subject}: no fix could be proved for {reason}",
        Verdict.FLAKY: f"{subject}: flaky: {first_line(cause.message)}",
        Verdict.ENVIRONMENT: f"{subject}: not the code but its environment: {reason}",
        Verdict.ALREADY_FIXED: f"{subject}: already fixed: {title or first_line(cause.message)}",
        Verdict.NOT_REPRODUCED: f"{subject}: not reproduced: {first_line(cause.message)}",
        Verdict.FAILED: f"{subject}: {_broken(cause, title)}: {reason}",
    }
    return _one_line(told[verdict])


def subject_line(tests: Sequence[str]) -> str:
    """What failed: "test_total in tests/test_cart.py", "5 tests in tests/test_cart.py"."""
    files = {file_of(test) for test in tests}
    if not tests:
        return "the target"
    if len(tests) == 1:
        name = tests[0].partition("::")[2]
        return f"{name} in {file_of(tests[0])}" if name else tests[0]
    where = next(iter(files)) if len(files) == 1 else f"{len(files)} files"
    return f"{len(tests)} tests in {where}"


def first_line(text: str) -> str:
    """The first line with something on it."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _broken(cause: Cause, title: str) -> str:
    if cause.phase is Phase.PUBLISH and title:
        return f"the proven patch ({title}) could not be published"
    return f"the healer broke in {cause.phase}"


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LENGTH else f"{line[: _LENGTH - 1]}…"
