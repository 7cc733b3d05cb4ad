"""What is worth a comment, and what is only a repeat."""

from __future__ import annotations

import pytest

from paramedic_workers.errors import Phase, Verdict
from paramedic_workers.results import Cause, Result
from paramedic_workers.sinks.jira.changes import Changes, changes_between
from tests.support.results import PATCH, make_result


def caused(message: str, kind: str = "ValueError") -> Result:
    return make_result(cause=Cause(phase=Phase.REPRODUCE, type=kind, message=message))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (make_result(), make_result(id="other", count=40, seconds=9.0), Changes()),
        (make_result(), make_result(verdict=Verdict.PROPOSED), Changes(verdict=True)),
        (make_result(), make_result(patch=PATCH + "+more\n"), Changes(patch=True)),
        (make_result(), make_result(patch=PATCH.replace("-1,3 +1,3", "-9,3 +9,3")), Changes()),
        (caused("a"), caused("b"), Changes(cause=True)),
        (caused("a"), caused("a", "KeyError"), Changes(cause=True)),
        (caused("took 12 s at 0x7f1c"), caused("took 15 s at 0x7f2d\nmore"), Changes()),
    ],
)
def test_what_has_changed(before: Result, after: Result, expected: Changes) -> None:
    assert changes_between(before, after) == expected
    assert bool(expected) == (expected != Changes())
