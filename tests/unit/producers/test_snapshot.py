"""Exceptions of every kind become valid events."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from paramedic.event import (
    MAX_FRAMES,
    FailureEvent,
    decode_event,
    encode_event,
    event_from_exception,
)
from tests.support.events import raised

ROOT = Path(__file__).parents[3]


def event_of(error: BaseException) -> FailureEvent:
    """Its event, after a trip over the wire."""
    event = event_from_exception(error, target="shop", root=ROOT)
    return decode_event(encode_event(event))


class Mute(Exception):
    """Cannot be shown."""

    def __str__(self) -> str:
        raise KeyboardInterrupt


class Cart:
    def total(self, depth: int = 0) -> int:
        return self.total(depth - 1) if depth else 1 // 0


def failing(action: Callable[[], object]) -> BaseException:
    try:
        action()
    except BaseException as error:  # noqa: BLE001 - every kind is wanted
        return error
    raise AssertionError("it did not fail")


def test_frames_go_from_the_outermost_to_the_innermost() -> None:
    event = event_of(failing(Cart().total))
    here = "tests/unit/producers/test_snapshot.py"
    assert [(frame.file, frame.function) for frame in event.frames] == [
        (here, "failing"),
        (here, "Cart.total"),
    ]
    assert event.exception_type == "ZeroDivisionError"
    assert event.frames[-1].module == __name__
    assert "return self.total(depth - 1) if depth else 1 // 0" in event.traceback


def test_libraries_and_the_interpreter_are_not_the_targets_code() -> None:
    import json

    event = event_of(failing(lambda: json.loads("{")))
    assert [frame.in_app for frame in event.frames] == [True, True, False, False, False]
    assert event.exception_type == "json.decoder.JSONDecodeError"


def test_code_in_site_packages_below_the_root_is_not_the_targets(tmp_path: Path) -> None:
    package = tmp_path / ".venv/lib/site-packages/pay.py"
    names: dict[str, Callable[[], object]] = {}
    exec(compile("def pay(): 1/0", str(package), "exec"), names)
    event = event_from_exception(failing(names["pay"]), target="shop", root=tmp_path)
    assert event.frames[-1].file == ".venv/lib/site-packages/pay.py"
    assert not event.frames[-1].in_app


def test_code_made_at_run_time_has_no_place_in_the_repository() -> None:
    event = event_of(failing(lambda: exec("1/0")))
    assert (event.frames[-1].file, event.frames[-1].in_app) == ("<string>", False)


@pytest.mark.parametrize(
    "error",
    [
        ValueError(),
        Mute(),
        KeyboardInterrupt(),
        SystemExit(3),
        GeneratorExit(),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
        OSError(2, "lone surrogate \udcff"),
        ValueError("x" * 10_000_000),
        ExceptionGroup("many", [ValueError("one"), ExceptionGroup("deep", [KeyError("two")])]),
        BaseExceptionGroup("base", [KeyboardInterrupt()]),
        SyntaxError("odd", (None, None, None, None)),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_exception_gives_a_valid_event(error: BaseException) -> None:
    event = event_of(raised(error))
    assert event.exception_type
    assert event.frames
    assert type(error).__name__ in event.traceback


def test_a_message_that_cannot_be_read_says_so() -> None:
    assert "str() raised KeyboardInterrupt" in event_of(raised(Mute())).message


def test_causes_are_told_in_the_traceback() -> None:
    def pay() -> None:
        try:
            raise KeyError("price")
        except KeyError as error:
            raise ValueError("no price") from error

    event = event_of(failing(pay))
    assert event.exception_type == "ValueError"
    assert event.traceback.index("ValueError: no price") < event.traceback.index("KeyError")


def test_a_chain_that_bites_its_tail_ends() -> None:
    first, second = raised(ValueError("first")), raised(KeyError("second"))
    first.__cause__, second.__cause__ = second, first
    assert event_of(first).traceback.count("ValueError: first") == 1


def test_a_group_leads_to_its_first_member() -> None:
    group = BaseExceptionGroup("many", [failing(Cart().total), ValueError("another")])
    event = event_of(raised(group))
    assert event.exception_type == "ExceptionGroup"
    assert event.frames[-1].function == "Cart.total"


def test_a_syntax_error_points_at_the_broken_file() -> None:
    broken = str(ROOT / "shop/broken.py")
    event = event_of(failing(lambda: compile("x = (", broken, "exec")))
    assert (event.frames[-1].file, event.frames[-1].line) == ("shop/broken.py", 1)


def test_a_deep_recursion_keeps_both_ends() -> None:
    event = event_of(failing(lambda: Cart().total(min(700, sys.getrecursionlimit() - 200))))
    assert len(event.frames) == 2 * MAX_FRAMES
    assert event.frames[0].function == "failing"
    assert event.frames[-1].function == "Cart.total"
    assert "frames cut]" in event.traceback


def test_notes_are_told() -> None:
    error = ValueError("no price")
    error.add_note("order 12")
    assert "order 12" in event_of(raised(error)).traceback


def test_an_exception_that_was_never_raised_gets_the_callers_stack() -> None:
    event = event_of(ValueError("made, not raised"))
    functions = [frame.function for frame in event.frames]
    assert functions[-2:] == [
        "test_an_exception_that_was_never_raised_gets_the_callers_stack",
        "event_of",
    ]
