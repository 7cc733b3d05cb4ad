"""What tests of the foundations share: a small repository, sandboxes, an environment."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from paramedic_workers.healing import interpreters
from paramedic_workers.healing.chain import Limits
from paramedic_workers.healing.environment import TargetEnvironment
from paramedic_workers.healing.model import Deadline
from paramedic_workers.healing.pytest_runner import PytestRunner
from paramedic_workers.healing.sandbox import Sandbox
from paramedic_workers.healing.workspace import Workspace
from paramedic_workers.settings import SandboxMode, TargetSettings
from tests.support.repositories import Repository, make_repository

#: A program that is nowhere: for a machine without bubblewrap.
NO_BUBBLEWRAP = "no-bubblewrap-here"

WITH_AND_WITHOUT_BUBBLEWRAP = [
    pytest.param(
        "bwrap",
        marks=[
            pytest.mark.needs_bwrap,
            pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is not installed"),
        ],
        id="bubblewrap",
    ),
    pytest.param(NO_BUBBLEWRAP, id="without"),
]

MakeSandbox = Callable[..., Sandbox]
OpenWorkspace = Callable[..., Workspace]


@pytest.fixture(params=WITH_AND_WITHOUT_BUBBLEWRAP)
def make_sandbox(request: pytest.FixtureRequest) -> MakeSandbox:
    """Makes sandboxes with these limits, with and without bubblewrap."""

    def make(**limits: int) -> Sandbox:
        mode = SandboxMode.PREFERRED
        return Sandbox(mode, limits=Limits(**limits), bubblewrap=request.param)

    return make


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository with two commits: `add` was right, then it was broken."""
    files = {
        "shop/__init__.py": "",
        "shop/sums.py": "def add(a, b):\n    return a + b\n",
        "tests/test_sums.py": "from shop.sums import add\n\n\ndef test_add():\n"
        "    assert add(2, 2) == 4\n    assert add(2, 3) == 5\n",
        ".gitignore": "*.log\n",
    }
    repository = make_repository(tmp_path / "shop", files)
    repository.commit({"shop/sums.py": "def add(a, b):\n    return a - b\n"}, "Break add")
    return repository


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory that does not exist yet."""
    return tmp_path / "data"


@pytest.fixture
def open_workspace(repository: Repository, data: Path) -> Iterator[OpenWorkspace]:
    """Opens workspaces of the repository; all are closed at the end."""
    opened: list[Workspace] = []

    def open_one(
        revision: str | None = None,
        *,
        location: str | None = None,
        checkout: Path | None = None,
        seconds: float = 60,
        **settings: object,
    ) -> Workspace:
        location = location or str(repository.path)
        target = TargetSettings(name="shop", repository=location, **settings)  # type: ignore[arg-type]  # test data
        deadline = Deadline.after(seconds)
        workspace = Workspace.open(
            target, data=data, revision=revision, checkout=checkout, deadline=deadline
        )
        opened.append(workspace)
        return workspace

    yield open_one
    for workspace in opened:
        workspace.close()


@pytest.fixture(scope="session")
def environment() -> TargetEnvironment:
    """The present interpreter, as an environment of a target."""
    found = interpreters.current()
    return TargetEnvironment(
        python=found.python, description="here", readable=found.readable, sources=("src", ".")
    )


@pytest.fixture
def runner(make_sandbox: MakeSandbox, environment: TargetEnvironment) -> PytestRunner:
    """Runs tests with and without bubblewrap; loads no plug-ins but the probe, to be quick."""
    return quick_runner(environment, make_sandbox())


def quick_runner(
    environment: TargetEnvironment, sandbox: Sandbox, **settings: object
) -> PytestRunner:
    """A runner that loads no plug-ins that happen to be installed here."""
    variables = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    target = TargetSettings(repository="x", environment=variables, **settings)  # type: ignore[arg-type]  # test data
    return PytestRunner(target, environment, sandbox)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """An empty folder for working files."""
    folder = tmp_path / "tree"
    folder.mkdir()
    return folder


def processes_with(text: str) -> list[str]:
    """Command lines of living processes that hold this text."""
    listed = subprocess.run(
        ["ps", "-ewwo", "stat=,args="], capture_output=True, text=True, check=True
    )
    lines = [line for line in listed.stdout.splitlines() if text in line]
    return [line for line in lines if not line.startswith("Z")]


def python_that(code: str) -> list[str]:
    """The command that runs this code with the present interpreter's base."""
    return [str(interpreters.base_executable()), "-c", code]
