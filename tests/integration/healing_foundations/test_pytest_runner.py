"""The pytest runner: what a run saw, told in types, with and without bubblewrap."""

from __future__ import annotations

from pathlib import Path

import pytest

from paramedic_workers.healing.environment import TargetEnvironment
from paramedic_workers.healing.model import RunEnd, TestOutcome
from paramedic_workers.healing.pytest_runner import PytestRunner
from tests.integration.healing_foundations.conftest import MakeSandbox, quick_runner

_CART = """
class Empty(Exception):
    pass


class Cart:
    def share(self, people):
        if people < 0:
            raise Empty("nobody")
        return 12 // people
"""
_TESTS = """
import pytest
from shop.cart import Cart


@pytest.fixture
def broken():
    raise ValueError("set-up")


@pytest.fixture
def leaking():
    yield
    raise ValueError("tear-down")


class TestShare:
    def test_three(self): assert Cart().share(3) == 4
    def test_zero(self): Cart().share(0)
    def test_negative(self): Cart().share(-1)


@pytest.mark.parametrize("word", ["a b", "$(touch /tmp/x)", "[x]", "a::b", "-k ü"])
def test_word(word): assert word == "a b"


def test_assert(): assert Cart().share(4) == 2
def test_set_up(broken): pass
def test_tear_down(leaking): pass
@pytest.mark.skip(reason="not now")
def test_skipped(): pass
@pytest.mark.xfail
def test_expected(): assert False
@pytest.mark.xfail(strict=True)
def test_unexpected(): pass
"""


@pytest.fixture
def shop(tree: Path) -> Path:
    """A tree with a package in `src` and tests."""
    write(
        tree, {"src/shop/__init__.py": "", "src/shop/cart.py": _CART, "tests/test_cart.py": _TESTS}
    )
    return tree


