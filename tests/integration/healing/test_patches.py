"""Whole heals with the patch engine: one cause is healed once, two causes apart."""

from __future__ import annotations

from collections.abc import Callable

from paramedic_workers.errors import Verdict
from tests.integration.healing.conftest import Heal
from tests.support.repositories import Repository

MakeRepository = Callable[[dict[str, str]], Repository]

CART = """\
def total(prices):
    result = 0
    for price in prices:
        result = result - price
    return result
"""
STOCK = """\
def is_low(count, limit):
    return count > limit


def missing(count, wanted):
    if count < wanted:
        return wanted - count
    return 0
"""
CART_TESTS = """\
from shop.cart import total


def test_total():
    assert total([1, 2, 3]) == 6


def test_one():
    assert total([5]) == 5


def test_empty():
    assert total([]) == 0
"""
STOCK_TESTS = """\
from shop.stock import is_low, missing


def test_low():
    assert is_low(1, 5)


def test_plenty():
    assert not is_low(9, 5)


def test_missing():
    assert missing(3, 5) == 2
"""
PAGES = """\
def page(items, number, size):
    start = number * size
    return items[start + 1 : start + size]
"""


def test_a_wrong_operator_is_healed(repository: MakeRepository, heal: Heal) -> None:
    shop = repository(
        {"shop/__init__.py": "", "shop/cart.py": CART, "tests/test_cart.py": CART_TESTS}
    )
    [result] = heal(shop).results
    assert result.verdict is Verdict.HEALED, result.log
    assert result.patch is not None
    assert "+        result = result + price" in result.patch
    assert result.strategy == "patch"


def test_two_bugs_in_one_run_are_healed_apart_each_with_a_patch_of_its_own(
    repository: MakeRepository, heal: Heal
) -> None:
    shop = repository(
        {
            "shop/__init__.py": "",
            "shop/cart.py": CART,
            "shop/stock.py": STOCK,
            "tests/test_cart.py": CART_TESTS,
            "tests/test_stock.py": STOCK_TESTS,
        }
    )
    results = heal(shop, strategies=("patch",)).results
    assert {r.verdict for r in results} <= {Verdict.HEALED, Verdict.PROPOSED}
    touched = {
        name
        for result in results
        for name in ("shop/cart.py", "shop/stock.py")
        if f"+++ b/{name}" in (result.patch or "")
    }
    assert len(results) == 2
    assert touched == {"shop/cart.py", "shop/stock.py"}
    assert all(r.patch is not None and r.patch.count("+++ ") == 1 for r in results)


def test_one_bug_that_breaks_thirty_tests_is_healed_once(
    repository: MakeRepository, heal: Heal
) -> None:
    tests = "import pytest\nfrom shop.pages import page\n\n\n"
    tests += "@pytest.mark.parametrize('n', range(30))\n"
    tests += "def test_page(n):\n    first = 3 * n\n"
    tests += "    assert page(list(range(99)), n, 3) == [first, first + 1, first + 2]\n"
    shop = repository(
        {"shop/__init__.py": "", "shop/pages.py": PAGES, "tests/test_pages.py": tests}
    )
    [result] = heal(shop, strategies=("patch",)).results
    assert result.verdict in (Verdict.HEALED, Verdict.PROPOSED), result.log
    assert len(result.failing_tests) == 30
    assert len(result.merged) == 29


def test_a_missing_import_at_module_level_is_healed(repository: MakeRepository, heal: Heal) -> None:
    code = "ROOT = math.sqrt(2)\n\n\ndef area(radius):\n    return math.pi * radius**2\n"
    tests = "from shop.shapes import area\n\n\ndef test_area():\n    assert area(0) == 0\n"
    shop = repository(
        {"shop/__init__.py": "", "shop/shapes.py": code, "tests/test_shapes.py": tests}
    )
    [result] = heal(shop, strategies=("patch",)).results
    assert result.failing_tests == ("tests/test_shapes.py",)
    assert result.verdict is Verdict.HEALED, result.log
    assert result.patch is not None
    assert "+import math" in result.patch
