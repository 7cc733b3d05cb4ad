"""The strategy `revert`: take back the commit that broke the test.

1. Find a good commit: the configured one, else backwards through the first parents of
   the failing revision with growing steps, within bounds.
2. Bisect between it and the failing revision with reruns in throw-away working trees;
   commits that cannot be tested are passed over.
3. Offer the revert of the culprit on top of the failing revision, without the files that
   a patch must not touch. Where it conflicts, or nothing is left of it, give up.

A test that is younger than a commit is taken there from the failing revision: the old
code is then judged by today's test, which is trusted less.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from paramedic.text import counted
from paramedic_workers.errors import ParamedicError
from paramedic_workers.healing.diffs import MalformedDiff, parse_diff, sections
from paramedic_workers.healing.model import Case, OfferedPatch, RunEnd, StrategyReport
from paramedic_workers.healing.outcomes import Seen, file_of, seen, selector
from paramedic_workers.healing.tamper import may_touch
from paramedic_workers.results import AttemptOutcome, Confidence

#: A culprit that changed more lines than this is trusted less: it did more than break a test.
_LARGE = 40
#: Seconds in which no further commit is tested: reporting needs some.
_LAST_SECONDS = 1.0
_SHORT_ID = 7


class _State(StrEnum):
    """What the test says of one commit."""

    GOOD = "good"
    BAD = "bad"
    UNTESTABLE = "untestable"


class _GaveUp(Exception):
    """Why there is nothing to offer."""

    def __init__(self, outcome: AttemptOutcome, detail: str) -> None:
        self.outcome = outcome
        super().__init__(detail)


@dataclass(frozen=True, kw_only=True)
class _Culprit:
    commit: str
    #: Whether the tests of those days, not today's, told good from bad.
    by_own_tests: bool


class RevertStrategy:
    """Finds the commit that broke a test, and offers its revert."""

    name = "revert"

    def attempt(self, case: Case) -> StrategyReport:
        """Look for the culprit within the case's deadline; see `healing.model.Strategy`."""
        search = _Search(case)
        try:
            culprit = search.culprit()
            patch = _revert_of(culprit, case)
        except _GaveUp as reason:
            return StrategyReport(
                outcome=reason.outcome, candidates=len(search.tested), detail=str(reason)
            )
        return StrategyReport(
            outcome=AttemptOutcome.PROVED,
            patches=(patch,),
            candidates=len(search.tested),
            detail=f"{_named(case, culprit.commit)} broke it.",
        )


