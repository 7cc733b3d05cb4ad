"""Whether a patch breaks other tests: the whole suite with it against the suite without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from paramedic.text import counted
from paramedic_workers.healing.bench import Bench, Experiment
from paramedic_workers.healing.model import RunEnd, RunReport, TestOutcome
from paramedic_workers.healing.outcomes import Seen, green, seen
from paramedic_workers.results import ProofStep

#: Tests named in one observation.
_NAMED = 3
#: A patch that breaks more tests than this is refuted without asking whether they are flaky.
_MOST_RECHECKED = 20


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The suite at the failing revision and the suite with a patch."""

    before: RunReport
    after: RunReport

    def steps(self, bench: Bench, diff: str, runs: int) -> Iterator[ProofStep]:
        """What the comparison shows; asks again for tests that seem to be broken."""
        broken = self._broken()
        if not broken or len(broken) > _MOST_RECHECKED:
            yield self._regression_step(broken)
        else:
            yield _recheck(bench, diff, runs, broken)
        yield self._count_step()
        yield self._skip_step()

    def _broken(self) -> tuple[str, ...]:
        """Tests that do not pass with the patch and did without it, or perhaps did.

        A suite that hangs without the patch never gets to the tests behind the hang.
        """
        perhaps = frozenset(self.before.never_run()) - _skipped(self.after)
        return tuple(sorted((self.before.passing() | perhaps) - self.after.passing()))

    def _regression_step(self, broken: tuple[str, ...]) -> ProofStep:
        count = len(self.before.passing())
        still = counted(
            count, "test that passed before still passes", "tests that passed before still pass"
        )
        kept = f"{'all ' if count > 1 else ''}{still}{self._reservation()}"
        cut = "" if self.after.end is not RunEnd.TIMED_OUT else f" ({self.after.detail})"
        lost = f"{len(broken)} of {counted(count, 'test')} that passed before "
        lost += f"{'does' if len(broken) == 1 else 'do'} not: {named(broken)}{cut}"
        return ProofStep(
            experiment="the whole suite with the patch",
            observation=lost if broken else kept,
            holds=not broken,
        )

    def _reservation(self) -> str:
        """What is not known, because the suite does not come to its end without the patch."""
        if self.before.end not in (RunEnd.CRASHED, RunEnd.TIMED_OUT):
            return ""
        if self.before.collected and not self.before.never_run():
            return ""
        return f"; without the patch only these could be seen: {self.before.detail}"

    def _count_step(self) -> ProofStep:
        before, after = _collected(self.before), _collected(self.after)
        return ProofStep(
            experiment="tests collected with and without the patch",
            observation=f"{before} without, {after} with it",
            holds=after >= before,
        )

    def _skip_step(self) -> ProofStep:
        skipped = _skipped(self.after)
        ran = {test.test for test in self.before.tests} - _skipped(self.before)
        new = tuple(sorted(skipped & ran))
        return ProofStep(
            experiment="tests skipped with the patch and not without",
            observation=named(new) if new else "none",
            holds=not new,
        )


def _recheck(bench: Bench, diff: str, runs: int, broken: tuple[str, ...]) -> ProofStep:
    """Whether tests that failed once with the patch are flaky by themselves."""
    without = [Experiment(tests=broken, seed=seed) for seed in range(runs)]
    reports = bench.run_all(without)
    # Only what fails without the patch too is no fault of it.
    steady = frozenset(broken)
    for report in reports:
        steady &= green(report, broken)
    flaky = tuple(name for name in broken if name not in steady)
    if steady:
        observation = f"tests that passed before do not: {named(sorted(steady))}"
    else:
        observation = (
            f"all tests that passed before still pass, but for flaky ones, which also "
            f"fail without the patch: {named(flaky)}"
        )
    return ProofStep(
        experiment="the whole suite with the patch", observation=observation, holds=not steady
    )


def named(tests: Sequence[str]) -> str:
    """A few tests by name, and how many more there are."""
    more = len(tests) - _NAMED
    return ", ".join(tests[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _collected(report: RunReport) -> int:
    return len(report.tests)


def _skipped(report: RunReport) -> frozenset[str]:
    return frozenset(t.test for t in report.tests if t.outcome is TestOutcome.SKIPPED)


def unseen(report: RunReport, tests: tuple[str, ...]) -> tuple[str, ...]:
    """Tests that are not part of the suite as it is run by default."""
    return tuple(test for test in tests if seen(report, test) is Seen.MISSING)
