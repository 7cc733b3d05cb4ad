"""The identity of a cause."""

from __future__ import annotations

import re
import time

from hypothesis import given
from hypothesis import strategies as st

from paramedic.event import FailureEvent, trimmed
from paramedic.fingerprint import fingerprint
from tests.support.events import make_event, make_frame


def stack(*functions: str) -> FailureEvent:
    return make_event(frames=tuple(make_frame(name) for name in functions))


def test_it_is_twenty_hexadecimal_digits_and_stays_the_same_for_ever() -> None:
    event = make_event(test="tests/test_cart.py::test_total")
    assert re.fullmatch("[0-9a-f]{20}", fingerprint(event))
    assert fingerprint(event) == "c958c4833b8eba4b4212"


def test_what_changes_from_run_to_run_does_not_count() -> None:
    event = make_event(test="t.py::test[<Cart object at 0x7f12ab34>]")
    again = make_event(
        test="t.py::test[<Cart object at 0x7fffffffff10>]",
        message="another message at 0x1234",
        frames=tuple(make_frame(name, line=99) for name in ("pay", "total")),
        revision="another",
        count=7,
        tags={"order": "2"},
    )
    assert fingerprint(event) == fingerprint(again)


def test_what_makes_another_cause_counts() -> None:
    others = [
        make_event(),
        make_event(target="bank"),
        make_event(exception_type="KeyError"),
        make_event(test="t.py::test_a"),
        make_event(test="t.py::test_b"),
        make_event(test="t.py::test_b[1]"),
        stack("pay"),
        stack("pay", "tax"),
        make_event(frames=(make_frame("pay"), make_frame("total", module="shop.tax"))),
        stack("total", "pay"),
    ]
    assert len({fingerprint(event) for event in others}) == len(others)


def test_frames_of_libraries_do_not_count_beside_own_ones() -> None:
    library = make_frame("send", module="requests.api", in_app=False)
    event = make_event()
    assert fingerprint(make_event(frames=(*event.frames, library))) == fingerprint(event)


def test_frames_of_libraries_count_where_there_are_no_others() -> None:
    first = make_event(frames=(make_frame("send", in_app=False),))
    second = make_event(frames=(make_frame("receive", in_app=False),))
    assert fingerprint(first) != fingerprint(second)


@given(st.lists(st.sampled_from(["even", "odd", "walk"]), min_size=1, max_size=4), st.data())
def test_the_depth_of_a_recursion_does_not_count(cycle: list[str], data: st.DataObject) -> None:
    depths = data.draw(st.tuples(st.integers(1, 400), st.integers(1, 400)))
    shallow, deep = (trimmed(stack("main", *(cycle * depth), "leaf")) for depth in depths)
    assert fingerprint(shallow) == fingerprint(deep)


def test_where_a_recursion_meets_the_limit_does_not_count() -> None:
    def overflow(depth: int) -> FailureEvent:
        frames = tuple(make_frame(("even", "odd")[n % 2]) for n in range(depth))
        return make_event(exception_type="RecursionError", frames=frames)

    assert fingerprint(overflow(1_000)) == fingerprint(overflow(1_001))


def test_it_takes_less_than_twenty_microseconds() -> None:
    event = make_event(frames=tuple(make_frame(f"f{n % 20}") for n in range(40)))

    def seconds() -> float:
        start = time.thread_time()
        for _ in range(500):
            fingerprint(event)
        return (time.thread_time() - start) / 500

    assert min(seconds() for _ in range(5)) < 20e-6
