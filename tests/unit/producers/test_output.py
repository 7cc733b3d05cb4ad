"""What a failing run has printed becomes events."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paramedic.event import InvalidEvent, decode_event, encode_event
from paramedic.fingerprint import fingerprint
from paramedic.integrations.output import MAX_EVENTS, events_from_output

PYTEST = """\
============================= test session starts ==============================
collected 4 items

tests/test_cart.py F.E                                                   [100%]

==================================== ERRORS ====================================
______________________ ERROR collecting tests/test_bad.py ______________________
ImportError while importing test module 'tests/test_bad.py'.
tests/test_bad.py:1: in <module>
    import nothere
E   ModuleNotFoundError: No module named 'nothere'
_____________________ ERROR at setup of TestCart.test_empty ____________________

    @pytest.fixture
    def cart():
>       return {}["x"]
E       KeyError: 'x'

tests/test_cart.py:4: KeyError
=================================== FAILURES ===================================
________________________________ test_total[a - b] _____________________________

    def test_total():
>       assert Cart().total(3) == 1

tests/test_cart.py:9:
_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _

    def total(self, n):
>       return n / 0
E       ZeroDivisionError: division by zero

shop/cart.py:3: ZeroDivisionError
"""
SUMMARY = """\
=========================== short test summary info ============================
ERROR tests/test_bad.py
ERROR tests/test_cart.py::TestCart::test_empty - KeyError: 'x'
FAILED tests/test_cart.py::test_total[a - b] - ZeroDivisionError: division by zero
FAILED tests/test_other.py::test_alone - assert 1 == 2
=================== 2 failed, 1 passed, 2 errors in 0.12s ======================
"""
SERVICE = """\
starting
Traceback (most recent call last):
  File "/srv/shop/shop/store.py", line 3, in load
    return rows[key]
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/srv/shop/shop/web.py", line 9, in show
    load("x")
  File "/srv/shop/shop/store.py", line 5, in load
    raise Missing("no x") from None
shop.errors.Missing: no x
going on
Traceback (most recent call last):
  File "/srv/shop/shop/web.py", line 20, in loop
    next(it)
StopIteration
Traceback (most recent call last):
  nothing comes of this one
"""
AT = datetime(2026, 5, 1, tzinfo=UTC)


def read(text: str, root: Path | str = "/srv/shop") -> list[tuple[str | None, str, str]]:
    events = events_from_output(text, "shop", "abc", root=root, occurred_at=AT)
    for event in events:
        assert decode_event(encode_event(event)) == event
        assert (event.revision, event.occurred_at) == ("abc", AT)
    return [(event.test, event.exception_type, event.message) for event in events]


EXPECTED = [
    ("tests/test_bad.py", "ModuleNotFoundError", "No module named 'nothere'"),
    ("tests/test_cart.py::TestCart::test_empty", "KeyError", "'x'"),
    ("tests/test_cart.py::test_total[a - b]", "ZeroDivisionError", "division by zero"),
]


def test_failing_tests_are_read_from_the_summary_and_its_sections() -> None:
    found = read(PYTEST + SUMMARY)
    assert found[:3] == EXPECTED
    assert found[3:] == [("tests/test_other.py::test_alone", "AssertionError", "assert 1 == 2")]


def test_without_a_summary_the_headings_name_the_tests() -> None:
    assert read(PYTEST) == EXPECTED


def test_time_stamps_and_colours_are_taken_off() -> None:
    stamped = "\n".join(
        f"2026-05-01T12:00:00.123Z \x1b[31m{line}\x1b[0m" for line in PYTEST.splitlines()
    )
    assert read(stamped) == EXPECTED


def test_frames_are_those_that_the_section_names() -> None:
    event = events_from_output(PYTEST, "shop", root="/srv/shop")[2]
    assert [(one.file, one.function, one.in_app) for one in event.frames] == [
        ("tests/test_cart.py", "test_total", True),
        ("shop/cart.py", "total", True),
    ]


def test_tracebacks_are_read_where_there_is_no_test() -> None:
    assert read(SERVICE) == [
        (None, "shop.errors.Missing", "no x"),
        (None, "StopIteration", "StopIteration"),
    ]
    first = events_from_output(SERVICE, "shop", root="/srv/shop")[0]
    assert [one.file for one in first.frames] == ["shop/web.py", "shop/store.py"]


def test_a_traceback_inside_a_log_line_is_read_with_its_indentation() -> None:
    lines = SERVICE.splitlines()[8:14]
    indented = "\n".join(["INFO worker", *("    " + line for line in lines)])
    assert read(indented) == [(None, "shop.errors.Missing", "no x")]


def test_the_same_text_gives_the_same_causes() -> None:
    def names() -> list[str]:
        return [fingerprint(one) for one in events_from_output(PYTEST, "shop", root="/srv/shop")]

    assert names() == names()
    assert len(set(names())) == 3


def test_what_tells_of_no_failure_gives_nothing() -> None:
    assert read("") == []
    assert read("Self-Healing: UNKNOWN: Auto-healing failed for:\n") == []
    assert read("_____ a heading _____\nand no test\n") == []


def test_there_is_a_bound() -> None:
    many = "\n".join(f"FAILED tests/test_a.py::test_{n} - assert 0" for n in range(MAX_EVENTS + 5))
    assert len(read(many)) == MAX_EVENTS
    with pytest.raises(InvalidEvent):
        events_from_output(many, "no name")


@given(
    st.lists(
        st.sampled_from([*PYTEST.splitlines(), *SERVICE.splitlines(), *SUMMARY.splitlines()])
        | st.text(max_size=60),
        max_size=40,
    )
)
def test_any_text_is_read(lines: list[str]) -> None:
    for event in events_from_output("\n".join(lines), "shop", root="/srv/shop"):
        assert decode_event(encode_event(event)).exception_type


@pytest.mark.parametrize(
    "line",
    [
        " " * 1_900 + "x",
        "  " * 500 + "Traceback (most recent call last):",
        "Traceback (most recent call last):\n" + "  x\n" * 400,
        "___ " + "a ___" * 380,
        "FAILED " + ".py::[" * 300,
        "FAILED tests/test_a.py::test_a" + "[]" * 900,
        "______ test_a ______\nFAILED tests/test_a.py::test_a",
        "\x1b[" + "1" * 1_900,
    ],
)
def test_no_text_takes_long(line: str) -> None:
    lines = f"{line}\n" * (400_000 // len(line))
    started = time.process_time()
    events_from_output(lines, "shop", root="/srv/shop")
    # A quarter of a second here; hours where an expression goes back and forth.
    assert time.process_time() - started < 30
