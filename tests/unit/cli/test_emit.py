"""What `paramedic emit` makes of its input, and how it names a mistake in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from paramedic_workers.cli.emit import Occasion, _event_of_test, _events_of_json
from paramedic_workers.errors import UsageError

OCCASION = Occasion(target="shop", revision="abc123", message="", count=3)


def write(folder: Path, content: str) -> str:
    (folder / "event.json").write_text(content)
    return str(folder / "event.json")


def test_a_named_test_becomes_an_event() -> None:
    event = _event_of_test("tests/test_cart.py::test_total", OCCASION)
    assert (event.target, event.test) == ("shop", "tests/test_cart.py::test_total")
    assert (event.revision, event.count) == ("abc123", 3)
    assert event.exception_type


@pytest.mark.parametrize(
    ("content", "types"),
    [
        ('{"exception_type": "KeyError"}', ["KeyError"]),
        ('[{"exception_type": "A"}, {"exception_type": "B"}]', ["A", "B"]),
        ('{"exception_type": "A"}\n\n{"exception_type": "B"}\n', ["A", "B"]),
        ("[]", []),
    ],
)
def test_one_event_a_list_or_one_a_line(tmp_path: Path, content: str, types: list[str]) -> None:
    events = _events_of_json(write(tmp_path, content), OCCASION)
    assert [event.exception_type for event in events] == types
    assert len({event.id for event in events}) == len(events)


def test_counts_multiply(tmp_path: Path) -> None:
    (event,) = _events_of_json(
        write(tmp_path, json.dumps({"exception_type": "A", "count": 5})), OCCASION
    )
    assert event.count == 15


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "is empty"),
        ("{", "is no JSON"),
        ('{"exception_type": "A"}\nnonsense', "event 2: is no JSON"),
        ("3", "is no JSON object"),
        ("{}", "exception_type"),
        ('[{"exception_type": "A"}, {"exception_type": ""}]', "event 2: .*exception_type"),
        ('{"exception_type": "A", "version": 99}', "version"),
        ('{"exception_type": "A", "target": "bank"}', "target 'bank', not 'shop'"),
        ('{"exception_type": "A", "occurred_at": "yesterday"}', "occurred_at"),
        ("\x00\xff", "is no JSON"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(tmp_path: Path, content: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint) as caught:
        _events_of_json(write(tmp_path, content), OCCASION)
    assert "\n" not in str(caught.value)
    assert "event.json" in str(caught.value)
