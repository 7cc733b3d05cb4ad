"""Repairs that need more than one edit, an expression made anew, or more than one file."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from paramedic_workers.repair import Stop, repair
from tests.support.projects import apply, changed_lines, heal, passes, write_project

REPOSITORY = Path(__file__).parents[3]


def test_two_edits_that_each_turn_a_test_green_are_one_patch(tmp_path: Path) -> None:
    files = {
        "bill.py": """
            def bill(net, rate, shipping):
                tax = net + rate
                post = shipping - 2
                return tax, post
        """,
        "test_bill.py": """
            from bill import bill

            def test_tax():
                assert [bill(net, 3, 0)[0] for net in (100, 30, 0)] == [300, 90, 0]

            def test_post():
                assert [bill(0, 3, shipping)[1] for shipping in (1, 4, 7)] == [3, 6, 9]
        """,
    }
    project = write_project(tmp_path, files)
    report = repair(project, ["test_bill.py::test_tax", "test_bill.py::test_post"], budget=60.0)
    assert report.stop is Stop.FOUND, report.detail
    assert {patch.template for patch in report.patches} == {"two edits"}
    assert changed_lines(report.patches[0].diff) == [
        "-    tax = net + rate",
        "-    post = shipping - 2",
        "+    tax = net * rate",
        "+    post = shipping + 2",
    ]
    apply(project, report.patches[0].diff)
    assert passes(project)


def test_an_edit_that_gets_a_test_past_its_first_assertion_is_half_of_a_pair(
    tmp_path: Path,
) -> None:
    files = {
        "money.py": """
            def price(net, rate, discount):
                gross = net - net * rate
                return gross + discount
        """,
        "test_money.py": """
            from money import price

            def test_price():
                assert price(100, 0.5, 0) == 150
                assert price(100, 0.5, 10) == 140
                assert price(40, 0.25, 5) == 45
        """,
    }
    report = heal(tmp_path, files, "test_money.py::test_price")
    assert report.stop is Stop.FOUND, report.detail
    assert changed_lines(report.patches[0].diff) == [
        "-    gross = net - net * rate",
        "-    return gross + discount",
        "+    gross = net + net * rate",
        "+    return gross - discount",
    ]


def test_an_expression_is_made_anew_from_what_is_in_reach(tmp_path: Path) -> None:
    files = {
        "boxes.py": """
            def border(width, height, margin):
                return width
        """,
        "test_boxes.py": """
            import pytest
            from boxes import border

            @pytest.mark.parametrize(
                ("sides", "expected"), [((3, 4, 0), 12), ((5, 2, 1), 9), ((7, 7, 3), 46)]
            )
            def test_border(sides, expected):
                assert border(*sides) == expected
        """,
    }
    names = ("sides0-12", "sides1-9", "sides2-46")
    report = heal(tmp_path, files, *(f"test_boxes.py::test_border[{name}]" for name in names))
    assert report.stop is Stop.FOUND, report.detail
    best = changed_lines(report.patches[0].diff)
    assert best == ["-    return width", "+    return width * height - margin"]


def test_a_name_is_changed_wherever_a_file_has_it(tmp_path: Path) -> None:
    files = {
        "stock.py": """
            class Stock:
                def __init__(self, items):
                    self.items = list(items)

                def first(self):
                    return self.itms[0]

                def last(self):
                    return self.itms[-1]
        """,
        "test_stock.py": """
            from stock import Stock

            def test_first_and_last():
                stock = Stock([1, 2, 3])
                assert (stock.first(), stock.last()) == (1, 3)
        """,
    }
    report = heal(tmp_path, files, "test_stock.py::test_first_and_last")
    assert report.stop is Stop.FOUND, report.detail
    assert report.patches[0].diff.count("+        return self.items[") == 2


def test_a_patch_is_written_as_a_person_would(tmp_path: Path) -> None:
    files = {
        "depth.py": """
            def depth(tree):
                if not isinstance(tree, list):
                    return 0
                return max((1 + depth(branch) for branch in tree), default=0) + 1
        """,
        "test_depth.py": """
            from depth import depth

            def test_depth():
                assert depth([]) == 0
                assert depth([1]) == 1
                assert depth([[1], [[2]]]) == 3
        """,
    }
    report = heal(tmp_path, files, "test_depth.py::test_depth")
    assert report.stop is Stop.FOUND, report.detail
    # Found as `+ 0`.
    assert changed_lines(report.patches[0].diff)[1:] == [
        "+    return max((1 + depth(branch) for branch in tree), default=0)"
    ]


BROKEN = """
    def total(prices)
        amount = 0
        for price in prices:
            amount -= price
        return amount
"""
TESTS = """
    from cart import total

    def test_many():
        assert total([3, 4, 5]) == 12

    def test_none():
        assert total([]) == 0
"""


def test_a_file_that_does_not_parse_and_is_wrong_gets_one_patch(tmp_path: Path) -> None:
    project = write_project(tmp_path, {"cart.py": BROKEN, "test_cart.py": TESTS})
    report = repair(project, ["test_cart.py"], budget=60.0)
    assert report.stop is Stop.FOUND, report.detail
    assert changed_lines(report.patches[0].diff) == [
        "-def total(prices)",
        "+def total(prices):",
        "-        amount -= price",
        "+        amount += price",
    ]
    apply(project, report.patches[0].diff)
    assert passes(project)


def test_several_files_that_do_not_parse_get_one_patch(tmp_path: Path) -> None:
    files = {
        "cart.py": "from rates import RATE\n\n\ndef total(prices)\n    return sum(prices) * RATE\n",
        "rates.py": "RATE = int('2'\n",
        "test_cart.py": "from cart import total\n\ndef test_total():\n    assert total([3]) == 6\n",
    }
    project = write_project(tmp_path, files)
    report = repair(project, ["test_cart.py"], budget=60.0)
    assert report.stop is Stop.FOUND, report.detail
    assert {"+def total(prices):", "+RATE = int('2')"} <= set(changed_lines(report.patches[0].diff))
    apply(project, report.patches[0].diff)
    assert passes(project)


_ONCE = """
import sys
from pathlib import Path
from paramedic_workers.repair import repair
from tests.support.projects import describe
report = repair(describe(Path(sys.argv[1])), ["test_cart.py::test_many"], budget=120.0)
print([(patch.title, patch.diff, patch.score) for patch in report.patches])
"""


def test_the_hash_seed_of_the_engine_changes_nothing(tmp_path: Path) -> None:
    write_project(
        tmp_path, {"cart.py": BROKEN.replace("prices)", "prices):"), "test_cart.py": TESTS}
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", _ONCE, str(tmp_path)],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(answers) == 1
    assert "amount += price" in answers.pop()


def test_the_budget_is_kept_though_test_and_candidates_hang(tmp_path: Path) -> None:
    files = {
        "waiting.py": """
            import time

            def wait(count, step, limit, rest):
                while count != limit:
                    time.sleep(0.01)
                    count += step * 0
                    rest = rest + count
                    if rest > limit:
                        count = rest - step
                return "never this"
        """,
        "test_waiting.py": """
            from waiting import wait

            def test_wait():
                assert wait(0, 1, 10, 0) == "quite another"
        """,
    }
    project = write_project(tmp_path, files)
    started = time.monotonic()
    report = repair(project, ["test_waiting.py::test_wait"], budget=6.0)
    assert report.stop is Stop.BUDGET, report.detail
    # Far less than the hours that trying them all would take.
    assert time.monotonic() - started < 30.0
