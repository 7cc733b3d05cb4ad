"""The files of a small shop whose sum has the wrong sign.

Its test leaves one way to mend it, so that the patch is trusted.
"""

from __future__ import annotations

from tests.support.command_line import LEAN_PYTEST

#: Files of the repository, by path.
FILES = {
    "shop.py": "def total(prices):\n    found = 0\n    for price in prices:\n"
    "        found -= price\n    return found\n",
    "test_shop.py": "from shop import total\n\n\ndef test_total():\n"
    "    assert total([2, 2, 5]) == 9\n    assert total([3, -5]) == -2\n\n\n"
    "def test_for_free():\n    assert total([0]) == 0\n",
    "pyproject.toml": LEAN_PYTEST,
    ".gitignore": "__pycache__/\n.pytest_cache/\n",
}
#: The test that fails.
TEST = "test_shop.py::test_total"
