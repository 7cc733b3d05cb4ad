"""Failure events for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from paramedic.event import WIRE_VERSION, FailureEvent, Frame, new_event_id

#: When the failures of tests happen.
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def make_event(**changes: Any) -> FailureEvent:
    """An event of the target `shop`, with these fields changed."""
    fields: dict[str, Any] = {
        "version": WIRE_VERSION,
        "id": new_event_id(),
        "target": "shop",
        "exception_type": "ValueError",
        "message": "the cart is empty",
        "frames": (make_frame("pay"), make_frame("total")),
        "occurred_at": NOON,
    }
    return FailureEvent(**{**fields, **changes})


def make_frame(function: str, **changes: Any) -> Frame:
    """A frame of the module `shop.cart`, with these fields changed."""
    fields: dict[str, Any] = {"file": "shop/cart.py", "module": "shop.cart", "line": 3}
    return Frame(**{**fields, "function": function, **changes})


def raised(error: BaseException) -> BaseException:
    """The same exception, with a traceback."""
    try:
        raise error
    except BaseException as caught:  # noqa: BLE001 - every kind is wanted
        return caught
