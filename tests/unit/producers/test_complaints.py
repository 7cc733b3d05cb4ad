"""What is wrong with an event is said in a sentence of our own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from paramedic.event import InvalidEvent, decode_event, encode_event
from tests.support.events import make_event

MISSING: Any = object()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"exception_type": MISSING}, "The field `exception_type` is missing"),
        ({"frames": [{"file": "a.py"}]}, "The field `function` of `frames[0]` is missing"),
        ({"message": 3}, "The field `message` must be a text, not 3"),
        ({"test": 3}, "The field `test` must be a text or null, not 3"),
        ({"count": 0}, "The field `count` must be a whole number, 1 or more, not 0"),
        (
            {"exception_type": ""},
            'The field `exception_type` must be a text of length 1 or more, not ""',
        ),
        ({"tags": {"a": 1}}, "The field `tags[...]` must be a text, not a whole number"),
        (
            {"occurred_at": "2026-03-01T12:00:00"},
            "The field `occurred_at` must be a time as in RFC 3339 with its time zone, "
            'not "2026-03-01T12:00:00"',
        ),
        ({"occurred_at": "now"}, "The field `occurred_at` is wrong: Invalid RFC3339 encoded"),
    ],
)
@pytest.mark.parametrize("as_bytes", [True, False])
def test_the_field_what_it_must_be_and_what_came(
    change: dict[str, Any], sentence: str, as_bytes: bool
) -> None:
    members = {**json.loads(encode_event(make_event())), **change}
    members = {name: value for name, value in members.items() if value is not MISSING}
    with pytest.raises(InvalidEvent) as refused:
        decode_event(json.dumps(members).encode() if as_bytes else members)
    assert str(refused.value).startswith(sentence)


def test_a_long_value_is_cut() -> None:
    members = {**json.loads(encode_event(make_event())), "message": "x" * 9_000}
    with pytest.raises(InvalidEvent, match="must be a text of length 8000 or less") as refused:
        decode_event(members)
    assert len(str(refused.value)) < 200


def test_an_event_that_is_no_object_says_so() -> None:
    with pytest.raises(InvalidEvent, match="An event must be a JSON object, not a list"):
        decode_event(b"[]")
