"""The phase `repair` for one cause: strategies in order, each in a place of its own.

A strategy runs in its own thread with its own working trees and processes. One that
raises, or that hangs beyond its deadline, is recorded as an attempt and left behind; all
it was given is taken back, and the next strategy is tried. What it offers is proved here
patch by patch, until one is proved that is trusted enough.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from paramedic_workers.errors import Phase, PhaseTimeout
from paramedic_workers.healing.boundary import Failure, failure_of
from paramedic_workers.healing.checkouts import ClosableCheckouts
from paramedic_workers.healing.journal import Journal
from paramedic_workers.healing.launching import ClosableLauncher
from paramedic_workers.healing.model import (
    Case,
    Deadline,
    Launcher,
    OfferedPatch,
    Strategy,
    StrategyReport,
    TestRunner,
)
from paramedic_workers.healing.regressions import named
from paramedic_workers.healing.threads import Task
from paramedic_workers.healing.verify import Proof, Prover
from paramedic_workers.results import Attempt, AttemptOutcome

#: Patches of one strategy that are put to the proof, at most; it offers the best first.
_MOST_PROOFS = 5
#: Patches that are not trusted and yet proved: the best, and one for a person to compare.
_MOST_UNTRUSTED = 2
#: Seconds that a strategy may overrun its deadline before it is taken to hang.
_GRACE = 5.0
#: Seconds between two looks at whether the deadline ended the wait.
_LOOK = 0.2
#: A strategy that is not the last may use this part of the time that is left.
_SHARE_OF_EARLY = 0.65


@dataclass(frozen=True, kw_only=True)
class Proven:
    """A patch with its proof."""

    offered: OfferedPatch
    strategy: str
    proof: Proof


@dataclass(kw_only=True)
class Tried:
    """What all strategies found for one cause."""

    attempts: list[Attempt] = field(default_factory=list)
    proven: list[Proven] = field(default_factory=list)
    #: The first strategy that broke.
    broken: Failure | None = None

    def add(self, other: Tried) -> None:
        """Take in what was tried in another way for the same cause."""
        self.attempts += other.attempts
        self.proven += other.proven
        self.broken = self.broken or other.broken

    @property
    def nothing_but_broken(self) -> bool:
        """Whether no strategy got to look for a fix, because they broke."""
        looked = {a.outcome for a in self.attempts} - {
            AttemptOutcome.BROKE,
            AttemptOutcome.NOT_APPLICABLE,
        }
        return self.broken is not None and not looked


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """What the strategies are asked to heal."""

    tests: tuple[str, ...]
    #: Failing tests that may turn green by the way.
    others: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """What every attempt of one group shares."""

    #: Finds a strategy by name.
    find: Callable[[str], Strategy]
    #: A case for all of the group; each attempt gets trees and processes of its own.
    template: Case
    #: Makes a runner whose processes are started by this launcher.
    runner_on: Callable[[Launcher], TestRunner]
    #: The folders of a working tree that modules are imported from.
    import_paths: Callable[[Path], tuple[Path, ...]]
    prover: Prover

    def try_all(self, task: Assignment, deadline: Deadline, journal: Journal) -> Tried:
        """Try the target's strategies on these tests until a trusted patch is proved.

        What a strategy raises is part of the answer.
        """
        tried = Tried()
        names = self.template.target.strategies
        for name in names:
            share = 1.0 if name == names[-1] else _SHARE_OF_EARLY
            time = deadline.within(deadline.left() * share)
            with journal.during(Phase.REPAIR):
                tried.add(self._try_one(name, task, time, journal))
            if any(self.trusted(p) and p.proof.closes >= set(task.tests) for p in tried.proven):
                break
        return tried

    def trusted(self, proven: Proven) -> bool:
        """Whether the target's settings trust this patch enough for `healed`."""
        return proven.offered.confidence.at_least(self.template.target.trust)

    def _is_enough(self, proven: Sequence[Proven], task: Assignment) -> bool:
        whole = [p for p in proven if p.proof.closes >= set(task.tests)]
        return len(whole) >= _MOST_UNTRUSTED or any(self.trusted(p) for p in whole)

    def _try_one(self, name: str, task: Assignment, deadline: Deadline, journal: Journal) -> Tried:
        began = deadline.clock()
        journal.say(f"trying the strategy {name} on {named(task.tests)}", strategy=name)
        report, broken = self._ask(name, task.tests, deadline, journal)
        outcome, detail = report.outcome, report.detail
        proven: list[Proven] = []
        if report.patches:
            proven, outcome, objection = self._prove(name, report.patches, task, journal)
            detail = detail if proven else f"{detail} {objection}".strip()
        attempt = Attempt(
            strategy=name,
            outcome=outcome,
            candidates=report.candidates,
            seconds=round(deadline.clock() - began, 3),
            detail=detail,
            cause=broken.cause if broken else None,
        )
        journal.say(f"{name}: {outcome}. {detail}", strategy=name)
        return Tried(attempts=[attempt], proven=proven, broken=broken)

    def _ask(
        self, name: str, tests: tuple[str, ...], deadline: Deadline, journal: Journal
    ) -> tuple[StrategyReport, Failure | None]:
        """What the strategy reports; for one that raises or hangs, what happened."""
        launcher = ClosableLauncher(self.template.launcher, self.template.readable)
        checkouts = ClosableCheckouts(self.template.checkouts)
        try:
            if deadline.passed():
                return _out_of_time("No time was left for it."), None
            case = self._case(tests, launcher, checkouts, deadline, journal)
            task = Task(lambda: self.find(name).attempt(case), f"paramedic-{name}")
            if not _awaited(task, deadline):
                task.abandon()
                return _out_of_time("It did not stop at its deadline and was given up."), None
            return _answer_of(task)
        finally:
            launcher.close()
            checkouts.close()

    def _case(
        self,
        tests: tuple[str, ...],
        launcher: ClosableLauncher,
        checkouts: ClosableCheckouts,
        deadline: Deadline,
        journal: Journal,
    ) -> Case:
        failing = sorted(
            (report for report in self.template.failing if report.test in tests),
            key=lambda report: report.seconds,
        )
        root = checkouts.checkout(self.template.revision)
        return replace(
            self.template,
            root=root,
            import_paths=self.import_paths(root),
            failing=tuple(failing),
            runner=self.runner_on(launcher),
            checkouts=checkouts,
            launcher=launcher,
            deadline=deadline,
            progress=journal.show,
        )

    def _prove(
        self,
        name: str,
        patches: Sequence[OfferedPatch],
        task: Assignment,
        journal: Journal,
    ) -> tuple[list[Proven], AttemptOutcome, str]:
        """The patches that are proved, up to the first trusted one; else why not."""
        proven: list[Proven] = []
        objection = ""
        for offered in patches[:_MOST_PROOFS]:
            journal.say(f"proving {offered.title or 'a patch'}", strategy=name)
            try:
                proof = self.prover.prove(offered.diff, task.tests, task.others, journal=journal)
            except PhaseTimeout as error:
                outcome = AttemptOutcome.PROVED if proven else AttemptOutcome.OUT_OF_TIME
                return proven, outcome, str(error)
            if not proof.holds:
                objection = objection or proof.objection
                continue
            proven.append(Proven(offered=offered, strategy=name, proof=proof))
            if self._is_enough(proven, task):
                break
        return proven, AttemptOutcome.PROVED if proven else AttemptOutcome.REFUTED, objection


def _awaited(task: Task[StrategyReport], deadline: Deadline) -> bool:
    """Whether the strategy came to its end, by its deadline and a little grace."""
    end = replace(deadline, at=deadline.at + _GRACE)
    while not task.ended(_LOOK):
        if end.passed():
            return False
    return True


def _answer_of(task: Task[StrategyReport]) -> tuple[StrategyReport, Failure | None]:
    try:
        report = task.answer()
        if not isinstance(report, StrategyReport):
            raise TypeError(f"The strategy returned {type(report).__name__}, no StrategyReport.")
    except BaseException as error:  # noqa: BLE001 - a strategy is foreign code
        failure = failure_of(error, Phase.REPAIR)
        detail = f"The strategy itself broke: {failure.cause.type}: {failure.cause.message}"
        return StrategyReport(outcome=AttemptOutcome.BROKE, detail=detail), failure
    return report, None


def _out_of_time(detail: str) -> StrategyReport:
    return StrategyReport(outcome=AttemptOutcome.OUT_OF_TIME, detail=detail)
