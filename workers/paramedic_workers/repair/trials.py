"""Trying candidates: in batches, alone, or anew, and what became of each.

Everything that a search learns is kept here: what passed, what failed, what ran out of
time. A candidate that kills the warm process costs a new one, not the search.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.messages import Letter
from paramedic_workers.repair.model import SearchProgress
from paramedic_workers.repair.session import WarmProcessLost
from paramedic_workers.repair.simplify import simplified
from paramedic_workers.repair.validate import Validator

#: Failed candidates that are remembered for combinations, the best ones.
_MOST_REMEMBERED = 4000
#: Times that a lost warm process is replaced.
_RESTARTS = 12


@dataclass
class Trials:
    """What was tried in one search."""

    validator: Validator
    #: `time.monotonic()` at which it must end.
    deadline: float
    progress: Callable[[SearchProgress], None]
    #: Passed all tests that concern them, in the order found.
    plausible: list[Candidate] = field(default_factory=list)
    tried: int = 0
    #: Cannot be put into the live functions.
    not_swappable: list[Candidate] = field(default_factory=list)
    #: Passed the sieve, but not all tests.
    half_right: list[Candidate] = field(default_factory=list)
    failed: list[Candidate] = field(default_factory=list)
    slow: list[Candidate] = field(default_factory=list)
    #: Seconds that were spent on importing anew.
    anew_seconds: float = 0.0
    #: When the first plausible one was found, and how many had been tried.
    found_at: tuple[float, int] | None = None
    #: Scores of what was tried in batches, in that order, and how many it were when the first
    #: plausible one came, whatever the size of its batch.
    scores: list[float] = field(default_factory=list)
    found_after: int | None = None
    _restarts: int = 0

    def batch(self, candidates: Sequence[Candidate], patience: float = 1.0) -> None:
        """Try these together; those that pass the sieve, alone with all tests."""
        if not candidates:
            return
        try:
            letters = self.validator.sieve(candidates, patience)
        except WarmProcessLost:
            self._after_loss(candidates, patience)
            return
        self.tried += len(candidates)
        for candidate, letter in zip(candidates, letters, strict=True):
            self.scores.append(candidate.score)
            self._note(candidate, letter, patience)

    def alone(self, candidate: Candidate, patience: float = 1.0) -> None:
        """Try this one with all tests that concern it, in a child of its own."""
        if self.time_is_up:
            return
        letter = self._proved(candidate, patience)
        if letter is Letter.PASSED:
            self._found(candidate, self._passes)
        elif letter is Letter.TIMED_OUT:
            self.slow.insert(0, candidate)
        elif letter is not None:
            self.half_right.append(candidate)

    def definitions(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Those that pass the sieve, of candidates that change the top level of modules."""
        try:
            letters = self.validator.sieve(candidates)
        except WarmProcessLost:
            self.restart()
            return []
        self.tried += len(candidates)
        both = zip(candidates, letters, strict=True)
        return [candidate for candidate, letter in both if letter is Letter.PASSED]

    def anew(self, candidate: Candidate) -> None:
        """Try this one with everything imported anew."""
        started = time.monotonic()
        self.tried += 1
        if self._passes_anew(candidate):
            self._found(candidate, self._passes_anew)
        self.anew_seconds += time.monotonic() - started
        self.tell()

    @property
    def time_is_up(self) -> bool:
        """Whether the search must end."""
        return time.monotonic() >= self.deadline

    def tell(self) -> None:
        """Say how far the search is."""
        best = max(self.plausible, key=lambda c: c.score, default=None)
        self.progress(
            SearchProgress(
                candidates=self.tried,
                plausible=len(self.plausible),
                best=best.title if best else "",
                seconds_left=max(0.0, self.deadline - time.monotonic()),
            )
        )

    def restart(self) -> None:
        """Replace a warm process that was lost; after too many losses the time is up."""
        self._restarts += 1
        if self._restarts <= _RESTARTS:
            self.validator.start_anew()
        else:
            self.deadline = time.monotonic()

    # -- outcomes --------------------------------------------------------------------

    def _note(self, candidate: Candidate, letter: Letter, patience: float) -> None:
        if letter is Letter.PASSED:
            self.alone(candidate, patience)
        elif letter is Letter.TIMED_OUT:
            self.slow.append(candidate)
        elif letter is Letter.NOT_SWAPPABLE:
            self.not_swappable.append(candidate)
        elif letter is Letter.FAILED and len(self.failed) < _MOST_REMEMBERED:
            self.failed.append(candidate)

    def _found(self, candidate: Candidate, passes: Callable[[Candidate], bool]) -> None:
        """Keep a candidate, in its simplest form that passes as well."""
        simpler = simplified(candidate)
        if simpler is not None and passes(simpler):
            candidate = simpler
        if self.found_at is None:
            self.found_at = (time.monotonic(), self.tried)
            self.found_after = len(self.scores)
        texts = {(found.source.relative, found.parts) for found in self.plausible}
        if (candidate.source.relative, candidate.parts) not in texts:
            self.plausible.append(candidate)

    def _passes(self, candidate: Candidate) -> bool:
        return self._proved(candidate, 1.0) is Letter.PASSED

    def _proved(self, candidate: Candidate, patience: float) -> Letter | None:
        try:
            return self.validator.prove(candidate, patience)
        except WarmProcessLost:
            self.restart()
            return None

    def _passes_anew(self, candidate: Candidate) -> bool:
        try:
            return self.validator.rerun(candidate)
        except WarmProcessLost:
            self.restart()
            return False

    def _after_loss(self, candidates: Sequence[Candidate], patience: float) -> None:
        """A candidate has killed the warm process: find the others in smaller batches."""
        self.restart()
        middle = len(candidates) // 2
        if middle and not self.time_is_up:
            self.batch(candidates[:middle], patience)
            self.batch(candidates[middle:], patience)
        else:
            self.tried += len(candidates)
