"""Repositories of as many modules as wanted, with one bug in the last."""

from __future__ import annotations

from pathlib import Path

#: Modules that import one another in a row.
_ROW = 10


def write_modules(root: Path, count: int) -> str:
    """Write a package of this many modules, each with its tests; the failing test's node id."""
    (root / "shop").mkdir(parents=True)
    (root / "tests").mkdir()
    (root / "shop" / "__init__.py").touch()
    (root / "tests" / "__init__.py").touch()
    last = count - 1
    for number in range(count):
        above = f"from shop.m{number - 1} import value as before\n\n\n" if number % _ROW else ""
        sign = "-" if number == last else "+"
        (root / "shop" / f"m{number}.py").write_text(
            f"{above}def value(n):\n    return n + {number}\n\n\n"
            f"def twice(n):\n    result = value(n)\n    return result {sign} result\n"
        )
        (root / "tests" / f"test_m{number}.py").write_text(
            f"from shop.m{number} import twice, value\n\n\n"
            f"def test_value():\n    assert value(1) == {number + 1}\n\n\n"
            f"def test_twice():\n    assert twice(1) == {2 * number + 2}\n"
        )
    return f"tests/test_m{last}.py::test_twice"
