"""Letters are made of whatever came, and tell the same of the same."""

# kombu is typed only in part.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from kombu.message import Message

from paramedic_workers.dead_letters import originals
from paramedic_workers.dead_letters.lineage import Lineage
from paramedic_workers.dead_letters.messages import letter_of_message
from paramedic_workers.errors import InvalidMessage


def message(body: bytes = b"x", **headers: object) -> Message:
    return Message(body=body, headers=headers, delivery_info={"routing_key": "paramedic.heal"})


def test_a_body_larger_than_any_store_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(originals, "MAX_BODY_BYTES", 10)
    monkeypatch.setattr(originals, "_HEAD_BYTES", 4)
    body = b"abcdefghijk"
    letter = letter_of_message(message(body), InvalidMessage("It is odd."), queue="")
    assert letter.original.body == b"abcd"
    for words in ("It is odd.", "11 bytes", hashlib.sha256(body).hexdigest(), "first 4"):
        assert words in letter.message
    assert letter_of_message(message(body[:10]), None, queue="").original.body == body[:10]


def test_a_second_delivery_is_the_same_letter_and_another_message_is_not() -> None:
    first = letter_of_message(message(id="a"), None, queue="")
    again = letter_of_message(message(id="a", redelivered=True), ValueError("else"), queue="")
    other = letter_of_message(message(id="b"), None, queue="")
    assert first.id == again.id != other.id
    assert (first.replay, first.queue) == (0, "paramedic.heal")
    assert first.message


def test_a_replayed_message_is_the_letter_that_it_comes_from() -> None:
    lineage = Lineage(letter="ab" * 16, number=2)
    letter = letter_of_message(message(id=lineage.task_id), None, queue="")
    assert (letter.id, letter.replay) == (lineage.letter, 2)
    for odd in ("replay-reasons-1", f"replay-{'ab' * 16}-{'9' * 5000}"):
        assert letter_of_message(message(id=odd), None, queue="").replay == 0


def test_a_letter_names_the_target_of_its_events_where_the_routing_key_does_not() -> None:
    body = b'[[{"events": [{"target": "shop"}]}], {}, {}]'
    for key, named in (("failure.#", "shop"), ("failure.market", "market"), ("", "")):
        sent = message(body, id="m")
        exchange = "paramedic.failures" if key else ""
        sent.delivery_info = {"exchange": exchange, "routing_key": key}
        assert letter_of_message(sent, None, queue="").target == named


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"[[]]", b"[[1]]", b"[" * 100_000, b"\xff", b"[{}]"]
)
def test_a_body_that_holds_no_events_names_no_target(body: bytes) -> None:
    sent = message(body, id="m")
    sent.delivery_info = {"exchange": "", "routing_key": "paramedic.intake"}
    assert letter_of_message(sent, None, queue="").target == ""


def test_a_time_in_a_header_is_kept_as_a_time() -> None:
    sent = message(b"x", died=[{"time": datetime(2026, 5, 1, 12, tzinfo=UTC)}])
    headers = letter_of_message(sent, None, queue="q").original.headers
    assert headers["died"] == [{"time": "2026-05-01T12:00:00+00:00"}]
