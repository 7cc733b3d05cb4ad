"""The strategy that puts the patch engine to work for the healer."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from paramedic_workers.healing.model import (
    Case,
    Command,
    Deadline,
    Process,
    Progress,
    TestOutcome,
    TestReport,
)
from paramedic_workers.healing.sandbox import Sandbox
from paramedic_workers.healing.strategies.patch import PatchStrategy
from paramedic_workers.repair import Project, RepairReport, Stop
from paramedic_workers.results import AttemptOutcome, Confidence
from paramedic_workers.settings import SandboxMode, TargetSettings
from tests.support.launchers import LocalLauncher
from tests.support.projects import changed_lines, write_project
from tests.support.told_history import NOTHING, Told

FILES = {
    "prices.py": """
        def cheapest(prices):
            return max(prices)
    """,
    "test_prices.py": """
        import os
        from prices import cheapest

        def test_cheapest():
            assert cheapest([3, 1, 2]) == int(os.environ.get("LEAST", 1))

        def test_single():
            assert cheapest([5]) == 5

        def test_equal():
            assert cheapest([4, 4]) == 4
    """,
}


def case_for(root: Path, *failing: str, seconds: float = 120.0, **given: Any) -> Case:
    nothing: Any = None
    settings: dict[str, Any] = given.pop("settings", {})
    history: Any = given.pop("history", NOTHING)
    plain: dict[str, Any] = {"launcher": LocalLauncher(), **given}
    return Case(
        target=TargetSettings(name="shop", repository=str(root), **settings),
        revision="0" * 40,
        root=root,
        failing=tuple(TestReport(test=test, outcome=TestOutcome.FAILED) for test in failing),
        passing=frozenset(),
        coverage={},
        runner=nothing,
        checkouts=nothing,
        history=history,
        python=Path(sys.executable),
        deadline=Deadline.after(seconds),
        **plain,
    )


TEST = "test_prices.py::test_cheapest"


def test_it_offers_patches_with_confidence_and_reasons(tmp_path: Path) -> None:
    write_project(tmp_path, FILES)
    seen: list[Progress] = []
    report = PatchStrategy().attempt(case_for(tmp_path, TEST, progress=seen.append))
    assert report.outcome is AttemptOutcome.PROVED
    best = report.patches[0]
    assert changed_lines(best.diff)[-1] == "+    return min(prices)"
    assert best.title == "`min` in place of `max` in prices.cheapest"
    assert best.confidence in Confidence
    assert best.reasons
    assert seen[-1].candidates == report.candidates
    assert seen[-1].seconds_left is not None


def test_the_targets_environment_and_protected_paths_count(tmp_path: Path) -> None:
    write_project(tmp_path, FILES)
    environment = {"environment": {"LEAST": "3"}}
    report = PatchStrategy().attempt(case_for(tmp_path, TEST, settings=environment))
    assert report.outcome is AttemptOutcome.NOT_APPLICABLE
    protected = {"protected_paths": ("prices.py",)}
    report = PatchStrategy().attempt(case_for(tmp_path, TEST, settings=protected))
    assert report.outcome is AttemptOutcome.NOTHING_FOUND
    assert not report.patches


def test_time_that_is_up_is_said(tmp_path: Path) -> None:
    write_project(tmp_path, FILES)
    report = PatchStrategy().attempt(case_for(tmp_path, TEST, seconds=0.01))
    assert report.outcome is AttemptOutcome.OUT_OF_TIME
    assert report.detail.startswith("The time was up. ")


def test_the_engine_is_told_what_was_changed_lately(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Project] = []

    def engine(project: Project, *_arguments: Any, **_more: Any) -> RepairReport:
        seen.append(project)
        return RepairReport(stop=Stop.EXHAUSTED, patches=(), candidates=0, seconds=0.0, detail="")

    monkeypatch.setattr("paramedic_workers.healing.strategies.patch.repair", engine)
    changes = {"prices.py": frozenset({2})}
    PatchStrategy().attempt(case_for(tmp_path, TEST, history=Told(changes)))
    assert [project.recent_changes for project in seen] == [changes]


@pytest.mark.needs_bwrap
@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_it_works_inside_the_sandbox(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    write_project(tmp_path, FILES)
    interpreter = (Path(sys.prefix), Path(sys.base_prefix))
    sandbox = Readable(Sandbox(SandboxMode.REQUIRED), interpreter)
    report = PatchStrategy().attempt(case_for(tmp_path, TEST, launcher=sandbox))
    assert report.outcome is AttemptOutcome.PROVED, report.detail


class Readable:
    """Lets everything that is started read some further folders."""

    def __init__(self, sandbox: Sandbox, folders: tuple[Path, ...]) -> None:
        self._sandbox = sandbox
        self._folders = folders

    @property
    def description(self) -> str:
        return self._sandbox.description

    def start(self, command: Command) -> Process:
        return self._sandbox.start(replace(command, readable=(*command.readable, *self._folders)))
