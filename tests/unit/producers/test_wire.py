"""The message on the wire, and what docs/wire.md says of it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from paramedic import wire
from paramedic.event import FailureEvent, Frame
from tests.support.events import make_event

PAGE = (Path(__file__).parents[3] / "docs" / "wire.md").read_text(encoding="utf-8")

#: The event and the batch that docs/wire.md shows.
EXAMPLE = FailureEvent(
    version=1,
    id="3f1c2b7a9d5e4f60",
    target="shop",
    exception_type="ZeroDivisionError",
    message="division by zero",
    frames=(Frame(file="shop/cart.py", module="shop.cart", function="Cart.total", line=12),),
    revision="9fceb02d0ae598e95dc970b74767f19372d61af8",
    occurred_at=datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
)
EXAMPLE_BATCH = "b0a1f0c8e5d44c7f8f6f3f0d2c1b0a99"


def shown(language: str) -> list[str]:
    """The blocks of this language on the page."""
    return re.findall(rf"```{language}\n(.*?)\n```", PAGE, re.DOTALL)


def test_the_page_shows_the_true_bytes_of_the_body() -> None:
    body = wire.build_message([EXAMPLE], EXAMPLE_BATCH).body.decode()
    assert body in shown("text")


def test_the_page_shows_the_true_headers_and_properties() -> None:
    message = wire.build_message([EXAMPLE], EXAMPLE_BATCH)
    whole = json.loads(shown("json")[0])
    assert {**whole["headers"], "origin": ""} == {**message.headers, "origin": ""}
    assert whole["properties"].items() >= message.properties.items()
    assert whole["properties"]["delivery_info"]["routing_key"] == message.routing_key


@pytest.mark.parametrize(
    "name",
    [wire.FAILURE_EXCHANGE, wire.INTAKE_QUEUE, wire.INTAKE_BINDING, wire.INTAKE_TASK],
)
def test_the_page_names_what_is_on_the_broker(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_a_message_is_a_task_with_one_argument() -> None:
    events = [make_event(), make_event(), make_event(count=5)]
    message = wire.build_message(events)
    arguments, keywords, embed = json.loads(message.body)
    assert (len(arguments), keywords) == (1, {})
    assert arguments[0]["version"] == 1
    assert arguments[0]["batch"] == message.id == message.properties["correlation_id"]
    assert embed == {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    assert message.headers["task"] == "paramedic.intake"
    assert message.headers["argsrepr"] == "3 events of shop"
    assert message.routing_key == "failure.shop"
    assert wire.events_of(message) == events


def test_each_message_has_an_id_of_its_own_unless_told() -> None:
    event = make_event()
    assert wire.build_message([event]).id != wire.build_message([event]).id
    assert wire.build_message([event], "batch-0001").id == "batch-0001"


@pytest.mark.parametrize("targets", [[], ["shop", "bank"], ["shop"] * 101])
def test_a_message_carries_up_to_a_hundred_events_of_one_target(targets: list[str]) -> None:
    with pytest.raises(ValueError, match="1 to 100 events of one target"):
        wire.build_message([make_event(target=target) for target in targets])
