"""What becomes of candidates that are tried."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.messages import Letter
from paramedic_workers.repair.model import SearchProgress, Stop
from paramedic_workers.repair.search import Search
from paramedic_workers.repair.session import WarmProcessLost
from paramedic_workers.repair.source import Replacement, Source
from paramedic_workers.repair.trials import Trials

if TYPE_CHECKING:
    from paramedic_workers.repair.candidates import CandidateQueue
    from paramedic_workers.repair.edits import Function

SOURCE = Source(Path("/m.py"), "m.py", "x = 1 + f(y)\nz = 2\n")


def edit(old: str, new: str, score: float = 1.0) -> Candidate:
    start = SOURCE.text.index(old)
    part = Replacement(start, start + len(old), new)
    return Candidate(
        source=SOURCE, function=None, parts=(part,), template="x", title=new, line=1, score=score
    )


@dataclass
class Judge:
    """Passes candidates by the text that they write; some kill the warm process."""

    passing: set[str] = field(default_factory=set)
    lethal: set[str] = field(default_factory=set)
    restarts: int = 0

    def sieve(self, candidates: Sequence[Candidate], patience: float) -> list[Letter]:
        if any(self._written(one) in self.lethal for one in candidates):
            raise WarmProcessLost("killed")
        return [self.prove(one, patience) for one in candidates]

    def prove(self, candidate: Candidate, patience: float) -> Letter:
        return Letter.PASSED if self._written(candidate) in self.passing else Letter.FAILED

    def start_anew(self) -> None:
        self.restarts += 1

    def _written(self, candidate: Candidate) -> str:
        return candidate.text().splitlines()[0].partition(" = ")[2]


def trials_with(judge: Any, told: list[SearchProgress] | None = None) -> Trials:
    progress = [] if told is None else told
    return Trials(judge, time.monotonic() + 3600, progress.append)


def test_what_is_found_is_kept_in_its_simplest_form_that_passes() -> None:
    trials = trials_with(Judge(passing={"0 + f(y)", "f(y)"}))
    trials.batch([edit("1", "0")])
    assert [one.text() for one in trials.plausible] == ["x = f(y)\nz = 2\n"]


def test_a_simpler_form_that_does_not_pass_is_not_kept() -> None:
    trials = trials_with(Judge(passing={"0 + f(y)"}))
    trials.batch([edit("1", "0")])
    assert [one.text() for one in trials.plausible] == ["x = 0 + f(y)\nz = 2\n"]


def test_two_edits_with_one_simplest_form_are_one() -> None:
    trials = trials_with(Judge(passing={"0 + f(y)", "f(y)"}))
    trials.batch([edit("1", "0"), edit("1 + ", "")])
    assert len(trials.plausible) == 1


def test_a_candidate_that_kills_the_process_costs_only_itself() -> None:
    judge = Judge(passing={"4 + f(y)"}, lethal={"3 + f(y)"})
    trials = trials_with(judge)
    trials.batch([edit("1", number) for number in ("2", "3", "4", "5")])
    assert [one.title for one in trials.plausible] == ["4"]
    assert trials.tried == 4
    assert judge.restarts == 3


def test_after_too_many_losses_the_search_ends() -> None:
    trials = trials_with(Judge(lethal={"3 + f(y)"}))
    for _ in range(20):
        trials.batch([edit("1", "3")])
    assert trials.time_is_up


def test_failed_candidates_are_remembered_within_bounds() -> None:
    trials = trials_with(Judge())
    for _ in range(50):
        trials.batch([edit("1", "2")] * 100)
    assert trials.tried == 5000
    assert len(trials.failed) == 4000


def test_the_best_so_far_is_told() -> None:
    told: list[SearchProgress] = []
    trials = trials_with(Judge(passing={"2 + f(y)", "3 + f(y)"}), told)
    trials.batch([edit("1", "2", 0.5), edit("1", "3", 0.9)])
    trials.tell()
    assert (told[-1].best, told[-1].plausible, told[-1].candidates) == ("3", 2, 2)


def test_what_is_weighed_does_not_depend_on_the_size_of_batches() -> None:
    counts = set()
    for size in (1, 3, 7, 20):
        trials = trials_with(Judge(passing={"5 + f(y)"}))
        candidates = [edit("1", str(number), 1.0 / number) for number in range(2, 60)]
        search = Search(trials, cast("CandidateQueue", candidates))
        for start in range(0, len(candidates), size):
            batch = candidates[start : start + size]
            if trials.plausible and batch[0].score < 0.3 * trials.plausible[0].score:
                break
            trials.batch(batch)
        counts.add(search.weighed)
    # Up to 1/5, and what scores at least 0.3 of it: 1/6 … 1/16.
    assert counts == {4 + 11}


@dataclass
class Impatient(Judge):
    """Passes one candidate only when it has more time than usual; others hang."""

    patient: list[str] = field(default_factory=list)

    def batch_size(self) -> int:
        return 50

    def sieve(self, candidates: Sequence[Candidate], patience: float) -> list[Letter]:
        if patience == 1.0:
            return [Letter.TIMED_OUT if n < 10 else Letter.FAILED for n in range(len(candidates))]
        self.patient += [one.title for one in candidates]
        return super().sieve(candidates, patience)


def test_what_ran_out_of_time_gets_more_of_it_before_the_long_tail() -> None:
    judge = Impatient(passing={"3 + f(y)"})
    trials = trials_with(judge)
    function = cast("Function", object())
    candidates = [
        replace(edit("1", str(number), 1.0 / number), function=function)
        for number in range(2, 3000)
    ]
    trials_found = Search(trials, cast("CandidateQueue", candidates)).run()
    assert trials_found is Stop.FOUND
    assert trials.tried < 1500
    assert judge.patient[:2] == ["2", "3"]
