"""Heals one bug and judges what came of it."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from paramedic_workers.repair import RankedPatch, RepairReport, Stop, repair
from tests.benchmarks.bugs.bug import (
    Bug,
    failing_tests,
    make_repository,
    passes_with,
    patched,
    with_few_tests,
)
from tests.benchmarks.bugs.judge import judge


class Verdict(StrEnum):
    """How the healing of one bug ended."""

    #: The first patch passes a clean run of pytest, and agrees with the reference.
    RIGHT = "right"
    #: It passes, and does not agree.
    WRONG = "wrong but green"
    #: It passes, and could not be compared with the reference.
    UNKNOWN = "green, not compared"
    #: It does not pass outside of the engine.
    RED = "red"
    #: There is no patch.
    ABSTAINED = "abstained"
    #: The engine itself broke.
    BROKE = "broke"


@dataclass(frozen=True)
class Judgement:
    """One patch with the truth about it."""

    patch: RankedPatch
    #: None: it cannot be told.
    right: bool | None


@dataclass(frozen=True)
class Healing:
    """What the engine made of one bug."""

    bug: Bug
    report: RepairReport
    verdict: Verdict
    judgements: tuple[Judgement, ...]

    @property
    def plausible(self) -> bool:
        """Whether the first patch passes a clean run of pytest."""
        return self.verdict in (Verdict.RIGHT, Verdict.WRONG, Verdict.UNKNOWN)

    @property
    def right(self) -> bool:
        """Whether the first patch agrees with the reference."""
        return self.verdict is Verdict.RIGHT

    @property
    def first(self) -> RankedPatch | None:
        """The first patch."""
        return self.report.patches[0] if self.report.patches else None

    @property
    def rate(self) -> float:
        """Candidates a second, start and observation included."""
        return self.report.candidates / max(0.001, self.report.seconds)


def heal(bug: Bug, budget: float, few_tests: int = 0) -> Healing:
    """Make a small repository of the bug, repair it, and judge every patch.

    Args:
        bug: of the file.
        budget: seconds for the repair alone.
        few_tests: failing and passing tests that the repair has; 0: all. The patches are
            judged with all of them even so.
    """
    with tempfile.TemporaryDirectory(prefix="bug-") as folder:
        project = make_repository(bug, Path(folder))
        failing = failing_tests(project.root)
        if few_tests:
            make_repository(with_few_tests(bug, failing, few_tests), Path(folder))
            failing = failing_tests(project.root)
        started = time.monotonic()
        try:
            report = repair(project, failing, budget)
        except Exception as error:  # noqa: BLE001 - one bug must not end the benchmark
            return Healing(bug, _broken(error, time.monotonic() - started), Verdict.BROKE, ())
        make_repository(bug, Path(folder))
        patches = report.patches
        if not patches:
            return Healing(bug, report, Verdict.ABSTAINED, ())
        texts = [patched(project.root, patch.diff) for patch in patches]
        truths = judge(bug, project, texts)
        judgements = tuple(map(Judgement, patches, truths))
        if not passes_with(project.root, patches[0].diff):
            return Healing(bug, report, Verdict.RED, judgements)
        return Healing(bug, report, _VERDICTS[truths[0]], judgements)


def _broken(error: Exception, seconds: float) -> RepairReport:
    detail = f"the engine broke: {type(error).__name__}: {error}"
    return RepairReport(
        stop=Stop.EXHAUSTED, patches=(), candidates=0, seconds=seconds, detail=detail
    )


_VERDICTS = {True: Verdict.RIGHT, False: Verdict.WRONG, None: Verdict.UNKNOWN}
