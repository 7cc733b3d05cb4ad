"""Tickets to try templates with: one of every verdict, each full and each as bare as may be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from paramedic.event import Frame
from paramedic_workers.errors import Phase, Verdict
from paramedic_workers.incidents import IncidentRecord, IncidentState
from paramedic_workers.results import (
    Alternative,
    Attempt,
    AttemptOutcome,
    Cause,
    Confidence,
    PhaseTime,
    ProofStep,
    Result,
)
from paramedic_workers.sinks.jira.view import Link, TicketView

_AT: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
_FINGERPRINT: Final = "3f9ac1d2e4b5a697c8d0"
_PATCH: Final = """\
--- a/shop/cart.py
+++ b/shop/cart.py
@@ -4,2 +4,2 @@ def total(self):
-    return sum(self.prices[1:])
+    return sum(self.prices)
"""
_WITH_PATCH: Final = (Verdict.HEALED, Verdict.PROPOSED)


def sample_views() -> Iterator[TicketView]:
    """For each verdict a ticket with all there can be, and one with nothing that need not be."""
    for verdict in Verdict:
        yield _full(verdict)
        yield TicketView(result=_bare(verdict))


def _bare(verdict: Verdict, **more: Any) -> Result:
    members: dict[str, Any] = {
        "id": "0" * 32,
        "incident": _FINGERPRINT,
        "fingerprint": _FINGERPRINT,
        "target": "shop",
        "revision": "",
        "verdict": verdict,
        "summary": "test_total in tests/test_cart.py: off-by-one in cart.total",
        "cause": Cause(phase=Phase.REPRODUCE, type="AssertionError", message="assert 3 == 5"),
        "patch": _PATCH if verdict in _WITH_PATCH else None,
        "started_at": _AT,
    }
    return Result(**{**members, **more})


def _full(verdict: Verdict) -> TicketView:
    result = _bare(
        verdict,
        revision="0123456789abcdef0123456789abcdef01234567",
        strategy="patch" if verdict in _WITH_PATCH else None,
        cause=Cause(
            phase=Phase.REPRODUCE,
            type="AssertionError",
            message="assert 3 == 5\n +  where 3 = total()",
            traceback=">   assert cart.total() == 5\nE   assert 3 == 5",
        ),
        failing_tests=("tests/test_cart.py::test_total", "tests/test_cart.py::test_sum"),
        merged=("aaaa1111",),
        confidence=Confidence.HIGH if verdict in _WITH_PATCH else None,
        reasons=("It is the only candidate that passes.",),
        alternatives=(Alternative(patch=_PATCH, confidence=Confidence.LOW),),
        branch=f"paramedic/{_FINGERPRINT}" if verdict in _WITH_PATCH else None,
        owners=("@cart-team",),
        attempts=(Attempt(strategy="patch", outcome=AttemptOutcome.PROVED, candidates=42),),
        proof=(ProofStep(experiment="with the patch, run 1 of 3", observation="1", holds=True),),
        phases=(PhaseTime(name=Phase.PREPARE, seconds=1.0),),
        count=3,
        output="FAILED tests/test_cart.py::test_total",
        log="prepare: cloned",
    )
    return TicketView(
        result=result,
        incident=_incident(),
        links=(Link(title="branch", url="https://git.example/shop/tree/x", kind="branch"),),
        fixed_since=_AT,
        merged_tickets=("SHOP-7",),
    )


def _incident() -> IncidentRecord:
    return IncidentRecord(
        fingerprint=_FINGERPRINT,
        target="shop",
        test="tests/test_cart.py::test_total",
        exception_type="AssertionError",
        message="assert 3 == 5",
        frames=(Frame(file="shop/cart.py", module="shop.cart", function="total", line=4),),
        state=IncidentState.CLOSED,
        count=17,
        first_seen=_AT,
        last_seen=_AT,
        opened_at=_AT,
    )
