"""What is seen of the tests before anything is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from paramedic_workers.repair.session import Session
from tests.support.prepared import prepared
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


def test_values_of_variables_are_seen_before_each_line(tmp_path: Path) -> None:
    project = write_project(tmp_path, {"shop.py": SHOP, "test_shop.py": TESTS})
    with prepared(project, ["test_shop.py::test_total"]) as ready:
        seen = ready.seen
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
    project = write_project(tmp_path, files)
    with prepared(project, ["test_many.py::test_many"]) as ready:
        seen = ready.seen
    many = str(tmp_path.resolve() / "many.py")
    rows = seen.values.at(many, 4)
    assert 3 <= len(rows) <= 12
    assert rows[0] == {"count": 1000, "total": 0, "number": 0}


def test_a_test_that_is_said_to_fail_and_does_not_must_go_on_passing(tmp_path: Path) -> None:
    files = {
        "signs.py": "def sign(n):\n    return 1\n",
        "test_signs.py": """
            from signs import sign

            def test_below():
                assert sign(-2) == -1

            def test_above():
                assert sign(2) == 1
        """,
    }
    project = write_project(tmp_path, files)
    with prepared(project, ["test_signs.py::test_below", "test_signs.py::test_above"]) as ready:
        assert [test.name for test in ready.seen.failing] == ["test_below"]
        assert [test.name for test in ready.seen.passing] == ["test_above"]
        assert ready.seen.passing_after_all == 1


def test_a_slow_test_is_told_from_one_that_hangs(tmp_path: Path) -> None:
    files = {
        "slow.py": """
            import time

            def slow(seconds):
                until = time.process_time() + seconds
                while time.process_time() < until:
                    pass
                return seconds
        """,
        "test_slow.py": """
            from slow import slow

            def test_slow():
                assert slow(1.1) == 1
        """,
    }
    with prepared(write_project(tmp_path, files), ["test_slow.py::test_slow"]) as ready:
        (test,) = ready.seen.failing
        assert not test.hangs
        assert test.seconds > 1.0
        assert test.limit() > 2.0
        assert ready.seen.suspicion.lines


def test_hanging_tests_beside_others_cost_little(tmp_path: Path) -> None:
    tests = "".join(f"def test_{n}():\n    assert hang({n}) == 7\n\n" for n in range(8))
    files = {
        "hang.py": "def hang(n):\n    while n > 1:\n        pass\n    return n\n",
        "test_hang.py": f"from hang import hang\n\n\n{tests}",
    }
    asked: list[tuple[str, int, float]] = []
    ask = Session.ask

    def listen(session: Session, request: dict[str, Any], answer: Any, wait: float) -> Any:
        if request["kind"] in ("run", "trace"):
            asked.append((request["kind"], len(request["tests"]), request["limit"]))
        return ask(session, request, answer, wait)

    failing = [f"test_hang.py::test_{n}" for n in range(8)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "ask", listen)
        with prepared(write_project(tmp_path, files), failing) as ready:
            seen = ready.seen
    assert sum(test.hangs for test in seen.failing) > 3
    assert sum(limit == 1.0 for kind, _, limit in asked if kind == "run") <= 4
    assert sum(count for kind, count, limit in asked if kind == "trace" and limit < 1.0) <= 3
