"""The search: candidates in order of their score, until one is good enough or time is up.

1. Single edits are tried in batches, the best first. Those that change the top level of a
   module go through a sieve of their own; importing everything anew costs a hundred times
   more. Where that alone can try an edit, the aimed ones go first, the others get a quarter
   of the time.
2. After the first plausible candidate the search looks for rivals: a fixed number of
   candidates that score nearly as well, so that the same input gives the same patch on a
   slow machine too.
3. Nothing found: the same edit in several places at once; the best candidates that ran out
   of time get more of it; new expressions; pairs of edits; what did not pass the sieve of
   the top level, imported anew; then the best ones alone, because candidates of one batch
   can disturb each other.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from paramedic_workers.repair.candidates import CandidateQueue
from paramedic_workers.repair.coordinated import coordinated, coordinated_in_file
from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.model import Stop
from paramedic_workers.repair.pairs import measured, pairs
from paramedic_workers.repair.session import WarmProcessLost
from paramedic_workers.repair.synthesis import synthesised
from paramedic_workers.repair.trials import Trials

#: Candidates that are looked at after the first plausible one, and their least score
#: relative to it.
_RIVALS, _NEAR = 400, 0.3
#: Seconds, or share of the time that is left, after which looking for rivals ends even so; on a
#: quick machine it takes one second.
_LOOK_ON, _LOOK_ON_SHARE = 8.0, 0.5
#: Score from which on a candidate at the top level of a module is tried at once.
_AIMED = 1.0
#: Share of the time for the others of that kind.
_ANEW_SHARE = 0.25
#: How much longer candidates may take on the second and third try, and how many get one.
_MORE_PATIENCE, _MORE = 8.0, 240
_MOST_PATIENCE, _FEW = 60.0, 16
#: How many get it early, and how much rarer that becomes each time: most of them hang.
_SOON, _RARER = 24, 4
_SMALL_BATCH = 8
#: Shares of the time left: for new expressions, to measure what edits are good for, for
#: pairs of them.
_SYNTHESIS, _MEASURING, _PAIRING = 0.35, 0.25, 0.6
#: Candidates that are tried alone at last.
_ALONE = 240


@dataclass
class Search:
    """One search for a patch."""

    trials: Trials
    queue: CandidateQueue
    #: Whether a fork of the warm process is sound; else everything is imported anew.
    forks: bool = True
    _anew: list[Candidate] = field(default_factory=list)
    #: Change the top level and wait for their sieve, or did not pass it.
    _definitions: list[Candidate] = field(default_factory=list)
    _sifted: list[Candidate] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)
    #: Candidates tried at which slow ones are next tried again.
    _slow_at: int = 500

    def run(self) -> Stop:
        """Search; what was found is in `trials.plausible`, in the order found."""
        for batch in self._batches(self.queue):
            self._try_definitions()
            self._try_aimed()
            if self._is_over(batch):
                break
            self.trials.batch(batch)
            self._try_slow_soon()
            self._try_some_anew()
            self.trials.tell()
        else:
            self._try_the_rest()
        if self.trials.plausible:
            self._drop_far_ones()
            return Stop.FOUND
        return Stop.BUDGET if self.trials.time_is_up else Stop.EXHAUSTED

    # -- order -----------------------------------------------------------------------

    def _batches(self, candidates: Iterable[Candidate]) -> Iterator[list[Candidate]]:
        """Batches for the warm process; the others are put aside on the way."""
        size = self._size()
        batch: list[Candidate] = []
        for candidate in candidates:
            if candidate.score < _AIMED and self._aimed_wait():
                yield []
            if candidate.function is None or not self.forks:
                self._put_aside(candidate)
                aimed = not batch and candidate.score >= _AIMED
                if not self.forks or (aimed and self._anew) or len(self._definitions) >= size:
                    yield []
                continue
            batch.append(candidate)
            if len(batch) >= size:
                yield batch
                batch = []
        yield batch

    def _put_aside(self, candidate: Candidate) -> None:
        if self.forks and self.trials.validator.can_redefine(candidate):
            self._definitions.append(candidate)
        else:
            self._anew.append(candidate)

    def _size(self) -> int:
        return self.trials.validator.batch_size()

    def _is_over(self, batch: Sequence[Candidate]) -> bool:
        """Whether nothing more is to be tried, or nothing that scores like this batch."""
        trials = self.trials
        if trials.time_is_up:
            return True
        if trials.found_at is None:
            return False
        found, tried = trials.found_at
        floor = _NEAR * max(candidate.score for candidate in trials.plausible)
        return (
            trials.tried - tried >= _RIVALS
            or time.monotonic() - found > max(_LOOK_ON, _LOOK_ON_SHARE * (trials.deadline - found))
            or (bool(batch) and batch[0].score < floor)
        )

    @property
    def weighed(self) -> int:
        """Candidates that had to be tried: the same number whatever the size of batches."""
        trials = self.trials
        if trials.found_after is None:
            return trials.tried
        floor = _NEAR * max(candidate.score for candidate in trials.plausible)
        behind = trials.scores[trials.found_after : trials.found_after + _RIVALS]
        return trials.found_after + sum(score >= floor for score in behind)

    def _drop_far_ones(self) -> None:
        """Forget what was only tried because it was in one batch with something better.

        How large a batch is depends on how quick the tests were, and what is found must not.
        """
        plausible = self.trials.plausible
        floor = _NEAR * max(candidate.score for candidate in plausible)
        plausible[:] = [candidate for candidate in plausible if candidate.score >= floor]

    # -- the top level of modules ----------------------------------------------------

    def _aimed_wait(self) -> bool:
        """Whether definitions wait for their sieve that must not wait for more of them."""
        return bool(self._definitions) and self._definitions[0].score >= _AIMED

    def _try_definitions(self) -> None:
        """Those that change the top level and wait for their sieve."""
        for batch in _chunks(self._definitions, self._size()):
            if self._is_over(batch):
                break
            for candidate in self.trials.definitions(batch):
                self._try_anew(candidate)
            self._sifted += batch
        self._definitions.clear()

    def _try_aimed(self) -> None:
        aimed = [c for c in self._anew if c.score >= _AIMED or not self.forks]
        self._anew = [c for c in self._anew if c not in aimed]
        for candidate in aimed:
            self._try_anew(candidate)

    def _try_some_anew(self) -> None:
        self._anew += self.trials.not_swappable
        self.trials.not_swappable.clear()
        allowed = _ANEW_SHARE * (time.monotonic() - self._began)
        while self._anew and self.trials.anew_seconds < allowed and not self.trials.found_at:
            self._try_anew(self._anew.pop(0))

    def _try_sifted(self) -> None:
        """Try those again by importing anew: more than their sieve sees may follow from them."""
        for candidate in self._sifted:
            self._try_anew(candidate)

    def _try_anew(self, candidate: Candidate) -> None:
        if not self._is_over([candidate]):
            self.trials.anew(candidate)

    # -- when every single edit had its turn -----------------------------------------

    def _try_the_rest(self) -> None:
        trials = self.trials
        self._try_definitions()
        singles = [*trials.half_right, *trials.failed]
        self._try_in_batches(coordinated(chain(singles, trials.slow)))
        for candidate in coordinated_in_file(singles):
            self._put_aside(candidate)
        self._try_definitions()
        for candidate in self._anew:
            self._try_anew(candidate)
        self._try_slow(_MORE_PATIENCE, _MORE)
        if self.forks:
            self._try_in_batches(self._of_new_expressions(), share=_SYNTHESIS)
            self._try_pairs(singles)
        self._try_slow(_MOST_PATIENCE, _FEW)
        self._try_sifted()
        if self.forks and not trials.plausible:
            for candidate in singles[:_ALONE]:
                if candidate.function is not None and not self._is_over([candidate]):
                    trials.alone(candidate)

    def _of_new_expressions(self) -> list[Candidate]:
        return [] if self._is_over(()) else synthesised(self.queue)

    def _try_slow(self, patience: float, most: int) -> None:
        slow = self.trials.slow[:most]
        del self.trials.slow[:most]
        self._try_in_batches(slow, size=_SMALL_BATCH, patience=patience)

    def _try_slow_soon(self) -> None:
        """Give the best that ran out of time more of it before the long tail has its turn."""
        if self.trials.tried >= self._slow_at and not self.trials.plausible:
            self._slow_at *= _RARER
            self._try_slow(_MORE_PATIENCE, _SOON)

    def _try_pairs(self, singles: Sequence[Candidate]) -> None:
        if self._is_over(()) or self.trials.plausible:
            return
        validator = self.trials.validator
        try:
            gains = measured(validator, singles, self._after(_MEASURING))
        except WarmProcessLost:
            self.trials.restart()
            return
        self._try_in_batches(pairs(gains), share=_PAIRING)

    def _try_in_batches(
        self,
        candidates: Iterable[Candidate],
        *,
        size: int | None = None,
        patience: float = 1.0,
        share: float = 1.0,
    ) -> None:
        until = self._after(share)
        most = size or self.trials.validator.batch_size()
        for batch in _chunks(candidates, most):
            if self._is_over(batch) or time.monotonic() >= until:
                return
            self.trials.batch(batch, patience)
            self.trials.tell()

    def _after(self, share: float) -> float:
        """When this share of the time that is left is over."""
        now = time.monotonic()
        return now + share * max(0.0, self.trials.deadline - now)


def _chunks(candidates: Iterable[Candidate], size: int) -> Iterator[list[Candidate]]:
    chunk: list[Candidate] = []
    for candidate in candidates:
        chunk.append(candidate)
        if len(chunk) >= size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