def write(root: Path, files: dict[str, str]) -> None:
    """Write these files."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_every_test_is_reported_as_it_ended(runner: PytestRunner, shop: Path) -> None:
    report = runner.run(shop, timeout=60)
    assert (report.end, report.detail) == (RunEnd.FINISHED, "10 failed, 2 passed, 2 skipped.")
    seen = {test.removeprefix("tests/test_cart.py::"): r for test, r in report.by_test().items()}
    kinds = {name: r.exception_type for name, r in seen.items() if r.outcome is TestOutcome.FAILED}
    assert kinds == {
        "TestShare::test_zero": "ZeroDivisionError",
        "TestShare::test_negative": "shop.cart.Empty",
        "test_word[$(touch /tmp/x)]": "AssertionError",
        "test_word[[x]]": "AssertionError",
        "test_word[a::b]": "AssertionError",
        "test_word[-k \\xfc]": "AssertionError",
        "test_assert": "AssertionError",
        "test_set_up": "ValueError",
        "test_tear_down": "ValueError",
        "test_unexpected": "Failed",
    }
    assert seen["TestShare::test_negative"].message == "nobody"
    assert seen["test_tear_down"].message == "tear-down"
    assert "assert 3 == 2" in seen["test_assert"].message
    assert "> " in seen["TestShare::test_zero"].traceback
    assert report.passing() == {
        "tests/test_cart.py::TestShare::test_three",
        "tests/test_cart.py::test_word[a b]",
    }
    frames = [(f.file, f.module, f.function, f.line) for f in seen["TestShare::test_zero"].frames]
    assert frames == [
        ("tests/test_cart.py", "test_cart", "TestShare.test_zero", 19),
        ("src/shop/cart.py", "shop.cart", "Cart.share", 10),
    ]
    assert "14 items" in report.output


@pytest.mark.parametrize(
    ("named", "ran"),
    [
        (["tests/test_cart.py::test_word[$(touch /tmp/x)]"], 1),
        (["tests/test_cart.py::test_word[a::b]", "tests/test_cart.py::test_word[-k \\xfc]"], 2),
        (["tests/test_cart.py::test_word"], 5),
        (["tests/test_cart.py::TestShare"], 3),
        (["tests/test_cart.py"], 14),
        (["tests"], 14),
    ],
)
def test_named_tests_are_run_and_no_others(
    environment: TargetEnvironment,
    make_sandbox: MakeSandbox,
    shop: Path,
    named: list[str],
    ran: int,
) -> None:
    ini = "[pytest]\naddopts = -m 'not slow' -k nothing --deselect tests/test_cart.py\n"
    write(shop, {"pytest.ini": ini})
    runner = quick_runner(environment, make_sandbox(), pytest_args=("tests/other",))
    report = runner.run(shop, named, timeout=60)
    assert (report.end, len(report.tests)) == (RunEnd.FINISHED, ran)


def test_a_test_below_a_folder_with_a_bracket_in_its_name_can_be_named(
    runner: PytestRunner, tree: Path
) -> None:
    (tree / "api/[id]").mkdir(parents=True)
    (tree / "api/[id]/test_page.py").write_text("def test_a(): pass\ndef test_b(): pass\n")
    report = runner.run(tree, ["api/[id]/test_page.py::test_b"], timeout=60)
    assert report.end is RunEnd.FINISHED, report.detail
    assert [test.test for test in report.tests] == ["api/[id]/test_page.py::test_b"]


@pytest.mark.parametrize(
    "missing",
    [
        "tests/test_cart.py::test_nothing",
        "tests/test_cart.py::test_word[other]",
        "tests/nothing.py::test_x",
        "-x",
        "--version",
        "; touch ran",
        "../../../etc/passwd",
        "/etc/passwd::x",
        "a\0b::c",
    ],
)
def test_a_test_that_does_not_exist_is_named_and_nothing_runs(
    runner: PytestRunner, shop: Path, missing: str
) -> None:
    good = "tests/test_cart.py::TestShare::test_three"
    report = runner.run(shop, [good, missing], timeout=60)
    assert report.end is RunEnd.NOT_FOUND
    assert missing in report.detail
    assert good not in report.detail
    assert report.tests == ()


def test_thousands_of_tests_can_be_named(runner: PytestRunner, tree: Path) -> None:
    code = "import pytest\n@pytest.mark.parametrize('n', range(1200))\ndef test_n(n): pass\n"
    write(tree, {"test_many.py": code, "-odd name/test_odd.py": "def test_odd(): pass\n"})
    named = [f"test_many.py::test_n[{n}]" for n in range(1199)] + [
        "-odd name/test_odd.py::test_odd"
    ]
    report = runner.run(tree, named, timeout=120)
    assert (report.end, report.detail) == (RunEnd.FINISHED, "1200 passed.")


def test_files_that_cannot_be_collected_are_reported_and_the_others_run(
    runner: PytestRunner, shop: Path
) -> None:
    write(
        shop,
        {
            "tests/test_import.py": "import shop.absent\n",
            "tests/test_syntax.py": "def test_x(:\n",
            "src/shop/late.py": "import shop\nboom = undefined_name\n",
            "tests/test_late.py": "import shop.late\n",
        },
    )
    report = runner.run(shop, timeout=60)
    assert report.end is RunEnd.COLLECTION_ERROR
    assert len(report.tests) == 14
    errors = {error.test: error for error in report.collection_errors}
    assert {name: error.exception_type for name, error in errors.items()} == {
        "tests/test_import.py": "ModuleNotFoundError",
        "tests/test_syntax.py": "SyntaxError",
        "tests/test_late.py": "NameError",
    }
    assert errors["tests/test_late.py"].frames[-1].file == "src/shop/late.py"
    assert errors["tests/test_syntax.py"].frames[-1].line == 1
    assert "shop.absent" in errors["tests/test_import.py"].message
    named = runner.run(shop, ["tests/test_late.py::test_x"], timeout=60)
    assert named.end is RunEnd.COLLECTION_ERROR


def test_a_pytest_that_cannot_start_is_unusable_and_says_why(
    runner: PytestRunner, shop: Path
) -> None:
    write(shop, {"conftest.py": "import shop.cart\nraise RuntimeError('no database')\n"})
    report = runner.run(shop, timeout=60)
    assert report.end is RunEnd.UNUSABLE
    assert "no database" in report.detail
    (conftest,) = report.collection_errors
    assert (conftest.test, conftest.exception_type) == ("conftest.py", "RuntimeError")
    write(shop, {"conftest.py": "", "pytest.ini": "[pytest]\naddopts = --no-such-option\n"})
    report = runner.run(shop, timeout=60)
    assert report.end is RunEnd.UNUSABLE
    assert "--no-such-option" in report.detail


def test_options_of_the_project_that_get_in_the_way_have_no_effect(
    environment: TargetEnvironment, make_sandbox: MakeSandbox, shop: Path
) -> None:
    addopts = "-x -n 4 --dist=loadfile --cov=shop --cov-report=xml --maxfail=1 --tb=no --lf -q"
    write(shop, {"tox.ini": f"[pytest]\naddopts = {addopts}\nxfail_strict = true\n"})
    report = quick_runner(environment, make_sandbox()).run(shop, timeout=60)
    assert (report.end, len(report.tests)) == (RunEnd.FINISHED, 14), report.output
    assert (
        "ZeroDivisionError"
        in report.by_test()["tests/test_cart.py::TestShare::test_zero"].traceback
    )


def test_installed_plug_ins_are_loaded_but_run_nothing_apart(
    environment: TargetEnvironment, make_sandbox: MakeSandbox, shop: Path
) -> None:
    write(shop, {"pytest.ini": "[pytest]\naddopts = -n 2 --timeout=50\n"})
    runner = quick_runner(
        environment, make_sandbox(), pytest_args=("-p", "xdist", "-p", "pytest_timeout")
    )
    report = runner.run(shop, timeout=60)
    assert (report.end, len(report.tests)) == (RunEnd.FINISHED, 14)
    assert "timeout: 50.0s" in report.output


def test_the_first_failure_can_end_a_run(runner: PytestRunner, shop: Path) -> None:
    report = runner.run(shop, timeout=60, stop_at_first_failure=True)
    assert report.end is RunEnd.FINISHED
    assert [r.test.rpartition("::")[2] for r in report.tests] == ["test_three", "test_zero"]


def test_the_lines_that_each_test_runs_are_noted(runner: PytestRunner, shop: Path) -> None:
    report = runner.run(shop, timeout=60, coverage=True)
    lines = {t.rpartition("::")[2]: f.get("src/shop/cart.py") for t, f in report.coverage.items()}
    assert lines["test_three"] == frozenset({8, 10})
    assert lines["test_negative"] == frozenset({8, 9})
    assert lines["test_set_up"] is None
    assert all(
        name.startswith(("src/", "tests/")) for files in report.coverage.values() for name in files
    )


def test_what_tests_see_of_the_run(runner: PytestRunner, tree: Path) -> None:
    code = """
