"""Endings: how the heal ended for some incidents, before it is told as a result."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from paramedic_workers.errors import Verdict
from paramedic_workers.healing.model import IncidentBrief
from paramedic_workers.results import Cause

#: Verdicts that speak of one test each; others speak of a cause that tests may share.
_BY_TEST = (Verdict.FLAKY, Verdict.NOT_REPRODUCED, Verdict.ALREADY_FIXED)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """A verdict that was reached without a patch, with its cause."""

    verdict: Verdict
    cause: Cause
    #: The first one leads.
    incidents: tuple[IncidentBrief, ...]
    tests: tuple[str, ...] = ()
    #: What endings of one reason share, where their messages differ: the missing module.
    about: str = ""
    #: Whether the reason passes by itself.
    transient: bool = False


def same_cause_together(endings: Iterable[Ending]) -> tuple[Ending, ...]:
    """One ending for incidents that ended alike for the same reason: a missing module."""
    found: dict[tuple[object, ...], Ending] = {}
    for ending in endings:
        key = _key(ending)
        found[key] = _joined(found[key], ending) if key in found else ending
    return tuple(found.values())


def _joined(first: Ending, second: Ending) -> Ending:
    return replace(
        first,
        incidents=first.incidents + second.incidents,
        tests=tuple(dict.fromkeys(first.tests + second.tests)),
    )


def _key(ending: Ending) -> tuple[object, ...]:
    if ending.verdict in _BY_TEST:
        return (ending.verdict, ending.incidents[0].fingerprint)
    return (ending.verdict, ending.cause.type, ending.about or ending.cause.message)
