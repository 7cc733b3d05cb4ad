"""Heals the failing tests of one group: a cluster at a time, until each has its outcome.

1. Patches that were proved for other incidents are tried first.
2. The largest cluster is given to the strategies. A proven patch takes with it every
   other failing test that it turns green, of whatever cluster: one cause after all.
3. A cluster without a patch for all of its tests is split: a patch that heals some of
   them is taken, else single tests are tried; the rest is a cluster of its own again.
4. Tests that are left are tried with the proven patches together: two bugs may hide
   behind one test.
5. Patches that are not trusted are kept back to the end: a later one may heal the same
   tests and more of them, and then takes their place (`causes`).

Whatever goes wrong with one cluster ends that cluster alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from paramedic_workers.errors import Phase, PhaseTimeout
from paramedic_workers.healing.attempts import Assignment, Proven, Tried, Workshop
from paramedic_workers.healing.boundary import guarded
from paramedic_workers.healing.causes import CauseOutcome, rank, settled
from paramedic_workers.healing.clusters import Cluster
from paramedic_workers.healing.interruption import SignalWatch
from paramedic_workers.healing.journal import Journal
from paramedic_workers.healing.model import Deadline, KnownFix, OfferedPatch
from paramedic_workers.healing.patching import PatchRefused
from paramedic_workers.healing.regressions import named
from paramedic_workers.healing.summary import subject_line
from paramedic_workers.results import Attempt, AttemptOutcome

#: Tests of a cluster that are tried alone before the cluster counts as unhealed.
_MOST_SINGLES = 3
#: A cluster of several tests gets this part of its time as a whole; the rest is for splitting.
_SHARE_OF_WHOLE = 0.6
#: Strategy named for patches that heal only together.
TOGETHER = "combination"


@dataclass(kw_only=True)
class GroupHealer:
    """Heals one group; use it once."""

    workshop: Workshop
    #: One diff that does what several do one after the other; raises `PatchRefused`.
    combine: Callable[[Sequence[str]], str]
    #: Seconds that strategies may use for one cause.
    repair_budget: float
    #: By when strategies must end, so that proofs have time left.
    deadline: Deadline
    journal: Journal
    watch: SignalWatch

    def __post_init__(self) -> None:
        """Begin with every test still failing."""
        self._outcomes: list[CauseOutcome] = []
        #: Tests that a trusted patch heals.
        self._closed: set[str] = set()
        #: Tests that a patch heals which is not trusted: they wait for a better one.
        self._held: set[str] = set()
        self._failing = tuple(report.test for report in self.workshop.template.failing)
        self._combined: set[frozenset[str]] = set()

    def heal(self, clusters: Iterable[Cluster], known: Iterable[KnownFix]) -> list[CauseOutcome]:
        """One outcome per cause; each failing test is in exactly one of them."""
        for fix in known:
            self._guarded(partial(self._try_known, fix), ())
        waiting = deque(cluster.tests for cluster in clusters)
        while waiting:
            tests = self._without_patch(waiting.popleft())
            if not tests:
                continue
            self._guarded(self._try_together, ())
            rest = self._guarded(partial(self._heal_cluster, tests), tests)
            if rest:
                waiting.appendleft(rest)
        self._guarded(self._try_together, ())
        return settled(self._outcomes, self.workshop.trusted)

    def _guarded(
        self, work: Callable[[Journal], tuple[str, ...]], tests: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Do one piece of work; what it raises is the outcome of these tests."""
        if self.watch.interrupted:
            return self._end_by_signal(tests)
        page = self.journal.page(subject_line(tests) if tests else "")
        outcome = guarded(Phase.REPAIR, page, lambda: work(page))
        if outcome.failure is not None and tests:
            self._outcomes.append(
                CauseOutcome(tests=tests, journal=page, tried=Tried(), failure=outcome.failure)
            )
        return outcome.value or ()

    def _end_by_signal(self, tests: tuple[str, ...]) -> tuple[str, ...]:
        """After a signal nothing more is begun; what is left has failed by it."""
        raised = self.watch.raised

        def end() -> tuple[str, ...]:
            raise raised if raised is not None else KeyboardInterrupt

        page = self.journal.page()
        failure = guarded(Phase.REPAIR, page, end).failure
        if tests:
            self._outcomes.append(
                CauseOutcome(tests=tests, journal=page, tried=Tried(), failure=failure)
            )
        return ()

    def _not_closed(self, tests: Iterable[str]) -> tuple[str, ...]:
        return tuple(test for test in tests if test not in self._closed)

    def _without_patch(self, tests: Iterable[str]) -> tuple[str, ...]:
        return tuple(test for test in self._not_closed(tests) if test not in self._held)

    def _heal_cluster(self, tests: tuple[str, ...], journal: Journal) -> tuple[str, ...]:
        """Look for a patch; gives the tests of the cluster that need another one."""
        deadline = self.deadline.within(self.repair_budget)
        tried = self._try(tests, deadline, _SHARE_OF_WHOLE if len(tests) > 1 else 1.0, journal)
        best = self._best(tried, tests)
        if best is None and len(tests) > 1:
            best = self._best_of_singles(tests, tried, deadline, journal)
        if best is None:
            self._outcomes.append(CauseOutcome(tests=tests, journal=journal, tried=tried))
            return ()
        self._close(best, tried, journal)
        return self._without_patch(tests)

    def _try(
        self, tests: tuple[str, ...], deadline: Deadline, share: float, journal: Journal
    ) -> Tried:
        others = tuple(test for test in self._not_closed(self._failing) if test not in tests)
        time = deadline.within(deadline.left() * share)
        return self.workshop.try_all(Assignment(tests=tests, others=others), time, journal)

    def _best_of_singles(
        self, tests: tuple[str, ...], tried: Tried, deadline: Deadline, journal: Journal
    ) -> Proven | None:
        journal.say("no patch heals all of these tests: trying them one by one")
        found = Tried()
        for number, test in enumerate(tests[:_MOST_SINGLES]):
            share = 1.0 / (min(len(tests), _MOST_SINGLES) - number)
            found.add(self._try((test,), deadline, share, journal))
            best = self._best(found, tests)
            # A patch for one test alone may merely fit it: another test may lead to the cause.
            if best is not None and (len(best.proof.closes) > 1 or self.workshop.trusted(best)):
                break
        best = self._best(found, tests)
        if best is not None and len(best.proof.closes) > 1 and not self.workshop.trusted(best):
            # All tests of this cause together say more of a patch than the one that led to it.
            same_cause = tuple(test for test in tests if test in best.proof.closes)
            found.add(self._try(same_cause, deadline, 1.0, journal))
        tried.add(found)
        return self._best(found, tests)

    def _best(self, tried: Tried, tests: Sequence[str]) -> Proven | None:
        """The proven patch that heals most of these tests; of equals, a trusted one.

        Then the one that heals most tests in all, then the one with most confidence.
        """

        def merit(proven: Proven) -> tuple[int, bool, int, int]:
            closes = proven.proof.closes
            confidence = rank(proven.offered.confidence)
            return len(closes & set(tests)), self.workshop.trusted(proven), len(closes), confidence

        return max(tried.proven, key=merit, default=None)

    def _close(
        self, best: Proven, tried: Tried, journal: Journal, known: KnownFix | None = None
    ) -> None:
        trusted = self.workshop.trusted(best)
        open_tests = (self._not_closed if trusted else self._without_patch)(self._failing)
        closes = tuple(test for test in open_tests if test in best.proof.closes)
        (self._closed if trusted else self._held).update(closes)
        self._outcomes.append(
            CauseOutcome(tests=closes, journal=journal, tried=tried, best=best, known=known)
        )

    def _try_known(self, fix: KnownFix, journal: Journal) -> tuple[str, ...]:
        tests = self._without_patch(self._failing)
        if not tests:
            return ()
        journal.say(f"trying the patch that healed incident {fix.incident}")
        offered = OfferedPatch(
            diff=fix.patch,
            confidence=fix.confidence,
            reasons=(f"It was proved for incident {fix.incident} at the same revision.",),
            title=f"the fix of incident {fix.incident}",
        )
        proven = self._proved(offered, fix.strategy, tests, journal)
        if proven is not None:
            self._close(proven, _as_tried(proven), journal, fix)
        return ()

    def _try_together(self, journal: Journal) -> tuple[str, ...]:
        """Try all proven patches at once on the tests that none of them heals alone."""
        parts = [outcome.best for outcome in self._outcomes if outcome.best is not None]
        tests = self._without_patch(self._failing)
        key = frozenset(part.offered.diff for part in parts) | frozenset(tests)
        if len(parts) < 2 or not tests or key in self._combined:
            return ()
        self._combined.add(key)
        journal.say(f"trying {len(parts)} proven patches together on {named(tests)}")
        try:
            diff = self.combine([part.offered.diff for part in parts])
        except PatchRefused as error:
            journal.say(f"they do not go together: {error}")
            return ()
        proven = self._proved(_together(diff, parts), TOGETHER, tests, journal)
        if proven is not None:
            self._close(proven, _as_tried(proven), journal)
        return ()

    def _proved(
        self, offered: OfferedPatch, strategy: str, tests: tuple[str, ...], journal: Journal
    ) -> Proven | None:
        try:
            proof = self.workshop.prover.prove(offered.diff, tests, journal=journal)
        except PhaseTimeout as error:
            journal.say(f"not proved: {error}")
            return None
        return Proven(offered=offered, strategy=strategy, proof=proof) if proof.holds else None


def _as_tried(proven: Proven) -> Tried:
    attempt = Attempt(
        strategy=proven.strategy,
        outcome=AttemptOutcome.PROVED,
        candidates=1,
        detail=f"{proven.offered.title} heals it too.",
    )
    return Tried(attempts=[attempt], proven=[proven])


def _together(diff: str, parts: Sequence[Proven]) -> OfferedPatch:
    titles = " and ".join(part.offered.title or part.strategy for part in parts)
    return OfferedPatch(
        diff=diff,
        confidence=min((part.offered.confidence for part in parts), key=rank),
        reasons=("No single patch heals it: it fails because of several causes.",),
        title=f"together: {titles}",
    )
