"""Which failures of the healer are a pattern, and which are exceptions to it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from paramedic_workers.errors import Phase, Verdict
from paramedic_workers.results import Cause
from paramedic_workers.systemic.detection import Rule, home_of, new_patterns
from paramedic_workers.systemic.failures import HealerFailure
from paramedic_workers.systemic.model import Pattern, PatternState
from paramedic_workers.systemic.signature import Signature
from tests.support.queueing import FakeClock

START = FakeClock()()
RULE = Rule(failures=3, window=timedelta(hours=1))
CAUSE = Cause(phase=Phase.REPAIR, type="ValueError", message="no value")


def signature(kind: str = "ValueError") -> Signature:
    return Signature(phase=Phase.REPAIR, type=kind)


def failure(minute: float, *incidents: str, kind: str = "ValueError") -> HealerFailure:
    names = incidents or (f"incident at {minute}",)
    return HealerFailure(
        signature=signature(kind),
        result=f"result at {minute}",
        target="shop",
        verdict=Verdict.FAILED,
        incidents=names,
        message="no value",
        at=START + timedelta(minutes=minute),
    )


def pattern(
    kind: str = "ValueError", first: float = 0, last: float = 0, closed: float | None = None
) -> Pattern:
    known = signature(kind)
    return Pattern(
        id=known.id,
        signature=known,
        example=CAUSE,
        state=PatternState.OPEN if closed is None else PatternState.CLOSED,
        opened_at=START + timedelta(minutes=last),
        first_seen=START + timedelta(minutes=first),
        last_seen=START + timedelta(minutes=last),
        closed_at=None if closed is None else START + timedelta(minutes=closed),
    )


@pytest.mark.parametrize(
    ("minutes", "found"),
    [
        ([0, 30, 60], True),
        ([0, 30, 61], False),
        ([0, 50, 100, 105, 109], True),
        ([0, 50, 100, 150, 200], False),
        ([60, 0, 30], True),
        ([0, 1], False),
    ],
)
def test_the_window_may_lie_anywhere(minutes: list[float], found: bool) -> None:
    assert bool(new_patterns(map(failure, minutes), {}, RULE)) is found


def test_an_incident_counts_once_and_merged_ones_count() -> None:
    again = [failure(minute, "a") for minute in range(9)]
    assert new_patterns(again, {}, RULE) == {}
    merged = [*again, failure(9, "b", "c")]
    assert set(new_patterns(merged, {}, RULE)) == {signature().id}


def test_an_incident_that_left_the_window_and_came_back_counts_once() -> None:
    failures = [failure(0, "a"), failure(50, "a"), failure(90, "b"), failure(100, "a")]
    assert new_patterns(failures, {}, RULE) == {}


def test_signatures_are_counted_apart() -> None:
    mixed = [failure(minute, kind=kind) for minute in range(2) for kind in ("KeyError", "OSError")]
    assert new_patterns(mixed, {}, RULE) == {}


def test_what_is_open_is_not_opened_again() -> None:
    open_one = pattern()
    assert new_patterns(map(failure, range(5)), {open_one.id: open_one}, RULE) == {}


@pytest.mark.parametrize(("closed", "found"), [(1.5, True), (2, False)])
def test_of_a_closed_pattern_only_what_came_after_counts(closed: float, found: bool) -> None:
    over = pattern(closed=closed)
    assert bool(new_patterns(map(failure, range(5)), {over.id: over}, RULE)) is found


def test_a_bound_of_zero_is_never_reached() -> None:
    never = Rule(failures=0, window=timedelta(hours=1))
    assert new_patterns(map(failure, range(99)), {}, never) == {}


# Where a failure belongs.


def home(one: HealerFailure, *known: Pattern) -> str | None:
    found = home_of(one, {each.id: each for each in known}, RULE)
    return found.signature.type if found else None


def test_a_failure_belongs_to_its_own_pattern_before_any_other() -> None:
    assert home(failure(5), pattern("KeyError"), pattern()) == "ValueError"


@pytest.mark.parametrize(
    ("minute", "expected"), [(-60, "KeyError"), (-61, None), (80, "KeyError"), (81, None)]
)
def test_what_has_none_is_an_exception_to_the_one_around_it(
    minute: float, expected: str | None
) -> None:
    assert home(failure(minute), pattern("KeyError", first=0, last=20)) == expected


def test_of_several_the_one_that_was_opened_first_has_the_exceptions() -> None:
    assert home(failure(5), pattern("OSError", last=9), pattern("KeyError", last=1)) == "KeyError"


def test_what_a_closed_pattern_had_belongs_nowhere_else() -> None:
    over = pattern(closed=10)
    assert home(failure(5), over, pattern("KeyError")) is None
    assert home(failure(11), over, pattern("KeyError")) == "KeyError"


def test_a_closed_pattern_takes_nothing() -> None:
    assert home(failure(5), pattern("KeyError", closed=20)) is None
