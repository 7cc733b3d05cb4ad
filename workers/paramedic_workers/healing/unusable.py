"""Runs in which pytest got to no test at all, and whose fault that is.

Most often it is the environment's. But a process that ends or hangs while tests are
collected is the target's own doing: no strategy has a test to go by, so it is `unhealed`.
"""

from __future__ import annotations

from paramedic_workers.errors import CollectionError, Phase, Verdict
from paramedic_workers.healing.endings import Ending
from paramedic_workers.healing.model import (
    IncidentBrief,
    RunEnd,
    RunReport,
)
from paramedic_workers.healing.subjects import identified
from paramedic_workers.results import Cause

#: Characters kept of the end of the output.
_OUTPUT = 4_000


def own_fault(
    report: RunReport, incidents: tuple[IncidentBrief, ...], target: str
) -> Ending | None:
    """How the heal ends where the target's own code keeps every test from being run."""
    cause = _abrupt_cause(report)
    if cause is None:
        return None
    nobody = IncidentBrief(
        fingerprint="", test=None, exception_type=cause.type, message=cause.message
    )
    return Ending(
        verdict=Verdict.UNHEALED,
        cause=cause,
        incidents=incidents or (identified(nobody, target),),
        tests=tuple(dict.fromkeys(i.test for i in incidents if i.test)),
    )


def nothing_ran(report: RunReport, unsupported: tuple[str, ...]) -> CollectionError:
    """The error for a run that got to no test for a reason outside the target's code."""
    note = f"Unsupported here: {', '.join(unsupported)}. " if unsupported else ""
    output = f"\n{report.output[-_OUTPUT:]}" if report.output else ""
    return CollectionError(
        f"No test can be run: {report.detail} {note}{output}", phase=Phase.REPRODUCE
    )


def _abrupt_cause(report: RunReport) -> Cause | None:
    if report.end not in (RunEnd.CRASHED, RunEnd.TIMED_OUT):
        return None
    return Cause(
        phase=Phase.REPRODUCE,
        type="TimedOut" if report.end is RunEnd.TIMED_OUT else "ProcessEnded",
        message=f"While tests were collected: {report.detail}",
        traceback=report.output[-_OUTPUT:],
    )
