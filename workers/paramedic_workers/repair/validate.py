"""Tries candidates: many at once against few tests, then one at a time against many.

1. `sieve`: a batch of candidates in one child, each against the quickest failing test and,
   if it passes it, against one or two more failing tests;
2. `prove`: one candidate in a child of its own, with all failing tests and the passing ones
   that touch the edit, in the order in which they were collected; where these take long,
   the failing ones first;
3. `rerun`: for a candidate outside of function bodies, collecting anew.

A clean run of pytest outside is the caller's: nothing here is a proof.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from paramedic_workers.repair.edits import Candidate, Function
from paramedic_workers.repair.messages import Letter, Outcome, ProofSeen, RerunSeen, ScreenSeen
from paramedic_workers.repair.session import Session, WarmProcessLost
from paramedic_workers.repair.targets import FailingTest
from paramedic_workers.repair.units import Units

#: A test may take this many times the CPU seconds it took before, within these bounds.
_GENEROSITY, _SHORTEST, _LONGEST = 10.0, 0.02, 60.0
#: Times that candidates may hang before the shortest limit becomes a shorter one, which is
#: about what the clock of CPU time can tell apart.
_LEARNED = ((12, 0.006), (4, 0.012))
#: Wall-clock seconds beyond the tests' own that an answer may take.
_PATIENCE = 5.0
#: Wall-clock seconds beyond a test's own that a child may say nothing.
_QUIET = 0.25
#: CPU seconds that the passing tests run for one candidate may take together.
_PASSING_SECONDS = 2.0
#: Candidates of a batch that pass the failing tests from which on they go through a second
#: sieve, of passing tests, before each is looked at alone; tests of that sieve, and how many
#: of them are those that have refuted most candidates: with them, one is enough.
_MANY, _PASSING_PILOTS, _REFUTING = 3, 6, 4
#: CPU seconds of all its tests up to which one child runs them.
_ONE_CHILD = 0.05


@dataclass(frozen=True)
class KnownTest:
    """A collected test as it ran before any edit."""

    number: int
    id: str
    file: str
    name: str
    passes: bool
    #: It was stopped: its seconds say nothing about how long it takes when it is right.
    hangs: bool
    #: CPU and wall-clock seconds of its set-up and call.
    seconds: float
    wall: float
    #: Files and the lines of them that it runs; None where that was not watched.
    lines: dict[str, frozenset[int]] | None = None

    def limit(self, patience: float = 1.0, shortest: float = _SHORTEST) -> float:
        """CPU seconds after which it is stopped."""
        usual = 0.0 if self.hangs else self.seconds * _GENEROSITY
        return min(max(shortest, usual) * patience, _LONGEST)

    def may_run(self, function: Function) -> bool:
        """Whether it runs a function, or nobody has watched."""
        if self.lines is None:
            return True
        lines = self.lines.get(str(function.source.path), frozenset())
        return any(function.line <= line <= function.last_line for line in lines)


@dataclass(frozen=True)
class Sifted:
    """How one candidate did in a sieve."""

    letter: Letter
    #: Tests that it passed; before the first that it did not pass, if it was done with that.
    passed: int


@dataclass
class Validator:
    """Tries candidates in one session."""

    session: Session
    #: In collection order.
    failing: Sequence[KnownTest]
    passing: Sequence[KnownTest]
    #: Failing tests and files for reruns, and the files to collect.
    targets: Sequence[FailingTest]
    files: Sequence[str]
    #: `time.monotonic()` at which everything must have ended.
    deadline: float
    #: The most failing tests that a candidate has turned green.
    most_green: int = 0
    #: Candidates that ran out of time in the sieve.
    hangs: int = 0
    #: By number: how many candidates a passing test has refuted in proofs; whether a test
    #: passes in a sieve when nothing is changed.
    _refuted: Counter[int] = field(default_factory=Counter)
    _sieved: dict[int, bool] = field(default_factory=dict)
    _units: Units = field(init=False)

    def __post_init__(self) -> None:
        """Nothing was told to the warm process yet."""
        self._units = Units(self.session)

    def pilots(self) -> list[KnownTest]:
        """Failing tests for the sieve, the quickest first; those that hang come last."""
        # Rounded, so that the order does not depend on how the clock ticked.
        return sorted(self.failing, key=lambda t: (t.hangs, round(t.seconds, 2), t.number))[:3]

    def _passing_pilots(self, candidates: Sequence[Candidate]) -> list[KnownTest]:
        """Passing tests that run what these candidates change: refuting ones, then quick ones."""
        functions = [candidate.function for candidate in candidates if candidate.function]
        near = [t for t in self.passing if any(t.may_run(f) for f in functions)]
        refuting = [t for t in near if self._refuted[t.number]]
        refuting.sort(key=lambda t: (-self._refuted[t.number], t.number))
        chosen = refuting[:_REFUTING]
        if len(candidates) > _MANY:
            quick = [t for t in near if t.lines and t not in chosen]
            quick.sort(key=lambda t: (round(t.seconds, 2), t.number))
            chosen += quick[: _PASSING_PILOTS - len(chosen)]
        return self._sound(chosen, functions)

    def _sound(self, tests: Sequence[KnownTest], functions: Sequence[Function]) -> list[KnownTest]:
        """Those of these tests that pass in a sieve as long as nothing is changed."""
        for test in tests:
            if test.number not in self._sieved:
                same = Candidate(functions[0].source, functions[0], (), "", "", 1, 1.0)
                [seen] = self.sift([same], [test])
                self._sieved[test.number] = seen.letter is Letter.PASSED
        return [test for test in tests if self._sieved[test.number]]

    def batch_size(self) -> int:
        """How many candidates to try at once, so that a batch takes about a second."""
        slowest = max((0.0 if t.hangs else t.wall for t in self.pilots()), default=0.0)
        return max(4, min(96, int(1.0 / max(slowest, 0.001))))

    def sieve(self, candidates: Sequence[Candidate], patience: float = 1.0) -> list[Letter]:
        """How each candidate did at the pilots: the first letter that is not `PASSED`.

        Raises:
            WarmProcessLost: the warm process died of it.
        """
        sifted = self.sift(candidates, self.pilots(), patience)
        self.most_green = max([self.most_green, *(one.passed for one in sifted)])
        letters = [one.letter for one in sifted]
        left = [n for n, letter in enumerate(letters) if letter is Letter.PASSED]
        chosen = [candidates[n] for n in left]
        if left and (tests := self._passing_pilots(chosen)):
            seen = self.sift(chosen, tests, patience)
            for n, one in zip(left, seen, strict=True):
                letters[n] = one.letter
        return letters

    def sift(
        self,
        candidates: Sequence[Candidate],
        tests: Sequence[KnownTest],
        patience: float = 1.0,
        *,
        abort: bool = True,
    ) -> list[Sifted]:
        """How each candidate did at these tests, many candidates in one child.

        Args:
            candidates: to be tried.
            tests: in the order in which they are run.
            patience: how much longer than usual they may take.
            abort: whether a candidate is done with the first test that it does not pass.

        Raises:
            WarmProcessLost: the warm process died of it.
        """
        seen = self._screen(candidates, tests, patience, abort)
        sifted = [Sifted(Letter(x), n) for x, n in zip(seen.letters, seen.passed, strict=True)]
        self.hangs += sum(one.letter is Letter.TIMED_OUT for one in sifted)
        return sifted

    def prove(self, candidate: Candidate, patience: float = 1.0) -> Letter:
        """How a candidate does at all tests that concern it, alone in a child.

        Raises:
            WarmProcessLost: the warm process died of it.
        """
        seen = self._prove(candidate, self._groups_for(candidate), patience)
        return seen.ended

    def rerun(self, candidate: Candidate) -> bool:
        """Whether the failing tests pass, and no passing one fails, when all is imported anew.

        Raises:
            WarmProcessLost: the zygote died of it.
        """
        if not self.heals(candidate):
            return False
        return self._none_breaks(self._try_anew(candidate, list(self.files), everything=True))

    def heals(self, candidate: Candidate, patience: float = 1.0) -> bool:
        """Whether the failing tests pass when all is imported anew.

        Raises:
            WarmProcessLost: the zygote died of it.
        """
        own_files = sorted({str(target.file) for target in self.targets})
        seen = self._try_anew(candidate, own_files, everything=False, patience=patience)
        return self._all_wanted_pass(seen)

    # -- asking ----------------------------------------------------------------------

    def screen(
        self, candidates: Sequence[Candidate], test: KnownTest, patience: float = 1.0
    ) -> list[Letter]:
        """How each candidate did at one test.

        Raises:
            WarmProcessLost: the warm process died of it.
        """
        return [sifted.letter for sifted in self.sift(candidates, [test], patience)]

    def reach(self, candidates: Sequence[Candidate], test: KnownTest) -> list[int]:
        """The line at which a test ends with each candidate; -1 where that is not known.

        Raises:
            WarmProcessLost: the warm process died of it.
        """
        idle = _QUIET + 3 * test.limit() + 3 * test.wall
        wall = self._within(_PATIENCE + len(candidates) * idle)
        request = {
            "kind": "reach",
            "candidates": [self._units.message(candidate) for candidate in candidates],
            "test": test.number,
            "limit": test.limit(),
            "wall": wall,
            "idle": idle,
        }
        lines = self.session.ask(request, list[int], _PATIENCE + wall)
        return [*lines, *[-1] * len(candidates)][: len(candidates)]

    def _screen(
        self,
        candidates: Sequence[Candidate],
        tests: Sequence[KnownTest],
        patience: float,
        abort: bool,
    ) -> ScreenSeen:
        shortest = self._shortest(patience)
        limits = [test.limit(patience, shortest) for test in tests]
        idle = _QUIET + 3 * sum(limits) + sum(0 if test.hangs else 3 * test.wall for test in tests)
        wall = self._within(_PATIENCE + len(candidates) * idle)
        request = {
            "kind": "screen",
            "candidates": [self._units.message(candidate) for candidate in candidates],
            "tests": [[test.number, limit] for test, limit in zip(tests, limits, strict=True)],
            "abort": abort,
            "files": sorted({file for test in tests for file in test.lines or ()}),
            "seed": 0,
            "wall": wall,
            "idle": idle,
        }
        seen = self.session.ask(request, ScreenSeen, _PATIENCE + wall)
        is_complete = len(seen.letters) == len(seen.passed) == len(candidates)
        if not is_complete or not set(seen.letters) <= set(Letter):
            raise WarmProcessLost("it answers nonsense")
        return seen

    def _shortest(self, patience: float) -> float:
        """The least CPU seconds of a test: where many candidates hang, each costs less.

        One that runs out of them gets a second try, with more patience, and then all of them.
        """
        learned = (limit for hangs, limit in _LEARNED if self.hangs >= hangs)
        return _SHORTEST if patience > 1.0 else next(learned, _SHORTEST)

    def _prove(
        self, candidate: Candidate, groups: Sequence[Sequence[KnownTest]], patience: float
    ) -> ProofSeen:
        tests = [test for group in groups for test in group]
        wall = self._within(_PATIENCE + sum(2 * t.limit(patience) + 3 * t.wall for t in tests))
        request = {
            "kind": "prove",
            "candidate": self._units.message(candidate),
            "idle": 4 * _QUIET + max(3 * t.limit(patience) + 3 * t.wall for t in tests),
            "groups": [[[t.number, t.limit(patience)] for t in group] for group in groups],
            "wall": wall,
        }
        seen = self.session.ask(request, ProofSeen, _PATIENCE + wall)
        if seen.ended is not Letter.PASSED:
            last = tests[min(seen.letters.count("p"), len(tests) - 1)]
            self._refuted[last.number] += last.passes
        passed = [t for t, letter in zip(tests, seen.letters, strict=False) if letter == "p"]
        self.most_green = max(self.most_green, sum(not test.passes for test in passed))
        return seen

    def _try_anew(
        self,
        candidate: Candidate | None,
        files: list[str],
        *,
        everything: bool,
        patience: float = 1.0,
    ) -> RerunSeen:
        tests = (*self.failing, *self.passing)
        limit = patience * max([1.0, *(test.limit() for test in tests)])
        wall = self._within(patience * (10.0 + sum(3 * test.wall for test in tests)))
        request = {
            "kind": "rerun",
            "texts": dict(self.session.texts),
            "path": str(candidate.source.path) if candidate else "",
            "text": candidate.text() if candidate else "",
            "files": files,
            "tests": [[str(t.file), t.name] for t in self.targets if t.name],
            "whole_files": [str(t.file) for t in self.targets if not t.name],
            "all": everything,
            "limit": limit,
            "wall": wall,
        }
        return self.session.ask_zygote(request, RerunSeen, _PATIENCE + wall)

    def _within(self, seconds: float) -> float:
        return max(0.1, min(seconds, self.deadline - time.monotonic()))

    # -- judging ---------------------------------------------------------------------

    def _all_wanted_pass(self, seen: RerunSeen) -> bool:
        if not seen.finished or any(str(target.file) in seen.errors for target in self.targets):
            return False
        outcomes = {(test.file, test.name): test.outcome for test in seen.tests}
        by_file = {test.file for test in seen.tests}
        fine = (Outcome.PASSED, Outcome.SKIPPED)
        for target in self.targets:
            if target.name and outcomes.get((str(target.file), target.name)) is not Outcome.PASSED:
                return False
            if not target.name and str(target.file) not in by_file:
                return False
        whole = {str(target.file) for target in self.targets if not target.name}
        return all(test.outcome in fine for test in seen.tests if test.file in whole)

    def _none_breaks(self, seen: RerunSeen) -> bool:
        outcomes = {(test.file, test.name): test.outcome for test in seen.tests}
        return self._all_wanted_pass(seen) and all(
            outcomes.get((test.file, test.name)) is Outcome.PASSED for test in self.passing
        )

    def _passing_for(self, candidate: Candidate) -> list[KnownTest]:
        assert candidate.function is not None
        chosen: list[KnownTest] = []
        seconds = 0.0
        for test in self.passing:
            if test.may_run(candidate.function) and seconds + test.seconds < _PASSING_SECONDS:
                chosen.append(test)
                seconds += test.seconds
        return chosen

    def _groups_for(self, candidate: Candidate) -> list[list[KnownTest]]:
        """The tests of a proof, by the child that runs them, in collection order."""
        failing, passing = list(self.failing), self._passing_for(candidate)
        if sum(test.seconds for test in (*failing, *passing)) < _ONE_CHILD:
            return [sorted((*failing, *passing), key=lambda test: test.number)]
        return [failing, passing] if passing else [failing]

    def can_redefine(self, candidate: Candidate) -> bool:
        """Whether a candidate outside of functions can be tried without importing anew."""
        return self._units.pieces(candidate) is not None

    def start_anew(self) -> None:
        """Open the session again after the warm process was lost.

        Raises:
            WarmProcessLost: it cannot be opened again.
        """
        greeting = self.session.reopen()
        if not greeting.ready:
            raise WarmProcessLost(greeting.detail)
        self._units.tell_again()
