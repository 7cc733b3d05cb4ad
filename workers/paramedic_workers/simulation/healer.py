"""The real healer, whose tools let faults strike in each phase."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Self, cast

from paramedic_workers.healing.environment import TargetEnvironment
from paramedic_workers.healing.healer import Healer
from paramedic_workers.healing.model import (
    Case,
    Deadline,
    HealReport,
    HealRequest,
    Launcher,
    ProgressCallback,
    RunReport,
    Strategy,
    StrategyReport,
    TestRunner,
)
from paramedic_workers.healing.pytest_runner import PytestRunner
from paramedic_workers.healing.strategies import find_strategy
from paramedic_workers.healing.tools import HealWorkspace, Tools, real_tools
from paramedic_workers.healing.workspace import Workspace
from paramedic_workers.settings import TargetSettings
from paramedic_workers.simulation.acts import Striker
from paramedic_workers.simulation.faults import Place


@dataclass(frozen=True, kw_only=True)
class SimulatedHealer:
    """Heals as ever, unless a fault strikes."""

    data: Path
    progress: ProgressCallback
    striker: Striker

    def heal(self, request: HealRequest) -> HealReport:
        """The report of the real healer.

        Raises:
            BaseException: a fault strikes outside of every phase.
        """
        self.striker.strike(request.target.name, Place.OUTSIDE)
        tools = tools_with_faults(self.striker)
        return Healer(data=self.data, progress=self.progress, tools=tools).heal(request)


def tools_with_faults(striker: Striker) -> Tools:
    """The real tools, with a place for faults in each phase."""

    def open_workspace(request: HealRequest, data: Path, deadline: Deadline) -> HealWorkspace:
        striker.strike(request.target.name, Place.PREPARE)
        opened = SimulatedWorkspace.open(
            request.target,
            data=data,
            revision=request.revision,
            checkout=request.checkout,
            deadline=deadline,
        )
        workspace = cast("SimulatedWorkspace", opened)
        workspace.striker = striker
        return workspace

    def runner(
        target: TargetSettings, environment: TargetEnvironment, launcher: Launcher
    ) -> TestRunner:
        real = PytestRunner(target, environment, launcher)
        return SimulatedRunner(real=real, target=target.name, striker=striker)

    def strategy(name: str) -> Strategy:
        return SimulatedStrategy(real=find_strategy(name), name=name, striker=striker)

    return replace(real_tools(), open_workspace=open_workspace, runner=runner, strategy=strategy)


class SimulatedWorkspace(Workspace):
    """A workspace; faults of `publish` strike when a branch is pushed."""

    striker: Striker

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def publish(self, branch: str, commit: str, remote: str) -> None:
        """Put a commit on a branch of a remote."""
        self.striker.strike(self._target.name, Place.PUBLISH)
        super().publish(branch, commit, remote)


@dataclass(kw_only=True)
class SimulatedRunner:
    """Runs tests; faults of `reproduce`, `diagnose` and `verify` strike before a run.

    Failing tests are run by name until they are reproduced; the first run of the whole
    suite belongs to the diagnosis, each later one to a proof.
    """

    __test__: ClassVar[bool] = False

    real: TestRunner
    target: str
    striker: Striker
    _whole_runs: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(
        self,
        root: Path,
        tests: Sequence[str] = (),
        *,
        timeout: float,
        hash_seed: int = 0,
        coverage: bool = False,
        stop_at_first_failure: bool = False,
    ) -> RunReport:
        """Run these tests (all, where none is named) of the working files at `root`."""
        place = self._place(tests)
        if place is not None:
            self.striker.strike(self.target, place)
        return self.real.run(
            root,
            tests,
            timeout=timeout,
            hash_seed=hash_seed,
            coverage=coverage,
            stop_at_first_failure=stop_at_first_failure,
        )

    def _place(self, tests: Sequence[str]) -> Place | None:
        with self._lock:
            if tests:
                return None if self._whole_runs else Place.REPRODUCE
            self._whole_runs += 1
            return Place.DIAGNOSE if self._whole_runs == 1 else Place.VERIFY


@dataclass(kw_only=True)
class SimulatedStrategy:
    """A strategy; faults of `repair` strike before it begins."""

    real: Strategy
    name: str
    striker: Striker

    def attempt(self, case: Case) -> StrategyReport:
        """Look for patches within the case's deadline."""
        self.striker.strike(case.target.name, Place.REPAIR)
        return self.real.attempt(case)
