"""What becomes of candidates that are tried."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.messages import Letter
from paramedic_workers.repair.model import SearchProgress
from paramedic_workers.repair.session import WarmProcessLost
from paramedic_workers.repair.source import Replacement, Source
from paramedic_workers.repair.trials import Trials

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
