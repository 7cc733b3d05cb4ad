"""What several runs show together, also where the names of tests change between them."""

from __future__ import annotations

from paramedic_workers.healing.model import RunEnd, RunReport, TestOutcome, TestReport
from paramedic_workers.healing.sightings import Sightings


def run(**outcomes: TestOutcome) -> RunReport:
    """A run of `a.py` that saw these tests, each with its parameter in its name."""
    tests = (
        TestReport(test=f"a.py::test_x[{name}]", outcome=outcome)
        for name, outcome in outcomes.items()
    )
    return RunReport(end=RunEnd.FINISHED, detail="", tests=tuple(tests))


def test_a_test_that_fails_once_and_passes_once_fails_sometimes() -> None:
    runs = [run(p=TestOutcome.FAILED), run(p=TestOutcome.PASSED)]
    assert Sightings(runs).sometimes_failing("a.py::test_x") == "a.py::test_x[p]"


def test_a_test_that_is_seen_in_one_run_only_does_not_count_as_passing_in_the_others() -> None:
    sightings = Sightings([run(p=TestOutcome.FAILED), run(q=TestOutcome.FAILED)])
    assert sightings.sometimes_failing("a.py::test_x") is None
    assert sightings.sometimes_failing("a.py::test_x[p]") is None
    assert sightings.always_failing("a.py::test_x") == []
