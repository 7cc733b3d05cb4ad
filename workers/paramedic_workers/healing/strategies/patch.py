"""The strategy `patch`: look for a small edit with which the failing tests pass.

The search is the patch engine's (`paramedic_workers.repair`); here a case is put into its
words and what it found into the healer's. It offers patches, best first; the healer
proves them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from paramedic_workers.errors import Phase
from paramedic_workers.healing.model import Case, OfferedPatch, Progress, StrategyReport
from paramedic_workers.healing.tamper import may_touch
from paramedic_workers.priors import load_priors
from paramedic_workers.repair import (
    Project,
    RankedPatch,
    RepairReport,
    SearchProgress,
    Stop,
    Trust,
    repair,
)
from paramedic_workers.results import AttemptOutcome, Confidence

#: How far a patch is trusted, in the healer's words.
_CONFIDENCE = {
    Trust.HIGH: Confidence.HIGH,
    Trust.MEDIUM: Confidence.MEDIUM,
    Trust.LOW: Confidence.LOW,
}

#: Commits that count as recent: what was changed in them is looked at first.
_RECENT = 5

#: What a search without a patch means for the attempt.
_OUTCOMES = {
    Stop.FOUND: AttemptOutcome.NOTHING_FOUND,
    Stop.EXHAUSTED: AttemptOutcome.NOTHING_FOUND,
    Stop.BUDGET: AttemptOutcome.OUT_OF_TIME,
    Stop.NOT_FAILING: AttemptOutcome.NOT_APPLICABLE,
}


class PatchStrategy:
    """Finds small source edits by trying them."""

    name = "patch"

    def attempt(self, case: Case) -> StrategyReport:
        """Search within the case's deadline.

        Raises:
            EnvironmentBuildError: the target's interpreter has no pytest.
            SandboxError: the sandbox is required and cannot be set up.
        """
        report = self.search(case, load_priors(case.target))
        return StrategyReport(
            outcome=AttemptOutcome.PROVED if report.patches else _OUTCOMES[report.stop],
            patches=tuple(map(_offered, report.patches)),
            candidates=report.candidates,
            detail=_detail(report),
        )

    def search(self, case: Case, priors: Mapping[str, float]) -> RepairReport:
        """What the engine finds within the case's deadline, with these learned priors."""
        project = _project(case, priors)
        return repair(project, case.tests, case.deadline.left(), progress=partial(_tell, case))


def _project(case: Case, priors: Mapping[str, float]) -> Project:
    root = case.root.resolve()
    return Project(
        root=root,
        directory=(root / case.target.directory).resolve(),
        python=case.python,
        launcher=case.launcher,
        import_paths=case.import_paths,
        pytest_args=case.target.pytest_args,
        environment=dict(case.target.environment),
        may_change=partial(may_touch, target=case.target),
        priors=priors,
        recent_changes=case.history.recent_changes(case.revision, _RECENT),
    )


def _offered(patch: RankedPatch) -> OfferedPatch:
    return OfferedPatch(
        diff=patch.diff,
        confidence=_CONFIDENCE[patch.trust],
        reasons=patch.reasons,
        title=patch.title,
    )


def _detail(report: RepairReport) -> str:
    out_of_time = report.stop is Stop.BUDGET and not report.patches
    return f"The time was up. {report.detail}" if out_of_time else report.detail


def _tell(case: Case, seen: SearchProgress) -> None:
    case.progress(
        Progress(
            phase=Phase.REPAIR,
            message=f"best so far: {seen.best}" if seen.best else "looking for a patch",
            candidates=seen.candidates,
            seconds_left=seen.seconds_left,
        )
    )
