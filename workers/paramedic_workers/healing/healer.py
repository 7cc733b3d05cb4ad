"""The healer: takes a group of incidents through the phases, and never raises.

1. prepare: fetch the target, check it out, build its environment;
2. reproduce: run the failing tests until it is known how they fail (`reproduce`);
3. diagnose: run the rest of the suite, cluster the failures (`diagnose`);
4. repair and verify: strategies look for patches, each is proved (`group`, `verify`);
5. publish: a proven patch goes on its branch (`publish`).

Whatever a phase raises, `KeyboardInterrupt` and `SystemExit` of foreign code included,
becomes a result with verdict, phase, type, message and traceback (`boundary`). There is
one exception to that: a `KeyboardInterrupt` or `SystemExit` that a signal handler of this
process raised, such as Ctrl-C, goes on once everything is cleaned up. What any other
handler raises, such as Celery's soft time limit, gives `failed` to all that is not yet
healed, and nothing more is begun.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog
from msgspec.structs import replace

from paramedic_workers.errors import Phase, RepositoryError, UsageError
from paramedic_workers.healing.already_fixed import later_main, without_fixed
from paramedic_workers.healing.attempts import Workshop
from paramedic_workers.healing.bench import Bench
from paramedic_workers.healing.boundary import Failure, Outcome, failure_of, guarded
from paramedic_workers.healing.causes import CauseOutcome
from paramedic_workers.healing.checkouts import ClosableCheckouts
from paramedic_workers.healing.combine import combined
from paramedic_workers.healing.conclude import Conclusions, incidents_of, unpublished
from paramedic_workers.healing.diagnose import Diagnosis, diagnose
from paramedic_workers.healing.endings import Ending
from paramedic_workers.healing.environment import TargetEnvironment
from paramedic_workers.healing.group import GroupHealer
from paramedic_workers.healing.interruption import SignalWatch
from paramedic_workers.healing.journal import Journal
from paramedic_workers.healing.launching import ClosableLauncher
from paramedic_workers.healing.model import (
    Case,
    Deadline,
    HealReport,
    HealRequest,
    IncidentBrief,
    ProgressCallback,
    TestRunner,
    ignore_progress,
)
from paramedic_workers.healing.owners import owners_of
from paramedic_workers.healing.publish import branch_for, put_on_branch
from paramedic_workers.healing.reproduce import Reproducer, Reproduction
from paramedic_workers.healing.subjects import identified
from paramedic_workers.healing.tools import HealWorkspace, Tools, real_tools
from paramedic_workers.healing.verify import Prover
from paramedic_workers.results import Result

T = TypeVar("T")

#: The part of the whole time that is kept for proofs after the strategies.
_SHARE_FOR_PROOFS = 0.25
#: A proof takes about as long as this many runs of the whole suite, and some seconds.
_RUNS_OF_A_PROOF = 4


class Healer:
    """Heals groups of incidents, one at a time, in this process."""

    def __init__(
        self,
        *,
        data: Path,
        progress: ProgressCallback = ignore_progress,
        clock: Callable[[], float] = time.monotonic,
        tools: Tools | None = None,
    ) -> None:
        """Heal with these means.

        Args:
            data: the data directory, for clones, environments and working trees.
            progress: told what happens; whatever it raises is ignored.
            clock: seconds, for deadlines and durations.
            tools: other parts than the real ones, for tests.
        """
        self._data = data
        self._progress = progress
        self._clock = clock
        self._tools = tools or real_tools()

    def heal(self, request: HealRequest) -> HealReport:
        """Heal a group; each of its incidents is in exactly one result.

        A request that cannot be carried out as it was made (no repository, no such
        revision) has results like any other, and its error in `refused`. A target in
        which nothing fails, asked without incidents, gives no results.

        Raises:
            KeyboardInterrupt: Ctrl-C during the heal; everything is cleaned up.
            SystemExit: a signal handler of this process asked for its end; likewise.
        """
        with SignalWatch() as watch:
            report = _Heal(self, request, watch).run()
        watch.end_process_if_asked()
        return report

    # What one heal needs; public to this module only.

    def journal(self, target: str) -> Journal:
        """A new journal."""
        return Journal(target, progress=self._progress, clock=self._clock)

    def deadline(self, seconds: float) -> Deadline:
        """The deadline that many seconds from now."""
        return Deadline.after(seconds, self._clock)

    @property
    def data(self) -> Path:
        """The data directory."""
        return self._data

    @property
    def tools(self) -> Tools:
        """The parts a heal works with."""
        return self._tools


@dataclass(frozen=True, kw_only=True)
class _Prepared:
    """What the phase `prepare` gives to the others."""

    workspace: HealWorkspace
    #: A working tree at the failing revision, for looking things up.
    root: Path
    environment: TargetEnvironment
    launcher: ClosableLauncher
    checkouts: ClosableCheckouts
    bench: Bench
    runner: TestRunner


class _Heal:
    """One heal, from the request to the report."""

    def __init__(self, healer: Healer, request: HealRequest, watch: SignalWatch) -> None:
        self._healer = healer
        self._tools = healer.tools
        self._request = request
        self._target = request.target
        self._watch = watch
        self._journal = healer.journal(request.target.name)
        self._deadline = healer.deadline(request.target.budget)
        self._conclusions = Conclusions(target=self._target.name, trust=self._target.trust)
        self._refused: UsageError | RepositoryError | None = None
        self._seen = ""
        self._passing: frozenset[str] = frozenset()

    def run(self) -> HealReport:
        """The report; raises nothing."""
        stack = ExitStack()
        try:
            results = self._results(stack)
        except BaseException as error:  # noqa: BLE001 - the last line of the boundary
            results = [self._failed(failure_of(error, self._journal.phase), self._incidents())]
        finally:
            self._clean_up(stack)
        return HealReport(
            results=tuple(results),
            revision=self._conclusions.revision,
            refused=self._refused,
            seen=self._seen,
            passing=self._passing,
        )

    def _results(self, stack: ExitStack) -> list[Result]:
        prepared = self._phase(Phase.PREPARE, partial(self._prepare, stack))
        if prepared.value is None:
            return self._nothing_but(prepared, self._incidents())
        reproduced = self._phase(Phase.REPRODUCE, partial(self._reproduce, prepared.value))
        if reproduced.value is None:
            return self._nothing_but(reproduced, self._incidents())
        reproduction = reproduced.value
        results = [self._conclusions.of_ending(e, self._journal) for e in reproduction.endings]
        if reproduction.subjects and not self._request.check_only:
            results = [*self._heal(prepared.value, reproduction), *results]
        return [self._with_owners(result, prepared.value.root) for result in results]

    def _with_owners(self, result: Result, root: Path) -> Result:
        owners = owners_of(root, result, self._incidents(), self._target.directory)
        return replace(result, owners=owners)

    def _heal(self, prepared: _Prepared, reproduction: Reproduction) -> list[Result]:
        diagnosed = self._phase(
            Phase.DIAGNOSE,
            partial(diagnose, prepared.bench, reproduction, self._target, self._journal),
        )
        if diagnosed.value is None:
            return self._nothing_but(diagnosed, [s.incident for s in reproduction.subjects])
        group = self._group(prepared, reproduction, diagnosed.value)
        outcomes = group.heal(diagnosed.value.clusters, self._request.known_fixes)
        incidents = incidents_of(
            outcomes, reproduction.subjects, reproduction.failing, self._target.name
        )
        return [
            self._published(
                prepared.workspace,
                outcome,
                self._conclusions.of_outcome(
                    outcome, briefs, reproduction.failing[outcome.tests[0]]
                ),
            )
            for outcome, briefs in zip(outcomes, incidents, strict=True)
        ]

    def _prepare(self, stack: ExitStack) -> _Prepared:
        target = self._target
        self._journal.say(f"fetching {target.name}")
        workspace = stack.enter_context(
            self._tools.open_workspace(self._request, self._healer.data, self._deadline)
        )
        self._conclusions.revision = workspace.revision
        self._conclusions.unsupported = tuple(workspace.unsupported)
        launcher = ClosableLauncher(self._tools.launcher(target))
        root = workspace.checkout(workspace.revision)
        stack.callback(workspace.discard, root)
        environment = self._tools.environment(
            self._request, root, self._healer.data, self._deadline
        )
        runner = self._tools.runner(target, environment, launcher)
        self._tell_prepared(workspace, environment)
        self._journal.say(f"sandbox: {launcher.description}")
        checkouts = ClosableCheckouts(workspace, environment.complete)
        # Processes are ended before the trees they run in are deleted.
        stack.callback(checkouts.close)
        stack.callback(launcher.close)
        bench = Bench(
            checkouts=checkouts,
            apply=workspace.apply,
            runner=runner,
            revision=workspace.revision,
            run_timeout=target.run_timeout,
            deadline=self._deadline,
        )
        return _Prepared(
            workspace=workspace,
            root=root,
            environment=environment,
            launcher=launcher,
            checkouts=checkouts,
            bench=bench,
            runner=runner,
        )

    def _tell_prepared(self, workspace: HealWorkspace, environment: TargetEnvironment) -> None:
        changes = " with uncommitted changes" if workspace.dirty else ""
        self._journal.say(f"revision {workspace.revision[:10]}{changes}, {environment.description}")
        if workspace.stale:
            self._journal.say(workspace.stale)
        if workspace.unsupported:
            self._journal.say(f"not supported, left out: {', '.join(workspace.unsupported)}")

    def _reproduce(self, prepared: _Prepared) -> Reproduction:
        reproducer = Reproducer(
            bench=prepared.bench,
            root=prepared.root,
            target=self._target.name,
            runs=self._target.runs,
            journal=self._journal,
            unsupported=self._conclusions.unsupported,
        )
        reproduction = reproducer.reproduce(self._request.incidents)
        self._conclusions.output = reproduction.output
        self._passing = reproduction.passing
        self._seen = reproduction.suite.detail.rstrip(".") if reproduction.suite else ""
        for ending in reproduction.endings:
            self._journal.say(f"{ending.verdict}: {ending.cause.message}")
        asked_for_newest = self._request.checkout is not None or self._request.revision is None
        if asked_for_newest or self._request.check_only or not reproduction.failing:
            return reproduction
        main = later_main(prepared.workspace, self._journal)
        if main is None:
            return reproduction
        fixed = reproducer.fixed_on(main, reproduction.failing)
        return without_fixed(reproduction, fixed, main)

    def _group(
        self, prepared: _Prepared, reproduction: Reproduction, diagnosis: Diagnosis
    ) -> GroupHealer:
        target = diagnosis.target
        case = Case(
            target=target,
            revision=prepared.workspace.revision,
            root=prepared.root,
            failing=tuple(reproduction.failing.values()),
            passing=diagnosis.baseline.passing(),
            coverage=diagnosis.coverage,
            runner=prepared.runner,
            checkouts=prepared.checkouts,
            history=prepared.workspace.history,
            python=prepared.environment.python,
            launcher=prepared.launcher,
            deadline=self._deadline,
            uncommitted=prepared.workspace.dirty,
            readable=prepared.environment.readable,
        )
        workshop = Workshop(
            find=self._tools.strategy,
            template=case,
            runner_on=partial(self._tools.runner, target, prepared.environment),
            import_paths=prepared.environment.import_paths,
            prover=Prover(bench=prepared.bench, target=target, baseline=diagnosis.baseline),
        )
        return GroupHealer(
            workshop=workshop,
            combine=partial(combined, prepared.workspace),
            repair_budget=target.repair_budget,
            deadline=self._before_proofs(diagnosis.baseline.seconds),
            journal=self._journal,
            watch=self._watch,
        )

    def _before_proofs(self, suite_seconds: float) -> Deadline:
        """By when strategies must end, so that what they offer can still be proved."""
        needed = _RUNS_OF_A_PROOF * suite_seconds + 5.0
        kept = min(needed, self._deadline.left() * _SHARE_FOR_PROOFS)
        return self._deadline.within(self._deadline.left() - kept)

    def _published(self, workspace: HealWorkspace, outcome: CauseOutcome, result: Result) -> Result:
        journal = outcome.journal
        branch = branch_for(result, self._target)
        if branch is None or self._watch.must_end_process:
            return self._finished(result, journal)
        if outcome.known is not None:
            # The incident whose fix it is has that branch already.
            branch = branch.replace(result.fingerprint, outcome.known.incident)
            return self._finished(replace(result, branch=branch), journal)
        publishing = guarded(
            Phase.PUBLISH, journal, partial(self._publish, workspace, result, branch)
        )
        if publishing.failure is not None:
            title = outcome.best.offered.title if outcome.best else ""
            return self._finished(unpublished(result, publishing.failure, title), journal)
        if publishing.value:
            journal.say(f"not published: {publishing.value}")
            return self._finished(replace(result, unpublished=publishing.value), journal)
        journal.say(f"published as {branch}")
        return self._finished(replace(result, branch=branch), journal)

    def _publish(self, workspace: HealWorkspace, result: Result, branch: str) -> str:
        """Why the patch may be on no branch; empty where it is on its branch now."""
        refusal = self._request.may_publish(branch)
        if not refusal:
            put_on_branch(workspace, result, self._target, branch)
        return refusal

    def _finished(self, result: Result, journal: Journal) -> Result:
        journal.say(f"{result.verdict}: {result.summary}", incident=result.incident)
        return replace(
            result,
            log=journal.text(),
            phases=journal.phase_times(),
            seconds=round(journal.spent(), 3),
        )

    def _phase(self, phase: Phase, work: Callable[[], T]) -> Outcome[T]:
        """Do one phase, unless a signal has asked for the end."""

        def unless_interrupted() -> T:
            if self._watch.raised is not None:
                raise self._watch.raised
            return work()

        return guarded(phase, self._journal, unless_interrupted)

    def _nothing_but(self, outcome: Outcome[T], incidents: Sequence[IncidentBrief]) -> list[Result]:
        failure = outcome.failure
        if failure is None:
            return []
        if isinstance(failure.error, UsageError | RepositoryError):
            self._refused = failure.error
        return [self._failed(failure, incidents)]

    def _failed(self, failure: Failure, incidents: Sequence[IncidentBrief]) -> Result:
        """One result for all incidents that one failure has ended."""
        lead = IncidentBrief(
            fingerprint="",
            test=None,
            exception_type=failure.cause.type,
            message=failure.cause.message,
        )
        ending = Ending(
            verdict=failure.verdict,
            cause=failure.cause,
            transient=failure.transient,
            incidents=tuple(incidents) or (identified(lead, self._target.name),),
            tests=tuple(dict.fromkeys(i.test for i in incidents if i.test)),
        )
        return self._conclusions.of_ending(ending, self._journal)

    def _incidents(self) -> tuple[IncidentBrief, ...]:
        return tuple(identified(i, self._target.name) for i in self._request.incidents)

    def _clean_up(self, stack: ExitStack) -> None:
        try:
            stack.close()
        except BaseException as error:  # noqa: BLE001 - the results must not be lost by it
            structlog.get_logger().error(
                "not_cleaned_up", target=self._target.name, error=repr(error)
            )
