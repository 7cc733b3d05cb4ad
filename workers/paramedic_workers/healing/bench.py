"""Experiments: runs of the target's tests, each in a fresh working tree, two at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from paramedic_workers.errors import PhaseTimeout
from paramedic_workers.healing.model import (
    Checkouts,
    Deadline,
    RunEnd,
    RunReport,
    TestRunner,
)
from paramedic_workers.healing.outcomes import Seen, seen, selector
from paramedic_workers.healing.threads import all_of

#: Runs that go on at the same time.
_AT_ONCE = 2
#: One run may use this part of the heal's remaining time: the rest is for what follows it.
_SHARE_OF_TIME = 0.5


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One run of tests: of which, of what code, with which hash seed."""

    #: Node ids; empty: the whole suite.
    tests: tuple[str, ...] = ()
    seed: int = 0
    #: Unified diffs that are applied first, in this order.
    diffs: tuple[str, ...] = ()
    #: Full commit id; empty: the failing revision.
    revision: str = ""
    coverage: bool = False


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What experiments need: trees of the failing revision, a runner, and time."""

    checkouts: Checkouts
    #: Applies a unified diff to a working tree; raises `PatchRefused`.
    apply: Callable[[Path, str], None]
    runner: TestRunner
    #: Full commit id of the failing revision.
    revision: str
    #: Seconds that one run may take.
    run_timeout: float
    deadline: Deadline

    def run(self, experiment: Experiment) -> RunReport:
        """Carry out one experiment in a working tree of its own.

        Raises:
            PatchRefused: one of the diffs does not fit.
            PhaseTimeout: the heal's time is used up.
        """
        return self.run_all([experiment])[0]

    def run_all(self, experiments: Sequence[Experiment]) -> list[RunReport]:
        """Carry out experiments two at a time; the reports are in their order."""
        return all_of([partial(self._carry_out, e) for e in experiments], at_once=_AT_ONCE)

    def _carry_out(self, experiment: Experiment) -> RunReport:
        root = self.checkouts.checkout(experiment.revision or self.revision)
        try:
            for diff in experiment.diffs:
                self.apply(root, diff)
            return self._run_in(root, experiment)
        finally:
            self.checkouts.discard(root)

    def _run_in(self, root: Path, experiment: Experiment) -> RunReport:
        report = self._run_once(root, experiment)
        expected = experiment.tests or _expected_of_suite(report)
        unseen = missing(report, expected)
        if report.end is RunEnd.FINISHED or not unseen or len(expected) < 2:
            return report
        # One test that does not exist, crashes or hangs keeps others from being run.
        for part in _parts(unseen, len(expected)):
            report = merged(report, self._run_in(root, replace(experiment, tests=part)))
        return report

    def _run_once(self, root: Path, experiment: Experiment) -> RunReport:
        if self.deadline.passed():
            raise PhaseTimeout("The time for this part of the heal is used up.")
        return self.runner.run(
            root,
            tuple(dict.fromkeys(selector(name) for name in experiment.tests)),
            timeout=min(self.run_timeout, max(1.0, self.deadline.left() * _SHARE_OF_TIME)),
            hash_seed=experiment.seed,
            coverage=experiment.coverage,
        )


def missing(report: RunReport, names: Iterable[str]) -> tuple[str, ...]:
    """Those of the names of which the run saw nothing."""
    return tuple(name for name in names if seen(report, name) is Seen.MISSING)


def _expected_of_suite(report: RunReport) -> tuple[str, ...]:
    """All tests of a suite that crashed; what takes too long is not gone on with."""
    return report.collected if report.end is RunEnd.CRASHED else ()


def _parts(unseen: tuple[str, ...], before: int) -> tuple[tuple[str, ...], ...]:
    if len(unseen) < before:
        return (unseen,)
    half = len(unseen) // 2
    return unseen[:half], unseen[half:]


def merged(first: RunReport, second: RunReport) -> RunReport:
    """Two runs of different tests as one; the first end that was not a plain one counts."""
    end = first if first.end is not RunEnd.FINISHED else second
    known = first.by_test()
    errors = {error.test: error for error in (*first.collection_errors, *second.collection_errors)}
    return RunReport(
        end=end.end,
        detail=end.detail,
        tests=first.tests + tuple(t for t in second.tests if t.test not in known),
        collection_errors=tuple(errors.values()),
        collected=first.collected,
        output=f"{first.output}\n{second.output}".strip(),
        seconds=first.seconds + second.seconds,
        coverage={**first.coverage, **second.coverage},
    )
