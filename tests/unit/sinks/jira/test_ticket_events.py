"""Whatever somebody attaches to a ticket is read within bounds, or says why not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paramedic.event import FailureEvent, decode_event, encode_event
from paramedic_workers.settings import TargetSettings
from paramedic_workers.sinks.jira import ticket_events
from paramedic_workers.sinks.jira.target_files import TargetFiles
from paramedic_workers.sinks.jira.ticket_events import (
    MAX_EVENTS,
    Occasion,
    Reading,
    SourceKind,
    merged_readings,
    read_source,
)
from tests.support.results import make_result

AT = datetime(2026, 5, 1, tzinfo=UTC)
RESULT: dict[str, Any] = msgspec.to_builtins(make_result())
EVENT = {"exception_type": "KeyError", "message": "x", "test": "tests/test_a.py::test_a"}


def occasion(target: str = "shop") -> Occasion:
    return Occasion(
        origin="here/1",
        target=target,
        at=AT,
        files=TargetFiles(targets={"shop": TargetSettings(name="shop", repository="/nowhere")}),
        known=lambda _: None,
        tags={"imported from SHOP-1": "https://jira.shop.example/browse/SHOP-1"},
    )


def read(content: bytes, target: str = "shop") -> Reading:
    """The reading, once it is seen that each of its events keeps the contract."""
    found = read_source("a.json", content, occasion(target))
    assert bool(found.events) is not bool(found.why)
    for event in found.events:
        assert decode_event(encode_event(event)) == event
    return found


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode()))
def test_any_bytes_are_read(content: bytes) -> None:
    read(content)


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from([*EVENT, "frames", "tags", "count", "id"]), values))
def test_any_event_is_read(members: dict[str, Any]) -> None:
    read(json.dumps({**EVENT, **members}).encode())


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from([*RESULT, "merged", "count"]), values))
def test_any_result_is_read(members: dict[str, Any]) -> None:
    read(json.dumps({**RESULT, **members}).encode())


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(["events", "results", "batch", "verdict", "cause"]), values))
def test_any_document_is_read(document: dict[str, Any]) -> None:
    read(json.dumps([document, document]).encode())


def test_the_same_content_gives_the_same_ids() -> None:
    content = json.dumps([EVENT, EVENT]).encode()
    first, second = read(content).events
    assert first.id != second.id
    assert read(content).events == (first, second)
    assert first.tags == {"imported from SHOP-1": "https://jira.shop.example/browse/SHOP-1"}
    assert first.occurred_at == AT


def test_an_event_keeps_its_own_id_and_target() -> None:
    own = {**EVENT, "id": "0123456789", "target": "bank", "tags": {"when": "call"}}
    (event,) = read(json.dumps(own).encode()).events
    assert (event.id, event.target) == ("0123456789", "bank")
    assert event.tags["when"] == "call"


def test_many_events_are_bounded() -> None:
    assert len(read(json.dumps([EVENT] * (MAX_EVENTS + 9)).encode()).events) == MAX_EVENTS


def test_a_result_of_many_tests_is_read_once_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    read_texts: list[str] = []

    def tell(text: str, *args: Any, **options: Any) -> list[FailureEvent]:
        read_texts.append(text)
        return []

    monkeypatch.setattr(ticket_events, "events_from_output", tell)
    tests = [f"tests/test_a.py::test_{number}" for number in range(MAX_EVENTS + 1)]
    names = [f"{number:020x}" for number in range(MAX_EVENTS + 1)]
    content = json.dumps({**RESULT, "failing_tests": tests, "merged": names}).encode()
    assert len(read(content).events) == MAX_EVENTS
    assert len(read_texts) == 1


@pytest.mark.parametrize("target", ["sh\0op", "/etc", "../shop", "\x1b[2Jshop", ""])
def test_a_result_of_what_can_be_no_target_is_none(target: str) -> None:
    found = read(json.dumps({**RESULT, "target": target}).encode())
    assert found.why.startswith("it looks like a result and is none")
    assert found.why.isprintable()


def test_without_a_target_it_says_so() -> None:
    assert "of which target? Give --target" in read(json.dumps(EVENT).encode(), target="").why


def test_a_byte_order_mark_is_no_hindrance() -> None:
    assert read(b"\xef\xbb\xbf" + json.dumps(EVENT).encode()).kind is SourceKind.EVENT


def test_of_several_kinds_the_best_counts_and_of_results_the_last() -> None:
    event = read(json.dumps(EVENT).encode()).events
    log, old, new = (
        Reading(name=name, kind=kind, events=event)
        for name, kind in (
            ("log", SourceKind.LOG),
            ("old", SourceKind.RESULT),
            ("new", SourceKind.RESULT),
        )
    )
    assert merged_readings([old, new, log]) == ([new], "")
    assert merged_readings([log, log]) == ([log, log], "")
    assert merged_readings([]) == ([], "it has no attachment that can be read")
