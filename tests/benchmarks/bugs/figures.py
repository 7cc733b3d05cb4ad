"""The figures over all bugs: for people, as JSON, and as evidence to fit trust to."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from paramedic_workers.repair import Trust
from tests.benchmarks.bugs.heal import Healing, Judgement, Verdict


@dataclass(frozen=True)
class Figures:
    """Totals over some bugs."""

    bugs: int
    plausible: int
    right: int
    wrong: int
    unknown: int
    red: int
    abstained: int
    broke: int
    #: Trust -> first patches with it, and those of them that are wrong or red.
    by_trust: dict[str, tuple[int, int]]
    #: Of the plausible ones.
    median_seconds: float
    #: Candidates a second, start and observation included.
    median_rate: float


def figures(healings: Sequence[Healing]) -> Figures:
    """The totals."""
    verdicts = [healing.verdict for healing in healings]
    seconds = [healing.report.seconds for healing in healings if healing.plausible]
    return Figures(
        bugs=len(healings),
        plausible=sum(healing.plausible for healing in healings),
        right=verdicts.count(Verdict.RIGHT),
        wrong=verdicts.count(Verdict.WRONG),
        unknown=verdicts.count(Verdict.UNKNOWN),
        red=verdicts.count(Verdict.RED),
        abstained=verdicts.count(Verdict.ABSTAINED),
        broke=verdicts.count(Verdict.BROKE),
        by_trust={str(trust): _of_trust(healings, trust) for trust in Trust},
        median_seconds=round(statistics.median(seconds), 3) if seconds else 0.0,
        median_rate=round(statistics.median(h.rate for h in healings), 1) if healings else 0.0,
    )


def _of_trust(healings: Sequence[Healing], trust: Trust) -> tuple[int, int]:
    found = [h for h in healings if h.first is not None and h.first.trust is trust]
    return len(found), sum(h.verdict in (Verdict.WRONG, Verdict.RED) for h in found)


def lines(totals: Figures) -> Iterator[str]:
    """The totals for people."""
    yield f"bugs                          {totals.bugs:6}"
    yield f"plausible                     {totals.plausible:6}"
    yield f"  agrees with the reference   {totals.right:6}"
    yield f"  wrong but green             {totals.wrong:6}"
    yield f"  green, not compared         {totals.unknown:6}"
    yield f"red outside of the engine     {totals.red:6}"
    yield f"abstained                     {totals.abstained:6}"
    yield f"the engine broke              {totals.broke:6}"
    for trust, (number, wrong) in totals.by_trust.items():
        yield f"called {trust:6}                 {number:6}, wrong {wrong}"
    yield f"median seconds of a heal      {totals.median_seconds:6.2f}"
    yield f"median candidates a second    {totals.median_rate:6.0f}"


def as_json(healings: Sequence[Healing], *, budget: float, jobs: int) -> str:
    """Everything, as one JSON document."""
    document = {
        "budget": budget,
        "jobs": jobs,
        "totals": dataclasses.asdict(figures(healings)),
        "bugs": [_bug(healing) for healing in healings],
    }
    return json.dumps(document, indent=1) + "\n"


def evidence_lines(healings: Sequence[Healing]) -> Iterator[str]:
    """Evidence about every patch that could be judged, with the label, one JSON line each."""
    for healing in healings:
        for judgement in healing.judgements:
            if judgement.right is not None:
                yield json.dumps(
                    {
                        "source": healing.bug.id,
                        "label": "right" if judgement.right else "wrong",
                        "template": judgement.patch.template,
                        "evidence": dataclasses.asdict(judgement.patch.evidence),
                    }
                )


def _bug(healing: Healing) -> dict[str, Any]:
    return {
        "id": healing.bug.id,
        "verdict": healing.verdict,
        "stop": healing.report.stop,
        "seconds": round(healing.report.seconds, 3),
        "candidates": healing.report.candidates,
        "detail": healing.report.detail,
        "patches": [_patch(judgement) for judgement in healing.judgements],
    }


def _patch(judgement: Judgement) -> dict[str, Any]:
    patch = judgement.patch
    return {
        "right": judgement.right,
        "trust": patch.trust,
        "chance": patch.chance,
        "template": patch.template,
        "title": patch.title,
        "reasons": patch.reasons,
        "diff": patch.diff,
        "evidence": dataclasses.asdict(patch.evidence),
    }
