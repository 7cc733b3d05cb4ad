"""Changes, bugs and outcomes that no repository has."""

from __future__ import annotations

from typing import Any

from paramedic_workers.backtest.model import (
    Bug,
    Change,
    Compared,
    Likeness,
    Outcome,
    PatchRecord,
)
from paramedic_workers.errors import Verdict
from paramedic_workers.results import Confidence


def change(commit: str, committed_at: int = 0) -> Change:
    """A change of one source file."""
    return Change(
        commit=commit,
        parent="p",
        committed_at=committed_at,
        subject=f"Fix {commit}",
        sources=("shop/prices.py",),
        tests=("tests/test_prices.py",),
        lines=2,
    )


def bug(commit: str, committed_at: int = 0) -> Bug:
    """A bug with one failing test."""
    return Bug(
        change=change(commit, committed_at),
        bug=f"{commit}-bug",
        fix=f"{commit}-fix",
        failing=("tests/test_prices.py::test_total",),
        passing=(),
        environment_of="newest",
        seconds=1.0,
    )


def outcome(
    commit: str,
    verdict: Verdict = Verdict.HEALED,
    confidence: Confidence | None = Confidence.HIGH,
    likeness: Likeness = Likeness.SAME,
    **more: Any,
) -> Outcome:
    """An outcome; one without a promise has nothing to compare."""
    promised = verdict in (Verdict.HEALED, Verdict.PROPOSED)
    plain: dict[str, Any] = {
        "commit": commit,
        "budget": 60.0,
        "verdict": verdict,
        "confidence": confidence if promised else None,
        "compared": Compared(likeness=likeness, inputs=9, differing=4) if promised else None,
        "seconds": 4.0,
    }
    return Outcome(**{**plain, **more})


def record(template: str, likeness: Likeness = Likeness.SAME) -> PatchRecord:
    """The chosen patch of an outcome."""
    return PatchRecord(
        digest="d",
        diff="",
        template=template,
        title="",
        score=1.0,
        trust="high",
        reasons=(),
        evidence={},
        proved=True,
        chosen=True,
        compared=Compared(likeness=likeness),
    )
