"""A whole backtest: find the bugs of a history, heal them, and keep each step.

1. List the small changes of the history, the newest first.
2. Look into them until there are enough bugs; what is in the journal is not done again.
3. Heal the bugs that have no outcome yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from paramedic_workers.backtest.grounds import (
    clone_of,
    folder_of,
    forget_failed_builds,
    open_grounds,
)
from paramedic_workers.backtest.healing import heal_bug
from paramedic_workers.backtest.history import changes, essence
from paramedic_workers.backtest.journal import Journal, open_journal
from paramedic_workers.backtest.mining import examine
from paramedic_workers.backtest.model import Bug, Change, Outcome, Reason, Skipped
from paramedic_workers.backtest.pool import run_all
from paramedic_workers.errors import UsageError, Verdict
from paramedic_workers.healing.git import Git
from paramedic_workers.healing.model import Deadline
from paramedic_workers.settings import TargetSettings

#: Where the newest commit of the clone is looked up.
_NEWEST = "HEAD"


class Half(StrEnum):
    """Halves of the bugs, by the first hexadecimal digit of the commit's id.

    One half to look at while the engine or its settings are changed, one that nobody
    has seen, to measure with.
    """

    EVEN = "even"
    ODD = "odd"

    def holds(self, commit: str) -> bool:
        """Whether the commit is in this half."""
        return (int(commit[0], 16) % 2 == 0) is (self is Half.EVEN)


class Stage(StrEnum):
    """What a backtest is at."""

    FINDING = "finding bugs"
    HEALING = "healing"


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Something worth showing to a person who waits."""

    stage: Stage
    #: Bugs found or healed, of so many.
    done: int
    of: int
    #: Changes that were looked into, when bugs are being found.
    looked_at: int = 0
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a backtest is to do."""

    #: How many bugs at most.
    limit: int
    #: Seconds that the search for one bug's patch may take.
    budget: float
    jobs: int
    #: A date that git understands; older commits are left out.
    since: str = ""
    half: Half | None = None
    #: Find the bugs and heal none.
    find_only: bool = False
    #: Forget everything, or the outcomes alone, before beginning.
    fresh: bool = False
    again: bool = False


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a backtest has found."""

    #: The commit from which the history was read.
    revision: str
    bugs: tuple[Bug, ...]
    skipped: tuple[Skipped, ...]
    #: Of the bugs that were to be healed, in the same order.
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, kw_only=True)
class _Task:
    """What one process is told."""

    target: TargetSettings
    data: Path
    newest: str
    set_up: Callable[[], None]


def nothing() -> None:
    """The set-up of a process that needs none."""


def backtest(
    target: TargetSettings,
    data: Path,
    plan: Plan,
    tell: Callable[[Moment], None],
    set_up: Callable[[], None] = nothing,
) -> Findings:
    """Test a target against its own history; its repository is only fetched from.

    Args:
        target: whose `repository` it is.
        data: the data directory; clones, environments and the journal are kept there.
        plan: what to do.
        tell: told of each step.
        set_up: called first in each process that does a part of the work, such as to set
            up its logs; can be pickled.

    Raises:
        RepositoryError: the repository cannot be used.
        SandboxError: the sandbox is required and cannot be set up.
        UsageError: its history has nothing to test against, or another backtest of it runs.
    """
    with open_journal(folder_of(target, data)) as journal:
        if plan.fresh:
            journal.forget()
            forget_failed_builds(target, data)
        elif plan.again:
            journal.forget_outcomes()
        clone = clone_of(target, data)
        clone.refresh(None, Deadline.after(target.budget))
        newest = clone.resolve(_NEWEST)
        task = _Task(target=target, data=data, newest=newest, set_up=set_up)
        listed = list(changes(clone.git, newest, target, since=plan.since))
        if not listed:
            raise UsageError(
                f"{target.repository} has no commit that changes tests and a little source.",
                remedy="A backtest needs a history of fixes with their tests.",
            )
        _find(task, journal, listed, plan, tell)
        known = {change.commit for change in listed}
        bugs = [bug for bug in journal.bugs() if bug.commit in known][: plan.limit]
        chosen = [bug for bug in bugs if plan.half is None or plan.half.holds(bug.commit)]
        outcomes = [] if plan.find_only else _heal(task, journal, chosen, plan, tell)
        return Findings(
            revision=newest,
            bugs=tuple(bugs if plan.half is None else chosen),
            skipped=tuple(skip for skip in journal.skipped() if skip.commit in known),
            outcomes=tuple(outcomes),
        )


# -- finding ----------------------------------------------------------------------------


def _find(
    task: _Task,
    journal: Journal,
    listed: list[Change],
    plan: Plan,
    tell: Callable[[Moment], None],
) -> None:
    known = {change.commit for change in listed}

    def count() -> int:
        return sum(bug.commit in known for bug in journal.bugs())

    def say(message: str) -> None:
        looked_at = len(known & set(journal.examined))
        tell(
            Moment(
                stage=Stage.FINDING,
                done=count(),
                of=plan.limit,
                looked_at=looked_at,
                message=message,
            )
        )

    say(f"{len(listed)} small changes with tests")
    unknown = (change for change in listed if change.commit not in journal.examined)
    for done in run_all(
        partial(_examine, task),
        _without_repeated(clone_of(task.target, task.data).git, journal, unknown),
        jobs=plan.jobs,
        enough=lambda: count() >= plan.limit,
    ):
        journal.add(done.value or Skipped(change=done.item, reason=Reason.BROKE, detail=done.error))
        say(done.item.subject)


def _examine(task: _Task, change: Change) -> Bug | Skipped:
    task.set_up()
    with open_grounds(task.target, task.data, task.newest) as grounds:
        return examine(grounds, change, task.newest)


def _without_repeated(git: Git, journal: Journal, listed: Iterable[Change]) -> Iterator[Change]:
    """Leave out a commit of a branch whose merge was looked into: it is the same change."""
    seen = {essence(git, line.change) for line in journal.examined.values()}
    for change in listed:
        edit = essence(git, change)
        if edit in seen:
            journal.add(Skipped(change=change, reason=Reason.REPEATED))
            continue
        seen.add(edit)
        yield change


# -- healing ----------------------------------------------------------------------------


def _heal(
    task: _Task,
    journal: Journal,
    bugs: list[Bug],
    plan: Plan,
    tell: Callable[[Moment], None],
) -> list[Outcome]:
    waiting = [bug for bug in bugs if (bug.commit, plan.budget) not in journal.outcomes]
    done_before = len(bugs) - len(waiting)
    tell(Moment(stage=Stage.HEALING, done=done_before, of=len(bugs)))
    work = partial(_heal_one, task, plan.budget)
    for number, done in enumerate(run_all(work, waiting, jobs=plan.jobs), start=1):
        bug = done.item
        outcome = done.value or Outcome(
            commit=bug.commit, budget=plan.budget, verdict=Verdict.FAILED, summary=done.error
        )
        journal.add(outcome)
        message = f"{outcome.verdict}: {bug.change.subject}"
        tell(Moment(stage=Stage.HEALING, done=done_before + number, of=len(bugs), message=message))
    return [journal.outcomes[bug.commit, plan.budget] for bug in bugs]


def _heal_one(task: _Task, budget: float, bug: Bug) -> Outcome:
    task.set_up()
    with open_grounds(task.target, task.data, task.newest) as grounds:
        return heal_bug(grounds, bug, budget)
