"""Files of a tree that target code may have rewritten: no link is ever followed."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

from paramedic_workers.errors import HealerError
from paramedic_workers.healing import trees


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file that must never be read or changed."""
    file = tmp_path / "outside" / "secret.py"
    file.parent.mkdir()
    file.write_text("secret")
    return file


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with one package."""
    (tmp_path / "tree" / "pkg").mkdir(parents=True)
    (tmp_path / "tree" / "pkg" / "a.py").write_text("a = 1\n")
    return tmp_path / "tree"


def test_a_file_is_written_with_the_folders_it_needs(root: Path) -> None:
    trees.write_file(root, "new/deep/b.py", b"b", 0o644)
    assert trees.read_file(root, "new/deep/b.py") == (b"b", 0o644)


def test_a_link_in_place_of_a_folder_is_not_followed(root: Path, outside: Path) -> None:
    (root / "pkg" / "a.py").unlink()
    (root / "pkg").rmdir()
    (root / "pkg").symlink_to(outside.parent)
    for attempt in (
        partial(trees.read_file, root, "pkg/secret.py"),
        partial(trees.write_file, root, "pkg/secret.py", b"broken", 0o644),
        partial(trees.delete_file, root, "pkg/secret.py"),
    ):
        with pytest.raises(HealerError, match="fresh working tree"):
            attempt()
    assert outside.read_text() == "secret"


def test_a_link_in_place_of_a_file_is_not_read_and_is_replaced(root: Path, outside: Path) -> None:
    (root / "pkg" / "a.py").unlink()
    (root / "pkg" / "a.py").symlink_to(outside)
    with pytest.raises(HealerError):
        trees.read_file(root, "pkg/a.py")
    trees.write_file(root, "pkg/a.py", b"ours", 0o644)
    assert outside.read_text() == "secret"
    assert not (root / "pkg" / "a.py").is_symlink()


def test_a_pipe_in_place_of_a_file_does_not_hang(root: Path) -> None:
    os.mkfifo(root / "pipe.py")
    with pytest.raises(HealerError):
        trees.read_file(root, "pipe.py")


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", ".git/hooks/x", "", "a/../../x"])
def test_names_outside_the_tree_are_refused(root: Path, name: str) -> None:
    with pytest.raises(HealerError, match="inside the working tree"):
        trees.write_file(root, name, b"", 0o644)


def test_deleting_the_last_file_of_a_folder_removes_the_folder(root: Path) -> None:
    trees.delete_file(root, "pkg/a.py")
    assert list(root.iterdir()) == []


def test_a_tree_that_nobody_may_enter_is_removed(root: Path) -> None:
    (root / "pkg").chmod(0)
    root.chmod(0o500)
    trees.remove_tree(root)
    assert not root.exists()
    trees.remove_tree(root)
