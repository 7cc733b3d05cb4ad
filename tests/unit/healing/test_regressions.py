"""A patch must not break what passed before, nor what could not be seen before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from paramedic_workers.healing.model import RunEnd, RunReport, TestOutcome, TestReport
from paramedic_workers.healing.regressions import Comparison
from tests.unit.healing.doubles import bench

SUITE = ("before", "hangs", "behind")


class WithoutPatch:
    """Runs tests by name without the patch: `passing` ones pass, the others fail."""

    def __init__(self, *passing: str) -> None:
        self.passing = passing

    def run(self, _root: Path, tests: Sequence[str] = (), **_options: Any) -> RunReport:
        return report(RunEnd.FINISHED, {test: test in self.passing for test in tests})


def report(end: RunEnd, passed: dict[str, bool]) -> RunReport:
    outcomes = {True: TestOutcome.PASSED, False: TestOutcome.FAILED}
    tests = tuple(TestReport(test=t, outcome=outcomes[ok]) for t, ok in passed.items())
    return RunReport(end=end, detail="as told", tests=tests, collected=SUITE)


@pytest.mark.parametrize(
    ("behind_with_patch", "passing_without", "holds"),
    [
        (True, (), True),
        (False, ("behind",), False),
        (False, (), True),
    ],
    ids=["passes with it", "is broken by it", "fails without it too"],
)
def test_what_lies_behind_a_hang_is_looked_at_without_the_patch(
    behind_with_patch: bool, passing_without: tuple[str, ...], holds: bool
) -> None:
    comparison = Comparison(
        before=report(RunEnd.TIMED_OUT, {"before": True, "hangs": False}),
        after=report(RunEnd.FINISHED, {"before": True, "hangs": True, "behind": behind_with_patch}),
    )
    steps = list(comparison.steps(bench(WithoutPatch(*passing_without)), "diff", runs=2))
    assert all(step.holds for step in steps) is holds
