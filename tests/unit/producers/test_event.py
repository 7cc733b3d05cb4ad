"""The wire contract: encoding, decoding, trimming."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paramedic import event as contract
from paramedic.event import FailureEvent, Frame, InvalidEvent, decode_event, encode_event, trimmed
from paramedic.schema import main, schema_text
from tests.support.events import NOON, make_event, make_frame

SCHEMA_FILE = Path(__file__).parents[3] / "docs" / "event.schema.json"


def test_an_event_survives_the_wire() -> None:
    event = make_event(test="tests/test_cart.py::test_total", tags={"order": "1"}, revision="abc")
    assert decode_event(encode_event(event)) == event
    assert decode_event(json.loads(encode_event(event))) == event


def test_fields_of_a_later_writer_are_ignored() -> None:
    data = {**json.loads(encode_event(make_event())), "colour": "red"}
    assert decode_event(data).target == "shop"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": 2}, "version"),
        ({"target": "../etc"}, "target"),
        ({"target": None}, "target"),
        ({"id": "x"}, "id"),
        ({"exception_type": ""}, "exception_type"),
        ({"count": 0}, "count"),
        ({"message": "x" * 8_001}, "message"),
        ({"occurred_at": "2026-03-01T12:00:00"}, "occurred_at"),
        ({"frames": [{"file": "a.py", "function": "f", "line": -1}]}, "frames"),
        ({"tags": {"a": 1}}, "tags"),
        ({"tags": {"a": "x" * 300_000}}, "262144"),
        ({"message": "\ud800"}, "surrogates"),
    ],
)
def test_what_breaks_the_contract_is_refused_in_one_line(
    change: dict[str, Any], reason: str
) -> None:
    data = {**json.loads(encode_event(make_event())), **change}
    with pytest.raises(InvalidEvent, match=reason) as refused:
        decode_event(data)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b"null"])
def test_what_is_no_json_event_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidEvent):
        decode_event(data)


def test_an_event_within_its_bounds_is_left_alone() -> None:
    event = make_event()
    assert trimmed(event) is event


def test_long_texts_are_cut_in_the_middle_and_say_how_much() -> None:
    message = trimmed(make_event(message="<" * 10_000 + ">" * 10_000)).message
    assert len(message) <= contract.MAX_MESSAGE
    assert message.startswith("<<<")
    assert message.endswith(">>>")
    kept = message.count("<") + message.count(">")
    assert kept > contract.MAX_MESSAGE - 64
    assert f"[{20_000 - kept} characters cut]" in message


def test_a_deep_stack_keeps_both_ends_and_says_how_many_frames_went() -> None:
    frames = tuple(make_frame(f"f{number}") for number in range(1_000))
    kept = trimmed(make_event(frames=frames)).frames
    assert len(kept) == 2 * contract.MAX_FRAMES
    assert (kept[0].function, kept[-1].function) == ("f0", "f999")
    marks = [frame for frame in kept if frame.file == contract.CUT_FILE]
    assert [mark.function for mark in marks] == ["[901 frames cut]"]


def test_times_without_a_zone_are_taken_for_local_ones() -> None:
    event = trimmed(make_event(occurred_at=datetime(2026, 3, 1, 12, 0)))
    assert event.occurred_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize("change", [{"target": "no name"}, {"count": "many"}, {"frames": [1]}])
def test_what_trimming_cannot_mend_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidEvent):
        trimmed(make_event(**change))


any_text = st.text(st.characters(), max_size=50).flatmap(
    lambda piece: st.sampled_from([1, 50, 2_000]).map(lambda times: piece * times)
)
any_frame = st.builds(
    Frame,
    file=any_text,
    module=any_text,
    function=any_text,
    line=st.integers(-5, 10**6),
    in_app=st.booleans(),
)
any_event = st.builds(
    make_event,
    test=st.none() | any_text,
    exception_type=any_text,
    message=any_text,
    frames=st.lists(any_frame, max_size=5).flatmap(
        lambda frames: st.sampled_from([1, 60]).map(lambda times: tuple(frames * times))
    ),
    revision=st.none() | any_text,
    last_at=st.none() | st.just(NOON),
    count=st.integers(-5, 2 * 10**9),
    python=any_text,
    traceback=any_text,
    origin=any_text,
    tags=st.dictionaries(any_text, any_text, max_size=60),
)


@given(any_event)
@settings(max_examples=60, deadline=None)
def test_trimming_makes_any_event_fit(event: FailureEvent) -> None:
    encoded = encode_event(event)
    assert len(encoded) <= contract.MAX_EVENT_BYTES
    assert decode_event(encoded) == trimmed(event)
    assert trimmed(trimmed(event)) == trimmed(event)


def test_the_largest_event_fits_though_every_character_takes_six_bytes() -> None:
    wide = "\x01" * 40_000
    frames = tuple(make_frame(wide, file=wide, module=wide) for _ in range(100))
    tags = {f"{n}{wide}": wide for n in range(50)}
    event = make_event(message=wide, traceback=wide, frames=frames, tags=tags, test=wide)
    assert len(encode_event(event)) <= contract.MAX_EVENT_BYTES


def test_the_schema_in_the_docs_is_current() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), (
        "run: python -m paramedic.schema docs/event.schema.json"
    )


def test_the_schema_accepts_what_we_write_and_refuses_what_we_refuse() -> None:
    schema = json.loads(schema_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    written = json.loads(encode_event(make_event(tags={"a": "b"}, test="t.py::t")))
    jsonschema.validate(written, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**written, "target": "../etc"}, schema)


def test_the_schema_is_written_by_its_module(tmp_path: Path) -> None:
    file = tmp_path / "event.schema.json"
    assert main([str(file)]) == 0
    assert file.read_text(encoding="utf-8") == schema_text()
    assert main(["a", "b"]) == 2
