"""A warm process with a project's tests in it, and candidates to try in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from paramedic_workers.repair import Project, targets
from paramedic_workers.repair.candidates import CandidateQueue, may_change_by_path
from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.observe import Observation, observe
from paramedic_workers.repair.session import Session
from paramedic_workers.repair.validate import Validator


@dataclass(frozen=True)
class Prepared:
    """A repair at the moment at which its search would begin."""

    validator: Validator
    #: The first ones that change a function, the best first.
    candidates: list[Candidate]
    seen: Observation


@contextmanager
def prepared(project: Project, failing: Sequence[str], most: int = 150) -> Iterator[Prepared]:
    """Open a session, observe the tests, and make candidates.

    Args:
        project: with failing tests.
        failing: their node ids.
        most: candidates to make.
    """
    wanted = targets.find_failing(project, failing)
    names = targets.test_files(project, wanted)
    with Session(project, seed=0, patience=30.0) as session:
        seen = observe(
            session,
            session.open(names),
            wanted,
            modules=targets.modules_of(project),
            may_change=may_change_by_path(project.root, project.may_change),
            budget=60.0,
        )
        deadline = float("inf")
        validator = Validator(session, seen.failing, seen.passing, wanted, names, deadline)
        queue = CandidateQueue(seen.suspicion, seen.knowledge, project.root)
        candidates = [c for c in islice(queue, most) if c.function]
        yield Prepared(validator, candidates, seen)
