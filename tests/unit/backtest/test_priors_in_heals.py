"""Learned priors reach the patch engine in every heal, but not in a backtest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from paramedic_workers.backtest.healing import Witness
from paramedic_workers.healing.model import Case, Deadline, TestOutcome, TestReport
from paramedic_workers.healing.strategies import patch
from paramedic_workers.priors import save_priors
from paramedic_workers.repair import Project, RepairReport, Stop
from paramedic_workers.settings import TargetSettings
from tests.support.told_history import NOTHING

SHOP = TargetSettings(name="shop", repository="/src/shop")
LEARNED = {"comparison": 1.5}


@pytest.fixture
def projects(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Project]:
    """What the engine is asked to repair; it finds nothing. Priors of the shop are there."""
    (tmp_path / "settings.toml").write_text("")
    monkeypatch.setenv("PARAMEDIC_CONFIG", str(tmp_path / "settings.toml"))
    save_priors(SHOP, LEARNED)
    asked: list[Project] = []

    def repair(project: Project, *_arguments: Any, **_options: Any) -> RepairReport:
        asked.append(project)
        return RepairReport(
            stop=Stop.EXHAUSTED, patches=(), candidates=0, seconds=0.0, detail="Nothing."
        )

    monkeypatch.setattr(patch, "repair", repair)
    return asked


def case(root: Path) -> Case:
    nothing: Any = None
    return Case(
        target=SHOP,
        revision="0" * 40,
        root=root,
        failing=(TestReport(test="test_shop.py::test_total", outcome=TestOutcome.FAILED),),
        passing=frozenset(),
        coverage={},
        runner=nothing,
        checkouts=nothing,
        history=NOTHING,
        python=Path("/usr/bin/python3"),
        launcher=nothing,
        deadline=Deadline.after(30.0),
    )


def test_a_heal_uses_what_was_learned(projects: list[Project], tmp_path: Path) -> None:
    patch.PatchStrategy().attempt(case(tmp_path))
    assert [project.priors for project in projects] == [LEARNED]


def test_a_backtest_does_not_use_what_was_learned_of_its_own_answers(
    projects: list[Project], tmp_path: Path
) -> None:
    witness = Witness()
    witness.attempt(case(tmp_path))
    assert [project.priors for project in projects] == [{}]
    assert [report.stop for report in witness.reports] == [Stop.EXHAUSTED]