import os, subprocess, sys
def test_environment(cache, tmp_path):
    assert os.environ["PYTHONHASHSEED"] == "7"
    assert "PARAMEDIC_PROBE" not in os.environ
    assert sys.dont_write_bytecode
    cache.set("a/b", 1)
    subprocess.run(["python", "-c", "import pytest"], check=True)
"""
    write(tree, {"test_it.py": code})
    report = runner.run(tree, timeout=60, hash_seed=7)
    assert report.detail == "1 passed.", report.tests
    assert sorted(path.name for path in tree.iterdir()) == ["test_it.py"]


def test_unittest_cases_and_subtests_are_reported(runner: PytestRunner, tree: Path) -> None:
    code = """
import unittest
class Sums(unittest.TestCase):
    def test_good(self): self.assertEqual(1, 1)
    def test_bad(self): self.assertEqual(1, 2)
    def test_parts(self):
        for n in (1, 2, 3):
            with self.subTest(n=n): self.assertNotEqual(n, 2)
"""
    write(tree, {"test_it.py": code})
    failing = {r.test.rpartition("::")[2]: r for r in runner.run(tree, timeout=60).failing()}
    assert set(failing) == {"test_bad", "test_parts"}
    assert {r.exception_type for r in failing.values()} == {"AssertionError"}
