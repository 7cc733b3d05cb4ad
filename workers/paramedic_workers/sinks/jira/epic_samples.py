"""Epics to try the template with: full ones, and one as bare as may be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from paramedic_workers.errors import Phase
from paramedic_workers.results import Cause
from paramedic_workers.sinks.jira.epic_view import EpicRow, EpicView
from paramedic_workers.systemic.model import Pattern, PatternEnd, PatternState
from paramedic_workers.systemic.signature import Signature

_AT: Final = datetime(2026, 1, 5, 12, tzinfo=UTC)
_CAUSE: Final = Cause(
    phase=Phase.REPAIR,
    type="AttributeError",
    message="'NoneType' object has no attribute 'body'",
    traceback="Traceback (most recent call last):\n  …\nAttributeError: …",
)
#: Of a strategy, and opened again.
_OPEN: Final = Pattern(
    id="0" * 20,
    signature=Signature(phase=Phase.REPAIR, type="AttributeError", strategy="patch"),
    example=_CAUSE,
    state=PatternState.OPEN,
    opened_at=_AT,
    first_seen=_AT,
    last_seen=_AT,
    openings=2,
)
_CLOSED: Final = Pattern(
    id="1" * 20,
    signature=Signature(
        phase=Phase.REPAIR, type="AttributeError", frames=("paramedic_workers.x:y",)
    ),
    example=_CAUSE,
    state=PatternState.CLOSED,
    opened_at=_AT,
    first_seen=_AT,
    last_seen=_AT,
    closed_at=_AT,
    closed_because=PatternEnd.SETTLED,
)
_ROW: Final = EpicRow(
    key="SHOP-12",
    url="https://jira.shop.example/browse/SHOP-12",
    target="shop",
    type="AttributeError",
    summary="tests/test_cart.py::test_total: no attribute",
    status="failed",
    merged=2,
    exception=True,
)


def sample_epics() -> tuple[EpicView, ...]:
    """A closed one with nothing, an open one with everything, and one that strikes all targets."""
    bare = EpicView(
        pattern=_CLOSED,
        rows=(),
        left_out=0,
        exceptions=(),
        targets=("shop",),
        incidents=0,
        settled=0,
        occurrences=0,
        since=_AT,
        until=_AT,
        is_epic=False,
    )
    whole = replace(
        bare,
        pattern=_OPEN,
        rows=(_ROW, replace(_ROW, key="", merged=0, exception=False)),
        left_out=3,
        exceptions=(("ValueError", "no such value"),),
        incidents=8,
        settled=1,
        occurrences=12,
        off_at=("shop",),
        is_epic=True,
    )
    return bare, whole, replace(whole, off_at=())
