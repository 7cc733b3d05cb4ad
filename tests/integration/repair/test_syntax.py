"""Files that do not parse, repaired in a real warm process."""

from __future__ import annotations

from pathlib import Path

import pytest

from paramedic_workers.repair import SearchProgress, Stop, Trust, repair
from tests.support.projects import apply, changed_lines, heal, passes, write_project

TESTS = """
    from shop.cart import total

    def test_one():
        assert total([3]) == 3

    def test_two():
        assert total([3, 4]) == 7
"""
FILES = {
    "shop/__init__.py": "from .cart import total\n",
    "tests/test_cart.py": TESTS,
    "conftest.py": "",
}
HEADER = "def total(prices):\n"
NO_COLON = {**FILES, "shop/cart.py": "def total(prices)\n    return sum(prices)\n"}


def test_a_missing_colon_is_found_and_nothing_is_written(tmp_path: Path) -> None:
    project = write_project(tmp_path, NO_COLON)
    seen: list[SearchProgress] = []
    report = repair(project, ["tests/test_cart.py"], budget=30.0, progress=seen.append)
    assert (project.root / "shop/cart.py").read_text() == NO_COLON["shop/cart.py"]
    assert report.stop is Stop.FOUND
    (best,) = report.patches
    assert best.title == "a missing `:` in shop/cart.py line 1"
    assert best.trust is Trust.HIGH
    assert changed_lines(best.diff) == ["-def total(prices)", "+def total(prices):"]
    assert seen[-1].candidates == report.candidates == 1
    apply(project, best.diff)
    assert passes(project)


@pytest.mark.parametrize(
    ("files", "failing"),
    [
        pytest.param(
            {"shop/cart.py": f"{HEADER}    return sum(prices\n"},
            "tests/test_cart.py::test_two",
            id="a named test",
        ),
        pytest.param(
            {"conftest.py": "import shop\n", "shop/cart.py": f"{HEADER}    return sum(prices))\n"},
            "tests/test_cart.py",
            id="imported by conftest",
        ),
        pytest.param(
            {
                "shop/__init__.py": "",
                "shop/cart.py": f"{HEADER}    from shop.sums import add\n    return add(prices)\n",
                "shop/sums.py": "function add(numbers):\n    return sum(numbers)\n",
            },
            "tests/test_cart.py::test_one",
            id="imported inside a function",
        ),
        pytest.param(
            {
                "shop/cart.py": "def total(prices)\n    amount = 0\n    for price in prices:\n"
                "        amount += price\n    if amount && prices:\n        return amount\n"
            },
            "tests/test_cart.py",
            id="two errors",
        ),
        pytest.param(
            {
                "shop/cart.py": f"{HEADER}    amount = 0\n    for price in prices:\n"
                "    amount += price\n    return amount\n"
            },
            "tests/test_cart.py",
            id="indentation, which only the tests can decide",
        ),
    ],
)
def test_a_file_that_does_not_parse_is_healed(
    tmp_path: Path, files: dict[str, str], failing: str
) -> None:
    project = write_project(tmp_path, {**FILES, **files})
    report = repair(project, [failing], budget=30.0)
    assert report.patches, report.detail
    apply(project, report.patches[0].diff)
    assert passes(project)


def test_of_several_brackets_that_pass_none_is_trusted_highly(tmp_path: Path) -> None:
    untested = "def twice(prices):\n    return round(sum(prices * 2)\n"
    cart = f"{HEADER}    return sum(prices)\n\n{untested}"
    report = heal(tmp_path, {**FILES, "shop/cart.py": cart}, "tests/test_cart.py")
    assert len(report.patches) > 1
    assert all(patch.trust is not Trust.HIGH for patch in report.patches)
    assert "pass" in " ".join(report.patches[0].reasons)


@pytest.mark.parametrize(
    ("cart", "expected"),
    [
        ("}}} def total((((\n", "and no small edit there makes it parse"),
        ("def total()\n    return 1\n", "and none of 1 edit near there lets the tests pass"),
    ],
)
def test_what_cannot_be_healed_is_said(tmp_path: Path, cart: str, expected: str) -> None:
    report = heal(tmp_path, {**FILES, "shop/cart.py": cart}, "tests/test_cart.py")
    assert report.stop is Stop.EXHAUSTED
    assert not report.patches
    assert report.detail.startswith("shop/cart.py line 1 (")
    assert expected in report.detail


def test_a_file_that_may_not_change_is_left_alone(tmp_path: Path) -> None:
    project = write_project(tmp_path, NO_COLON, may_change=lambda path: path != "shop/cart.py")
    report = repair(project, ["tests/test_cart.py"], budget=30.0)
    assert not report.patches
