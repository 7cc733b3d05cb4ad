"""The phase `verify`: the proof of a fix.

1. The tamper guard has no objection.
2. With the patch, the whole suite is run once and the failing tests k times, each run
   in a fresh working tree with another hash seed: the failing tests pass in every run.
3. No test that passed without the patch fails, disappears or is skipped with it.
4. Without the patch, in a fresh run after the others, the failing tests fail again.

Every experiment becomes a step of the proof. Other failing tests of the group that turn
green in k of k runs too are closed by the same patch: that shows that they had one cause.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from paramedic_workers.errors import Phase, PhaseTimeout
from paramedic_workers.healing.bench import Bench, Experiment
from paramedic_workers.healing.journal import Journal
from paramedic_workers.healing.model import RunEnd, RunReport
from paramedic_workers.healing.outcomes import green
from paramedic_workers.healing.patching import PatchRefused
from paramedic_workers.healing.regressions import Comparison, named, unseen
from paramedic_workers.healing.tamper import inspect
from paramedic_workers.results import ProofStep
from paramedic_workers.settings import TargetSettings

#: A run that is killed within this many times what the suite took before had too little
#: time: on a busy machine the same tests may take so much longer.
_TOO_SOON = 2.0


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What the experiments with one patch showed."""

    steps: tuple[ProofStep, ...]
    #: Failing tests that pass in k of k runs with the patch; none where it is refuted.
    closes: frozenset[str] = frozenset()

    @property
    def holds(self) -> bool:
        """Whether the patch heals at least one failing test and every step holds."""
        return bool(self.closes) and not self.objection

    @property
    def objection(self) -> str:
        """The first thing that speaks against the patch, in one sentence; else empty."""
        for step in self.steps:
            if not step.holds:
                return f"{step.experiment}: {step.observation}"
        return ""


@dataclass(frozen=True, kw_only=True)
class Prover:
    """Proves patches of one group, or refutes them."""

    bench: Bench
    target: TargetSettings
    #: The whole suite at the failing revision.
    baseline: RunReport

    def prove(
        self, diff: str, tests: Sequence[str], others: Iterable[str] = (), *, journal: Journal
    ) -> Proof:
        """Carry out every experiment with this patch.

        Where it heals some of `tests` only, the proof is of those.

        Args:
            diff: unified diff against the failing revision.
            tests: the failing tests that it is for.
            others: further failing tests that it may heal by the way.
            journal: where it is written down.

        Raises:
            PhaseTimeout: the time is used up, or too short for a run that decides.
        """
        with journal.during(Phase.VERIFY):
            objections = inspect(diff, self.target)
            if objections:
                journal.say(f"the tamper guard refuses the patch: {objections[0]}")
                return Proof(steps=(_guard_step(objections),))
            try:
                proof = _Experiments(self, diff, tuple(tests)).carry_out(tuple(others))
            except PatchRefused as error:
                proof = Proof(steps=(_step("applying the patch", str(error), holds=False),))
            journal.say(_told(proof))
            return proof


