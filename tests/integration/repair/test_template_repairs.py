"""Families that need a real run to show that they are reached, in whole repairs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from paramedic_workers.repair import repair
from tests.support.documents import code_block, install
from tests.support.projects import apply, passes, write_project

#: Name, source of `shop.py`, source of its tests, failing test, a line of the fix.
REPAIRS = [
    (
        "a default that all calls share",
        """
        def add(price, prices=[]):
            prices.append(price)
            return prices
        """,
        """
        from shop import add

        def test_first():
            assert add(1) == [1]

        def test_second():
            add(2)
            assert add(3) == [3]

        def test_given():
            assert add(3, [1]) == [1, 3]
        """,
        "test_shop.py::test_second",
        "+def add(price, prices=None):",
    ),
    (
        "a method without self",
        """
        class Cart:
            def __init__(self):
                self.prices = []

            def size():
                return 3
        """,
        """
        from shop import Cart

        def test_size():
            assert Cart().size() == 3
        """,
        "test_shop.py::test_size",
        "+    def size(self):",
    ),
    (
        "an exception that the test expects",
        """
        def total(count, price):
            amount = count * price
            return amount
        """,
        """
        import pytest
        from shop import total

        def test_total():
            assert total(2, 3) == 6
            assert total(0, 3) == 0

        def test_negative():
            with pytest.raises(ValueError, match="negative"):
                total(-1, 3)
        """,
        "test_shop.py::test_negative",
        '+        raise ValueError("negative")',
    ),
    (
        "a misspelt word in a module's table",
        """
        PLANETS = ("Mercury", "Venus", "Earth", "Mars", "Jupyter", "Saturn")

        def after(name):
            return PLANETS[PLANETS.index(name) + 1]
        """,
        """
        from shop import after

        def test_mars():
            assert after("Mars") == "Jupiter"

        def test_earth():
            assert after("Earth") == "Mars"
        """,
        "test_shop.py::test_mars",
        '+PLANETS = ("Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn")',
    ),
]


@pytest.mark.parametrize(
    ("source", "tests", "failing", "line"),
    [case[1:] for case in REPAIRS],
    ids=[case[0] for case in REPAIRS],
)
def test_a_repair(tmp_path: Path, source: str, tests: str, failing: str, line: str) -> None:
    project = write_project(tmp_path, {"shop.py": source, "test_shop.py": tests})
    report = repair(project, [failing], budget=60.0)
    found = [patch for patch in report.patches if line in patch.diff.splitlines()]
    assert found, [patch.diff for patch in report.patches]
    apply(project, found[0].diff)
    assert passes(project)


def test_an_installed_template_heals_what_ours_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages, tree = tmp_path / "packages", tmp_path / "tree"
    tree.mkdir()
    source = """
        from datetime import datetime, timezone

        def made(stamp):
            return datetime.fromtimestamp(stamp)
    """
    tests = """
        from datetime import datetime, timezone
        from shop import made

        def test_made():
            assert made(86400.0) == datetime(1970, 1, 2, tzinfo=timezone.utc)
    """
    project = write_project(tree, {"shop.py": source, "test_shop.py": tests})
    example = code_block("extend.md", "python", "def with_zone")
    entry_point = code_block("extend.md", "toml", "paramedic_zones:TEMPLATE")
    install(packages, "paramedic-zones", "paramedic_zones", example, entry_point)
    monkeypatch.syspath_prepend(str(packages))
    monkeypatch.delitem(sys.modules, "paramedic_zones", raising=False)
    best = repair(project, ["test_shop.py::test_made"], budget=60.0).patches[0]
    assert best.template == "time without a zone"
    assert "+    return datetime.fromtimestamp(stamp, timezone.utc)" in best.diff.splitlines()
    apply(project, best.diff)
    assert passes(project)
