"""For tests of your own sinks, and of whatever else you do with results.

    from paramedic_workers.testing import RecordingSink, Verdict, make_result

    def test_my_sink() -> None:
        MySink().deliver(make_result(Verdict.UNHEALED, target="shop"))

`make_result` makes the result of a heal, whole and right, for any verdict. `RecordingSink`
keeps what it is given, and refuses on demand.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from paramedic_workers.errors import DeliveryError, Phase, SinkUnavailable, Verdict
from paramedic_workers.results import (
    Attempt,
    AttemptOutcome,
    Cause,
    Confidence,
    PhaseTime,
    ProofStep,
    Result,
)
from paramedic_workers.sinks.recording import RecordingSink

__all__ = ["DeliveryError", "RecordingSink", "SinkUnavailable", "Verdict", "make_result"]

_INCIDENT = "3f9ac1d2e4b5a697c8d0"
_PATCH = """\
--- a/shop/prices.py
+++ b/shop/prices.py
@@ -1,3 +1,3 @@ TAX = 19
 def discounted(cents, percent):
     assert percent >= 0
-    return cents + cents * percent // 100
+    return cents - cents * percent // 100
"""
#: One line for each verdict, as the healer might have put it.
_SUMMARIES = {
    Verdict.HEALED: "`-` in place of `+` in shop.prices.discounted",
    Verdict.PROPOSED: "`-` in place of `+` in shop.prices.discounted",
    Verdict.UNHEALED: "no fix could be proved",
    Verdict.FLAKY: "it failed in 2 of 3 runs",
    Verdict.ENVIRONMENT: "the dependencies cannot be installed",
    Verdict.ALREADY_FIXED: "it passes at the newest revision",
    Verdict.NOT_REPRODUCED: "it passes in 3 of 3 runs",
    Verdict.FAILED: "the healer broke in repair",
}


def make_result(verdict: Verdict = Verdict.HEALED, **members: Any) -> Result:
    """A result as the healer would send it; each call gives one with an id of its own.

    Args:
        verdict: how the heal ended; the other members are such as go with it.
        members: those of `Result` that shall be otherwise.

    Raises:
        ValueError: they make no result, see `Result`.
        TypeError: one is no member of a result.
    """
    is_healer = verdict is Verdict.FAILED
    usual: dict[str, Any] = {
        "incident": _INCIDENT,
        "fingerprint": _INCIDENT,
        "target": "shop",
        "revision": "0123456789abcdef0123456789abcdef01234567",
        "verdict": verdict,
        "summary": _SUMMARIES[verdict],
        "cause": _broken_healer() if is_healer else _failing_test(),
        "failing_tests": ("tests/test_prices.py::test_a_discount_lowers_the_price",),
        "phases": (
            PhaseTime(name=Phase.PREPARE, seconds=1.0),
            PhaseTime(name=Phase.REPRODUCE, seconds=3.0),
        ),
        "started_at": datetime(2026, 5, 1, 12, tzinfo=UTC),
        "seconds": 4.0,
        "log": "prepare: cloned\nreproduce: 3 of 3",
    }
    if verdict in (Verdict.HEALED, Verdict.PROPOSED):
        usual |= _fix(trusted=verdict is Verdict.HEALED)
    return Result(**{**usual, **members})


def _failing_test() -> Cause:
    return Cause(
        phase=Phase.REPRODUCE,
        type="AssertionError",
        message="assert 2500 == 1500",
        traceback=">   assert discounted(2000, 25) == 1500\nE   assert 2500 == 1500",
    )


def _broken_healer() -> Cause:
    trace = 'Traceback (most recent call last):\n  File "patch.py", line 7, in attempt\n'
    return Cause(
        phase=Phase.REPAIR,
        type="RuntimeError",
        message="the strategy broke",
        traceback=f"{trace}RuntimeError: the strategy broke",
    )


def _fix(*, trusted: bool) -> dict[str, Any]:
    return {
        "strategy": "patch",
        "patch": _PATCH,
        "confidence": Confidence.HIGH if trusted else Confidence.LOW,
        "reasons": ("It is the only candidate that passes.",),
        "branch": f"paramedic/{_INCIDENT}" if trusted else None,
        "attempts": (
            Attempt(strategy="patch", outcome=AttemptOutcome.PROVED, candidates=42, seconds=1.5),
        ),
        "proof": (
            ProofStep(experiment="with the patch, run 1 of 3", observation="1 passed", holds=True),
        ),
    }
