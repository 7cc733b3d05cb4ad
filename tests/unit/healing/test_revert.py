"""The strategy `revert`, on a history in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from paramedic_workers.errors import RepositoryError
from paramedic_workers.healing.model import (
    Case,
    Deadline,
    RunEnd,
    RunReport,
    StrategyReport,
    TestOutcome,
    TestReport,
)
from paramedic_workers.healing.strategies.revert import RevertStrategy
from paramedic_workers.results import AttemptOutcome, Confidence
from paramedic_workers.settings import TargetSettings
from tests.unit.healing.doubles import node

TEST = node("test_total")
CODE = (
    "diff --git a/shop/cart.py b/shop/cart.py\n--- a/shop/cart.py\n+++ b/shop/cart.py\n"
    "@@ -1 +1 @@\n-a\n+b\n"
)
IN_TESTS = CODE.replace("shop/cart.py", "tests/test_shop.py")


@dataclass
class Line:
    """Commits `0` (the failing one), `1`, `2` … (older); what each is says a function."""

    length: int
    state: Callable[[int], str]
    diff: str | None = CODE
    tested: list[int] = field(default_factory=list)
    reverted: str = ""
    open_trees: set[Path] = field(default_factory=set)

    # History
    def ancestors(self, revision: str, limit: int) -> list[str]:
        return [str(n) for n in range(1, min(self.length, limit + 1))]

    def is_ancestor(self, older: str, newer: str) -> bool:
        return int(older) >= int(newer)

    def subject(self, revision: str) -> str:
        return f"Change {revision}"

    def resolve(self, revision: str) -> str:
        if not revision.isdigit():
            raise RepositoryError("There is no such revision.")
        return revision

    def revert_diff(self, culprit: str, onto: str) -> str | None:
        self.reverted = culprit
        return self.diff

    # Checkouts
    def checkout(self, revision: str) -> Path:
        root = Path("/nowhere", revision)
        self.open_trees.add(root)
        return root

    def discard(self, root: Path) -> None:
        self.open_trees.remove(root)

    # TestRunner
    def run(self, root: Path, tests: Sequence[str] = (), **_options: Any) -> RunReport:
        number = int(root.name)
        self.tested.append(number)
        state = self.state(number)
        if state == "untestable":
            return RunReport(end=RunEnd.NOT_FOUND, detail="There is no such test.")
        outcome = TestOutcome.PASSED if state == "good" else TestOutcome.FAILED
        return RunReport(
            end=RunEnd.FINISHED, detail="", tests=(TestReport(test=tests[0], outcome=outcome),)
        )


def attempt(
    line: Line, *, seconds: float = 60.0, uncommitted: bool = False, **settings: Any
) -> StrategyReport:
    parts: Any = line
    case = Case(
        target=TargetSettings(name="shop", repository="/nowhere", **settings),
        revision="0",
        root=Path("/nowhere/root"),
        failing=(TestReport(test=TEST, outcome=TestOutcome.FAILED),),
        passing=frozenset(),
        coverage={},
        runner=parts,
        checkouts=parts,
        history=parts,
        python=Path("/python"),
        launcher=parts,
        deadline=Deadline.after(seconds),
        uncommitted=uncommitted,
    )
    report = RevertStrategy().attempt(case)
    assert not line.open_trees
    return report


def good_from(culprit: int) -> Callable[[int], str]:
    return lambda number: "good" if number > culprit else "bad"


@pytest.mark.parametrize("culprit", range(30))
def test_the_culprit_is_found_in_few_runs(culprit: int) -> None:
    line = Line(40, good_from(culprit))
    report = attempt(line)
    assert line.reverted == str(culprit)
    assert len(line.tested) == len(set(line.tested)) <= 11
    [patch] = report.patches
    assert patch.title == f'revert of {culprit} "Change {culprit}"'
    assert patch.confidence is Confidence.MEDIUM


def test_a_configured_good_revision_is_believed_once_it_passes() -> None:
    line = Line(40, good_from(2))
    attempt(line, known_good="20", search_back=5)
    assert line.tested[0] == 20
    assert line.reverted == "2"


@pytest.mark.parametrize("known_good", ["no-such", "1"])
def test_a_configured_revision_that_is_no_help_is_passed_over(known_good: str) -> None:
    line = Line(10, good_from(3))
    assert attempt(line, known_good=known_good).patches
    assert line.reverted == "3"


def test_commits_that_cannot_be_tested_are_passed_over() -> None:
    untestable = {3, 5, 6}
    line = Line(20, lambda n: "untestable" if n in untestable else good_from(3)(n))
    # Between 2 (bad) and 4 (good) there is only one that cannot be tested.
    assert attempt(line).outcome is AttemptOutcome.NOTHING_FOUND
    line = Line(20, lambda n: "untestable" if n in untestable else good_from(8)(n))
    attempt(line)
    assert line.reverted == "8"


@pytest.mark.parametrize(
    ("line", "settings", "outcome", "words"),
    [
        (Line(1, good_from(0)), {}, AttemptOutcome.NOT_APPLICABLE, "no earlier commit"),
        (Line(9, lambda _: "bad"), {}, AttemptOutcome.NOTHING_FOUND, "passes at none"),
        (Line(99, good_from(60)), {"search_back": 9}, AttemptOutcome.NOTHING_FOUND, "9 back"),
        (Line(9, good_from(3), None), {}, AttemptOutcome.NOTHING_FOUND, "conflicts"),
        (Line(9, good_from(3), IN_TESTS), {}, AttemptOutcome.NOTHING_FOUND, "no file"),
        (Line(9, good_from(3)), {"seconds": 0.5}, AttemptOutcome.OUT_OF_TIME, "time was up"),
        (Line(9, good_from(0)), {"uncommitted": True}, AttemptOutcome.NOTHING_FOUND, "uncommitted"),
    ],
)
def test_it_gives_up_politely(
    line: Line, settings: dict[str, Any], outcome: AttemptOutcome, words: str
) -> None:
    report = attempt(line, **settings)
    assert (report.outcome, report.patches) == (outcome, ())
    assert words in report.detail


def test_files_that_must_not_be_touched_are_left_out_and_named() -> None:
    [patch] = attempt(Line(9, good_from(3), CODE + IN_TESTS)).patches
    assert patch.diff == CODE
    assert "Left as they are: tests/test_shop.py." in patch.reasons


def test_a_large_culprit_is_trusted_less() -> None:
    many = "".join(f"-a{n}\n" for n in range(50))
    large = CODE.replace("@@ -1 +1 @@\n-a\n", f"@@ -1,50 +1 @@\n{many}")
    [patch] = attempt(Line(9, good_from(3), large)).patches
    assert patch.confidence is Confidence.LOW


def test_a_younger_test_is_taken_to_older_commits_and_trusted_less(tmp_path: Path) -> None:
    (tmp_path / "0/tests").mkdir(parents=True)
    (tmp_path / "0/tests/test_shop.py").write_text("today")

    class Young(Line):
        def checkout(self, revision: str) -> Path:
            root = tmp_path / f"tree/{revision}"
            root.mkdir(parents=True, exist_ok=True)
            self.open_trees.add(root)
            return root

        def run(self, root: Path, tests: Sequence[str] = (), **options: Any) -> RunReport:
            if not (root / "tests/test_shop.py").exists():
                return RunReport(end=RunEnd.NOT_FOUND, detail="There is no such test.")
            return super().run(root, tests, **options)

    line = Young(9, good_from(3))
    parts: Any = line
    case = Case(
        target=TargetSettings(name="shop", repository="/nowhere"),
        revision="0",
        root=tmp_path / "0",
        failing=(TestReport(test=TEST, outcome=TestOutcome.FAILED),),
        passing=frozenset(),
        coverage={},
        runner=parts,
        checkouts=parts,
        history=parts,
        python=Path("/python"),
        launcher=parts,
        deadline=Deadline.after(60),
    )
    [patch] = RevertStrategy().attempt(case).patches
    assert line.reverted == "3"
    assert patch.confidence is Confidence.LOW
    assert any("today's test" in reason for reason in patch.reasons)
