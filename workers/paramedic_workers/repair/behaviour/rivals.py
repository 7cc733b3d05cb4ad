"""Compares the plausible candidates of one search with each other."""

from __future__ import annotations

from collections.abc import Sequence

from paramedic_workers.repair.behaviour.compare import Versions, compare_in
from paramedic_workers.repair.behaviour.comparison import Comparison
from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.session import Session, WarmProcessLost
from paramedic_workers.repair.validate import KnownTest

#: Seconds, and share of the budget, that a comparison may take.
_LONGEST, _SHARE = 12.0, 0.2
#: Inputs: run in a fraction of that time, so that a slow machine tells the same.
_MOST_INPUTS = 150
#: Failing and passing tests whose calls are recorded.
_MOST_TESTS = 12
#: How much longer than before a test may take while it is watched.
_WATCHED = 4.0

_BYTE_ORDER_MARK = "\ufeff"


def compare_rivals(
    session: Session,
    candidates: Sequence[Candidate],
    failing: Sequence[KnownTest],
    passing: Sequence[KnownTest],
    *,
    budget: float,
    left: float,
    seed: int,
) -> Comparison | None:
    """How these candidates behave on varied inputs; None where that cannot be found out.

    Args:
        session: whose warm process has collected the tests, without any candidate.
        candidates: that pass all tests.
        failing: tests that failed without them.
        passing: tests that passed.
        budget: seconds of the whole repair.
        left: seconds of it that are left.
        seed: of the choice of inputs.
    """
    seconds = min(_LONGEST, _SHARE * budget, left)
    if seconds <= 0:
        return None
    loaded = {str(c.source.path): _plain(c.source.text) for c in candidates}
    versions = [{**loaded, str(c.source.path): _plain(c.text())} for c in candidates]
    functions = [c.function for c in candidates if c.function]
    near = [test for test in passing if any(test.may_run(function) for function in functions)]
    tests = [*failing[:_MOST_TESTS], *near[:_MOST_TESTS]]
    limits = [(test.number, test.limit(_WATCHED)) for test in tests]
    try:
        return compare_in(
            session,
            limits,
            Versions(loaded=loaded, all=versions),
            seconds,
            most=_MOST_INPUTS,
            seed=seed,
        )
    except WarmProcessLost:
        return None


def _plain(text: str) -> str:
    return text.removeprefix(_BYTE_ORDER_MARK)