class _Experiments:
    """The experiments with one patch, in their order."""

    def __init__(self, prover: Prover, diff: str, tests: tuple[str, ...]) -> None:
        self._bench = prover.bench
        self._baseline = prover.baseline
        self._runs = prover.target.runs
        self._diff = diff
        self._tests = tests
        self._steps: list[ProofStep] = [_guard_step(())]

    def carry_out(self, others: tuple[str, ...]) -> Proof:
        suite, healed = self._first_runs()
        if not healed:
            return self._refuted()
        for step in Comparison(before=self._baseline, after=suite).steps(
            self._bench, self._diff, self._runs
        ):
            self._steps.append(step)
            if not step.holds:
                return self._refuted()
        return self._further_runs(healed, green(suite, others) - healed)

    def _first_runs(self) -> tuple[RunReport, frozenset[str]]:
        """The whole suite and, beside it, the failing tests with another hash seed."""
        aside = unseen(self._baseline, self._tests)
        experiments = [Experiment(diffs=(self._diff,))]
        experiments += [self._with_patch(self._tests, 1)] if self._runs > 1 else []
        experiments += [self._with_patch(aside, 0)] if aside else []
        suite, *more = self._run_all(experiments)
        first = green(suite, self._tests)
        first |= green(more.pop(), aside) if aside else frozenset()
        self._note_green(first, self._tests, 1, suite)
        healed = first
        if more and first:
            healed &= green(more[0], self._tests)
            self._note_green(healed, tuple(first), 2, more[0])
        return suite, healed

    def _further_runs(self, healed: frozenset[str], others: frozenset[str]) -> Proof:
        """The rest of the k runs and, beside them, a run without the patch."""
        own, by_the_way = tuple(sorted(healed)), tuple(sorted(others))
        later = [self._with_patch(own + by_the_way, seed) for seed in range(2, self._runs)]
        second = [self._with_patch(by_the_way, 1)] if by_the_way and self._runs > 1 else []
        reports = self._run_all([*later, Experiment(tests=own), *second])
        for number, report in enumerate(reports[: len(later)], start=3):
            self._note_green(green(report, own), own, number, report)
        without = reports[len(later)]
        self._note_without(without, own)
        for report in [*reports[: len(later)], *reports[len(later) + 1 :]]:
            others &= green(report, by_the_way)
        if any(not step.holds for step in self._steps):
            return self._refuted()
        if others:
            self._steps.append(
                _step(
                    f"other failing tests with the patch, {self._runs} runs",
                    f"{len(others)} {_pass(len(others))} in every run: {named(sorted(others))}",
                    holds=True,
                )
            )
        return Proof(steps=tuple(self._steps), closes=healed | others)

    def _run_all(self, experiments: Sequence[Experiment]) -> list[RunReport]:
        reports = self._bench.run_all(experiments)
        # Killed for want of time, a run shows nothing, neither for the patch nor against it.
        enough = min(_TOO_SOON * self._baseline.seconds, 0.9 * self._bench.run_timeout)
        if any(r.end is RunEnd.TIMED_OUT and r.seconds < enough for r in reports):
            raise PhaseTimeout("The time that was left is too short to prove the patch.")
        return reports

    def _with_patch(self, tests: tuple[str, ...], seed: int) -> Experiment:
        return Experiment(tests=tests, seed=seed, diffs=(self._diff,))

    def _note_green(
        self, passed: frozenset[str], tests: tuple[str, ...], number: int, report: RunReport
    ) -> None:
        # Where only some pass, the proof goes on with those: they are what this patch heals.
        part = f"{len(passed)} of {len(tests)} {_pass(len(tests))}"
        self._steps.append(
            _step(
                f"failing tests with the patch, run {number} of {self._runs}",
                part if passed else f"{part}: {report.detail}",
                holds=bool(passed) and (number < 3 or len(passed) == len(tests)),
            )
        )

    def _note_without(self, report: RunReport, tests: tuple[str, ...]) -> None:
        passed = green(report, tests)
        again = "it fails again" if len(tests) == 1 else f"all {len(tests)} fail again"
        self._steps.append(
            _step(
                "failing tests without the patch, in a fresh run afterwards",
                f"{named(sorted(passed))} {_pass(len(passed))} without it" if passed else again,
                holds=not passed,
            )
        )

    def _refuted(self) -> Proof:
        return Proof(steps=tuple(self._steps))


def _pass(number: int) -> str:
    return "passes" if number == 1 else "pass"


def _guard_step(objections: tuple[str, ...]) -> ProofStep:
    observation = "; ".join(objections) or "no objection"
    return _step("the tamper guard", observation, holds=not objections)


def _step(experiment: str, observation: str, *, holds: bool) -> ProofStep:
    return ProofStep(experiment=experiment, observation=observation, holds=holds)


def _told(proof: Proof) -> str:
    if proof.holds:
        return f"the patch is proved: it heals {named(sorted(proof.closes))}"
    return f"the patch is refuted: {proof.objection or 'it heals no failing test'}"
