"""A proven patch goes on one branch of the remote, and nothing else there changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from paramedic_workers.errors import PublishError
from tests.integration.healing_foundations.conftest import OpenWorkspace
from tests.support.repositories import Repository

_BRANCH = "paramedic/0123abcd"


def _patch(line: str) -> str:
    return (
        "--- a/shop/sums.py\n+++ b/shop/sums.py\n@@ -1,2 +1,2 @@\n def add(a, b):\n"
        f"-    return a - b\n+    {line}\n"
    )


@pytest.fixture
def bare(repository: Repository, tmp_path: Path) -> Repository:
    """A bare remote."""
    repository.git("clone", "--quiet", "--bare", ".", str(tmp_path / "remote.git"))
    return Repository(tmp_path / "remote.git")


def test_a_branch_with_one_commit_appears_in_the_users_repository_and_nothing_else_changes(
    open_workspace: OpenWorkspace, repository: Repository
) -> None:
    repository.git("config", "receive.denyCurrentBranch", "updateInstead")
    hook = repository.path / ".git/hooks/post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch hook-ran\n")
    hook.chmod(0o755)
    repository.git("config", "core.alternateRefsCommand", f"touch {repository.path}/hook-ran;")
    before = repository.state()
    workspace = open_workspace()
    commit = workspace.commit(_patch("return a + b"), "Add again\n")
    workspace.publish(_BRANCH, commit, str(repository.path))
    assert repository.git("rev-parse", _BRANCH) == commit
    assert repository.git("rev-list", f"main..{_BRANCH}") == commit
    assert repository.git("diff", "--stat", f"main..{_BRANCH}").endswith("1 deletion(-)")
    workspace.publish(_BRANCH, commit, str(repository.path))
    repository.git("branch", "--delete", "--force", _BRANCH)
    assert repository.state() == before


def test_our_own_branch_is_replaced(open_workspace: OpenWorkspace, bare: Repository) -> None:
    workspace = open_workspace()
    first = workspace.commit(_patch("return a + b"), "One\n")
    second = workspace.commit(_patch("return b + a"), "Two\n")
    workspace.publish(_BRANCH, first, str(bare.path))
    workspace.publish(_BRANCH, second, str(bare.path))
    assert bare.git("rev-parse", _BRANCH) == second


def test_what_a_person_has_added_to_our_branch_is_kept(
    open_workspace: OpenWorkspace, bare: Repository, tmp_path: Path
) -> None:
    workspace = open_workspace()
    commit = workspace.commit(_patch("return a + b"), "One\n")
    workspace.publish(_BRANCH, commit, str(bare.path))
    bare.git("clone", "--quiet", "--branch", _BRANCH, ".", str(tmp_path / "person"))
    person = Repository(tmp_path / "person")
    theirs = person.commit({"shop/sums.py": "better"}, "Improve it")
    person.git("push", "--quiet", "origin", "HEAD")
    other = workspace.commit(_patch("return b + a"), "Two\n")
    with pytest.raises(PublishError, match=r"author@example\.com"):
        workspace.publish(_BRANCH, other, str(bare.path))
    assert bare.git("rev-parse", _BRANCH) == theirs


@pytest.mark.parametrize("branch", ["main", "paramedic/../main", "paramedic/", "--mirror", ""])
def test_other_branches_are_never_written(
    open_workspace: OpenWorkspace, bare: Repository, branch: str
) -> None:
    before = bare.git("for-each-ref")
    workspace = open_workspace()
    with pytest.raises(PublishError, match="is not a branch below"):
        workspace.publish(branch, workspace.revision, str(bare.path))
    assert bare.git("for-each-ref") == before


def test_a_branch_that_is_checked_out_is_left_alone(
    open_workspace: OpenWorkspace, repository: Repository
) -> None:
    repository.git("checkout", "--quiet", "-b", _BRANCH)
    before = repository.state()
    workspace = open_workspace("main")
    commit = workspace.commit(_patch("return a + b"), "One\n")
    with pytest.raises(PublishError, match="checked out"):
        workspace.publish(_BRANCH, commit, str(repository.path))
    assert repository.state() == before


def test_a_remote_that_is_away_is_an_error_without_credentials(
    open_workspace: OpenWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)  # before retries
    workspace = open_workspace()
    with pytest.raises(PublishError) as caught:
        workspace.publish(_BRANCH, workspace.revision, "http://me:hunter2@127.0.0.1:1/x.git")
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)
