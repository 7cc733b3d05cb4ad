"""A proof whose runs are cut short by the heal's own deadline shows nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from paramedic_workers.errors import PhaseTimeout
from paramedic_workers.healing.journal import Journal
from paramedic_workers.healing.model import RunEnd, RunReport
from paramedic_workers.healing.verify import Prover
from paramedic_workers.settings import TargetSettings
from tests.unit.healing.doubles import FIX_A, FakeRunner, World, bench, needs, node


class Killed(FakeRunner):
    """A runner whose every run is killed after these seconds."""

    seconds = 0.0

    def run(self, root: Path, tests: Sequence[str] = (), **_options: Any) -> RunReport:
        return RunReport(end=RunEnd.TIMED_OUT, detail="It was killed.", seconds=self.seconds)


def prover(seconds: float) -> Prover:
    runner = Killed(World({"a": needs(FIX_A)}))
    runner.seconds = seconds
    baseline = RunReport(end=RunEnd.FINISHED, detail="It ran.", seconds=3.0)
    target = TargetSettings(name="shop", repository="/nowhere")
    return Prover(bench=bench(runner), target=target, baseline=baseline)


def test_a_run_that_is_killed_before_the_suite_could_end_refutes_nothing() -> None:
    with pytest.raises(PhaseTimeout, match="too short to prove"):
        prover(2.5).prove(FIX_A, (node("a"),), journal=Journal("shop"))


def test_a_run_that_hangs_much_longer_than_before_refutes_the_patch() -> None:
    proof = prover(40.0).prove(FIX_A, (node("a"),), journal=Journal("shop"))
    assert not proof.holds
    assert "0 of 1 passes" in proof.objection
