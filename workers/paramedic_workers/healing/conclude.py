"""Results: what is told to the world of each cause, made from what the phases found out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from msgspec.structs import replace

from paramedic_workers.errors import Phase, Verdict
from paramedic_workers.healing.attempts import Proven
from paramedic_workers.healing.boundary import Failure
from paramedic_workers.healing.causes import CauseOutcome
from paramedic_workers.healing.endings import Ending
from paramedic_workers.healing.journal import Journal
from paramedic_workers.healing.model import IncidentBrief, TestReport
from paramedic_workers.healing.subjects import Subject, incident_of
from paramedic_workers.healing.summary import summary_of
from paramedic_workers.results import Alternative, Cause, Confidence, Result

#: Characters kept of the end of the failing run's output.
_OUTPUT = 8_000


@dataclass(kw_only=True)
class Conclusions:
    """Makes the results of one heal."""

    target: str
    #: Least confidence for `healed`.
    trust: Confidence
    revision: str = ""
    #: Unsupported contents of the repository, by name.
    unsupported: tuple[str, ...] = ()
    output: str = ""
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def of_ending(self, ending: Ending, journal: Journal) -> Result:
        """The result for incidents that ended without a patch."""
        lead, *others = ending.incidents
        return Result(
            incident=lead.fingerprint,
            fingerprint=lead.fingerprint,
            target=self.target,
            revision=self.revision,
            verdict=ending.verdict,
            summary=summary_of(ending.verdict, ending.tests, ending.cause),
            cause=ending.cause,
            transient=ending.transient,
            failing_tests=ending.tests,
            merged=tuple(incident.fingerprint for incident in others),
            phases=journal.phase_times(),
            started_at=self.started_at,
            seconds=round(journal.spent(), 3),
            count=lead.count,
            output=self.output[-_OUTPUT:],
            log=journal.text(),
        )

    def of_outcome(
        self,
        outcome: CauseOutcome,
        incidents: Sequence[IncidentBrief],
        report: TestReport,
    ) -> Result:
        """The result for one cause; the first of its incidents leads.

        Args:
            outcome: what became of the cause.
            incidents: those that it settles, at least one.
            report: how one of its tests failed.
        """
        cause = self._cause(outcome, report)
        plain = self.of_ending(
            Ending(
                verdict=Verdict.UNHEALED,
                cause=cause,
                incidents=tuple(incidents),
                tests=outcome.tests,
            ),
            outcome.journal,
        )
        plain = replace(plain, attempts=tuple(outcome.tried.attempts))
        if outcome.best is not None:
            return self._with_patch(plain, outcome, outcome.best)
        if outcome.failure is None and not outcome.tried.nothing_but_broken:
            return plain
        failure = outcome.failure or outcome.tried.broken
        verdict = failure.verdict if failure is not None else Verdict.FAILED
        summary = summary_of(verdict, outcome.tests, cause)
        transient = failure is not None and failure.transient
        return replace(plain, verdict=verdict, summary=summary, transient=transient)

    def _cause(self, outcome: CauseOutcome, report: TestReport) -> Cause:
        if outcome.best is None:
            if outcome.failure is not None:
                return outcome.failure.cause
            if outcome.tried.nothing_but_broken and outcome.tried.broken is not None:
                return outcome.tried.broken.cause
        note = ""
        if outcome.best is None and self.unsupported:
            note = f"\nUnsupported here, and perhaps the reason: {', '.join(self.unsupported)}."
        return Cause(
            phase=Phase.REPRODUCE,
            type=report.exception_type,
            message=report.message + note,
            traceback=report.traceback,
        )

    def _with_patch(self, plain: Result, outcome: CauseOutcome, best: Proven) -> Result:
        offered = best.offered
        trusted = offered.confidence.at_least(self.trust)
        verdict = Verdict.HEALED if trusted else Verdict.PROPOSED
        return replace(
            plain,
            verdict=verdict,
            strategy=best.strategy,
            summary=summary_of(
                verdict, outcome.tests, plain.cause, title=offered.title, strategy=best.strategy
            ),
            patch=offered.diff,
            confidence=offered.confidence,
            reasons=offered.reasons,
            alternatives=_alternatives(outcome, best),
            proof=best.proof.steps,
        )


def unpublished(result: Result, failure: Failure, title: str) -> Result:
    """The result of a proven patch that could not be put on its branch."""
    return replace(
        result,
        verdict=Verdict.FAILED,
        cause=failure.cause,
        transient=failure.transient,
        summary=summary_of(Verdict.FAILED, result.failing_tests, failure.cause, title=title),
    )


def _alternatives(outcome: CauseOutcome, best: Proven) -> tuple[Alternative, ...]:
    found = {
        proven.offered.diff: Alternative(
            patch=proven.offered.diff, confidence=proven.offered.confidence
        )
        for proven in outcome.tried.proven
        if proven.proof.closes & set(outcome.tests)
    }
    found.pop(best.offered.diff, None)
    return tuple(found.values())


def incidents_of(
    outcomes: Sequence[CauseOutcome],
    subjects: Iterable[Subject],
    failing: dict[str, TestReport],
    target: str,
) -> list[list[IncidentBrief]]:
    """For each outcome its incidents, at least one; each incident is in exactly one list.

    An incident that several causes share belongs to one that is not healed, if there is
    one: it stays broken until that is. A cause that no incident names gets its own.
    """
    order = sorted(range(len(outcomes)), key=lambda n: outcomes[n].best is not None)
    lists: list[list[IncidentBrief]] = [[] for _ in outcomes]
    for subject in subjects:
        for number in order:
            if set(subject.tests) & set(outcomes[number].tests):
                lists[number].append(subject.incident)
                break
    for number, outcome in enumerate(outcomes):
        if not lists[number]:
            lists[number].append(incident_of(failing[outcome.tests[0]], target))
    return lists
