"""Edits written as a person would write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.simplify import simplified
from paramedic_workers.repair.source import Replacement, Source


def edit(before: str, *changes: tuple[str, str]) -> Candidate:
    """Replace the first of each of these texts by the other."""
    source = Source(Path("/m.py"), "m.py", before)
    parts = [
        Replacement(before.index(old), before.index(old) + len(old), new) for old, new in changes
    ]
    return Candidate(
        source=source,
        function=None,
        parts=tuple(sorted(parts)),
        template="x",
        title="x",
        line=1,
        score=1.0,
    )


@pytest.mark.parametrize(
    ("before", "old", "new", "simple"),
    [
        ("x = 1 + rest(y)\n", "1", "0", "x = rest(y)\n"),
        ("x = f(y) + 1\n", "1", "0", "x = f(y)\n"),
        ("x = 2 * y\n", "2", "1", "x = y\n"),
        ("x = y - 1\n", "y", "y - 1", "x = y - 2\n"),
        ("x = z[y + 1]\n", "y + 1", "y + 1 - 1", "x = z[y]\n"),
        ("x = y - 1\n", "1", "-1", "x = y + 1\n"),
        ("if y == 1:\n    pass\n", "y == 1", "not y == 1", "if y != 1:\n    pass\n"),
        ("x = y in z\n", "y in z", "not y in z", "x = y not in z\n"),
        ("if a and b:\n    pass\n", "b", "True", "if a:\n    pass\n"),
        ("x = y[1:n]\n", "1", "0", "x = y[:n]\n"),
        ("x = set(y)\n", "y", "set(y)", "x = set(y)\n"),
        ("x = y * 2\n", "y", "(total)", "x = total * 2\n"),
    ],
)
def test_edits_are_simplified(before: str, old: str, new: str, simple: str) -> None:
    candidate = edit(before, (old, new))
    found = simplified(candidate)
    if simple == before:
        assert found is None
    else:
        assert found is not None
        assert found.text() == simple


@pytest.mark.parametrize(
    ("before", "old", "new"),
    [
        ("x = y + 1\n", "1", "2"),
        ("x = 0 + y\nz = 1\n", "1", "2"),
        ("x = (a + b) * c\n", "c", "d"),
        ("x = (yes)\ny = 1\n", "1", "2"),
        ("x = a / 2\n", "2", "1"),
    ],
)
def test_what_is_simple_or_was_there_before_stays(before: str, old: str, new: str) -> None:
    assert simplified(edit(before, (old, new))) is None


def test_what_surrounds_a_simplified_edit_stays() -> None:
    before = "def f(y):\n    # one\n    x = 1 + g( y )  # two\n    return  x\n"
    found = simplified(edit(before, ("1", "0")))
    assert found is not None
    assert found.text() == before.replace("1 + g( y )", "g( y )")
    assert found.title == "`1 + ` taken away" or "1" in found.title


def test_both_parts_of_an_edit_are_kept() -> None:
    before = "a = 1 + b\nc = 2\nd = e\n"
    found = simplified(edit(before, ("1", "0"), ("e", "f")))
    assert found is not None
    assert found.text() == "a = b\nc = 2\nd = f\n"
