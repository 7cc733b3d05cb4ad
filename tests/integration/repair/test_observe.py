"""What is seen of the tests before anything is changed."""

from __future__ import annotations

from pathlib import Path

from paramedic_workers.repair import targets
from paramedic_workers.repair.candidates import may_change_by_path
from paramedic_workers.repair.observe import Observation, observe
from paramedic_workers.repair.session import Session
from tests.support.projects import write_project

SHOP = """
    class Basket:
        def __init__(self, owner):
            self.owner = owner
            self.prices = []

    def total(basket, rates, note="x" * 200):
        amount = 0
        for price in basket.prices:
            rate = rates.get(price)
            amount -= price
        return amount
"""
TESTS = """
    from shop import Basket, total

    def test_total():
        basket = Basket("Ada")
        basket.prices += [3, 4]
        assert total(basket, {3: (1.5, None), 4: {"half"}}) == 7
"""


def observed(root: Path, files: dict[str, str], *failing: str) -> Observation:
    project = write_project(root, files)
    wanted = targets.find_failing(project, failing)
    with Session(project, seed=0, patience=30.0) as session:
        greeting = session.open(targets.test_files(project, wanted))
        return observe(
            session,
            greeting,
            wanted,
            modules=targets.modules_of(project),
            may_change=may_change_by_path(project.root, project.may_change),
            budget=30.0,
        )


def test_values_of_variables_are_seen_before_each_line(tmp_path: Path) -> None:
    seen = observed(tmp_path, {"shop.py": SHOP, "test_shop.py": TESTS}, "test_shop.py::test_total")
    shop = str(tmp_path.resolve() / "shop.py")
    fixed = {
        "basket.owner": "Ada",
        "basket.prices": [3, 4],
        "rates": {3: (1.5, None), 4: {"half"}},
    }
    assert seen.values.at(shop, 7) == [fixed]
    assert seen.values.at(shop, 10) == [
        {**fixed, "amount": 0, "price": 3, "rate": (1.5, None)},
        {**fixed, "amount": -3, "price": 4, "rate": {"half"}},
    ]
    assert seen.values.at(shop, 11) == [
        {**fixed, "amount": -7, "price": 4, "rate": {"half"}},
    ]
    assert seen.values.lines_of(shop) == [3, 4, 7, 8, 9, 10, 11]
    assert seen.knowledge.values is seen.values


def test_few_samples_are_kept_of_a_line_that_runs_often(tmp_path: Path) -> None:
    files = {
        "many.py": """
            def many(count):
                total = 0
                for number in range(count):
                    total += number
                return total
        """,
        "test_many.py": """
            from many import many

            def test_many():
                assert many(1000) == 1
        """,
    }
    seen = observed(tmp_path, files, "test_many.py::test_many")
    many = str(tmp_path.resolve() / "many.py")
    rows = seen.values.at(many, 4)
    assert 3 <= len(rows) <= 12
    assert rows[0] == {"count": 1000, "total": 0, "number": 0}
