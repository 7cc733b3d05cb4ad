"""JUnit XML becomes events."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from paramedic.event import InvalidEvent, decode_event, encode_event
from paramedic.integrations.junit import JUnitError, events_from_junit

PYTEST_FILE = """<?xml version="1.0" encoding="utf-8"?>
<testsuites name="pytest tests"><testsuite name="pytest" errors="2" failures="2" tests="6"
 timestamp="2026-03-01T12:00:00+00:00" hostname="build-7">
<testcase classname="" name="tests.test_bad" time="0"><error message="collection failure">
ImportError while importing test module 'tests/test_bad.py'.
tests/test_bad.py:1: in &lt;module&gt;
    import nothere
E   ModuleNotFoundError: No module named 'nothere'</error></testcase>
<testcase classname="tests.test_cart" name="test_total" time="0.001">
<failure message="ZeroDivisionError: division by zero">def test_total():
&gt;       Cart().total(3)

tests/test_cart.py:4:
_ _ _ _

    def total(self, n):
&gt;       return n / 0
E       ZeroDivisionError: division by zero

shop/cart.py:3: ZeroDivisionError</failure></testcase>
<testcase classname="tests.test_cart.TestCart" name="test_eq[a.b]" time="0.001">
<failure message="assert 1 == 3">    def test_eq(self, n):
&gt;       assert n == 3

tests/test_cart.py:8: AssertionError</failure></testcase>
<testcase classname="tests.test_cart" name="test_fixture" time="0.000">
<error message="failed on setup with &quot;KeyError: 'x'&quot;">text</error></testcase>
<testcase classname="tests.test_cart" name="test_skipped"><skipped type="pytest.xfail"/></testcase>
<testcase classname="tests.test_cart" name="test_passes" time="0.001" />
</testsuite></testsuites>
"""

UNITTEST_FILE = """<testsuite name="outer"><testsuite name="inner">
<testcase classname="tests.test_cart.CartTest" name="test_total" file="tests/test_cart.py">
<error type="shop.errors.Empty" message="nothing in it">Traceback (most recent call last):
  File "{root}/tests/test_cart.py", line 9, in test_total
    cart.total()
  File "/usr/lib/python3.11/json/__init__.py", line 3, in loads
    raise Empty
shop.errors.Empty: nothing in it
</error></testcase></testsuite></testsuite>
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "tests").mkdir()
    for name in ("test_cart.py", "test_bad.py"):
        (tmp_path / "tests" / name).touch()
    return tmp_path


def written(root: Path, text: str) -> Path:
    file = root / "report.xml"
    file.write_text(text, encoding="utf-8")
    return file


def test_what_pytest_writes_becomes_one_event_for_each_failing_test(root: Path) -> None:
    events = events_from_junit(written(root, PYTEST_FILE), "shop", "abc", root=root)
    assert [(event.test, event.exception_type, event.message) for event in events] == [
        ("tests/test_bad.py", "ModuleNotFoundError", "No module named 'nothere'"),
        ("tests/test_cart.py::test_total", "ZeroDivisionError", "division by zero"),
        ("tests/test_cart.py::TestCart::test_eq[a.b]", "AssertionError", "assert 1 == 3"),
        ("tests/test_cart.py::test_fixture", "KeyError", "'x'"),
    ]
    assert [event.tags["when"] for event in events] == ["collect", "call", "call", "setup"]
    assert {event.revision for event in events} == {"abc"}
    assert {event.origin for event in events} == {"build-7"}
    assert {event.occurred_at for event in events} == {datetime(2026, 3, 1, 12, tzinfo=UTC)}
    assert [decode_event(encode_event(event)) for event in events] == events


def test_frames_are_read_from_pytests_style(root: Path) -> None:
    event = events_from_junit(written(root, PYTEST_FILE), "shop", root=root)[1]
    assert [(frame.file, frame.function, frame.line) for frame in event.frames] == [
        ("tests/test_cart.py", "test_total", 4),
        ("shop/cart.py", "total", 3),
    ]


def test_what_others_write_is_read_too(root: Path) -> None:
    text = UNITTEST_FILE.replace("{root}", str(root))
    [event] = events_from_junit(written(root, text), "shop", root=root)
    assert event.test == "tests/test_cart.py::CartTest::test_total"
    assert (event.exception_type, event.message) == ("shop.errors.Empty", "nothing in it")
    assert [(frame.file, frame.line, frame.in_app) for frame in event.frames] == [
        ("tests/test_cart.py", 9, True),
        ("/usr/lib/python3.11/json/__init__.py", 3, False),
    ]


def test_without_the_checkout_classes_are_told_by_their_capital(tmp_path: Path) -> None:
    events = events_from_junit(written(tmp_path, PYTEST_FILE), "shop", root=tmp_path)
    assert events[2].test == "tests/test_cart.py::TestCart::test_eq[a.b]"


BOMB = '<!DOCTYPE a [<!ENTITY b "boom"><!ENTITY c "&b;&b;&b;">]><testsuite name="&c;"/>'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BOMB, "document type"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><testsuite/>', "document type"),
        ("<testsuite><testcase>", "no element found"),
        ("", "no element found"),
        ("<html/>", "its root is <html>"),
        ('<?xml version="1.0" encoding="utf-99"?><testsuite/>', "no JUnit XML"),
    ],
)
def test_a_file_that_is_no_junit_xml_gets_one_clear_line(
    tmp_path: Path, text: str, reason: str
) -> None:
    with pytest.raises(JUnitError, match=reason) as refused:
        events_from_junit(written(tmp_path, text), "shop")
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(JUnitError, match=r"missing\.xml cannot be read: No such file"):
        events_from_junit(tmp_path / "missing.xml", "shop")


def test_the_target_needs_a_name(root: Path) -> None:
    with pytest.raises(InvalidEvent):
        events_from_junit(written(root, PYTEST_FILE), "../etc", root=root)
