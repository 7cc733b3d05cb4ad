"""Patches taken together, and into working files: all of them or nothing."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest

from paramedic_workers.cli.take import ReadBase, combine, put, touched
from paramedic_workers.errors import UsageError

CART = "".join(f"line {number}\n" for number in range(1, 21))


def with_context(path: str, number: int, new: str) -> str:
    """A diff that replaces one line."""
    before, after = f" line {number - 1}\n", f" line {number + 1}\n"
    head = f"--- a/{path}\n+++ b/{path}\n@@ -{number - 1},3 +{number - 1},3 @@\n"
    return f"{head}{before}-line {number}\n+{new}\n{after}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    (folder / "shop").mkdir(parents=True)
    (folder / "shop/cart.py").write_text(CART)
    (folder / "shop/stock.py").write_text(CART)
    return folder


def read_from(root: Path) -> ReadBase:
    return lambda path: (root / path).read_bytes() if (root / path).exists() else None


def test_patches_of_one_file_become_one_diff(root: Path) -> None:
    patches = [
        with_context("shop/cart.py", 3, "three"),
        with_context("shop/cart.py", 15, "fifteen"),
    ]
    combined = combine(patches, read_from(root))
    assert combined.left_out == ()
    assert combined.diff.count("--- a/shop/cart.py") == 1
    assert "+three" in combined.diff
    assert "+fifteen" in combined.diff
    again = combine([combined.diff], read_from(root))
    assert again.after == combined.after


def test_a_patch_that_conflicts_is_left_out_and_named(root: Path) -> None:
    patches = [
        with_context("shop/cart.py", 3, "three"),
        with_context("shop/cart.py", 3, "drei"),
        with_context("shop/stock.py", 5, "five"),
    ]
    combined = combine(patches, read_from(root))
    assert combined.left_out == (1,)
    assert "+three" in combined.diff
    assert "+five" in combined.diff
    assert "drei" not in combined.diff


def test_working_files_get_the_patches_and_keep_their_mode(root: Path) -> None:
    (root / "shop/cart.py").chmod(0o755)
    combined = combine([with_context("shop/cart.py", 3, "three")], read_from(root))
    assert put(root, combined) == ["shop/cart.py"]
    assert (root / "shop/cart.py").read_text() == CART.replace("line 3\n", "three\n")
    assert (root / "shop/cart.py").stat().st_mode & 0o777 == 0o755
    assert sorted(file.name for file in (root / "shop").iterdir()) == ["cart.py", "stock.py"]


def test_files_are_made_and_deleted(root: Path) -> None:
    gone = "".join(f"-line {number}\n" for number in range(1, 21))
    patch = f"--- a/shop/stock.py\n+++ /dev/null\n@@ -1,20 +0,0 @@\n{gone}"
    patch = f"diff --git a/shop/stock.py b/shop/stock.py\ndeleted file mode 100644\n{patch}"
    patch += "diff --git a/new/rate.py b/new/rate.py\nnew file mode 100644\n"
    patch += "--- /dev/null\n+++ b/new/rate.py\n@@ -0,0 +1 @@\n+RATE = 3\n"
    combined = combine([patch], read_from(root))
    assert combined.left_out == ()
    put(root, combined)
    assert not (root / "shop/stock.py").exists()
    assert (root / "new/rate.py").read_text() == "RATE = 3\n"


def test_nothing_is_applied_where_one_file_has_changed(root: Path) -> None:
    patches = [with_context("shop/cart.py", 3, "three"), with_context("shop/stock.py", 5, "five")]
    combined = combine(patches, read_from(root))
    (root / "shop/stock.py").write_text("edited in the meantime\n")
    with pytest.raises(UsageError, match=r"nothing was applied.*stock\.py"):
        put(root, combined)
    assert (root / "shop/cart.py").read_text() == CART


def test_the_first_file_is_put_back_when_the_second_cannot_be_made(root: Path) -> None:
    patches = [with_context("shop/cart.py", 3, "three")]
    patches.append("--- /dev/null\n+++ b/zoo/rate.py\n@@ -0,0 +1 @@\n+RATE = 3\n")
    combined = combine(patches, read_from(root))
    assert combined.left_out == ()
    (root / "zoo").write_text("a file where the folder should be")
    with pytest.raises(UsageError, match="nothing was applied"):
        put(root, combined)
    assert (root / "shop/cart.py").read_text() == CART


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../outside.py", ".git/hooks/pre-commit", "a/../../x"]
)
def test_a_patch_never_leads_out_of_the_working_files(path: str) -> None:
    with pytest.raises(UsageError, match="outside"):
        touched(f"--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-a\n+b\n")


def test_a_temporary_folder_inside_a_repository_does_no_harm(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    combined = combine([with_context("shop/cart.py", 3, "three")], read_from(root))
    assert combined.left_out == ()
    assert "+three" in combined.diff
