"""One repair from beginning to end.

1. Find the failing tests and the test files near them.
2. Start a warm process that has collected them. Where it could not because a file does
   not parse, that file is healed before anything else (`syntax/`); where making it parse
   is not enough, everything starts again behind the mended file (`mended`).
3. Observe: run and trace the tests, work out which lines are suspicious.
4. Search: try candidates, the best first.
5. Rank what passes, and say how far each patch is trusted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from paramedic_workers.repair.behaviour.comparison import Comparison
from paramedic_workers.repair.behaviour.rivals import compare_rivals
from paramedic_workers.repair.candidates import CandidateQueue, may_change_by_path
from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.localise import favour_recent_changes
from paramedic_workers.repair.mended import Mended, ways, with_names
from paramedic_workers.repair.messages import Greeting
from paramedic_workers.repair.model import (
    Project,
    RankedPatch,
    RepairReport,
    SearchProgress,
    Stop,
)
from paramedic_workers.repair.observe import Observation, observe
from paramedic_workers.repair.rank import Circumstances, rank
from paramedic_workers.repair.search import Search
from paramedic_workers.repair.session import Session, WarmProcessLost
from paramedic_workers.repair.syntax import healing as syntax
from paramedic_workers.repair.syntax.files import BrokenFile, broken_files
from paramedic_workers.repair.targets import FailingTest, find_failing, modules_of, test_files
from paramedic_workers.repair.trials import Trials
from paramedic_workers.repair.trust.pinning import Pinning, pinning
from paramedic_workers.repair.validate import Validator

#: Share of the time in which single edits of a file that does not parse are tried.
_SYNTAX_SHARE = 0.5


def repair(
    project: Project,
    failing: Sequence[str],
    budget: float,
    *,
    progress: Callable[[SearchProgress], None] | None = None,
    seed: int = 0,
) -> RepairReport:
    """Look for small edits with which the failing tests pass.

    Nothing below the project's root is changed. The same project, tests and seed give the
    same patches, unless the time is up first.

    Args:
        project: the working tree and how its code is run.
        failing: pytest node ids; the path of a file stands for a file that cannot be collected.
        budget: seconds.
        progress: called when a step begins, and after each batch of candidates.
        seed: of hashes and random numbers in the target's processes.

    Raises:
        EnvironmentBuildError: the project's interpreter has no pytest, or does not start.
    """
    # Frames and traces tell real paths.
    real = replace(project, root=project.root.resolve(), directory=project.directory.resolve())
    return _Repair(real, failing, budget, progress or _ignore, seed).run()


@dataclass
class _Repair:
    """What one repair is about."""

    project: Project
    failing: Sequence[str]
    budget: float
    progress: Callable[[SearchProgress], None]
    seed: int
    #: Files that do not parse, in a form that does.
    mended: Mended = field(default_factory=Mended)

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        self._deadline = self._began + self.budget

    def run(self) -> RepairReport:
        targets = find_failing(self.project, self.failing)
        if not targets:
            return self._nothing(Stop.NOT_FAILING, "None of the failing tests' files exists.")
        files = test_files(self.project, targets)
        try:
            with Session(self.project, seed=self.seed, patience=self._left()) as session:
                self._tell_of_start()
                greeting = session.open(files, self.mended.texts)
                return self._in_session(session, greeting, targets, files)
        except WarmProcessLost as error:
            stop = Stop.NOT_FAILING if self._left() else Stop.BUDGET
            return self._nothing(stop, f"The warm process was lost: {error}.")

    def _in_session(
        self,
        session: Session,
        greeting: Greeting,
        targets: Sequence[FailingTest],
        files: Sequence[str],
    ) -> RepairReport:
        allowed = may_change_by_path(self.project.root, self.project.may_change)
        if self.mended.texts:
            targets = with_names(targets, greeting)
        stumbling = _stumbling_over_syntax(greeting, targets)
        if stumbling:
            report = self._heal_syntax(session, stumbling, allowed)
            if report is not None:
                return report
        if not greeting.ready:
            last = greeting.detail.strip().splitlines() or ["pytest said nothing"]
            return self._nothing(Stop.NOT_FAILING, f"pytest cannot collect the tests: {last[-1]}.")
        self._tell_of_start()
        modules = modules_of(self.project)
        seen = observe(
            session, greeting, targets, modules=modules, may_change=allowed, budget=self._left()
        )
        favour_recent_changes(seen.suspicion, self.project.root, self.project.recent_changes)
        if self.mended.texts and not seen.failing and seen.passing_after_all:
            return self._mends_alone()
        if not seen.failing and not seen.suspicion.lines:
            return self._nothing(Stop.NOT_FAILING, _why_not_failing(seen, greeting))
        if seen.knowledge.error_types() & syntax.ERRORS and not stumbling:
            # An import inside a function.
            report = self._heal_syntax(session, targets, allowed)
            if report is not None and report.patches:
                return report
        search = self._search(session, greeting, seen, targets, files)
        search.trials.tell()
        return self._report(search, search.run(), seen, targets)

    def _heal_syntax(
        self, session: Session, targets: Sequence[FailingTest], allowed: Callable[[str], bool]
    ) -> RepairReport | None:
        """What came of healing the files that do not parse; None where all of them do."""
        if self.mended.texts:
            return None
        test_files = sorted({target.file for target in targets})
        broken = broken_files(self.project, test_files, allowed)
        if not broken:
            return None
        own = [str(file) for file in test_files]
        deadline = time.monotonic() + _SYNTAX_SHARE * self._left()
        validator = Validator(session, (), (), targets, own, deadline)
        search = syntax.SyntaxSearch(validator, broken, deadline, self.progress)
        search.run()
        if not search.plausible:
            report = self._go_on_behind(broken, search.tried)
            if report is not None:
                return report
        tests = [_read(file) for file in test_files]
        patches = rank(
            search.plausible, Circumstances(tests=tests), modules_of(self.project).name_of
        )
        not_found = Stop.BUDGET if search.out_of_time else Stop.EXHAUSTED
        return RepairReport(
            stop=Stop.FOUND if patches else not_found,
            patches=patches,
            candidates=search.tried,
            seconds=time.monotonic() - self._began,
            detail=_found_detail(patches, search.tried) if patches else search.detail(),
        )

    def _go_on_behind(self, broken: Sequence[BrokenFile], tried: int) -> RepairReport | None:
        """What is found when the broken files are mended; None where it is nothing."""
        for mended in ways(broken, self._deadline):
            left = self._left()
            inner = _Repair(self.project, self.failing, left, self.progress, self.seed, mended)
            report = inner.run()
            if report.patches:
                seconds = time.monotonic() - self._began
                return replace(report, candidates=tried + report.candidates, seconds=seconds)
        return None

    def _mends_alone(self) -> RepairReport:
        """The report that making all files parse is enough."""
        patch = self.mended.alone()
        if patch is None:
            return self._nothing(Stop.EXHAUSTED, "The mended files cannot be shown as a diff.")
        seconds = time.monotonic() - self._began
        return RepairReport(
            stop=Stop.FOUND, patches=(patch,), candidates=1, seconds=seconds, detail=patch.title
        )

    def _search(
        self,
        session: Session,
        greeting: Greeting,
        seen: Observation,
        targets: Sequence[FailingTest],
        files: Sequence[str],
    ) -> Search:
        still_failing = {(test.file, test.name) for test in seen.failing}
        uncollected = {problem.file for problem in greeting.errors}
        wanted = [
            target
            for target in targets
            if (str(target.file), target.name) in still_failing or str(target.file) in uncollected
        ]
        validator = Validator(session, seen.failing, seen.passing, wanted, files, self._deadline)
        queue = CandidateQueue(
            seen.suspicion,
            seen.knowledge,
            self.project.root,
            texts=self.mended.texts,
            priors=self.project.priors,
            seed=self.seed,
            deadline=self._deadline,
        )
        forks = (
            greeting.threads == 1
            and bool(seen.failing)
            and not uncollected & {str(target.file) for target in targets}
        )
        trials = Trials(validator, self._deadline, self.progress)
        return Search(trials, queue, forks)

    def _report(
        self, search: Search, stop: Stop, seen: Observation, targets: Sequence[FailingTest]
    ) -> RepairReport:
        tests = [_read(file) for file in sorted({target.file for target in targets})]
        circumstances = Circumstances(
            suspicion=seen.suspicion,
            tests=tests,
            messages=[error.message for error in seen.knowledge.errors],
            failing_tests=len(seen.failing),
            expected=seen.knowledge.expected,
            tried=search.weighed,
            errors=seen.knowledge.errors,
            pin=partial(self._pin, search, seen),
            compare=partial(self._compare, search, seen),
        )
        patches = rank(search.trials.plausible, circumstances, modules_of(self.project).name_of)
        if self.mended.texts:
            patches = self.mended.with_patches(patches, search.trials.plausible)
        lost = stop is Stop.FOUND and not patches
        return RepairReport(
            stop=Stop.EXHAUSTED if lost else stop,
            patches=patches,
            candidates=search.trials.tried,
            seconds=time.monotonic() - self._began,
            detail=_detail(search, patches, len(seen.failing)),
        )

    def _pin(self, search: Search, seen: Observation, candidate: Candidate) -> Pinning:
        """What becomes of variants of a plausible candidate."""
        if not search.forks:
            return Pinning()
        return pinning(search.trials.validator, candidate, seen.knowledge, left=self._left())

    def _compare(
        self, search: Search, seen: Observation, candidates: Sequence[Candidate]
    ) -> Comparison | None:
        """How plausible candidates behave on varied inputs; None where that is not known."""
        if not search.forks:
            return None
        return compare_rivals(
            search.trials.validator.session,
            candidates,
            seen.failing,
            seen.passing,
            budget=self.budget,
            left=self._left(),
            seed=self.seed,
        )

    def _tell_of_start(self) -> None:
        """Most of the time may pass before there is anything to tell of candidates."""
        self.progress(SearchProgress(candidates=0, plausible=0, best="", seconds_left=self._left()))

    def _nothing(self, stop: Stop, detail: str) -> RepairReport:
        seconds = time.monotonic() - self._began
        return RepairReport(stop=stop, patches=(), candidates=0, seconds=seconds, detail=detail)

    def _left(self) -> float:
        return max(0.0, self._deadline - time.monotonic())


def _stumbling_over_syntax(greeting: Greeting, targets: Sequence[FailingTest]) -> list[FailingTest]:
    """The failing tests that could not be collected because something does not parse."""
    if not greeting.ready:
        return list(targets) if any(name in greeting.detail for name in syntax.ERRORS) else []
    files = {
        problem.file
        for problem in greeting.errors
        if problem.error is not None and problem.error.type in syntax.ERRORS
    }
    return [target for target in targets if str(target.file) in files]


def _found_detail(patches: Sequence[RankedPatch], tried: int) -> str:
    edits = "1 edit" if tried == 1 else f"{tried} edits"
    return f"{patches[0].title}: the best of {len(patches)} that pass, after {edits}."


def _why_not_failing(seen: Observation, greeting: Greeting) -> str:
    if seen.passing_after_all:
        count = seen.passing_after_all
        return f"{count} of the failing tests pass when they are run here."
    if greeting.errors:
        return (
            "The failing tests cannot be collected, for a reason outside the code that may change."
        )
    return "The failing tests were not collected here."


def _detail(search: Search, patches: Sequence[RankedPatch], failing: int) -> str:
    functions = len(search.queue.functions)
    where = f"{functions} function{'' if functions == 1 else 's'}"
    tried = f"{search.trials.tried:,} candidate{'' if search.trials.tried == 1 else 's'} in {where}"
    if patches:
        count = len(patches)
        return f"{patches[0].title}: the best of {count} that pass, after {tried}."
    if search.trials.plausible:
        file = search.trials.plausible[0].source.relative
        return (
            f"{tried}; what passes cannot be written as a patch: {file} is not UTF-8, and the"
            " bytes of the lines around the edit would not match."
        )
    most = search.trials.validator.most_green
    if failing and most >= failing:
        return f"{tried}; what turned the failing tests green did not stand the proof."
    if most and failing:
        return f"{tried}; the closest turned {most} of {failing} tests green."
    return f"{tried}; none turned a failing test green."


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _ignore(_progress: SearchProgress) -> None:
    return None
