"""The tamper guard: what a patch may touch, and what it must not do."""

from __future__ import annotations

import pytest

from paramedic_workers.healing.tamper import inspect, may_touch
from paramedic_workers.settings import TargetSettings
from tests.unit.healing.doubles import patch_of

TARGET = TargetSettings(name="shop", repository="/nowhere", patch_limit=10)


@pytest.mark.parametrize(
    "path",
    [
        "shop/cart.py",
        "src/shop/deep/er/cart.py",
        "cart.py",
        "shop/testing/helpers.py",
        "contest/latest.py",
        "shop/attest.py",
    ],
)
def test_code_may_be_touched(path: str) -> None:
    assert may_touch(path, TARGET)


@pytest.mark.parametrize(
    "path",
    [
        *("tests/test_cart.py", "tests/helpers.py", "shop/tests/data.py", "test/x.py"),
        *("test_cart.py", "cart_test.py", "conftest.py", "shop/conftest.py", "testing/run.py"),
        *("Tests/x.py", "shop/TEST_cart.py", "shop/tests.py"),
        *("setup.py", "noxfile.py", "pyproject.toml", "shop/pytest.ini", "requirements-dev.txt"),
        *("sitecustomize.py", "x.pth", ".github/workflows/ci.py", ".hidden.py", "a/.git/x.py"),
        *("/etc/x.py", "../x.py", "shop/../tests/x.py", "./cart.py", "shop//cart.py", ""),
        *("shop\\cart.py", "shop/ca\nrt.py", "README.md", "shop/data.json"),
    ],
)
def test_tests_build_files_and_what_is_outside_must_not(path: str) -> None:
    assert not may_touch(path, TARGET)


def test_the_settings_narrow_what_may_be_touched() -> None:
    target = TargetSettings(
        name="shop",
        repository="/nowhere",
        allowed_paths=("shop/**/*.py",),
        protected_paths=("shop/secret/**",),
    )
    assert may_touch("shop/cart.py", target)
    assert may_touch("shop/deep/er/cart.py", target)
    assert not may_touch("other/cart.py", target)
    assert not may_touch("shop/secret/deep/cart.py", target)


def test_a_plain_fix_meets_no_objection() -> None:
    assert inspect(patch_of("shop/cart.py", "    return a - b", "    return a + b"), TARGET) == ()


@pytest.mark.parametrize(
    "added",
    [
        'if os.environ.get("PYTEST_CURRENT_TEST"):',
        'if "pytest" in sys.modules:',
        "if sys.argv[0].endswith('x'):",
        "if hasattr(sys, '_called_from_test'):",
        "from unittest import mock",
        "from unittest.mock import patch",
        "pytest.skip('later')",
        "raise SkipTest",
        "raise unittest.SkipTest('x')",
        "os._exit(0)",
        "sys.exit(0)",
        "raise SystemExit",
        "exit()",
        "from sys import argv",
        "inspect.stack()",
        "sys._getframe(1)",
        "except AssertionError:",
        "with contextlib.suppress(Exception):",
        "except Exception: pass",
        "except: pass",
    ],
)
def test_added_code_that_cheats_is_refused(added: str) -> None:
    assert inspect(patch_of("shop/cart.py", "x = 1", added), TARGET)


@pytest.mark.parametrize(
    "added",
    [
        "except ValueError: pass",
        "except Exception: raise",
        "x = 1  # type: ignore[no-any-return]",
        "self.exit()",
        "queue.skipped = exits",
        "nosed = 3",
        "arguments = argv_like",
    ],
)
def test_added_code_that_only_looks_like_it_is_not(added: str) -> None:
    assert inspect(patch_of("shop/cart.py", "x = 1", added), TARGET) == ()


def test_an_except_that_does_nothing_on_the_next_line_is_refused() -> None:
    diff = (
        "--- a/shop/cart.py\n+++ b/shop/cart.py\n@@ -1,2 +1,5 @@\n def total():\n"
        "-    return 1\n+    try:\n+        return 1\n+    except Exception:\n+        pass\n"
    )
    assert inspect(diff, TARGET) == ("it hides every error (shop/cart.py)",)


def test_a_line_that_is_merely_indented_anew_is_no_news() -> None:
    assert inspect(patch_of("shop/cli.py", "    sys.exit(1)", "        sys.exit(1)"), TARGET) == ()


GIT = "diff --git a/shop/cart.py b/shop/cart.py\n"
HUNK = "@@ -1 +1 @@\n-a\n+b\n"
NAMES = "--- a/shop/cart.py\n+++ b/shop/cart.py\n"


@pytest.mark.parametrize(
    ("diff", "objection"),
    [
        ("", "changes nothing"),
        ("hello\n", "belongs to no file"),
        (NAMES, "changes nothing in"),
        (NAMES + "@@ -1,3 +1 @@\n-a\n+b\n", "ends in the middle"),
        (NAMES + "@@ nonsense\n-a\n", "cannot be read"),
        (NAMES + HUNK + "junk\n", "cannot be read"),
        (
            GIT + "new file mode 100644\n--- /dev/null\n+++ b/shop/cart.py\n@@ -0,0 +1 @@\n+b\n",
            "new",
        ),
        (
            GIT
            + "deleted file mode 100644\n--- a/shop/cart.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n",
            "deletes",
        ),
        (GIT + "old mode 100644\nnew mode 100755\n" + NAMES + HUNK, "mode"),
        (GIT + "index 1234567..89abcde 120000\n" + NAMES + HUNK, "symbolic link"),
        (GIT + "GIT binary patch\nliteral 3\nabc\n", "binary"),
        (GIT + "Binary files a/shop/cart.py and b/shop/cart.py differ\n", "binary"),
        ("diff --git a/shop/a.py b/shop/b.py\nrename from shop/a.py\n", "renames"),
        ("--- a/shop/cart.py\n+++ b/tests/test_cart.py\n" + HUNK, "two ways"),
        ("--- a/../x.py\n+++ b/../x.py\n" + HUNK, "must not be touched"),
        ("--- a/.github/x.py\n+++ b/.github/x.py\n" + HUNK, "must not be touched"),
        ('--- "a/te\\163ts/x.py"\n+++ "b/te\\163ts/x.py"\n' + HUNK, "unusual path"),
        ("--- shop/cart.py\n+++ shop/cart.py\n" + HUNK, "unusual path"),
        (GIT + "--- a/tests/x.py\n+++ b/tests/x.py\n" + HUNK, "two ways"),
    ],
)
def test_a_diff_that_is_no_plain_edit_is_refused(diff: str, objection: str) -> None:
    assert any(objection in found for found in inspect(diff, TARGET)), inspect(diff, TARGET)


def test_every_file_of_a_diff_is_looked_at() -> None:
    diff = patch_of("shop/cart.py", "a", "b") + patch_of("tests/test_cart.py", "a", "b")
    assert inspect(diff, TARGET) == ("tests/test_cart.py must not be touched: it is a test",)


def test_a_removed_line_that_looks_like_a_header_stays_a_line() -> None:
    diff = "--- a/shop/cart.py\n+++ b/shop/cart.py\n@@ -1,2 +1,2 @@\n--- a/tests/x.py\n a\n+b\n"
    assert inspect(diff, TARGET) == ()


def test_a_patch_over_the_size_limit_is_refused() -> None:
    diff = "".join(patch_of(f"shop/m{n}.py", "a", "b") for n in range(6))
    assert inspect(diff, TARGET) == ("it changes 12 lines, and 10 are allowed",)