@dataclass
class _Search:
    """The search for the culprit: which commits were tested, and what they showed."""

    case: Case
    tested: dict[str, _State] = field(default_factory=dict)
    #: Commits to which today's test files had to be taken.
    _lent: set[str] = field(default_factory=set)

    def culprit(self) -> _Culprit:
        """The first commit at which the test fails.

        Raises:
            _GaveUp: it cannot be told.
        """
        line = [self.case.revision, *self._ancestors()]
        if len(line) == 1:
            raise _GaveUp(AttemptOutcome.NOT_APPLICABLE, "There is no earlier commit.")
        good = self._first_good(line)
        bad = self._bisect(line, good)
        lent = {line[good], line[bad]} & self._lent
        return _Culprit(commit=line[bad], by_own_tests=not lent)

    def _ancestors(self) -> list[str]:
        found = self.case.history.ancestors(self.case.revision, self.case.target.search_back)
        good = self._configured_good()
        if good is None or good in found:
            return found
        # Configured farther back than one would search: everything up to it counts.
        further = self.case.history.ancestors(self.case.revision, 10_000)
        return further[: further.index(good) + 1] if good in further else found

    def _configured_good(self) -> str | None:
        if not self.case.target.known_good:
            return None
        try:
            return self.case.history.resolve(self.case.target.known_good)
        except ParamedicError:
            return None

    def _first_good(self, line: list[str]) -> int:
        """Index of a commit at which the test passes; the nearer the better."""
        good = self._configured_good()
        if good in line[1:] and self._state(good) is _State.GOOD:
            return line.index(good)
        step, index = 1, 1
        while True:
            if self._state(line[index]) is _State.GOOD:
                return index
            if index == len(line) - 1:
                count = len(line) - 1
                reason = f"It passes at none of the commits that were tried, {count} back."
                raise _GaveUp(AttemptOutcome.NOTHING_FOUND, reason)
            step *= 2
            index = min(index + step, len(line) - 1)

    def _bisect(self, line: list[str], good: int) -> int:
        """Index of the oldest bad commit, next to a good one; `line` is newest first."""
        bad = max(n for n in range(good) if n == 0 or self.tested.get(line[n]) is _State.BAD)
        while good - bad > 1:
            middle = self._testable_between(line, bad, good)
            if middle is None:
                reason = f"The culprit is one of {good - bad} commits that cannot be tested."
                raise _GaveUp(AttemptOutcome.NOTHING_FOUND, reason)
            if self._state(line[middle]) is _State.GOOD:
                good = middle
            else:
                bad = middle
        return bad

    def _testable_between(self, line: list[str], bad: int, good: int) -> int | None:
        """The testable commit nearest to the middle."""
        middle = (bad + good) // 2
        for index in sorted(range(bad + 1, good), key=lambda n: abs(n - middle)):
            if self._state(line[index]) is not _State.UNTESTABLE:
                return index
        return None

    def _state(self, commit: str) -> _State:
        if commit not in self.tested:
            if self.case.deadline.left() < _LAST_SECONDS:
                detail = f"Its time was up after {counted(len(self.tested), 'commit')}."
                raise _GaveUp(AttemptOutcome.OUT_OF_TIME, detail)
            self.tested[commit] = self._test(commit)
        return self.tested[commit]

    def _test(self, commit: str) -> _State:
        root = self.case.checkouts.checkout(commit)
        try:
            state = self._run(root)
            if state is _State.UNTESTABLE and self._lend_tests(root):
                self._lent.add(commit)
                state = self._run(root)
            return state
        finally:
            self.case.checkouts.discard(root)

    def _run(self, root: Path) -> _State:
        # One test tells: the proof shows what else the revert heals.
        test = self.case.tests[0]
        timeout = min(self.case.target.run_timeout, self.case.deadline.left())
        report = self.case.runner.run(root, [selector(test)], timeout=timeout)
        found = seen(report, test)
        if found is Seen.PASSED:
            return _State.GOOD
        uncollected = report.collection_errors and "::" in test
        if found is Seen.FAILED and not uncollected:
            return _State.BAD
        crashed = report.end in (RunEnd.CRASHED, RunEnd.TIMED_OUT)
        return _State.BAD if crashed else _State.UNTESTABLE

    def _lend_tests(self, root: Path) -> bool:
        """Take the failing test's file from the failing revision, if it is another here."""
        folder = self.case.target.directory
        file = Path(folder, file_of(self.case.tests[0]))
        source, place = self.case.root / file, root / file
        if not source.is_file() or source.is_symlink() or place.is_symlink():
            return False
        if place.is_file() and place.read_bytes() == source.read_bytes():
            return False
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)
        return True


def _revert_of(culprit: _Culprit, case: Case) -> OfferedPatch:
    """The patch that takes the culprit back, as far as it may.

    Raises:
        _GaveUp: it conflicts, or nothing of it may be touched.
    """
    if case.uncommitted and culprit.commit == case.revision:
        detail = "The uncommitted changes broke it: they are for their author to take back."
        raise _GaveUp(AttemptOutcome.NOTHING_FOUND, detail)
    name = _named(case, culprit.commit)
    diff = case.history.revert_diff(culprit.commit, case.revision)
    if not diff:
        raise _GaveUp(
            AttemptOutcome.NOTHING_FOUND,
            f"{name} broke it, but its revert conflicts with later work.",
        )
    kept, left_out = _touchable(diff, case)
    if not kept:
        raise _GaveUp(
            AttemptOutcome.NOTHING_FOUND,
            f"{name} broke it, and touches no file that may be changed.",
        )
    size = sum(len(change.added) + len(change.removed) for change in parse_diff(kept))
    reasons = [f"The test fails from {name} on."]
    if left_out:
        reasons.append(f"Left as they are: {', '.join(left_out)}.")
    if not culprit.by_own_tests:
        reasons.append("Older commits were judged by today's test, which they did not have.")
    if size > _LARGE:
        reasons.append(f"The commit is large ({size} lines): more than the mistake is taken back.")
    sure = culprit.by_own_tests and size <= _LARGE
    return OfferedPatch(
        diff=kept,
        confidence=Confidence.MEDIUM if sure else Confidence.LOW,
        reasons=tuple(reasons),
        title=f"revert of {name}",
    )


def _touchable(diff: str, case: Case) -> tuple[str, tuple[str, ...]]:
    """The part of the diff that may be applied, and the paths of the rest."""
    try:
        parts = sections(diff)
    except MalformedDiff as error:
        raise _GaveUp(
            AttemptOutcome.NOTHING_FOUND, f"Its revert cannot be offered: {error}."
        ) from None
    kept = [text for change, text in parts if may_touch(change.path, case.target)]
    left_out = [change.path for change, _ in parts if not may_touch(change.path, case.target)]
    return "".join(kept), tuple(left_out)


def _named(case: Case, commit: str) -> str:
    return f'{commit[:_SHORT_ID]} "{case.history.subject(commit)}"'
