"""Which code counts as the same as people's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from paramedic_workers.backtest import likeness
from paramedic_workers.backtest.model import Compared, Likeness

SAME = [
    ("return a < b", "return b > a"),
    ("return not a == b", "return a != b"),
    ("return a  # why", "return a"),
    ('"""Old words."""\n    return a', '"""New words."""\n    return a'),
    ("return 'a'", 'return "a"'),
]
DIFFERENT = [
    ("return a < b", "return a <= b"),
    ("return a", "return a, 1"),
    ("return '1'", "return 1"),
]


def function(body: str) -> dict[str, str]:
    return {"shop/prices.py": f"def price(a, b):\n    {body}\n"}


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_is_only_written_otherwise_is_the_same(one: str, other: str) -> None:
    assert likeness.same_code(function(one), function(other))


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_means_something_else_is_not(one: str, other: str) -> None:
    assert not likeness.same_code(function(one), function(other))


def test_a_new_version_number_is_no_part_of_a_fix() -> None:
    one = {"shop/__init__.py": "__version__ = '1.0'\n"}
    other = {"shop/__init__.py": "__version__ = '1.1'\n"}
    assert likeness.same_code(one, other)


def test_a_file_more_is_another_fix() -> None:
    one = function("return a")
    assert not likeness.same_code(one, {**one, "shop/other.py": "x = 1\n"})


def compared(monkeypatch: pytest.MonkeyPatch, agree: bool | None) -> Compared:
    """What comes of a comparison on varied inputs that agrees, does not, or cannot tell."""
    seen: list[Any] = []

    def compare(_project: Any, tests: Any, versions: Any, _budget: float) -> Any:
        seen.append((tests, len(versions)))
        differing = 0 if agree else 3
        return SimpleNamespace(
            inputs=0 if agree is None else 7,
            differing=lambda _i, _j: differing,
            agree=lambda _i, _j: agree,
        )

    monkeypatch.setattr(likeness, "compare", compare)
    project: Any = None
    fix, patch = function("return a < b"), function("return a <= b")
    found = likeness.compare_with_fix(project, ["t"], fix, [fix, patch], 1.0)
    assert found[0].likeness is Likeness.SAME
    assert seen == [(["t"], 2)], "what is the same is not compared again"
    return found[1]


@pytest.mark.parametrize(
    ("agree", "expected"),
    [(True, Likeness.EQUIVALENT), (False, Likeness.DIFFERENT), (None, Likeness.UNKNOWN)],
)
def test_other_code_is_judged_on_varied_inputs(
    monkeypatch: pytest.MonkeyPatch, agree: bool | None, expected: Likeness
) -> None:
    found = compared(monkeypatch, agree)
    assert found.likeness is expected
    assert found.inputs == (0 if agree is None else 7)
