"""A workspace: clone cache, working trees and history; the user's repository stays as it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from paramedic_workers.errors import HealerError, Phase, RepositoryError
from paramedic_workers.healing.patching import PatchRefused
from tests.integration.healing_foundations.conftest import OpenWorkspace
from tests.support.repositories import Repository, make_repository

_FIX = """--- a/shop/sums.py
+++ b/shop/sums.py
@@ -1,2 +1,2 @@
 def add(a, b):
-    return a - b
+    return a + b
"""


def test_a_working_tree_has_the_files_of_its_revision(
    open_workspace: OpenWorkspace, repository: Repository
) -> None:
    before = repository.state()
    workspace = open_workspace()
    assert workspace.revision == repository.git("rev-parse", "HEAD") == workspace.main_revision()
    now, then = workspace.checkout("HEAD"), workspace.checkout("HEAD~1")
    assert "a - b" in (now / "shop/sums.py").read_text()
    assert "a + b" in (then / "shop/sums.py").read_text()
    workspace.discard(then)
    assert not then.exists()
    workspace.close()
    assert not now.exists()
    assert repository.state() == before


@pytest.mark.parametrize(
    "revision",
    ["nothing", "--help", "-n1", "$(id)", "a b", "x\0y", "HEAD~9", "0" * 40, "HEAD:shop"],
)
def test_a_revision_that_does_not_exist_is_one_clear_line(
    open_workspace: OpenWorkspace, revision: str
) -> None:
    with pytest.raises(RepositoryError, match="There is no revision") as caught:
        open_workspace(revision)
    assert "\n" not in str(caught.value)
    assert caught.value.remedy
    assert caught.value.phase is Phase.PREPARE


def test_branches_tags_and_commits_of_detached_heads_are_found(
    open_workspace: OpenWorkspace, repository: Repository
) -> None:
    repository.git("tag", "-a", "v1", "HEAD~1", "-m", "one")
    repository.git("checkout", "--quiet", "--detach")
    lonely = repository.commit({"new.py": ""}, "On no branch")
    repository.git("checkout", "--quiet", "main")
    assert open_workspace("v1").revision == repository.git("rev-parse", "HEAD~1")
    assert open_workspace("main").revision == repository.git("rev-parse", "HEAD")
    assert open_workspace(lonely).revision == lonely


def test_what_is_no_usable_repository_is_one_clear_line(
    open_workspace: OpenWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)  # before retries
    (tmp_path / "plain").mkdir()
    empty = Repository(tmp_path / "empty")
    empty.path.mkdir()
    empty.git("init", "--quiet")
    expected = {
        "nowhere": "There is no repository at",
        "plain": "is not a git repository",
        "empty": "has no commits",
    }
    for name, message in expected.items():
        with pytest.raises(RepositoryError, match=message) as caught:
            open_workspace(location=str(tmp_path / name))
        assert "\n" not in str(caught.value)
    with pytest.raises(RepositoryError):
        open_workspace(location="ext::sh -c 'touch /tmp/ran-by-git'")
    with pytest.raises(RepositoryError) as unreachable:
        open_workspace(location="http://user:hunter2@127.0.0.1:1/x.git")
    assert "hunter2" not in str(unreachable.value)


def test_a_repository_that_is_away_is_replaced_by_its_earlier_copy(
    open_workspace: OpenWorkspace, repository: Repository, tmp_path: Path
) -> None:
    first = open_workspace()
    assert first.stale == ""
    (repository.path / ".git").rename(tmp_path / "away")
    again = open_workspace(first.revision)
    assert again.revision == first.revision
    assert "cannot be reached" in again.stale
    with pytest.raises(RepositoryError, match="no revision"):
        open_workspace("newer")


@pytest.mark.parametrize("damage", ["objects", "HEAD", "config", "half", "locks"])
def test_a_broken_clone_is_made_anew(
    open_workspace: OpenWorkspace, data: Path, repository: Repository, damage: str
) -> None:
    open_workspace().close()
    (clone,) = (data / "clones").glob("*.git")
    match damage:
        case "objects":
            for pack in (clone / "objects").glob("??/*"):
                pack.unlink()
            for pack in (clone / "objects/pack").glob("*"):
                pack.chmod(0o644)
                pack.write_bytes(b"")
        case "half":
            shutil.rmtree(clone)
            clone.mkdir()
            (clone / "objects").mkdir()
        case "locks":
            (clone / "packed-refs.lock").write_text("")
            (clone / "HEAD.lock").write_text("")
        case file:
            (clone / file).write_text("]broken[")
    repository.commit({"shop/new.py": "x = 1\n"})
    workspace = open_workspace()
    assert (workspace.checkout("HEAD") / "shop/new.py").exists()


def test_the_history_can_be_asked(open_workspace: OpenWorkspace, repository: Repository) -> None:
    newest = repository.commit({"README": "x"}, "Write a README")
    broken, first = repository.git("rev-parse", "HEAD~1", "HEAD~2").split()
    history = open_workspace().history
    assert history.ancestors(newest, 10) == [broken, first]
    assert history.ancestors(newest, 1) == [broken]
    assert history.ancestors(newest, 0) == []
    assert history.is_ancestor(first, newest)
    assert not history.is_ancestor(newest, first)
    assert history.subject(broken) == "Break add"
    with pytest.raises(RepositoryError):
        history.resolve("--all")


def test_recent_changes_are_lines_of_python_files(
    open_workspace: OpenWorkspace, repository: Repository
) -> None:
    repository.commit({"README": "x", "shop/more.py": "a = 1\nb = 2\n"}, "Add more")
    newest = repository.commit({"shop/more.py": "c = 0\na = 1\nb = 2\n"}, "Add c")
    history = open_workspace().history
    everything = {"shop/sums.py": frozenset({2}), "shop/more.py": frozenset({1, 2, 3})}
    assert history.recent_changes(newest, 10) == everything
    assert history.recent_changes(newest, 1) == {"shop/more.py": frozenset({1})}
    assert history.recent_changes(repository.git("rev-parse", "HEAD~3"), 5) == {}
    assert history.recent_changes("no-such-revision", 5) == {}


def test_a_commit_is_taken_back_on_top_of_later_ones(
    open_workspace: OpenWorkspace, repository: Repository
) -> None:
    culprit = repository.git("rev-parse", "HEAD")
    repository.commit({"README": "x"}, "Write a README")
    before = repository.state()
    workspace = open_workspace()
    diff = workspace.history.revert_diff(culprit, workspace.revision)
    assert diff is not None
    root = workspace.checkout("HEAD")
    workspace.apply(root, diff)
    assert "a + b" in (root / "shop/sums.py").read_text()
    assert repository.state() == before


def test_taking_back_gives_up_where_it_conflicts_or_changes_nothing(
    open_workspace: OpenWorkspace, repository: Repository
) -> None:
    culprit = repository.git("rev-parse", "HEAD")
    repository.commit({"shop/sums.py": "def add(a, b):\n    return b - a\n"})
    assert open_workspace().history.revert_diff(culprit, "HEAD") is None
    repository.commit({"shop/sums.py": "def add(a, b):\n    return a + b\n"})
    assert open_workspace().history.revert_diff(culprit, "HEAD") is None


def test_the_merge_of_a_branch_is_taken_back_as_a_whole(
    open_workspace: OpenWorkspace, repository: Repository
) -> None:
    repository.git("checkout", "--quiet", "-b", "side")
    repository.commit({"side.py": "x = 1\n"})
    repository.git("checkout", "--quiet", "main")
    repository.commit({"main.py": "y = 1\n"})
    repository.git("merge", "--quiet", "--no-ff", "-m", "Merge side", "side")
    diff = open_workspace().history.revert_diff("HEAD", "HEAD")
    assert diff is not None
    assert "side.py" in diff
    assert "main.py" not in diff


def test_a_diff_is_applied_wholly_or_not_at_all(open_workspace: OpenWorkspace) -> None:
    workspace = open_workspace()
    root = workspace.checkout("HEAD")
    bad = _FIX + "--- a/tests/test_sums.py\n+++ b/tests/test_sums.py\n@@ -1 +1 @@\n-no\n+yes\n"
    with pytest.raises(PatchRefused, match=r"does not apply.*tests/test_sums\.py"):
        workspace.apply(root, bad)
    assert workspace.diff_of_checkout(root) == ""
    workspace.apply(root, _FIX)
    assert "+    return a + b" in workspace.diff_of_checkout(root)
    with pytest.raises(PatchRefused):
        workspace.apply(root, _FIX)
    with pytest.raises(HealerError, match="inside the working tree"):
        workspace.apply(root, _FIX.replace("shop/sums.py", "../../escaped.py"))


def test_files_are_added_deleted_and_made_executable(open_workspace: OpenWorkspace) -> None:
    workspace = open_workspace()
    one, other = workspace.checkout("HEAD"), workspace.checkout("HEAD")
    (one / "shop/new file.py").write_text("x = 'ü'\n")
    (one / "shop/__init__.py").write_bytes(b"no newline\xff")
    (one / "tests/test_sums.py").unlink()
    (one / "shop/sums.py").chmod(0o755)
    (one / "noise.log").write_text("ignored")
    diff = workspace.diff_of_checkout(one)
    assert "noise.log" not in diff
    workspace.apply(other, diff)
    assert workspace.diff_of_checkout(other) == diff
    assert (other / "shop/sums.py").stat().st_mode & 0o111
    commit = workspace.commit(diff, "Do it all\n")
    assert workspace.diff_of_checkout(workspace.checkout(commit)) == ""


def test_git_never_runs_what_target_code_left_in_a_tree(
    open_workspace: OpenWorkspace, tmp_path: Path
) -> None:
    workspace = open_workspace()
    root = workspace.checkout("HEAD")
    trap = make_repository(tmp_path / "trap", {"x": ""})
    witness = tmp_path / "ran"
    trap.git("config", "core.fsmonitor", f"touch {witness};false")
    hook = trap.path / ".git/hooks/post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {witness}\n")
    hook.chmod(0o755)
    (root / ".git").unlink()
    shutil.copytree(trap.path / ".git", root / ".git")
    shutil.copytree(trap.path, root / "shop/inner")
    (root / ".gitattributes").write_text("*.py filter=evil diff=evil\n")
    workspace.apply(root, _FIX)
    assert "a + b" in workspace.diff_of_checkout(root)
    workspace.discard(root)
    assert not witness.exists()
    assert not root.exists()


def test_submodules_and_lfs_files_are_named(
    open_workspace: OpenWorkspace, repository: Repository, tmp_path: Path
) -> None:
    assert open_workspace().unsupported == ()
    library = make_repository(tmp_path / "library", {"lib.py": ""})
    repository.git(
        "-c", "protocol.file.allow=always", "submodule", "add", str(library.path), "vendor/lib"
    )
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"
    repository.commit({".gitattributes": "*.bin filter=lfs -text\n", "big.bin": pointer})
    workspace = open_workspace()
    assert workspace.unsupported == ("submodule vendor/lib", "Git LFS file big.bin")
    assert (workspace.checkout("HEAD") / "big.bin").read_text() == pointer
