"""What k runs of the same tests saw together: which fail always, sometimes, or never."""

from __future__ import annotations

from collections.abc import Sequence

from paramedic_workers.healing.model import RunEnd, RunReport, TestOutcome, TestReport
from paramedic_workers.healing.outcomes import Seen, failures, seen

#: Ends after which a named test that left no trace is taken to have failed.
_ABRUPT = (RunEnd.CRASHED, RunEnd.TIMED_OUT)


class Sightings:
    """What several runs of the same code saw."""

    def __init__(self, reports: Sequence[RunReport]) -> None:
        """Look at these runs, the first one being shown to people."""
        self.reports = reports

    def always_failing(self, name: str) -> list[TestReport]:
        """The tests of that name or below it that fail in every run, as the first saw them."""
        if not self.reports:
            return []
        first = _failures(self.reports[0], name)
        return [
            report
            for report in first
            if all(_failures(later, report.test) for later in self.reports[1:])
        ]

    def failed(self, name: str) -> list[tuple[int, TestReport]]:
        """Number of the run and failure, for each run in which it failed."""
        found = ((n, _failures(report, name)) for n, report in enumerate(self.reports))
        return [(n, reports[0]) for n, reports in found if reports]

    def sometimes_failing(self, name: str) -> str | None:
        """A test of that name or below it that fails in one run and passes in another."""
        reports = (report for run in self.reports for report in _failures(run, name))
        return next((r.test for r in reports if Seen.PASSED in self.outcomes(r.test)), None)

    def outcomes(self, name: str) -> set[Seen]:
        """What the runs that did not fail saw."""
        return {seen(report, name) for report in self.reports}


def _failures(report: RunReport, name: str) -> list[TestReport]:
    found = [_explained(r, report) for r in failures(report, name)]
    if not found and report.end in _ABRUPT and seen(report, name) is Seen.MISSING:
        lost = TestReport(test=name, outcome=TestOutcome.LOST, traceback=report.output[-4_000:])
        found = [_explained(lost, report)]
    return found


def _explained(report: TestReport, run: RunReport) -> TestReport:
    """A failing test with a type and a message, also where only the run knows them."""
    if report.exception_type and report.message:
        return report
    lost = report.outcome is TestOutcome.LOST
    end = "TimedOut" if run.end is RunEnd.TIMED_OUT else "ProcessEnded"
    kind = report.exception_type or (end if lost else "Failed")
    message = report.message or (run.detail if lost else f"({kind} without a message)")
    return TestReport(
        test=report.test,
        outcome=report.outcome,
        seconds=report.seconds,
        exception_type=kind,
        message=message,
        traceback=report.traceback,
        frames=report.frames,
    )
