"""The tools that a heal works with, in one place, so that tests can put in others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from paramedic_workers.healing.environment import TargetEnvironment, prepare_environment
from paramedic_workers.healing.model import (
    Checkouts,
    Deadline,
    HealRequest,
    History,
    Launcher,
    Strategy,
    TestRunner,
)
from paramedic_workers.healing.pytest_runner import PytestRunner
from paramedic_workers.healing.sandbox import Sandbox
from paramedic_workers.healing.strategies import find_strategy
from paramedic_workers.healing.workspace import Workspace
from paramedic_workers.settings import TargetSettings


class HealWorkspace(Checkouts, Protocol):
    """What a heal needs of a workspace; see `workspace.Workspace`."""

    #: Full id of the commit that is healed.
    revision: str
    #: Whether that commit holds uncommitted changes of a checkout.
    dirty: bool

    @property
    def history(self) -> History:
        """The target's history."""
        ...

    @property
    def unsupported(self) -> Sequence[str]:
        """Contents that are not fetched, by name."""
        ...

    @property
    def stale(self) -> str:
        """Why an earlier copy of the repository is used; empty where it was reached."""
        ...

    def main_revision(self) -> str:
        """The full id of the newest commit of the target's main branch."""
        ...

    def apply(self, root: Path, diff: str) -> None:
        """Change the files of a working tree as the diff says."""
        ...

    def diff_of_checkout(self, root: Path) -> str:
        """The diff from the commit of a working tree to its files."""
        ...

    def commit(self, diff: str, message: str) -> str:
        """The id of a commit with the diff on top of the revision."""
        ...

    def publish(self, branch: str, commit: str, remote: str) -> None:
        """Put a commit on a branch of a remote."""
        ...

    def __enter__(self) -> Self:
        """Itself."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Delete every working tree."""
        ...


@dataclass(frozen=True, kw_only=True)
class Tools:
    """How a heal gets its workspace, its environment, its processes and its strategies."""

    #: Fetches the target: request, data directory, deadline.
    open_workspace: Callable[[HealRequest, Path, Deadline], HealWorkspace]
    #: Starts the target's processes, in the sandbox its settings ask for.
    launcher: Callable[[TargetSettings], Launcher]
    #: Builds or finds the target's environment: request, working tree, data, deadline.
    environment: Callable[[HealRequest, Path, Path, Deadline], TargetEnvironment]
    runner: Callable[[TargetSettings, TargetEnvironment, Launcher], TestRunner]
    #: Finds a strategy by name.
    strategy: Callable[[str], Strategy]


def real_tools() -> Tools:
    """The tools that every heal outside of tests works with."""
    return Tools(
        open_workspace=_open_workspace,
        launcher=_launcher,
        environment=_environment,
        runner=PytestRunner,
        strategy=find_strategy,
    )


def _open_workspace(request: HealRequest, data: Path, deadline: Deadline) -> HealWorkspace:
    return Workspace.open(
        request.target,
        data=data,
        revision=request.revision,
        checkout=request.checkout,
        deadline=deadline,
    )


def _launcher(target: TargetSettings) -> Launcher:
    sandbox = Sandbox.of(target)
    sandbox.check()
    return sandbox


def _environment(
    request: HealRequest, root: Path, data: Path, deadline: Deadline
) -> TargetEnvironment:
    return prepare_environment(
        request.target,
        root,
        data=data,
        launcher=Sandbox.of(request.target),
        checkout=request.checkout,
        deadline=deadline,
    )
