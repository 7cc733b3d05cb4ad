"""Counts of a backtest: how the outcomes compare with what people did, by confidence."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from paramedic_workers.backtest.campaign import Findings
from paramedic_workers.backtest.model import COULD_NOT_RUN, Likeness, Outcome
from paramedic_workers.errors import Verdict
from paramedic_workers.results import Confidence


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Outcomes with a patch, of one confidence or of all."""

    #: None: all of them.
    confidence: Confidence | None
    healed: int
    proposed: int
    #: The same four ways as `Likeness`.
    same: int
    equivalent: int
    different: int
    unknown: int

    @property
    def patches(self) -> int:
        """Outcomes with a patch."""
        return self.healed + self.proposed


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Everything counted."""

    #: Bugs that were healed again, and how that ended.
    bugs: int
    verdicts: dict[str, int]
    #: High, medium, low, all.
    rows: tuple[Row, ...]
    #: Healed, and the same as people's fix or equivalent to it; healed, and different.
    healed_right: int
    healed_wrong: int
    healed_unknown: int
    #: Median seconds of a whole heal, and of the search alone; None without outcomes.
    seconds: float | None
    search_seconds: float | None
    #: Changes that were looked into and are no bugs, and those that could not be run.
    no_bugs: dict[str, int]
    could_not_run: dict[str, int]


def summarise(findings: Findings) -> Summary:
    """Count what a backtest has found."""
    outcomes = findings.outcomes
    healed = [outcome for outcome in outcomes if outcome.verdict is Verdict.HEALED]
    likeness = Counter(map(_likeness, healed))
    reasons = Counter(skip.reason for skip in findings.skipped)
    return Summary(
        bugs=len(outcomes),
        verdicts=dict(Counter(outcome.verdict.value for outcome in outcomes)),
        rows=tuple(_row(outcomes, confidence) for confidence in (*Confidence, None)),
        healed_right=likeness[Likeness.SAME] + likeness[Likeness.EQUIVALENT],
        healed_wrong=likeness[Likeness.DIFFERENT],
        healed_unknown=likeness[Likeness.UNKNOWN],
        seconds=_median(outcome.seconds for outcome in outcomes),
        search_seconds=_median(outcome.search_seconds for outcome in outcomes),
        no_bugs={r.value: n for r, n in reasons.most_common() if r not in COULD_NOT_RUN},
        could_not_run={r.value: n for r, n in reasons.most_common() if r in COULD_NOT_RUN},
    )


def _row(outcomes: Sequence[Outcome], confidence: Confidence | None) -> Row:
    promised = [o for o in outcomes if o.verdict in (Verdict.HEALED, Verdict.PROPOSED)]
    chosen = [o for o in promised if confidence is None or o.confidence is confidence]
    likeness = Counter(map(_likeness, chosen))
    return Row(
        confidence=confidence,
        healed=sum(outcome.verdict is Verdict.HEALED for outcome in chosen),
        proposed=sum(outcome.verdict is Verdict.PROPOSED for outcome in chosen),
        same=likeness[Likeness.SAME],
        equivalent=likeness[Likeness.EQUIVALENT],
        different=likeness[Likeness.DIFFERENT],
        unknown=likeness[Likeness.UNKNOWN],
    )


def _likeness(outcome: Outcome) -> Likeness:
    return outcome.compared.likeness if outcome.compared else Likeness.UNKNOWN


def _median(values: Iterable[float]) -> float | None:
    known = list(values)
    return round(statistics.median(known), 2) if known else None
