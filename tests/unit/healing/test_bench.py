"""Experiments: one bad test does not keep the others from being seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from paramedic_workers.errors import HealerError, PhaseTimeout
from paramedic_workers.healing.bench import Experiment
from paramedic_workers.healing.checkouts import ClosableCheckouts
from paramedic_workers.healing.launching import ClosableLauncher
from paramedic_workers.healing.model import Command, RunEnd, RunReport, TestOutcome, TestReport
from paramedic_workers.healing.outcomes import Seen, failures, seen
from paramedic_workers.healing.threads import all_of
from tests.unit.healing.doubles import FakeWorkspace, World, bench


class Scripted:
    """A runner that ends early at the first test named `crash…`, and knows no `gone…`."""

    def __init__(self) -> None:
        self.runs: list[tuple[str, ...]] = []

    def run(self, _root: Path, tests: Sequence[str] = (), **_options: Any) -> RunReport:
        self.runs.append(tuple(tests))
        if any(test.startswith("gone") for test in tests):
            return RunReport(end=RunEnd.NOT_FOUND, detail="There is no such test.")
        reports = []
        for test in tests:
            crashes = test.startswith("crash")
            outcome = TestOutcome.LOST if crashes else TestOutcome.PASSED
            reports.append(TestReport(test=test, outcome=outcome))
            if crashes:
                break
        end = RunEnd.CRASHED if reports[-1].outcome is TestOutcome.LOST else RunEnd.FINISHED
        return RunReport(end=end, detail=f"Ended at {reports[-1].test}.", tests=tuple(reports))


def test_a_crash_in_the_middle_of_the_suite_does_not_hide_the_tests_after_it() -> None:
    suite = ("a", "crash1", "b", "crash2", "c")

    class Suite(Scripted):
        def run(self, _root: Path, tests: Sequence[str] = (), **options: Any) -> RunReport:
            report = super().run(_root, tests or suite, **options)
            return report if tests else replace(report, collected=suite)

    report = bench(Suite()).run(Experiment())
    assert report.passing() == {"a", "b", "c"}
    assert [test.test for test in report.failing()] == ["crash1", "crash2"]
    assert report.never_run() == ()


def test_a_crash_in_the_middle_does_not_hide_the_tests_after_it() -> None:
    tests = ("a", "crash1", "b", "crash2", "c")
    report = bench(Scripted()).run(Experiment(tests=tests))
    assert [seen(report, t) for t in tests] == [
        Seen.PASSED,
        Seen.FAILED,
        Seen.PASSED,
        Seen.FAILED,
        Seen.PASSED,
    ]
    assert report.end is RunEnd.CRASHED


def test_a_test_that_does_not_exist_does_not_hide_the_others() -> None:
    tests = ("a", "b", "gone", "c", "d", "e", "f", "g")
    runner = Scripted()
    report = bench(runner).run(Experiment(tests=tests))
    assert [t for t in tests if seen(report, t) is Seen.MISSING] == ["gone"]
    assert len(runner.runs) < len(tests)


def test_no_run_is_begun_after_the_deadline() -> None:
    with pytest.raises(PhaseTimeout):
        bench(Scripted(), seconds=0.0).run(Experiment(tests=("a",)))


def test_every_tree_is_given_back_also_when_a_run_raises() -> None:
    class Broken:
        def run(self, *_: Any, **__: Any) -> RunReport:
            raise OSError("disk full")

    broken = bench(Broken())
    with pytest.raises(OSError, match="disk full"):
        broken.run_all([Experiment(), Experiment()])
    workspace: Any = broken.checkouts
    assert workspace.trees == []


def test_a_closed_part_of_a_heal_gives_out_nothing_and_takes_all_back() -> None:
    workspace = FakeWorkspace(World({}))
    trees = ClosableCheckouts(workspace)
    kept = trees.checkout(workspace.revision)
    trees.close()
    assert workspace.trees == []
    trees.discard(kept)
    with pytest.raises(HealerError):
        trees.checkout(workspace.revision)

    class Process:
        killed = False

        def wait(self, timeout: float | None = None) -> int:
            return 0

        def kill(self) -> None:
            self.killed = True

    class Launcher:
        process = Process()

        description = "none"

        def start(self, _command: Command) -> Process:
            return self.process

    closable = ClosableLauncher(Launcher())
    closable.start(Command(argv=["true"], root=Path("/nowhere")))
    closable.close()
    assert Launcher.process.killed
    with pytest.raises(HealerError):
        closable.start(Command(argv=["true"], root=Path("/nowhere")))


def test_the_first_failure_of_parallel_work_is_raised_after_all_have_ended() -> None:
    ended = []

    def fine() -> None:
        ended.append(1)

    def broken() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        all_of([broken, fine, fine])
    assert ended == [1, 1]


def test_a_broken_conftest_counts_as_a_failure_of_what_is_below_it() -> None:
    error = TestReport(test="tests/a/conftest.py", outcome=TestOutcome.FAILED)
    report = RunReport(end=RunEnd.UNUSABLE, detail="", collection_errors=(error,))
    assert failures(report, "tests/a/b/test_x.py::test_x") == (error,)
    assert seen(report, "tests/c/test_x.py::test_x") is Seen.MISSING
    fine = RunReport(end=RunEnd.FINISHED, detail="")
    assert seen(fine, "tests/a/conftest.py") is Seen.PASSED


def test_a_name_stands_for_all_tests_below_it_and_no_others() -> None:
    tests = [
        TestReport(test="t.py::test_a[1]", outcome=TestOutcome.FAILED),
        TestReport(test="t.py::test_ab", outcome=TestOutcome.PASSED),
        TestReport(test="t.py::test_s", outcome=TestOutcome.SKIPPED),
    ]
    report = RunReport(end=RunEnd.FINISHED, detail="", tests=tuple(tests))
    assert seen(report, "t.py::test_a") is Seen.FAILED
    assert seen(report, "t.py::test_ab") is Seen.PASSED
    assert seen(report, "t.py") is Seen.FAILED
    assert seen(report, "t.py::test_s") is Seen.SKIPPED
    assert seen(report, "t.py::test") is Seen.MISSING
