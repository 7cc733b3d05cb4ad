"""Is a past change the fix of a bug? Its tests are run without it and with it.

1. What can be told from the sources alone is told first.
2. The changed tests are run without the change; where none fails, it is no bug.
3. They are run with it: those that pass now are the bug's failing tests.
4. Where they cannot be run or fail in both, the environment may be too new: the same
   again with the dependencies that the change itself asked for.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator
from dataclasses import dataclass

from paramedic_workers.backtest.grounds import Grounds
from paramedic_workers.backtest.history import test_modules
from paramedic_workers.backtest.likeness import code_of
from paramedic_workers.backtest.model import Bug, Change, Reason, Skipped
from paramedic_workers.backtest.trials import Trial, make_trial, texts_at
from paramedic_workers.errors import EnvironmentBuildError
from paramedic_workers.healing.environment import TargetEnvironment
from paramedic_workers.healing.model import RunEnd, RunReport

#: Seconds that one run of the changed tests may take: a team's own limit, and no more.
RUN_SECONDS = 120.0
#: Tests that pass before and after, kept for comparing; more would only make lines long.
_MOST_PASSING = 200
#: Ends of a run after which its tests tell nothing.
_UNUSABLE = {
    RunEnd.UNUSABLE: Reason.UNUSABLE,
    RunEnd.NOT_FOUND: Reason.UNUSABLE,
    RunEnd.TIMED_OUT: Reason.TIMED_OUT,
}


class _No(Exception):
    """The change is no bug."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(reason)


def examine(grounds: Grounds, change: Change, newest: str) -> Bug | Skipped:
    """Find out whether a change fixed a bug.

    Args:
        grounds: where its tests are run.
        change: what to look into.
        newest: the commit whose environment is tried first: most of a history runs in it.

    Raises:
        RepositoryError: git cannot read the change.
        SandboxError: the sandbox is required and cannot be set up.
    """
    began = time.monotonic()
    try:
        trial = make_trial(grounds.git, change)
        _check_sources(grounds, change, trial)
        return _Examination(grounds, change, trial, began).examine(newest)
    except _No as no:
        spent = round(time.monotonic() - began, 2)
        return Skipped(change=change, reason=no.reason, detail=no.detail, seconds=spent)


@dataclass(frozen=True)
class _Examination:
    """One change whose tests are run."""

    grounds: Grounds
    change: Change
    trial: Trial
    began: float

    def examine(self, newest: str) -> Bug:
        problem = _No(Reason.UNUSABLE)
        for commit in self._environments(newest):
            try:
                return self._in_environment(commit)
            except _No as no:
                if no.reason in (Reason.PASSES_BEFORE, Reason.NOT_IMPORTABLE_BEFORE):
                    raise
                problem = no
        raise problem

    def _environments(self, newest: str) -> tuple[str, ...]:
        fixed = bool(self.grounds.target.python)
        return (newest,) if fixed else (newest, self.change.commit)

    def _in_environment(self, commit: str) -> Bug:
        try:
            environment = self.grounds.environment_at(commit)
        except EnvironmentBuildError as error:
            raise _No(Reason.ENVIRONMENT, error.message) from error
        before = self._run(self.trial.bug, environment)
        if not before.failing() and before.passing():
            raise _No(Reason.PASSES_BEFORE)
        after = self._run(self.trial.fix, environment)
        passing = after.passing()
        failing = tuple(r.test for r in before.failing() if r.test in passing)
        if not failing:
            raise self._nothing_failing(before, after)
        still = [test for test in sorted(before.passing()) if test in passing]
        return Bug(
            change=self.change,
            bug=self.trial.bug,
            fix=self.trial.fix,
            failing=failing,
            passing=tuple(still[:_MOST_PASSING]),
            environment_of=commit,
            seconds=round(time.monotonic() - self.began, 2),
        )

    def _run(self, commit: str, environment: TargetEnvironment) -> RunReport:
        limit = min(RUN_SECONDS, self.grounds.target.run_timeout)
        report = self.grounds.run(commit, test_modules(self.change), environment, limit)
        if report.end in _UNUSABLE and not report.tests:
            raise _No(_UNUSABLE[report.end], report.detail)
        return report

    def _nothing_failing(self, before: RunReport, after: RunReport) -> _No:
        uncollected = {error.test for error in before.collection_errors}
        if uncollected - {error.test for error in after.collection_errors}:
            return _No(Reason.NOT_IMPORTABLE_BEFORE, before.collection_errors[0].message[:300])
        if not after.tests and not after.collection_errors:
            return _No(Reason.UNUSABLE, after.detail)
        failed = after.failing()
        return _No(Reason.FAILS_AFTER, failed[0].message[:300] if failed else after.detail)


def _check_sources(grounds: Grounds, change: Change, trial: Trial) -> None:
    """See that code changes, and that it does not add what tests could not have used."""
    before = texts_at(grounds.git, trial.bug, change.sources)
    after = texts_at(grounds.git, trial.fix, change.sources)
    if set(before) != set(after):
        raise _No(Reason.ADDITION, "a source file is added or removed")
    try:
        added = [name for p in after for name in _added(ast.parse(before[p]), ast.parse(after[p]))]
        same = all(code_of(before[path]) == code_of(after[path]) for path in after)
    except (SyntaxError, ValueError) as error:
        raise _No(Reason.NOT_PYTHON, str(error)) from error
    if same:
        raise _No(Reason.NO_CODE)
    if added:
        raise _No(Reason.ADDITION, ", ".join(sorted(added)))


def _added(before: ast.AST, after: ast.AST) -> set[str]:
    """Functions, classes and parameters that were not there before."""
    return set(_definitions(after, "")) - set(_definitions(before, ""))


def _definitions(node: ast.AST, within: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        name = within
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            name = f"{within}.{child.name}".lstrip(".")
            yield name
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            arguments = child.args
            given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            given += [extra for extra in (arguments.vararg, arguments.kwarg) if extra]
            yield from (f"{name}({argument.arg})" for argument in given)
        yield from _definitions(child, name)
