"""Summaries: one line for a person, whatever went before."""

from __future__ import annotations

import pytest

from paramedic_workers.errors import Phase, Verdict
from paramedic_workers.healing.summary import summary_of
from paramedic_workers.results import Cause

CAUSE = Cause(phase=Phase.REPRODUCE, type="KeyError", message="\n'price'\nand more")
ONE = ("tests/test_cart.py::test_total",)


def test_a_summary_names_the_test_and_the_patch() -> None:
    title = '"<=" in place of "<" in shop.cart.total'
    assert summary_of(Verdict.HEALED, ONE, CAUSE, title=title) == (
        'test_total in tests/test_cart.py: "<=" in place of "<" in shop.cart.total'
    )


def test_several_tests_are_counted() -> None:
    tests = (*ONE, "tests/test_cart.py::test_more", "tests/test_till.py::test_pay")
    assert summary_of(Verdict.UNHEALED, tests[:2], CAUSE).startswith(
        "2 tests in tests/test_cart.py:"
    )
    assert summary_of(Verdict.UNHEALED, tests, CAUSE).startswith("3 tests in 2 files:")


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("tests", [(), ONE, ("tests/test_cart.py",)])
@pytest.mark.parametrize("message", ["x" * 5_000, "\n\n two \r\n lines", "'price'"])
def test_a_summary_is_one_line_that_is_never_empty_nor_long(
    verdict: Verdict, tests: tuple[str, ...], message: str
) -> None:
    cause = Cause(phase=Phase.REPRODUCE, type="KeyError", message=message)
    summary = summary_of(verdict, tests, cause)
    assert summary.strip()
    assert len(summary.splitlines()) == 1
    assert len(summary) <= 200


def test_a_proven_patch_that_could_not_be_published_is_said_to_be_one() -> None:
    cause = Cause(phase=Phase.PUBLISH, type="PublishError", message="refused")
    assert "proven patch" in summary_of(Verdict.FAILED, ONE, cause, title="a fix")
