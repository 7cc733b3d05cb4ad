"""Whole heals of real repositories: each verdict, and that nothing is left behind."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from paramedic_workers.errors import Verdict
from paramedic_workers.healing.model import HealReport
from paramedic_workers.results import AttemptOutcome, Result
from tests.integration.healing.conftest import Heal, incident
from tests.support.repositories import Repository

MakeRepository = Callable[[dict[str, str]], Repository]

CART = """\
def total(prices, discount=0):
    result = 0
    for price in prices:
        result = result + price
    return result - discount
"""
TESTS = """\
from shop.cart import total


def test_total():
    assert total([1, 2, 3]) == 6


def test_discount():
    assert total([10], discount=3) == 7


def test_empty():
    assert total([]) == 0
"""
GOOD = {"shop/__init__.py": "", "shop/cart.py": CART, "tests/test_cart.py": TESTS}
BAD_CART = CART.replace("result + price", "result - price")


def one(report: HealReport) -> Result:
    assert len(report.results) == 1, [r.summary for r in report.results]
    return report.results[0]


def test_a_target_in_which_nothing_fails_has_no_results(
    repository: MakeRepository, heal: Heal
) -> None:
    assert heal(repository(GOOD)).results == ()


def test_a_regression_is_healed_by_reverting_its_commit(
    repository: MakeRepository, heal: Heal
) -> None:
    shop = repository(GOOD)
    shop.commit({"README": "more"}, "Write more")
    shop.commit({"shop/cart.py": BAD_CART, "tests/notes.txt": "x"}, "Speed up totals")
    shop.commit({"README": "even more"}, "Write even more")
    result = one(heal(shop, strategies=("revert",)))
    assert result.verdict is Verdict.HEALED, result.log
    assert '"Speed up totals"' in result.summary
    assert set(result.failing_tests) == {
        "tests/test_cart.py::test_total",
        "tests/test_cart.py::test_discount",
    }
    assert result.patch is not None
    assert "notes.txt" not in result.patch
    assert any("tests/notes.txt" in reason for reason in result.reasons)


def test_a_conftest_that_a_commit_broke_is_healed(repository: MakeRepository, heal: Heal) -> None:
    shop = repository({**GOOD, "tests/conftest.py": "import shop.cart\n"})
    shop.commit({"shop/cart.py": CART + "\nLIMIT = limit\n"}, "Set a limit")
    result = one(heal(shop, "tests/test_cart.py::test_total", strategies=("revert",)))
    assert result.failing_tests == ("tests/conftest.py",)
    assert result.verdict is Verdict.HEALED, result.log


def test_a_healed_patch_becomes_a_branch_and_nothing_else(
    repository: MakeRepository, heal: Heal
) -> None:
    shop = repository(GOOD)
    broken = shop.commit({"shop/cart.py": BAD_CART}, "Speed up totals")
    result = one(
        heal(
            shop,
            "tests/test_cart.py::test_total",
            remote=str(shop.path),
            strategies=("revert",),
        )
    )
    assert result.verdict is Verdict.HEALED, result.log
    assert result.branch is not None
    assert shop.git("rev-parse", f"{result.branch}^") == broken
    assert shop.git("show", f"{result.branch}:shop/cart.py") == CART.strip()
    assert result.summary in shop.git("log", "-1", "--format=%B", result.branch)


def test_a_test_that_depends_on_the_order_of_a_set_is_flaky(
    repository: MakeRepository, heal: Heal
) -> None:
    words = "{'one', 'two', 'three', 'four', 'five', 'six'}"
    # Fails with hash seed 0, and passes with at least one of the seeds 1 and 2.
    test = f"def test_first():\n    assert next(iter({words})) != {_first_of(words)!r}\n"
    result = one(heal(repository({"tests/test_words.py": test})))
    assert result.verdict is Verdict.FLAKY
    assert "of 3 runs" in result.cause.message


def _first_of(words: str) -> str:
    """The first word of a set with hash seed 0, which is another with seed 1 or 2."""
    firsts = [
        subprocess.run(
            [sys.executable, "-c", f"print(next(iter({words})))"],
            env={"PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in range(3)
    ]
    assert len(set(firsts)) > 1
    return firsts[0]


def test_what_does_not_fail_or_does_not_exist_is_not_reproduced(
    repository: MakeRepository, heal: Heal
) -> None:
    names = ("test_total", "test_gone; touch /tmp/x $(id)")
    passing, gone = heal(repository(GOOD), *(f"tests/test_cart.py::{n}" for n in names)).results
    assert passing.verdict is gone.verdict is Verdict.NOT_REPRODUCED
    assert "passes in 3 of 3 runs" in passing.cause.message
    assert gone.cause.message.count("There is no test") == 1


def test_what_the_newest_commit_has_fixed_is_already_fixed(
    repository: MakeRepository, heal: Heal
) -> None:
    shop = repository({**GOOD, "shop/cart.py": BAD_CART})
    broken = shop.git("rev-parse", "HEAD")
    shop.commit({"shop/cart.py": CART}, "Fix totals")
    result = one(heal(shop, "tests/test_cart.py::test_total", revision=broken))
    assert result.verdict is Verdict.ALREADY_FIXED
    assert result.revision == broken


def test_a_missing_third_party_module_is_one_matter_of_the_environment(
    repository: MakeRepository, heal: Heal
) -> None:
    test = "import no_such_library\n\n\ndef test_it():\n    pass\n"
    shop = repository({"tests/test_a.py": test, "tests/test_b.py": test})
    result = one(heal(shop))
    assert result.verdict is Verdict.ENVIRONMENT
    first, remedy = result.cause.message.splitlines()
    assert first == (
        "The module no_such_library is not installed for the target; "
        "tests/test_a.py asks for it in line 1."
    )
    assert "pyproject.toml" in remedy
    assert "`requirements`" in remedy
    assert "`python`" in remedy
    assert len(result.failing_tests) == 2
    assert len(result.merged) == 1


def test_what_no_strategy_can_heal_is_unhealed_and_says_so(
    repository: MakeRepository, heal: Heal
) -> None:
    shop = repository({**GOOD, "shop/cart.py": BAD_CART})
    result = one(heal(shop, "tests/test_cart.py::test_total", strategies=("revert",)))
    assert result.verdict is Verdict.UNHEALED
    assert result.patch is None
    assert result.cause.type == "AssertionError"
    assert [a.outcome for a in result.attempts] == [AttemptOutcome.NOT_APPLICABLE]


@pytest.mark.parametrize(
    ("body", "sign", "seconds"),
    [
        ("import os\n    os._exit(0)", "left with status 0", 60.0),
        ("import os, signal\n    os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL", 60.0),
        pytest.param(
            "import os, signal\n    os.kill(os.getppid(), signal.SIGKILL)",
            "",
            60.0,
            # Without a process namespace, the parent of a root's test is the worker itself.
            marks=pytest.mark.needs_bwrap,
        ),
        ("import time\n    time.sleep(600)", "killed after", 3.0),
        ("import os\n    while os.fork(): pass\n    while True: pass", "", 3.0),
    ],
    ids=["exits", "kills itself", "kills its parent", "hangs", "forks"],
)
def test_a_hostile_test_ends_in_a_verdict_and_leaves_nothing(
    repository: MakeRepository, heal: Heal, body: str, sign: str, seconds: float
) -> None:
    hostile = f"def test_hostile():\n    {body}\n\n\ndef test_fine():\n    pass\n"
    shop = repository({"tests/test_hostile.py": hostile})
    result = one(
        heal(
            shop,
            "tests/test_hostile.py::test_hostile",
            run_timeout=seconds,
            strategies=(),
            processes=50,
        )
    )
    assert result.verdict in (Verdict.UNHEALED, Verdict.ENVIRONMENT), result.log
    assert sign in result.cause.message
    assert result.cause.message.strip()


def test_uncommitted_changes_of_a_detached_checkout_are_healed_and_kept(
    repository: MakeRepository, heal: Heal
) -> None:
    shop = repository({**GOOD, "shop/cart.py": BAD_CART})
    shop.commit({"shop/cart.py": CART}, "Fix")
    shop.git("checkout", "--quiet", "--detach", "HEAD~1")
    shop.write({"shop/other.py": "x = 1\n", "tests/test_more.py": "def test_x():\n    assert 0\n"})
    results = heal(shop, checkout=True, strategies=("revert",)).results
    assert {r.verdict for r in results} == {Verdict.UNHEALED}
    assert "tests/test_more.py::test_x" in {t for r in results for t in r.failing_tests}


def test_a_request_that_cannot_be_carried_out_says_why(
    repository: MakeRepository, heal: Heal
) -> None:
    report = heal(repository(GOOD), "tests/test_cart.py::test_total", revision="no-such-revision")
    assert report.refused is not None
    assert "no-such-revision" in one(report).cause.message
    assert one(report).incident == incident("tests/test_cart.py::test_total")
