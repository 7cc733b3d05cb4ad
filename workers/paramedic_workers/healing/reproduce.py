"""The phase `reproduce`: how do the failing tests fail, if they do?

1. The tests that incidents name are run k times, each time with another hash seed, so
   that what depends on the order of a set shows itself. Where no test is named the whole
   suite is run first, and says which tests fail; that is the first of the k runs.
2. What fails in k of k runs goes on. What fails in some of them is flaky, in none of
   them not reproduced, and for want of a foreign module a matter of the environment.
3. What fails here but passes in k of k runs at the newest main revision is already fixed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from paramedic.text import counted
from paramedic_workers.errors import Phase, Verdict
from paramedic_workers.healing.bench import Bench, Experiment
from paramedic_workers.healing.endings import Ending, same_cause_together
from paramedic_workers.healing.journal import Journal
from paramedic_workers.healing.model import (
    IncidentBrief,
    RunEnd,
    RunReport,
    TestReport,
)
from paramedic_workers.healing.outcomes import Seen, green
from paramedic_workers.healing.outside import asked_by, missing_module
from paramedic_workers.healing.sightings import Sightings
from paramedic_workers.healing.subjects import Subject, identified, same_failure, subject_of
from paramedic_workers.healing.unusable import nothing_ran, own_fault
from paramedic_workers.results import Cause

#: What a person can do about a missing module.
_INSTALLING = (
    "Declare it where the project declares its dependencies (pyproject.toml or a requirements "
    "file). Or name, in the target's settings, the file or the extra that has it with "
    "`requirements`, or an interpreter that has it with `python`."
)


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """What is known once the failing tests have been run."""

    #: Tests that fail in k of k runs, as the first run saw them.
    failing: dict[str, TestReport] = field(default_factory=dict)
    #: Incidents that these tests show.
    subjects: tuple[Subject, ...] = ()
    #: Incidents that end here.
    endings: tuple[Ending, ...] = ()
    #: The whole suite at the failing revision, where it was run.
    suite: RunReport | None = None
    #: What the first run of the failing tests printed.
    output: str = ""
    #: Tests that were asked for and passed in k of k runs.
    passing: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Reproducer:
    """Runs the failing tests of one group until it is known how they fail."""

    bench: Bench
    #: A working tree at the failing revision, for looking up which modules are the target's.
    root: Path
    target: str
    #: How many runs must agree.
    runs: int
    journal: Journal
    #: Contents that are not supported and may be missed: submodules, LFS pointers.
    unsupported: tuple[str, ...] = ()

    def reproduce(self, incidents: Sequence[IncidentBrief]) -> Reproduction:
        """Find out how the tests of these incidents fail; of none: which tests fail at all.

        Raises:
            CollectionError: no test can be run at all.
            PhaseTimeout: the heal's time is used up.
        """
        known = tuple(identified(incident, self.target) for incident in incidents)
        suite = self._suite_if_needed(known)
        names = _names(known, suite)
        reports = self._runs_of(names, suite)
        if reports and all(_saw_nothing(report) for report in reports):
            return self._nothing_ran(reports[0], known)
        sightings = Sightings(reports)
        seen_here = [self._judge(subject, sightings) for subject in self._subjects(known, suite)]
        failing = {r.test: r for subject in seen_here for r in subject.failing}
        return Reproduction(
            failing=failing,
            subjects=tuple(s.subject for s in seen_here if s.failing),
            endings=same_cause_together(s.ending for s in seen_here if s.ending is not None),
            suite=suite,
            output=reports[0].output if reports else "",
            passing=_always_green(reports, names),
        )

    def fixed_on(self, main: str, failing: Iterable[str]) -> frozenset[str]:
        """Those of the failing tests that pass in k of k runs at the revision `main`."""
        names = tuple(failing)
        experiments = [Experiment(tests=names, seed=n, revision=main) for n in range(self.runs)]
        passing = _always_green(self.bench.run_all(experiments), names)
        failing_tests = counted(len(names), "failing test")
        self.journal.say(f"passing at {main[:10]}: {len(passing)} of {failing_tests}")
        return passing

    def _suite_if_needed(self, incidents: Sequence[IncidentBrief]) -> RunReport | None:
        if incidents and all(incident.test for incident in incidents):
            return None
        self.journal.say("running the whole suite to find the failing tests")
        suite = self.bench.run(Experiment())
        self.journal.say(f"{suite.detail} ({len(suite.failing())} failing of {_size(suite)})")
        return suite

    def _runs_of(self, names: tuple[str, ...], suite: RunReport | None) -> list[RunReport]:
        if not names:
            return [suite] if suite is not None else []
        # A suite that did not come to its end was perhaps only slow: it proves no hang.
        first = [suite] if suite is not None and suite.end is not RunEnd.TIMED_OUT else []
        seeds = range(len(first), max(self.runs, len(first)))
        self.journal.say(
            f"running {counted(len(names), 'test')} in {counted(len(seeds), 'run')} "
            f"with hash {'seed' if len(seeds) == 1 else 'seeds'} {_listed(seeds)}"
        )
        reports = self.bench.run_all([Experiment(tests=names, seed=seed) for seed in seeds])
        return first + reports

    def _nothing_ran(self, report: RunReport, known: tuple[IncidentBrief, ...]) -> Reproduction:
        ending = own_fault(report, known, self.target)
        if ending is None:
            raise nothing_ran(report, self.unsupported)
        return Reproduction(endings=(ending,), output=report.output)

    def _subjects(
        self, incidents: Sequence[IncidentBrief], suite: RunReport | None
    ) -> Iterator[Subject]:
        if not incidents and suite is not None:
            yield from (subject_of(report, self.target) for report in suite.failing())
        for incident in incidents:
            if incident.test:
                yield Subject(incident=incident, tests=(incident.test,))
            elif suite is not None:
                shown = [r.test for r in suite.failing() if same_failure(incident, r)]
                yield Subject(incident=incident, tests=tuple(shown))

    def _judge(self, subject: Subject, sightings: Sightings) -> _Judged:
        failing = [r for name in subject.tests for r in sightings.always_failing(name)]
        if failing:
            foreign = missing_module(failing[0], self.root)
            if foreign is not None:
                return _Judged(subject, ending=self._foreign(subject, failing[0], foreign))
            shown = Subject(incident=subject.incident, tests=tuple(r.test for r in failing))
            return _Judged(shown, failing=tuple(failing))
        return _Judged(subject, ending=_not_reproduced(subject, sightings))

    def _foreign(self, subject: Subject, report: TestReport, module: str) -> Ending:
        message = _not_installed(module, report)
        if self.unsupported:
            message += f" Unsupported here: {', '.join(self.unsupported)}."
        cause = Cause(
            phase=Phase.REPRODUCE,
            type=report.exception_type,
            message=f"{message}\n{_INSTALLING}",
            traceback=report.traceback,
        )
        return Ending(
            verdict=Verdict.ENVIRONMENT,
            cause=cause,
            incidents=(subject.incident,),
            tests=subject.tests,
            about=module,
        )


@dataclass(frozen=True)
class _Judged:
    """A subject after its runs: tests that always fail, or how it ended."""

    subject: Subject
    failing: tuple[TestReport, ...] = ()
    ending: Ending | None = None


def _not_installed(module: str, report: TestReport) -> str:
    """What is missing, and which file of the target asks for it."""
    place = asked_by(report)
    asker = f"{place[0]} asks for it in line {place[1]}" if place else f"{report.test} needs it"
    if report.message.startswith("No module named"):
        return f"The module {module} is not installed for the target; {asker}."
    return f"The module {module} is installed in a version that does not fit; {asker}: " + (
        f"{report.message.rstrip('.')}."
    )


def _not_reproduced(subject: Subject, sightings: Sightings) -> Ending:
    runs = len(sightings.reports)
    for name in subject.tests:
        unsteady = sightings.sometimes_failing(name)
        if unsteady is not None:
            return _flaky(subject, sightings.failed(unsteady), runs)
    incident = subject.incident
    return Ending(
        verdict=Verdict.NOT_REPRODUCED,
        cause=Cause(
            phase=Phase.REPRODUCE,
            type="NotReproduced",
            message=_why_not(subject, sightings, runs),
        ),
        incidents=(incident,),
        tests=subject.tests,
    )


def _why_not(subject: Subject, sightings: Sightings, runs: int) -> str:
    if not subject.tests:
        return "No failing test of the target shows this exception at this place."
    name = subject.tests[0]
    outcomes = sightings.outcomes(name)
    if Seen.FAILED in outcomes:
        return (
            f"{name} fails in {len(sightings.failed(name))} of {counted(runs, 'run')}, but never "
            "the same test twice: the names of its parameters change from run to run."
        )
    if outcomes == {Seen.MISSING}:
        return f"There is no test {name} at this revision."
    if outcomes == {Seen.SKIPPED}:
        return f"{name} is skipped here."
    return f"{name} passes in {runs} of {counted(runs, 'run')} at this revision."


def _flaky(subject: Subject, failed: Sequence[tuple[int, TestReport]], runs: int) -> Ending:
    seeds = ", ".join(str(number) for number, _ in failed)
    report = failed[0][1]
    message = (
        f"The same code fails in {len(failed)} of {counted(runs, 'run')} "
        f"(with hash {'seed' if len(failed) == 1 else 'seeds'} {seeds}) "
        f"and passes in the others: {report.message}"
    )
    cause = Cause(
        phase=Phase.REPRODUCE,
        type=report.exception_type,
        message=message,
        traceback=report.traceback,
    )
    return Ending(
        verdict=Verdict.FLAKY,
        cause=cause,
        incidents=(subject.incident,),
        tests=(report.test,),
    )


def _always_green(reports: Iterable[RunReport], names: tuple[str, ...]) -> frozenset[str]:
    """Those of the names that passed in every run."""
    passing = frozenset(names)
    for report in reports:
        passing &= green(report, names)
    return passing


def _saw_nothing(report: RunReport) -> bool:
    """Whether pytest got to no test, though not because there is none of that name."""
    named = (RunEnd.FINISHED, RunEnd.NOT_FOUND)
    return not report.tests and not report.collection_errors and report.end not in named


def _names(incidents: Sequence[IncidentBrief], suite: RunReport | None) -> tuple[str, ...]:
    """The tests to run: named ones, and of the suite's failing ones those that are meant."""
    named = [incident.test for incident in incidents if incident.test]
    if suite is None:
        return tuple(dict.fromkeys(named))
    services = [incident for incident in incidents if not incident.test]
    shown = [
        report.test
        for report in suite.failing()
        if not incidents or any(same_failure(incident, report) for incident in services)
    ]
    return tuple(dict.fromkeys([*named, *shown]))


def _size(report: RunReport) -> str:
    return counted(len(report.tests) + len(report.collection_errors), "test")


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers)) or "none"
