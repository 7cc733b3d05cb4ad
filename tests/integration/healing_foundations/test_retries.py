"""Remotes and package indexes that are away for a moment are asked again; others are not."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from paramedic_workers.errors import EnvironmentBuildError, PublishError, RepositoryError
from paramedic_workers.healing.environment import prepare_environment
from paramedic_workers.healing.model import Deadline
from paramedic_workers.resilience.backoff import telling
from paramedic_workers.settings import SandboxMode, TargetSettings
from tests.integration.healing_foundations.conftest import OpenWorkspace
from tests.support.flaky import FlakyServer, flaky_server
from tests.support.repositories import Repository

_BRANCH = "paramedic/0123abcd"


@pytest.fixture
def served(repository: Repository, tmp_path: Path) -> Path:
    """A folder with a bare clone that any web server can serve."""
    bare = tmp_path / "served" / "shop.git"
    repository.git("clone", "--quiet", "--bare", ".", str(bare))
    Repository(bare).git("update-server-info")
    return bare.parent


def test_a_remote_that_fails_twice_is_fetched_and_each_retry_is_told(
    open_workspace: OpenWorkspace, repository: Repository, served: Path
) -> None:
    lines: list[str] = []
    with flaky_server(served, failures=2) as server, telling(lines.append):
        workspace = open_workspace(location=f"{server.url}/shop.git")
    assert workspace.revision == repository.git("rev-parse", "HEAD")
    assert workspace.stale == ""
    assert len(lines) == 2
    assert all("trying again in" in line and "503" in line for line in lines)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_remote_that_refuses_for_good_is_asked_once(
    open_workspace: OpenWorkspace, served: Path, status: int
) -> None:
    lines: list[str] = []
    with flaky_server(served, failures=99) as server, telling(lines.append):
        server.status = status
        with pytest.raises(RepositoryError) as caught:
            open_workspace(location=f"{server.url}/shop.git")
    assert lines == []
    assert not caught.value.transient


def test_a_remote_that_stays_away_is_a_trouble_that_may_pass(
    open_workspace: OpenWorkspace, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    with flaky_server(served, failures=99) as server, pytest.raises(RepositoryError) as caught:
        open_workspace(location=f"{server.url}/shop.git")
    assert caught.value.transient
    assert 99 - server.failures >= 4


def test_a_push_waits_for_the_lock_of_somebody_else(
    open_workspace: OpenWorkspace, repository: Repository
) -> None:
    lock = repository.path / f".git/refs/heads/{_BRANCH}.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    lines: list[str] = []

    def free(line: str) -> None:
        lines.append(line)
        lock.unlink(missing_ok=True)

    workspace = open_workspace()
    with telling(free):
        workspace.publish(_BRANCH, workspace.revision, str(repository.path))
    assert repository.git("rev-parse", _BRANCH) == workspace.revision
    assert len(lines) == 1


def test_a_push_to_a_branch_of_somebody_else_is_not_tried_again(
    open_workspace: OpenWorkspace, repository: Repository
) -> None:
    repository.git("branch", _BRANCH)
    lines: list[str] = []
    workspace = open_workspace("HEAD~1")
    with telling(lines.append), pytest.raises(PublishError) as caught:
        workspace.publish(_BRANCH, workspace.revision, str(repository.path))
    assert (lines, caught.value.transient) == ([], False)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """A package index that has one distribution, which calls itself pytest."""
    folder = tmp_path / "index"
    wheel = folder / "files" / "pytest-1.0-py3-none-any.whl"
    wheel.parent.mkdir(parents=True)
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("pytest.py", "")
        metadata = "Metadata-Version: 2.1\nName: pytest\nVersion: 1.0\n"
        archive.writestr("pytest-1.0.dist-info/METADATA", metadata)
        tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr("pytest-1.0.dist-info/WHEEL", tags)
        archive.writestr("pytest-1.0.dist-info/RECORD", "pytest.py,,\n")
    page = folder / "pytest" / "index.html"
    page.parent.mkdir()
    page.write_text(f'<a href="../files/{wheel.name}">{wheel.name}</a>')
    return folder


def _prepare(server: FlakyServer, tree: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", server.url)
    monkeypatch.delenv("UV_OFFLINE", raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "UV_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    prepare_environment(
        TargetSettings(name="shop", repository=str(tree), sandbox=SandboxMode.OFF),
        tree,
        data=data,
        deadline=Deadline.after(300),
    )


def test_a_package_index_that_is_away_is_asked_again(
    repository: Repository, index: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")  # else uv itself asks four times
    lines: list[str] = []
    with flaky_server(index, failures=1) as server, telling(lines.append):
        _prepare(server, repository.path, data, monkeypatch)
    assert len(lines) == 1
    assert "trying again in" in lines[0]


def test_a_distribution_that_is_nowhere_is_not_looked_for_again(
    repository: Repository, index: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.write({"requirements.txt": "no-such-distribution-anywhere==1.0\n"})
    lines: list[str] = []
    with (
        flaky_server(index) as server,
        telling(lines.append),
        pytest.raises(EnvironmentBuildError, match="no-such-distribution-anywhere") as caught,
    ):
        _prepare(server, repository.path, data, monkeypatch)
    assert (lines, caught.value.transient) == ([], False)
