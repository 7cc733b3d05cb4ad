"""Whole repairs of small projects, in a real warm process."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest

from paramedic_workers.errors import EnvironmentBuildError
from paramedic_workers.repair import SearchProgress, Stop, Trust, repair
from tests.support.projects import (
    PATIENCE,
    apply,
    changed_lines,
    describe,
    heal,
    passes,
    write_project,
)

CART = """
    def total(prices, discount=0):
        amount = 0
        for price in prices:
            amount -= price
        return amount - discount
"""
CART_TESTS = """
    from cart import total

    def test_one():
        assert total([3]) == 3

    def test_many():
        assert total([3, 4, 5]) == 12

    def test_discount():
        assert total([3, 4], 2) == 5

    def test_none():
        assert total([]) == 0
"""
CART_FAILING = ("test_cart.py::test_one", "test_cart.py::test_many", "test_cart.py::test_discount")


def snapshot(root: Path) -> dict[str, bytes]:
    return {str(f): f.read_bytes() for f in sorted(root.rglob("*")) if f.is_file()}


def test_a_wrong_operator_is_found_and_the_tree_is_left_alone(tmp_path: Path) -> None:
    project = write_project(tmp_path, {"cart.py": CART, "test_cart.py": CART_TESTS})
    before = snapshot(tmp_path)
    report = repair(project, CART_FAILING, budget=PATIENCE)
    assert snapshot(tmp_path) == before
    assert report.stop is Stop.FOUND
    best = report.patches[0]
    assert changed_lines(best.diff) == ["-        amount -= price", "+        amount += price"]
    assert best.title == "`+=` in place of `-=` in cart.total"
    assert best.trust is not Trust.LOW
    apply(project, best.diff)
    assert passes(project)


def test_the_same_input_gives_the_same_patches(tmp_path: Path) -> None:
    project = write_project(tmp_path, {"cart.py": CART, "test_cart.py": CART_TESTS})
    first, second = (repair(project, CART_FAILING, budget=PATIENCE) for _ in range(2))
    assert first.patches == second.patches


def test_progress_is_told(tmp_path: Path) -> None:
    project = write_project(tmp_path, {"cart.py": CART, "test_cart.py": CART_TESTS})
    seen: list[SearchProgress] = []
    report = repair(project, CART_FAILING, budget=PATIENCE, progress=seen.append)
    assert [moment.candidates for moment in seen[:3]] == [0, 0, 0]
    assert seen[-1].candidates == report.candidates
    assert "+=" in seen[-1].best
    assert 0 < seen[-1].seconds_left < PATIENCE


@pytest.mark.parametrize(
    ("files", "failing", "expected"),
    [
        pytest.param(
            {
                "shapes.py": "def area(width, height):\n    return width + height\n",
                "test_shapes.py": """
                    import pytest
                    from shapes import area

                    @pytest.fixture(scope="module")
                    def sides():
                        return 3, 4

                    @pytest.fixture
                    def square(sides):
                        yield sides[0], sides[0]

                    def test_fixture(sides):
                        assert area(*sides) == 12

                    def test_nested_fixture(square):
                        assert area(*square) == 9
                """,
            },
            ["test_shapes.py::test_fixture", "test_shapes.py::test_nested_fixture"],
            "+    return width * height",
            id="fixtures",
        ),
        pytest.param(
            {
                "grades.py": "def passed(points):\n    return points > 50\n",
                "test_grades.py": """
                    import pytest
                    from grades import passed

                    @pytest.mark.parametrize("points", [50, 51])
                    def test_passed(points):
                        assert passed(points)

                    @pytest.mark.parametrize("points", [0, 49])
                    def test_failed(points):
                        assert not passed(points)
                """,
            },
            ["test_grades.py::test_passed[50]"],
            "+    return points >= 50",
            id="parametrised",
        ),
        pytest.param(
            {
                "stack.py": """
                    class Stack:
                        def __init__(self):
                            self.items = []

                        def push(self, item):
                            self.items.append(item)

                        def pop(self):
                            return self.items.pop(0)
                """,
                "tests/__init__.py": "",
                "tests/test_stack.py": """
                    import unittest
                    from stack import Stack

                    class StackTest(unittest.TestCase):
                        def setUp(self):
                            self.stack = Stack()

                        def test_last_in_first_out(self):
                            self.stack.push(1)
                            self.stack.push(2)
                            self.assertEqual(self.stack.pop(), 2)
                            self.assertEqual(self.stack.pop(), 1)

                        def test_one(self):
                            self.stack.push(1)
                            self.assertEqual(self.stack.pop(), 1)
                """,
            },
            ["tests/test_stack.py::StackTest::test_last_in_first_out"],
            "+        return self.items.pop(-1)",
            id="unittest in a package",
        ),
        pytest.param(
            {
                "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["src"]\n',
                "src/shop/__init__.py": "",
                "src/shop/taxes.py": "def tax(amount):\n    return amount // 10\n",
                "src/shop/bill.py": """
                    from shop.taxes import tax

                    class Bill:
                        def __init__(self, amount):
                            self.amount = amount

                        @property
                        def total(self):
                            return self.amount - tax(self.amount)
                """,
                "tests/test_bill.py": """
                    from shop.bill import Bill
                    from shop.taxes import tax

                    def test_total():
                        assert Bill(100).total == 110

                    def test_small():
                        assert Bill(5).total == 5

                    def test_tax():
                        assert tax(100) == 10
                """,
            },
            ["tests/test_bill.py::test_total"],
            "+        return self.amount + tax(self.amount)",
            id="src layout, a property, two files",
        ),
        pytest.param(
            {
                "retry.py": """
                    import functools

                    def retried(times):
                        def decorate(function):
                            @functools.wraps(function)
                            def wrapper(*args):
                                for _ in range(times - 1):
                                    try:
                                        return function(*args)
                                    except ValueError:
                                        pass
                                return None
                            return wrapper
                        return decorate
                """,
                "test_retry.py": """
                    from retry import retried

                    calls = []

                    @retried(2)
                    def second_time(value):
                        calls.append(value)
                        if len(calls) < 2:
                            raise ValueError
                        return value

                    def test_retried():
                        calls.clear()
                        assert second_time(7) == 7
                """,
            },
            ["test_retry.py::test_retried"],
            None,
            id="a closure made at import",
        ),
        pytest.param(
            {
                "settings.py": "LIMIT = 9\n\n\ndef allowed(count):\n    return count <= LIMIT\n",
                "test_settings.py": """
                    from settings import LIMIT, allowed

                    def test_limit():
                        assert LIMIT == 10

                    def test_allowed():
                        assert allowed(10)

                    def test_refused():
                        assert not allowed(11)
                """,
            },
            ["test_settings.py::test_limit", "test_settings.py::test_allowed"],
            "+LIMIT = 10",
            id="a constant of the module",
        ),
        pytest.param(
            {
                "greet.py": """
                    def greet(name, polite=False):
                        return ("Dear " if polite else "") + name
                """,
                "test_greet.py": """
                    from greet import greet

                    def test_default():
                        assert greet("Ada") == "Dear Ada"

                    def test_polite():
                        assert greet("Ada", polite=True) == "Dear Ada"

                    def test_short():
                        assert greet("Ada", polite=False) == "Ada"
                """,
            },
            ["test_greet.py::test_default"],
            "+def greet(name, polite=True):",
            id="a default",
        ),
    ],
)
def test_pytest_is_used_as_people_use_it(
    tmp_path: Path, files: dict[str, str], failing: list[str], expected: str | None
) -> None:
    report = heal(tmp_path, files, *failing)
    assert report.stop is Stop.FOUND, report.detail
    if expected is not None:
        assert changed_lines(report.patches[0].diff)[-1] == expected
    project = describe(tmp_path)
    apply(project, report.patches[0].diff)
    assert passes(project)


JSON_READER = '''
    """Reads things."""


    def read(text):
        return json.loads(text)
'''


def test_a_missing_import_is_added_where_imports_go(tmp_path: Path) -> None:
    files = {
        "reader.py": JSON_READER,
        "test_reader.py": """
            from reader import read

            def test_read():
                assert read("[1]") == [1]
        """,
    }
    report = heal(tmp_path, files, "test_reader.py::test_read")
    assert changed_lines(report.patches[0].diff) == ["+", "+import json"]
    assert report.patches[0].trust is Trust.HIGH
    assert report.seconds < 10


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ("TOTAL = math.sqrt(16)\n", "+import math"),
        ("from helper import doubel\nTOTAL = doubel(2)\n", "+from helper import double as doubel"),
        ("from helpr import double\nTOTAL = double(2)\n", "+from helper import double"),
        ("from old import moved\nTOTAL = moved(4)\n", "+from helper import moved"),
        ("from helper import double\nTOTAL = doubel(2)\n", "+TOTAL = double(2)"),
    ],
)
def test_a_file_that_cannot_be_collected_is_healed(
    tmp_path: Path, broken: str, expected: str
) -> None:
    files = {
        "helper.py": "def double(x):\n    return 2 * x\n\n\ndef moved(x):\n    return x\n",
        "old.py": "",
        "thing.py": broken,
        "test_thing.py": "from thing import TOTAL\n\n\ndef test_total():\n    assert TOTAL == 4\n",
        "test_other.py": "def test_other():\n    assert True\n",
    }
    report = heal(tmp_path, files, "test_thing.py")
    assert report.stop is Stop.FOUND, report.detail
    assert expected in changed_lines(report.patches[0].diff)


def test_a_bug_that_hangs_is_healed(tmp_path: Path) -> None:
    files = {
        "count.py": """
            def count_down(number):
                steps = 0
                while number > 0:
                    number += 1
                    steps += 1
                return steps
        """,
        "test_count.py": """
            from count import count_down

            def test_three():
                assert count_down(3) == 3

            def test_zero():
                assert count_down(0) == 0
        """,
    }
    report = heal(tmp_path, files, "test_count.py::test_three")
    assert changed_lines(report.patches[0].diff)[-1] == "+        number -= 1"


@pytest.mark.parametrize(
    "addopts",
    ["-n 2", "-n 2 --dist=loadscope", "-x --maxfail=1", "--lf --ff", "-p no:xdist", "-v --tb=long"],
)
def test_addopts_for_people_do_not_break_it(tmp_path: Path, addopts: str) -> None:
    ini = f"[pytest]\naddopts = {addopts}\n"
    files = {"pytest.ini": ini, "cart.py": CART, "test_cart.py": CART_TESTS}
    report = heal(tmp_path, files, *CART_FAILING, environment={})
    assert report.stop is Stop.FOUND, report.detail


def test_tests_and_protected_files_are_never_changed(tmp_path: Path) -> None:
    files = {
        "cart.py": CART,
        "test_cart.py": CART_TESTS,
        "conftest.py": "LIMIT = 3\n",
    }
    asked: list[str] = []

    def may_change(path: str) -> bool:
        asked.append(path)
        return path != "cart.py"

    report = heal(tmp_path, files, *CART_FAILING, may_change=may_change)
    assert not report.patches
    assert "cart.py" in asked
    assert not any("test" in path for path in asked)


def test_tests_that_pass_here_are_said_to(tmp_path: Path) -> None:
    files = {"test_fine.py": "def test_fine():\n    assert True\n"}
    report = heal(tmp_path, files, "test_fine.py::test_fine")
    assert report.stop is Stop.NOT_FAILING
    assert "pass" in report.detail


@pytest.mark.parametrize("failing", ["nowhere.py::test_x", "test_fine.py::test_missing"])
def test_tests_that_do_not_exist_are_no_crash(tmp_path: Path, failing: str) -> None:
    files = {"test_fine.py": "def test_fine():\n    assert True\n"}
    assert heal(tmp_path, files, failing).stop is Stop.NOT_FAILING


def test_a_bug_out_of_reach_is_given_up_with_a_sentence(tmp_path: Path) -> None:
    files = {
        "story.py": "def story():\n    return []\n",
        "test_story.py": """
            from story import story

            def test_story():
                assert story() == {"once": ("upon", 4, "time")}
        """,
    }
    report = heal(tmp_path, files, "test_story.py::test_story")
    assert report.stop is Stop.EXHAUSTED
    assert report.patches == ()
    assert "none turned a failing test green" in report.detail


def test_the_budget_is_kept(tmp_path: Path) -> None:
    body = "\n".join(f"        x{n} = a + b * {n} - len(str(a)) + x{n - 1}" for n in range(1, 120))
    source = f"def f(a, b):\n    x0 = 0\n    if True:\n{body}\n    return object()\n"
    (tmp_path / "big.py").write_text(source)
    (tmp_path / "test_big.py").write_text(
        "from big import f\n\n\ndef test_f():\n    assert f(1, 2) == 'never'\n"
    )
    started = time.monotonic()
    report = repair(describe(tmp_path), ["test_big.py::test_f"], budget=15.0)
    # Far less than trying all of it would take.
    assert time.monotonic() - started < 90
    assert report.stop is Stop.BUDGET
    assert report.candidates


def test_a_folder_below_the_root_can_be_the_place_of_pytest(tmp_path: Path) -> None:
    files: dict[str, Any] = {"service/cart.py": CART, "service/test_cart.py": CART_TESTS}
    write_project(tmp_path, files)
    project = describe(tmp_path, directory=tmp_path.resolve() / "service")
    report = repair(project, CART_FAILING, budget=PATIENCE)
    assert report.patches[0].diff.startswith("--- a/service/cart.py\n")


def test_a_module_that_starts_threads_is_healed_without_forking_it(tmp_path: Path) -> None:
    files = {
        "conftest.py": """
            import threading

            threading.Thread(target=threading.Event().wait, daemon=True).start()
        """,
        "cart.py": CART,
        "test_cart.py": CART_TESTS,
    }
    report = heal(tmp_path, files, *CART_FAILING)
    assert report.stop is Stop.FOUND, report.detail
    assert "+        amount += price" in report.patches[0].diff


def test_an_interpreter_without_pytest_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    bare.chmod(0o755)
    files = {"cart.py": CART, "test_cart.py": CART_TESTS}
    project = write_project(tmp_path, files, python=bare)
    with pytest.raises(EnvironmentBuildError, match="pytest"):
        repair(project, CART_FAILING, budget=PATIENCE)
