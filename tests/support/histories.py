"""A small repository with a history of fixes, for backtests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.support.command_line import LEAN_PYTEST
from tests.support.repositories import Repository, make_repository

#: Three mistakes; the history mends the first two with a test each.
PRICES = '''\
"""Prices in cents."""


def discounted(cents, percent):
    return cents + cents * percent // 100


def cheapest(prices):
    return max(prices)


def label(cents):
    return "%d cent" % cents
'''
TESTS = """\
from shop.prices import cheapest, discounted, label


def test_no_discount_changes_nothing():
    assert discounted(2000, 0) == 2000


def test_a_single_price_is_the_cheapest():
    assert cheapest([5]) == 5


def test_equal_prices():
    assert cheapest([4, 4]) == 4


def test_label():
    assert label(1) == "1 cent"
"""
DISCOUNT_TEST = """

def test_a_discount_lowers_the_price():
    assert discounted(2000, 25) == 1500


def test_half():
    assert discounted(300, 50) == 150
"""
CHEAPEST_TEST = """

def test_the_cheapest_of_three():
    assert cheapest([3, 1, 2]) == 1
"""
FILES = {
    "shop/__init__.py": "",
    "shop/prices.py": PRICES,
    "tests/test_prices.py": TESTS,
    "pyproject.toml": LEAN_PYTEST,
}


@dataclass(frozen=True)
class History:
    """The repository and the commits of it that matter."""

    repository: Repository
    #: Fixes with their tests, the older first.
    discount: str
    cheapest: str


def make_history(path: Path) -> History:
    """Two fixes with tests between commits that are none."""
    repository = make_repository(path, FILES)
    prices = PRICES.replace("cents + cents", "cents - cents")
    tests = TESTS + DISCOUNT_TEST
    discount = repository.commit(
        {"shop/prices.py": prices, "tests/test_prices.py": tests}, "Lower the price"
    )
    repository.commit({"README.md": "Prices.\n"}, "Add a page")
    commented = prices.replace("return max", "# The least.\n    return max")
    tests += "\n\n# Enough for now.\n"
    repository.commit(
        {"shop/prices.py": commented, "tests/test_prices.py": tests}, "Explain in a comment"
    )
    prices = commented.replace("max(prices)", "min(prices)")
    tests += CHEAPEST_TEST
    cheapest = repository.commit(
        {"shop/prices.py": prices, "tests/test_prices.py": tests}, "Find the cheapest"
    )
    prices += "\n\ndef free():\n    return 0\n"
    tests += "\n\ndef test_free():\n    from shop.prices import free\n\n    assert free() == 0\n"
    repository.commit({"shop/prices.py": prices, "tests/test_prices.py": tests}, "Add free")
    return History(repository, discount, cheapest)
