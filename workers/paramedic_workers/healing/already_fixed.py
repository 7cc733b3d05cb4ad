"""Whether the newest state of the target has fixed what fails at an older revision."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from paramedic_workers.errors import Phase, RepositoryError, Verdict
from paramedic_workers.healing.endings import Ending
from paramedic_workers.healing.journal import Journal
from paramedic_workers.healing.model import TestReport
from paramedic_workers.healing.reproduce import Reproduction
from paramedic_workers.healing.subjects import Subject
from paramedic_workers.healing.tools import HealWorkspace
from paramedic_workers.results import Cause


def later_main(workspace: HealWorkspace, journal: Journal) -> str | None:
    """The newest main revision, where it is another commit that has the failing one in it."""
    try:
        main = workspace.main_revision()
        later = workspace.history.is_ancestor(workspace.revision, main)
    except RepositoryError as error:
        journal.say(f"the main branch cannot be looked at: {error}")
        return None
    return main if later and main != workspace.revision else None


def without_fixed(reproduction: Reproduction, fixed: Iterable[str], main: str) -> Reproduction:
    """The reproduction, with incidents ended whose tests all pass at the revision `main`."""
    passing = frozenset(fixed)
    done = [subject for subject in reproduction.subjects if passing.issuperset(subject.tests)]
    left = tuple(subject for subject in reproduction.subjects if subject not in done)
    needed = {test for subject in left for test in subject.tests}
    endings = [_ending(subject, reproduction.failing[subject.tests[0]], main) for subject in done]
    return replace(
        reproduction,
        failing={t: r for t, r in reproduction.failing.items() if t in needed},
        subjects=left,
        endings=(*reproduction.endings, *endings),
    )


def _ending(subject: Subject, report: TestReport, main: str) -> Ending:
    cause = Cause(
        phase=Phase.REPRODUCE,
        type=report.exception_type,
        message=f"It passes at the newest main revision {main[:10]}. Here: {report.message}",
        traceback=report.traceback,
    )
    return Ending(
        verdict=Verdict.ALREADY_FIXED,
        cause=cause,
        incidents=(subject.incident,),
        tests=subject.tests,
    )
