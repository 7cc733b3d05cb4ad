"""Counting the outcomes of a backtest."""

from __future__ import annotations

from paramedic_workers.backtest.campaign import Findings, Half
from paramedic_workers.backtest.model import Likeness, Reason, Skipped
from paramedic_workers.backtest.summary import summarise
from paramedic_workers.errors import Verdict
from paramedic_workers.results import Confidence
from tests.unit.backtest.samples import bug, change, outcome

OUTCOMES = (
    outcome("a1"),
    outcome("a2", likeness=Likeness.EQUIVALENT, confidence=Confidence.MEDIUM),
    outcome("a3", likeness=Likeness.DIFFERENT),
    outcome("a4", likeness=Likeness.UNKNOWN),
    outcome("a5", Verdict.PROPOSED, Confidence.LOW, Likeness.DIFFERENT),
    outcome("a6", Verdict.UNHEALED, seconds=20.0),
)
FINDINGS = Findings(
    revision="r",
    bugs=tuple(bug(one.commit) for one in OUTCOMES),
    skipped=(
        Skipped(change=change("s1"), reason=Reason.FAILS_AFTER),
        Skipped(change=change("s2"), reason=Reason.PASSES_BEFORE),
        Skipped(change=change("s3"), reason=Reason.PASSES_BEFORE),
    ),
    outcomes=OUTCOMES,
)


def test_healed_is_right_wrong_or_not_known() -> None:
    found = summarise(FINDINGS)
    assert (found.healed_right, found.healed_wrong, found.healed_unknown) == (2, 1, 1)
    assert found.verdicts == {"healed": 4, "proposed": 1, "unhealed": 1}
    assert found.seconds == 4.0


def test_patches_are_counted_by_confidence() -> None:
    high, medium, low, every = summarise(FINDINGS).rows
    assert (high.patches, high.same, high.different, high.unknown) == (3, 1, 1, 1)
    assert (medium.patches, medium.equivalent) == (1, 1)
    assert (low.healed, low.proposed, low.different) == (0, 1, 1)
    assert every.patches == 5


def test_what_could_not_be_run_is_told_from_what_is_no_bug() -> None:
    found = summarise(FINDINGS)
    assert found.could_not_run == {Reason.FAILS_AFTER.value: 1}
    assert found.no_bugs == {Reason.PASSES_BEFORE.value: 2}


def test_nothing_healed_is_no_mistake() -> None:
    found = summarise(Findings(revision="r", bugs=(), skipped=(), outcomes=()))
    assert found.seconds is None
    assert found.bugs == 0


def test_the_halves_are_by_the_first_digit() -> None:
    assert Half.EVEN.holds("a1")
    assert Half.ODD.holds("b0")
    assert not Half.EVEN.holds("10")
    assert Half.EVEN.holds("01")
