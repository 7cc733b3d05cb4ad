"""Tests in every form in which people write them for pytest."""

from __future__ import annotations

from pathlib import Path

import pytest

from paramedic_workers.repair import Stop, repair
from tests.support.projects import PATIENCE, changed_lines, describe, heal

DOUBLE = "def double(n):\n    return n + n + n\n"
FIXED = "+    return n + n"
#: Stands for pytest-cov, with the names that pytest-cov gives its options.
COVERAGE = """
    import sys

    def pytest_addoption(parser):
        parser.addoption("--cov", dest="cov_source", action="append", default=[])
        parser.addoption("--no-cov", dest="no_cov", action="store_true")

    def pytest_load_initial_conftests(early_config):
        if early_config.known_args_namespace.cov_source:
            sys.setprofile(lambda *_: None)

    def pytest_runtest_call(item):
        assert sys.getprofile() is None
"""

FORMS: dict[str, tuple[dict[str, str], str]] = {
    "a folder of its own": (
        {
            "test_double.py": """
                from double import double

                def test_double(tmp_path):
                    (tmp_path / "number").write_text("3")
                    assert [entry.name for entry in tmp_path.iterdir()] == ["number"]
                    assert double(int((tmp_path / "number").read_text())) == 6
            """
        },
        "test_double.py::test_double",
    ),
    "a fixture that looks at the report when it is torn down": (
        {
            "conftest.py": """
                import pytest

                @pytest.hookimpl(hookwrapper=True)
                def pytest_runtest_makereport(item):
                    outcome = yield
                    setattr(item, "report_" + outcome.get_result().when, outcome.get_result())

                @pytest.fixture
                def number(request):
                    yield 3
                    assert request.node.report_call.when == "call"
                    del request.node.report_call
            """,
            "test_double.py": """
                from double import double

                def test_double(number):
                    assert double(number) == 6
            """,
        },
        "test_double.py::test_double",
    ),
    "a coroutine of unittest": (
        {
            "test_double.py": """
                import asyncio
                import unittest
                from double import double

                class DoubleTest(unittest.IsolatedAsyncioTestCase):
                    async def asyncSetUp(self):
                        await asyncio.sleep(0)
                        self.number = 3

                    async def test_three(self):
                        await asyncio.sleep(0)
                        self.assertEqual(double(self.number), 6)

                    def test_four(self):
                        with self.subTest("four"):
                            self.assertEqual(double(4), 8)
            """
        },
        "test_double.py::DoubleTest::test_three",
    ),
    "a coroutine that a plug-in of the project runs": (
        {
            "conftest.py": """
                import asyncio
                import inspect
                import pytest

                @pytest.hookimpl(tryfirst=True)
                def pytest_pyfunc_call(pyfuncitem):
                    if inspect.iscoroutinefunction(pyfuncitem.obj):
                        names = pyfuncitem._fixtureinfo.argnames
                        values = {name: pyfuncitem.funcargs[name] for name in names}
                        asyncio.run(pyfuncitem.obj(**values))
                        return True

                @pytest.fixture(scope="session")
                def three():
                    return 3
            """,
            "test_double.py": """
                from double import double

                async def test_three(three):
                    assert double(three) == 6

                async def test_nothing():
                    assert double(0) == 0
            """,
        },
        "test_double.py::test_three",
    ),
    "a doctest of a module": (
        {
            "pytest.ini": "[pytest]\naddopts = --doctest-modules\n",
            "shop/__init__.py": "",
            "shop/double.py": 'def double(n):\n    """\n    >>> double(3)\n    6\n    """\n'
            "    return n + n + n\n",
        },
        "shop/double.py::shop.double.double",
    ),
    "a doctest of a text file": (
        {
            "pytest.ini": "[pytest]\naddopts = --doctest-glob=*.rst\n",
            "docs/usage.rst": "Usage\n=====\n\n>>> from double import double\n>>> double(3)\n6\n",
        },
        "docs/usage.rst::usage.rst",
    ),
    "coverage in addopts": (
        {
            "pytest.ini": "[pytest]\naddopts = -p coverage_like --cov=double\n",
            "coverage_like.py": COVERAGE,
            "test_double.py": """
                from double import double

                def test_three():
                    assert double(3) == 6
            """,
        },
        "test_double.py::test_three",
    ),
    "a folder with brackets in its name": (
        {
            "conftest.py": "import os, sys\n\nsys.path.insert(0, os.path.dirname(__file__))\n",
            "tests/[unit]/test_double.py": """
                import pytest
                from double import double

                @pytest.mark.parametrize("text", ["a::b", "[c]"])
                def test_three(text):
                    assert double(text) == 2 * text
            """,
        },
        "tests/[unit]/test_double.py::test_three[[c]]",
    ),
    "a test that a hook of the project has renamed and moved": (
        {
            "conftest.py": """
                def pytest_collection_modifyitems(items):
                    items.reverse()
                    items[:] = [item for item in items if "unwanted" not in item.name]
            """,
            "test_double.py": """
                from double import double

                def test_unwanted():
                    raise ValueError

                class TestDouble:
                    number = 3

                    class TestInside:
                        def test_three(self):
                            assert double(3) == 6

                    def test_zero(self):
                        assert double(self.number - 3) == 0
            """,
        },
        "test_double.py::TestDouble::TestInside::test_three",
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_test_of_this_form_is_healed(tmp_path: Path, form: str) -> None:
    files, failing = FORMS[form]
    report = heal(tmp_path, {"double.py": DOUBLE, **files}, failing)
    assert report.stop is Stop.FOUND, report.detail
    assert FIXED in {changed_lines(patch.diff)[-1] for patch in report.patches}


def test_a_project_in_a_folder_with_brackets_is_healed(tmp_path: Path) -> None:
    test = "from double import double\n\n\ndef test_three():\n    assert double(3) == 6\n"
    root = tmp_path / "shop [2]"
    settings = "[pytest]\npythonpath = lib\n"
    files = {"pytest.ini": settings, "lib/double.py": DOUBLE, "test_double.py": test}
    report = heal(root, files, "test_double.py::test_three")
    assert report.stop is Stop.FOUND, report.detail


def test_a_conftest_that_does_not_parse_is_named(tmp_path: Path) -> None:
    files = {
        "conftest.py": "import pytest\n\n\n@pytest.fixture\ndef three()\n    return 3\n",
        "double.py": DOUBLE,
        "test_double.py": "def test_three(three):\n    assert double(three) == 6\n",
    }
    report = heal(tmp_path, files, "test_double.py::test_three")
    assert report.stop is Stop.NOT_FAILING
    assert "conftest.py" in report.detail
    assert "SyntaxError" in report.detail


def test_doctests_asked_for_on_the_command_line_are_healed(tmp_path: Path) -> None:
    text = 'def double(n):\n    """\n    >>> double(3)\n    6\n    """\n    return n + n + n\n'
    (tmp_path / "double.py").write_text(text)
    project = describe(tmp_path, pytest_args=("--doctest-modules",))
    report = repair(project, ["double.py::double.double"], budget=PATIENCE)
    assert report.stop is Stop.FOUND, report.detail
