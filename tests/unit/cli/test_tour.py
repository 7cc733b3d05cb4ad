"""The tour notices when something does not come out as it must."""

from __future__ import annotations

from typing import Any

import pytest

from paramedic.event import now
from paramedic_workers.demo.project import EXPECTATIONS, REPEATS, Expectation
from paramedic_workers.demo.tour import Outcome, in_order, kind_of
from paramedic_workers.errors import Verdict
from paramedic_workers.incidents import IncidentRecord, IncidentState
from tests.support.results import make_result, make_unhealed

WANTED = Expectation(
    kind="wrong operator",
    tests="t.py::",
    failing=1,
    verdict=Verdict.HEALED,
    strategy="patch",
    occurrences=1,
)


def record(test: str = "t.py::test", **changes: Any) -> IncidentRecord:
    moment = now()
    members: dict[str, Any] = {
        "fingerprint": "f",
        "target": "shop",
        "state": IncidentState.CLOSED,
        "first_seen": moment,
        "last_seen": moment,
        "opened_at": moment,
        "count": 1,
    }
    return IncidentRecord(test=test, **{**members, **changes})


def test_what_came_out_as_it_must_has_no_shortfall() -> None:
    assert Outcome(expectation=WANTED, record=record(), result=make_result()).shortfall() == ""


@pytest.mark.parametrize(
    ("outcome", "complaint"),
    [
        (Outcome(expectation=WANTED), "no incident has ended"),
        (
            Outcome(expectation=WANTED, record=record(), result=make_unhealed()),
            "unhealed by nothing, not healed by patch",
        ),
        (
            Outcome(expectation=WANTED, record=record(), result=make_result(strategy="revert")),
            "healed by revert, not healed by patch",
        ),
        (
            Outcome(
                expectation=WANTED, record=record(), result=make_result(failing_tests=("a", "b"))
            ),
            "2 tests, not 1",
        ),
        (
            Outcome(expectation=WANTED, record=record(count=999), result=make_result()),
            "999 occurrences, not 1",
        ),
    ],
)
def test_each_way_to_fall_short_is_named(outcome: Outcome, complaint: str) -> None:
    assert complaint in outcome.shortfall()
    assert outcome.shortfall().startswith("wrong operator: ")


def test_the_tour_shows_seven_kinds_that_cannot_be_taken_for_each_other() -> None:
    assert len({expectation.kind for expectation in EXPECTATIONS}) >= 7
    for one in EXPECTATIONS:
        assert [e for e in EXPECTATIONS if e.tests.startswith(one.tests)] == [one]
    assert max(expectation.occurrences for expectation in EXPECTATIONS) == REPEATS == 1_000


def test_incidents_are_shown_in_the_order_of_the_tour_leads_first() -> None:
    lead = record("tests/test_catalogue.py::b", fingerprint="lead", lead="lead")
    merged = record("tests/test_catalogue.py::a", fingerprint="merged", lead="lead")
    first = record("tests/test_prices.py::test_a_discount_lowers_the_price")
    other = record("tests/test_else.py::test")
    assert in_order([other, merged, lead, first]) == [first, lead, merged, other]
    assert kind_of(other) == ""
