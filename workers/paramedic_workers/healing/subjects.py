"""Subjects: the incidents of a heal, each with the failing tests that show it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from paramedic.event import WIRE_VERSION, FailureEvent, Frame, new_event_id, now
from paramedic.fingerprint import fingerprint
from paramedic_workers.healing.model import IncidentBrief, TestReport


@dataclass(frozen=True, kw_only=True)
class Subject:
    """An incident and the failing tests that show it; the incident's id is never empty."""

    incident: IncidentBrief
    #: Node ids, or the path of a file that cannot be collected.
    tests: tuple[str, ...]


def subject_of(report: TestReport, target: str) -> Subject:
    """The subject for a failing test that no incident has named."""
    return Subject(incident=incident_of(report, target), tests=(report.test,))


def incident_of(report: TestReport, target: str) -> IncidentBrief:
    """The incident that publishing this failing test would open."""
    return identified(
        IncidentBrief(
            fingerprint="",
            test=report.test,
            exception_type=report.exception_type,
            message=report.message,
            frames=report.frames,
        ),
        target,
    )


def identified(incident: IncidentBrief, target: str) -> IncidentBrief:
    """The incident with its fingerprint, computed where it has none."""
    if incident.fingerprint:
        return incident
    event = FailureEvent(
        version=WIRE_VERSION,
        id=new_event_id(),
        target=target,
        test=incident.test,
        exception_type=incident.exception_type or "Exception",
        message=incident.message,
        frames=incident.frames,
        occurred_at=now(),
    )
    return IncidentBrief(
        fingerprint=fingerprint(event),
        test=incident.test,
        exception_type=incident.exception_type,
        message=incident.message,
        frames=incident.frames,
        count=incident.count,
    )


def same_failure(incident: IncidentBrief, report: TestReport) -> bool:
    """Whether a failing test shows a service's exception: its type at the same innermost place."""
    here, there = innermost(report.frames), innermost(incident.frames)
    if here is None or there is None:
        return False
    return _last(report.exception_type) == _last(incident.exception_type) and _same_place(
        here, there
    )


def innermost(frames: Iterable[Frame]) -> Frame | None:
    """The last frame that is the target's own code."""
    return next((frame for frame in reversed(tuple(frames)) if frame.in_app), None)


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _same_place(one: Frame, other: Frame) -> bool:
    if _last(one.function) != _last(other.function):
        return False
    # A service may be installed under another root: `/app/shop/cart.py` is `shop/cart.py`.
    short, long = sorted((one.file, other.file), key=len)
    return one.module == other.module != "" or long == short or long.endswith(f"/{short}")
