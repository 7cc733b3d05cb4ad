"""`paramedic heal .`: working files are healed as they are, and the checkout is only read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from paramedic_workers.errors import RepositoryError
from paramedic_workers.healing.snapshot import Checkout
from paramedic_workers.healing.workspace import Workspace
from tests.integration.healing_foundations.conftest import OpenWorkspace
from tests.support.repositories import Repository, make_repository


def _files(workspace: Workspace) -> dict[str, str]:
    root = workspace.checkout(workspace.revision)
    files = (f for f in root.rglob("*") if f.is_file() and f.name != ".git")
    return {str(f.relative_to(root)): f.read_text() for f in files}


def _everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file with its time of change, those of git included."""
    files = (f for f in folder.rglob("*") if f.is_file() and not f.is_symlink())
    return {str(f): (f.stat().st_mtime_ns, f.read_bytes()) for f in files}


def test_a_clean_checkout_is_its_commit(
    open_workspace: OpenWorkspace, repository: Repository
) -> None:
    workspace = open_workspace(checkout=repository.path)
    assert workspace.revision == workspace.base == repository.git("rev-parse", "HEAD")
    assert not workspace.dirty


def test_changes_deletions_and_unknown_files_are_healed_and_nothing_is_written(
    open_workspace: OpenWorkspace, repository: Repository
) -> None:
    repository.write({"shop/staged.py": "staged\n", "shop/sums.py": "changed\n"})
    repository.git("add", "shop/staged.py")
    repository.write({"shop/new ü.py": "new\n", "noise.log": "ignored", "private/x.py": "hidden"})
    repository.path.joinpath(".git/info").mkdir(exist_ok=True)
    repository.write({".git/info/exclude": "private/\n"})
    (repository.path / "shop/__init__.py").unlink()
    state, everything = repository.state(), _everything(repository.path)
    workspace = open_workspace(checkout=repository.path / "tests")
    assert workspace.dirty
    assert workspace.base == repository.git("rev-parse", "HEAD") != workspace.revision
    files = _files(workspace)
    assert set(files) == {
        ".gitignore",
        "shop/sums.py",
        "shop/staged.py",
        "shop/new ü.py",
        "tests/test_sums.py",
    }
    assert files["shop/sums.py"] == "changed\n"
    assert workspace.history.ancestors(workspace.revision, 1) == [workspace.base]
    workspace.close()
    assert _everything(repository.path) == everything
    assert repository.state() == state


def test_a_folder_that_became_a_file_or_a_link_is_followed(
    open_workspace: OpenWorkspace, repository: Repository, tmp_path: Path
) -> None:
    repository.commit({"a/one.py": "1", "b/two.py": "2", "c": "3"})
    for name in ("a/one.py", "b/two.py", "c"):
        (repository.path / name).unlink()
    (repository.path / "a").rmdir()
    (repository.path / "b").rmdir()
    repository.write({"a": "now a file\n", "c/three.py": "now a folder\n"})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/two.py").write_text("not ours")
    (repository.path / "b").symlink_to(tmp_path / "elsewhere")
    workspace = open_workspace(checkout=repository.path)
    root = workspace.checkout(workspace.revision)
    assert (root / "a").read_text() == "now a file\n"
    assert (root / "c/three.py").exists()
    assert (root / "b").is_symlink()


def test_linked_detached_and_shallow_checkouts_can_be_healed(
    open_workspace: OpenWorkspace, repository: Repository, tmp_path: Path
) -> None:
    linked = Repository(tmp_path / "linked")
    repository.git("worktree", "add", "--quiet", "--detach", str(linked.path), "HEAD~1")
    linked.write({"shop/more.py": "x"})
    workspace = open_workspace(checkout=linked.path)
    assert workspace.base == repository.git("rev-parse", "HEAD~1")
    assert "shop/more.py" in _files(workspace)
    shallow = Repository(tmp_path / "shallow")
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.path}", str(shallow.path))
    shallow.write({"shop/more.py": "x"})
    workspace = open_workspace(checkout=shallow.path)
    assert "shop/more.py" in _files(workspace)
    assert workspace.history.ancestors(workspace.base, 5) == []


def test_files_outside_a_sparse_checkout_are_not_deletions(
    open_workspace: OpenWorkspace, repository: Repository
) -> None:
    repository.git("sparse-checkout", "set", "shop")
    assert not (repository.path / "tests").exists()
    workspace = open_workspace(checkout=repository.path)
    assert not workspace.dirty
    assert "tests/test_sums.py" in _files(workspace)


def test_a_named_revision_of_a_checkout_leaves_its_changes_out(
    open_workspace: OpenWorkspace, repository: Repository
) -> None:
    repository.git("branch", "old", "HEAD~1")
    repository.write({"shop/sums.py": "changed\n"})
    workspace = open_workspace("old", checkout=repository.path)
    assert workspace.revision == repository.git("rev-parse", "old")
    assert not workspace.dirty


def test_hooks_monitors_and_filters_of_the_checkout_do_not_run(
    open_workspace: OpenWorkspace, repository: Repository, tmp_path: Path
) -> None:
    witness = tmp_path / "ran"
    for setting in ("core.fsmonitor", "filter.f.clean", "filter.f.smudge", "diff.external"):
        repository.git("config", setting, f"sh -c 'touch {witness}; cat'")
    repository.write({".gitattributes": "* filter=f\n", "shop/sums.py": "changed\n"})
    witness.unlink(missing_ok=True)
    workspace = open_workspace(checkout=repository.path)
    assert _files(workspace)["shop/sums.py"] == "changed\n"
    assert not witness.exists()


def test_what_is_no_checkout_is_one_clear_line(tmp_path: Path, repository: Repository) -> None:
    bare = make_repository(tmp_path / "source", {"a": ""})
    bare.git("clone", "--quiet", "--bare", str(bare.path), str(tmp_path / "bare.git"))
    (tmp_path / "plain").mkdir()
    expected = {
        "plain": "is not inside a git repository",
        "nowhere": "There is no folder",
        "bare.git": "is a bare repository",
    }
    for name, message in expected.items():
        with pytest.raises(RepositoryError, match=message) as caught:
            Checkout.at(tmp_path / name)
        assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of another user")
def test_a_repository_of_another_user_is_refused_with_the_remedy(
    open_workspace: OpenWorkspace, repository: Repository
) -> None:
    for path in (repository.path, *repository.path.rglob("*")):
        os.lchown(path, 4242, 4242)
    for arguments in ({"checkout": repository.path}, {"location": str(repository.path)}):
        with pytest.raises(RepositoryError, match="belongs to another user") as caught:
            open_workspace(**arguments)
        assert "safe.directory" in caught.value.remedy
