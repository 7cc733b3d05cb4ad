"""Results for tests of what shows and delivers them."""

from __future__ import annotations

from typing import Any

from paramedic_workers.errors import Phase, Verdict
from paramedic_workers.results import (
    Attempt,
    AttemptOutcome,
    Cause,
    Confidence,
    PhaseTime,
    ProofStep,
    Result,
)

PATCH = """\
--- a/shop/prices.py
+++ b/shop/prices.py
@@ -1,3 +1,3 @@ TAX = 19
 def discounted(cents, percent):
     assert percent >= 0
-    return cents + cents * percent // 100
+    return cents - cents * percent // 100
"""


def make_result(**changes: Any) -> Result:
    """A healed result, with these members changed."""
    members: dict[str, Any] = {
        "incident": "3f9ac1d2e4b5a697c8d0",
        "fingerprint": "3f9ac1d2e4b5a697c8d0",
        "target": "shop",
        "revision": "0123456789abcdef0123456789abcdef01234567",
        "verdict": Verdict.HEALED,
        "strategy": "patch",
        "summary": "`-` in place of `+` in shop.prices.discounted",
        "cause": Cause(
            phase=Phase.REPRODUCE,
            type="AssertionError",
            message="assert 2500 == 1500",
            traceback=">   assert discounted(2000, 25) == 1500\nE   assert 2500 == 1500",
        ),
        "failing_tests": ("tests/test_prices.py::test_a_discount_lowers_the_price",),
        "patch": PATCH,
        "confidence": Confidence.HIGH,
        "reasons": ("It is the only candidate that passes.",),
        "branch": "paramedic/3f9ac1d2e4b5a697c8d0",
        "attempts": (
            Attempt(strategy="patch", outcome=AttemptOutcome.PROVED, candidates=42, seconds=1.5),
        ),
        "proof": (
            ProofStep(experiment="with the patch, run 1 of 3", observation="1 passed", holds=True),
        ),
        "phases": (
            PhaseTime(name=Phase.PREPARE, seconds=1.0),
            PhaseTime(name=Phase.REPRODUCE, seconds=3.0),
        ),
        "seconds": 4.0,
        "log": "prepare: cloned\nreproduce: 3 of 3",
    }
    return Result(**{**members, **changes})


def make_unhealed(**changes: Any) -> Result:
    """An unhealed result: without patch, confidence and branch."""
    without = {"verdict": Verdict.UNHEALED, "strategy": None, "patch": None, "confidence": None}
    more = {"branch": None, "proof": (), "reasons": (), "summary": "no fix could be proved"}
    return make_result(**{**without, **more, **changes})
