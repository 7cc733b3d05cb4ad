"""The search: candidates in order of their score, until one is good enough or time is up.

1. Candidates are tried in batches. Those that change the top level of a module cost a
   hundred times more: the aimed ones go first, the others get a quarter of the time.
2. After the first plausible candidate the search looks at its neighbours only: a fixed
   number of candidates that score nearly as well, so that the same input gives the same
   patch on a slow machine too.
3. Nothing found: the same edit in several places at once; then candidates that ran out
   of time get more of it; then the best ones are tried alone, because candidates of one
   batch can disturb each other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from paramedic_workers.repair.candidates import CandidateQueue
from paramedic_workers.repair.coordinated import coordinated
from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.messages import Letter
from paramedic_workers.repair.model import SearchProgress, Stop
from paramedic_workers.repair.session import WarmProcessLost
from paramedic_workers.repair.validate import Validator

#: Candidates that are looked at after the first plausible one, and their least score
#: relative to it.
_NEIGHBOURS, _NEAR = 240, 0.3
#: Seconds after which looking at neighbours ends even so.
_LOOK_ON = 0.6
#: Score from which on a candidate at the top level of a module is tried at once.
_AIMED = 1.0
#: Share of the time for the others of that kind.
_ANEW_SHARE = 0.25
#: How much longer candidates may take on the second and third try, and how many get one.
_PATIENCE = ((8.0, 240), (60.0, 16))
_SMALL_BATCH = 8
#: Candidates that are tried alone at last.
_ALONE = 240
#: Times that a lost warm process is replaced.
_RESTARTS = 12


@dataclass
class Search:
    """One search for a patch."""

    validator: Validator
    queue: CandidateQueue
    #: `time.monotonic()` at which it must end.
    deadline: float
    progress: Callable[[SearchProgress], None]
    #: Whether a fork of the warm process is sound; else everything is imported anew.
    forks: bool = True
    plausible: list[Candidate] = field(default_factory=list)
    tried: int = 0
    _anew: list[Candidate] = field(default_factory=list)
    #: Passed the sieve, but not all tests.
    _half_right: list[Candidate] = field(default_factory=list)
    _failed: list[Candidate] = field(default_factory=list)
    _slow: list[Candidate] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)
    _anew_seconds: float = 0.0
    _restarts: int = 0
    _found_at: tuple[float, int] | None = None

    def run(self) -> Stop:
        """Search; what was found is in `plausible`, in the order found."""
        for batch in self._batches():
            self._try_aimed()
            if self._is_over(batch):
                break
            self._try(batch)
            self._try_some_anew()
            self._tell()
        else:
            self._try_the_rest()
        if self.plausible:
            return Stop.FOUND
        return Stop.BUDGET if self._time_is_up() else Stop.EXHAUSTED

    # -- order -----------------------------------------------------------------------

    def _batches(self) -> Iterator[list[Candidate]]:
        """Batches for the warm process; the others are put aside on the way."""
        size = self.validator.batch_size()
        batch: list[Candidate] = []
        for candidate in self.queue:
            if candidate.function is None or not self.forks:
                self._anew.append(candidate)
                if not self.forks or (not batch and candidate.score >= _AIMED):
                    yield []
                continue
            batch.append(candidate)
            if len(batch) >= size:
                yield batch
                batch = []
        yield batch

    def _is_over(self, batch: Sequence[Candidate]) -> bool:
        if self._time_is_up():
            return True
        if self._found_at is None:
            return False
        found, tried = self._found_at
        floor = _NEAR * max(candidate.score for candidate in self.plausible)
        return (
            self.tried - tried >= _NEIGHBOURS
            or time.monotonic() - found > _LOOK_ON
            or (bool(batch) and batch[0].score < floor)
        )

    # -- trying ----------------------------------------------------------------------

    def _try(self, batch: Sequence[Candidate], patience: float = 1.0) -> None:
        if not batch:
            return
        try:
            letters = self.validator.sieve(batch, patience)
        except WarmProcessLost:
            self._after_loss(batch, patience)
            return
        self.tried += len(batch)
        for candidate, letter in zip(batch, letters, strict=True):
            if letter is Letter.PASSED:
                self._prove(candidate, patience)
            elif letter is Letter.TIMED_OUT:
                self._slow.append(candidate)
            elif letter is Letter.NOT_SWAPPABLE:
                self._anew.append(candidate)
            elif letter is Letter.FAILED:
                self._failed.append(candidate)

    def _prove(self, candidate: Candidate, patience: float = 1.0) -> None:
        if self._time_is_up():
            return
        try:
            letter = self.validator.prove(candidate, patience)
        except WarmProcessLost:
            self._restart()
            return
        if letter is Letter.PASSED:
            self._found(candidate)
        elif letter is Letter.TIMED_OUT:
            self._slow.insert(0, candidate)
        else:
            self._half_right.append(candidate)

    def _after_loss(self, batch: Sequence[Candidate], patience: float) -> None:
        """A candidate has killed the warm process: find the others in smaller batches."""
        self._restart()
        middle = len(batch) // 2
        if middle and not self._time_is_up():
            self._try(batch[:middle], patience)
            self._try(batch[middle:], patience)
        else:
            self.tried += len(batch)

    def _restart(self) -> None:
        self._restarts += 1
        if self._restarts <= _RESTARTS:
            self.validator.start_anew()
        else:
            self.deadline = time.monotonic()

    def _try_aimed(self) -> None:
        aimed = [c for c in self._anew if c.score >= _AIMED or not self.forks]
        self._anew = [c for c in self._anew if c not in aimed]
        for candidate in aimed:
            self._try_one_anew(candidate)

    def _try_some_anew(self) -> None:
        allowed = _ANEW_SHARE * (time.monotonic() - self._began)
        while self._anew and self._anew_seconds < allowed and not self._found_at:
            self._try_one_anew(self._anew.pop(0))

    def _try_one_anew(self, candidate: Candidate) -> None:
        if self._is_over([candidate]):
            return
        started = time.monotonic()
        self.tried += 1
        try:
            if self.validator.rerun(candidate):
                self._found(candidate)
        except WarmProcessLost:
            self._restart()
        self._anew_seconds += time.monotonic() - started
        self._tell()

    def _try_the_rest(self) -> None:
        """What is left when every candidate had its turn."""
        singles = (*self._half_right, *self._failed, *self._slow)
        self._try_in_batches(coordinated(singles), self.validator.batch_size())
        for candidate in self._anew:
            self._try_one_anew(candidate)
        for patience, most in _PATIENCE:
            slow, self._slow = self._slow[:most], []
            self._try_in_batches(slow, _SMALL_BATCH, patience)
        for candidate in self._failed[:_ALONE]:
            if not self.plausible:
                self._prove(candidate)

    def _try_in_batches(
        self, candidates: Sequence[Candidate], size: int, patience: float = 1.0
    ) -> None:
        for start in range(0, len(candidates), size):
            batch = candidates[start : start + size]
            if self._is_over(batch):
                return
            self._try(batch, patience)
            self._tell()

    # -- telling ---------------------------------------------------------------------

    def _found(self, candidate: Candidate) -> None:
        self.plausible.append(candidate)
        if self._found_at is None:
            self._found_at = (time.monotonic(), self.tried)

    def _time_is_up(self) -> bool:
        return time.monotonic() >= self.deadline

    def _tell(self) -> None:
        best = max(self.plausible, key=lambda c: c.score, default=None)
        self.progress(
            SearchProgress(
                candidates=self.tried,
                plausible=len(self.plausible),
                best=best.title if best else "",
                seconds_left=max(0.0, self.deadline - time.monotonic()),
            )
        )
