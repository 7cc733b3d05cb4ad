"""Where trials are run: the private clone, its working trees, and environments by commit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from paramedic_workers.errors import EnvironmentBuildError
from paramedic_workers.healing import trees
from paramedic_workers.healing.clones import Clone, Source
from paramedic_workers.healing.dependencies import read_dependencies
from paramedic_workers.healing.environment import TargetEnvironment, prepare_environment
from paramedic_workers.healing.git import Git
from paramedic_workers.healing.model import Deadline, RunReport
from paramedic_workers.healing.pytest_runner import PytestRunner
from paramedic_workers.healing.sandbox import Sandbox
from paramedic_workers.healing.workspace import Workspace
from paramedic_workers.settings import TargetSettings

#: Seconds in which one environment must be built; fetching from a local clone is quick.
_PREPARE_SECONDS = 600.0
#: Folders that hold a project's modules in the layouts that a history goes through.
_LAYOUTS = ("src", "lib")
#: Folder of notes why environments could not be built, by what decides them.
_FAILED_BUILDS = "unbuildable"


@dataclass(frozen=True)
class Grounds:
    """The means of trials on one repository."""

    target: TargetSettings
    data: Path
    workspace: Workspace
    git: Git
    sandbox: Sandbox

    def environment_at(self, commit: str) -> TargetEnvironment:
        """An environment by the dependency files of a commit; built once for each set of them.

        Raises:
            EnvironmentBuildError: it cannot be built; the next time that is known at once.
            SandboxError: the sandbox is required and cannot be set up.
        """
        root = self.workspace.checkout(commit)
        try:
            return self._for_any_layout(self._environment_of(root))
        finally:
            self.workspace.discard(root)

    def run(
        self, commit: str, tests: tuple[str, ...], environment: TargetEnvironment, seconds: float
    ) -> RunReport:
        """Run tests of a commit, in a working tree of its own.

        Raises:
            SandboxError: the sandbox is required and cannot be set up.
        """
        root = self.workspace.checkout(commit)
        try:
            runner = PytestRunner(self.target, environment, self.sandbox)
            return runner.run(root, tests, timeout=seconds)
        finally:
            self.workspace.discard(root)

    def _environment_of(self, root: Path) -> TargetEnvironment:
        note = self._note_of_failure(root)
        if note.is_file():
            raise EnvironmentBuildError(note.read_text(encoding="utf-8"))
        try:
            return prepare_environment(
                self.target,
                root,
                data=self.data,
                launcher=self.sandbox,
                deadline=Deadline.after(_PREPARE_SECONDS),
            )
        except EnvironmentBuildError as error:
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(error.message, encoding="utf-8")
            raise

    def _note_of_failure(self, root: Path) -> Path:
        try:
            dependencies = read_dependencies(self.target, root).digest
        except EnvironmentBuildError:
            dependencies = "unreadable"
        asked = hashlib.sha256(f"{self.target.python}\0{dependencies}".encode()).hexdigest()
        return folder_of(self.target, self.data) / _FAILED_BUILDS / asked[:24]

    def _for_any_layout(self, environment: TargetEnvironment) -> TargetEnvironment:
        """The environment with every place where older commits may keep their modules."""
        sources = (*environment.sources, *_LAYOUTS, self.target.directory, ".")
        return replace(environment, sources=tuple(dict.fromkeys(sources)))


@contextmanager
def open_grounds(target: TargetSettings, data: Path, revision: str) -> Iterator[Grounds]:
    """The grounds of a repository, its private clone fetched; every tree goes at the end.

    Raises:
        RepositoryError: there is no such repository or revision.
        SandboxError: the sandbox is required and cannot be set up.
    """
    deadline = Deadline.after(_PREPARE_SECONDS)
    sandbox = Sandbox.of(target)
    sandbox.check()
    with Workspace.open(target, data=data, revision=revision, deadline=deadline) as workspace:
        yield Grounds(target, data, workspace, clone_of(target, data).git, sandbox)


def clone_of(target: TargetSettings, data: Path) -> Clone:
    """The private clone, which may not exist yet."""
    return Clone.of(Source.named(target.repository), target.name, data)


def folder_of(target: TargetSettings, data: Path) -> Path:
    """Where what is known of a repository's backtest is kept."""
    return data / "backtests" / clone_of(target, data).directory.stem


def forget_failed_builds(target: TargetSettings, data: Path) -> None:
    """Let every environment be tried again: what failed may have been the network."""
    trees.remove_tree(folder_of(target, data) / _FAILED_BUILDS)
