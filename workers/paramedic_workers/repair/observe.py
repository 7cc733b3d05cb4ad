"""What is known before anything is changed: how the tests run, and what they run.

1. the failing tests, each in a child of its own: do they fail here, how, how long;
2. the other tests nearest to them, together: which of them pass;
3. the failing tests again, traced: lines, types, the functions entered last;
4. the passing tests nearest to them, traced: lines.

Each step has a share of the budget; what is not seen within it is not known, and later
taken for granted neither way.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from paramedic_workers.repair.knowledge import Knowledge
from paramedic_workers.repair.localise import Suspicion, suspicion
from paramedic_workers.repair.messages import (
    CollectionProblem,
    ErrorSeen,
    Greeting,
    Outcome,
    RunSeen,
)
from paramedic_workers.repair.modules import Modules
from paramedic_workers.repair.session import Session
from paramedic_workers.repair.targets import FailingTest
from paramedic_workers.repair.validate import KnownTest
from paramedic_workers.repair.values import ValuesSeen

#: Failing tests that are looked at.
_MOST_FAILING = 40
#: Failing tests that end, failing tests that hang, and passing tests near them, that are traced.
_MOST_TRACED, _MOST_HANGING, _MOST_TRACED_PASSING = 12, 3, 30
#: Tests besides the failing ones that are run to see whether they pass.
_MOST_OTHERS = 120
#: Passing tests of which types are noted as well.
_MOST_WITH_TYPES = 8
#: CPU seconds that one test may take; that others may once one has hung; that the first may
#: when it is asked whether it hangs or is slow.
_TEST_SECONDS, _HURRIED, _SLOW_SECONDS = 1.0, 0.15, 3.0
#: Shares of the budget for the steps, and the least seconds of steps with failing tests, which
#: may hang. Counts end a step long before, but where tests are slow or hang: what is
#: known must not depend on how quick the machine is.
_SHARES = (0.25, 0.1, 0.15, 0.08)
_LEAST, _LEAST_SHARE = 3.0, 0.25


@dataclass(frozen=True)
class Observation:
    """How the tests run before anything is changed."""

    #: In collection order.
    failing: list[KnownTest]
    passing: list[KnownTest]
    suspicion: Suspicion
    knowledge: Knowledge
    #: What variables held in the failing tests; the same as in `knowledge`.
    values: ValuesSeen
    #: Failing tests that pass in the warm process.
    passing_after_all: int


def observe(
    session: Session,
    greeting: Greeting,
    targets: Sequence[FailingTest],
    *,
    modules: Modules,
    may_change: Callable[[str], bool],
    budget: float,
) -> Observation:
    """Run and trace the collected tests.

    Raises:
        WarmProcessLost: the warm process died of it.
    """
    wanted = {(os.fspath(target.file), target.name) for target in targets}
    numbers = [n for n, t in enumerate(greeting.tests) if (t.file, t.name) in wanted]
    shares = [share * budget for share in _SHARES]
    least = min(_LEAST, _LEAST_SHARE * budget)
    runs = _run_failing(session, numbers[:_MOST_FAILING], max(least, shares[0]))
    failing = [n for n, run in runs.items() if run.outcome in (Outcome.FAILED, Outcome.LOST)]
    others = _nearest(set(range(len(greeting.tests))) - set(numbers), failing, greeting)
    others_runs = _run(session, sorted(others[:_MOST_OTHERS]), True, shares[1])
    runs.update(others_runs)
    # Also a test that was said to fail and does not: it must not begin to.
    passing = [n for n, run in runs.items() if run.outcome is Outcome.PASSED]
    quickest = sorted(
        failing, key=lambda n: (runs[n].outcome is Outcome.LOST, round(runs[n].seconds, 2), n)
    )
    ending = [n for n in quickest if runs[n].outcome is not Outcome.LOST]
    hanging = [n for n in quickest if runs[n].outcome is Outcome.LOST]
    wall = max(least, shares[2])
    longest = max([_TEST_SECONDS, *(3 * runs[n].seconds for n in ending)])
    traced = _trace(session, sorted(ending[:_MOST_TRACED]), True, wall, longest)
    traced.update(_trace(session, sorted(hanging[:_MOST_HANGING]), True, wall, _HURRIED))
    near = _nearest(passing, failing, greeting)[:_MOST_TRACED_PASSING]
    traced_passing = _trace_passing(session, near, shares[3])
    problems = [problem for problem in greeting.errors if _is_wanted(problem, targets)]
    import_errors = [problem.error for problem in problems if problem.error]
    knowledge = _knowledge(
        modules,
        traced.values(),
        traced_passing.values(),
        [*(runs[n].error for n in failing), *import_errors],
    )
    return Observation(
        failing=[_known(greeting, n, runs[n], traced.get(n)) for n in sorted(failing)],
        passing=[_known(greeting, n, runs[n], traced_passing.get(n)) for n in sorted(passing)],
        suspicion=suspicion(
            list(traced.values()),
            list(traced_passing.values()),
            import_errors,
            may_change,
        ),
        knowledge=knowledge,
        values=knowledge.values,
        passing_after_all=len(runs) - len(others_runs) - len(failing),
    )


def _run_failing(session: Session, numbers: Sequence[int], wall: float) -> dict[int, RunSeen]:
    """Each alone; once one has hung, the others get less time to show it.

    Where the first ones all hang, the first gets more time, once: it may only be slow.
    """
    first, others = numbers[:2], numbers[2:]
    deadline = time.monotonic() + wall
    runs = _run(session, first, False, wall)
    limit = _TEST_SECONDS
    if runs and _hang(runs) == len(runs):
        left = max(0.1, deadline - time.monotonic())
        again = _run(session, first[:1], False, left, _SLOW_SECONDS)
        limit = _TEST_SECONDS if _hang(again) else _SLOW_SECONDS
        runs.update(again)
    for number in others:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        seconds = _HURRIED if _hang(runs) else limit
        runs.update(_run(session, [number], False, left, seconds))
    return runs


def _hang(runs: dict[int, RunSeen]) -> int:
    return sum(run.outcome is Outcome.LOST for run in runs.values())


def _run(
    session: Session,
    numbers: Sequence[int],
    together: bool,
    wall: float,
    limit: float = _TEST_SECONDS,
) -> dict[int, RunSeen]:
    request = {
        "kind": "run",
        "tests": list(numbers),
        "limit": limit,
        "together": together,
        "wall": wall,
    }
    return _asked(session, request, numbers, wall)


def _trace(
    session: Session,
    numbers: Sequence[int],
    with_types: bool,
    wall: float,
    limit: float = _TEST_SECONDS,
) -> dict[int, RunSeen]:
    request = {
        "kind": "trace",
        "tests": list(numbers),
        "limit": limit,
        "together": not with_types,
        "with_types": with_types,
        "wall": wall,
    }
    return _asked(session, request, numbers, wall)


def _trace_passing(session: Session, near: Sequence[int], wall: float) -> dict[int, RunSeen]:
    seen = _trace(session, sorted(near[:_MOST_WITH_TYPES]), True, wall / 2)
    seen.update(_trace(session, sorted(near[_MOST_WITH_TYPES:]), False, wall / 2))
    return {n: run for n, run in seen.items() if run.outcome is Outcome.PASSED}


def _asked(
    session: Session, request: dict[str, object], numbers: Sequence[int], wall: float
) -> dict[int, RunSeen]:
    if not numbers:
        return {}
    seen = session.ask(request, list[RunSeen], wall + 20.0)
    return dict(zip(numbers, seen, strict=False))


def _nearest(tests: Iterable[int], failing: Sequence[int], greeting: Greeting) -> list[int]:
    """These tests, the nearest to the failing ones first: same file, then by order."""
    files = {greeting.tests[n].file for n in failing}

    def distance(number: int) -> tuple[bool, int, int]:
        elsewhere = greeting.tests[number].file not in files
        return elsewhere, min(abs(number - other) for other in failing), number

    return sorted(tests, key=distance) if failing else []


def _knowledge(
    modules: Modules,
    failing: Iterable[RunSeen],
    passing: Iterable[RunSeen],
    errors: Iterable[ErrorSeen | None],
) -> Knowledge:
    knowledge = Knowledge(modules=modules)
    for run in failing:
        if run.trace is not None:
            knowledge.learn(run.trace)
            knowledge.values.learn(run.trace)
    for run in passing:
        if run.trace is not None:
            knowledge.learn(run.trace)
    knowledge.errors += [error for error in errors if error is not None]
    return knowledge


def _is_wanted(problem: CollectionProblem, targets: Sequence[FailingTest]) -> bool:
    return any(os.fspath(target.file) == problem.file for target in targets)


def _known(greeting: Greeting, number: int, run: RunSeen, traced: RunSeen | None) -> KnownTest:
    name = greeting.tests[number]
    lines = None
    if traced is not None and traced.trace is not None:
        lines = {file: frozenset(numbers) for file, numbers in traced.trace.lines.items()}
    return KnownTest(
        number=number,
        id=name.id,
        file=name.file,
        name=name.name,
        passes=run.outcome is Outcome.PASSED,
        hangs=run.outcome is Outcome.LOST,
        seconds=run.seconds,
        wall=run.wall,
        lines=lines,
    )
