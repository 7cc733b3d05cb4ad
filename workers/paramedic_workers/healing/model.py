"""The nouns of a heal, shared by its phases and its strategies."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Protocol

from paramedic.event import Frame
from paramedic_workers.errors import ParamedicError, Phase
from paramedic_workers.repair.model import Command as Command
from paramedic_workers.repair.model import Launcher as Launcher
from paramedic_workers.repair.model import Process as Process
from paramedic_workers.results import AttemptOutcome, Confidence, Result
from paramedic_workers.settings import TargetSettings


class TestOutcome(StrEnum):
    """How one test ended in one run."""

    __test__ = False

    PASSED = "passed"
    #: The test itself failed, or its set-up or tear-down did.
    FAILED = "failed"
    #: Skipped, or failed as expected (xfail).
    SKIPPED = "skipped"
    #: The run ended while this test was running: crash, `os._exit`, time-out.
    LOST = "lost"


@dataclass(frozen=True, kw_only=True)
class TestReport:
    """What one run saw of one test."""

    __test__ = False

    #: pytest node id, relative to the target's pytest root.
    test: str
    outcome: TestOutcome
    seconds: float = 0.0
    #: Empty where the test passed.
    exception_type: str = ""
    message: str = ""
    #: As pytest shows it, at most 20,000 characters.
    traceback: str = ""
    #: Outermost first; only frames below the repository.
    frames: tuple[Frame, ...] = ()


class RunEnd(StrEnum):
    """How a pytest run ended."""

    #: pytest came to its own end, whatever the tests did.
    FINISHED = "finished"
    #: Some file could not be collected; the tests of the others were run.
    COLLECTION_ERROR = "collection_error"
    #: A named test does not exist.
    NOT_FOUND = "not_found"
    #: pytest could not start: no pytest, broken conftest, usage error.
    UNUSABLE = "unusable"
    #: The process ended before pytest did: `os._exit`, a signal, out of memory.
    CRASHED = "crashed"
    #: Its time was up, and it was killed with all its children.
    TIMED_OUT = "timed_out"


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """What one pytest run saw."""

    end: RunEnd
    #: One sentence; for ends other than `FINISHED` it says what happened.
    detail: str
    tests: tuple[TestReport, ...] = ()
    #: File (posix, relative) and error text for each file that could not be collected.
    collection_errors: tuple[TestReport, ...] = ()
    #: Node ids of all that was to be run, where no test was named.
    collected: tuple[str, ...] = ()
    #: Combined stdout and stderr, cut in the middle to at most 64 KiB.
    output: str = ""
    seconds: float = 0.0
    #: Per test, the lines of repository files it ran: test -> {file: lines}. Only on request.
    coverage: dict[str, dict[str, frozenset[int]]] = field(default_factory=dict)

    def never_run(self) -> tuple[str, ...]:
        """Node ids of collected tests that the run did not get to."""
        seen = self.by_test()
        return tuple(test for test in self.collected if test not in seen)

    def by_test(self) -> dict[str, TestReport]:
        """The reports by node id."""
        return {report.test: report for report in self.tests}

    def failing(self) -> tuple[TestReport, ...]:
        """Tests that failed or were lost, and files that could not be collected."""
        bad = (TestOutcome.FAILED, TestOutcome.LOST)
        return tuple(r for r in self.tests if r.outcome in bad) + self.collection_errors

    def passing(self) -> frozenset[str]:
        """Node ids of tests that passed."""
        return frozenset(r.test for r in self.tests if r.outcome is TestOutcome.PASSED)


@dataclass(frozen=True, kw_only=True)
class IncidentBrief:
    """What a heal needs to know of one incident."""

    #: The incident's id: its fingerprint.
    fingerprint: str
    #: pytest node id; None for an exception of a service.
    test: str | None
    exception_type: str = ""
    message: str = ""
    frames: tuple[Frame, ...] = ()
    count: int = 1


@dataclass(frozen=True, kw_only=True)
class KnownFix:
    """A patch that was proved for another incident of the same target and revision."""

    incident: str
    patch: str
    strategy: str
    confidence: Confidence


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """A point in time by which work must end; the clock is passed in."""

    at: float
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> Deadline:
        """The deadline that many seconds from now."""
        return cls(at=clock() + seconds, clock=clock)

    def left(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self.at - self.clock())

    def passed(self) -> bool:
        """Whether no time is left."""
        return self.left() <= 0.0

    def within(self, seconds: float) -> Deadline:
        """The earlier of this deadline and one that many seconds from now."""
        return Deadline(at=min(self.at, self.clock() + seconds), clock=self.clock)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Something worth showing to a person who waits."""

    phase: Phase
    message: str
    #: Which cause is being healed: "test_total in tests/test_cart.py"; empty for all of it.
    cause: str = ""
    #: Of the repair: candidates that were run so far.
    candidates: int = 0
    #: Seconds left for this phase, where it has a budget.
    seconds_left: float | None = None


ProgressCallback = Callable[[Progress], None]


def ignore_progress(_progress: Progress) -> None:
    """The callback for those who do not watch."""


def always_publish(_branch: str) -> str:
    """The answer where nothing speaks against a branch."""
    return ""


@dataclass(frozen=True, kw_only=True)
class HealRequest:
    """A group: incidents of one target at one revision, healed together."""

    target: TargetSettings
    #: Anything git resolves; None: the target's main branch.
    revision: str | None
    #: Empty: find the failing tests (`paramedic heal`).
    incidents: tuple[IncidentBrief, ...] = ()
    known_fixes: tuple[KnownFix, ...] = ()
    #: A checkout whose uncommitted changes belong to what is healed (`paramedic heal .`).
    checkout: Path | None = None
    #: Asked with the branch right before it is pushed: says why not, or gives an empty text.
    #: The patch then stays in its result. What it raises ends the publishing.
    may_publish: Callable[[str], str] = always_publish
    #: Only look whether the tests of these incidents pass: nothing is repaired, and what fails
    #: is in no result.
    check_only: bool = False


@dataclass(frozen=True, kw_only=True)
class HealReport:
    """What a heal gives back: each incident of the request is in exactly one result."""

    results: tuple[Result, ...]
    #: The full commit id, empty where it could not be resolved.
    revision: str
    #: Why the request cannot be carried out as it was made: no repository, no such revision.
    refused: ParamedicError | None = None
    #: What the first run of the whole suite saw, where there was one: "3 failed, 40 passed".
    seen: str = ""
    #: Tests that incidents name and that passed in k of k runs.
    passing: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class OfferedPatch:
    """A patch that a strategy believes in; the healer proves it, or refuses it."""

    #: Unified diff against the failing revision, with `a/` and `b/` prefixes.
    diff: str
    confidence: Confidence
    #: Why it is trusted as far as it is, one sentence each.
    reasons: tuple[str, ...] = ()
    #: A few words for a summary: "`<` in place of `<=` in shop.cart.total".
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class StrategyReport:
    """What a strategy found."""

    outcome: AttemptOutcome
    #: Best first.
    patches: tuple[OfferedPatch, ...] = ()
    candidates: int = 0
    detail: str = ""


class TestRunner(Protocol):
    """Runs tests of one target in one environment, always in the sandbox."""

    __test__: ClassVar[bool] = False

    def run(
        self,
        root: Path,
        tests: Sequence[str] = (),
        *,
        timeout: float,
        hash_seed: int = 0,
        coverage: bool = False,
        stop_at_first_failure: bool = False,
    ) -> RunReport:
        """Run these tests (all, where none is named) of the working files at `root`."""
        ...


class Checkouts(Protocol):
    """Gives out throw-away working trees of one target."""

    def checkout(self, revision: str) -> Path:
        """A new working tree at this revision, deleted with the workspace at the latest."""
        ...

    def discard(self, root: Path) -> None:
        """Delete a working tree that is no longer needed."""
        ...


class History(Protocol):
    """What a strategy may ask of the target's history; read-only."""

    def ancestors(self, revision: str, limit: int) -> list[str]:
        """First-parent ancestors, newest first, without `revision` itself."""
        ...

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether `older` is in the history of `newer`."""
        ...

    def subject(self, revision: str) -> str:
        """The first line of the commit message."""
        ...

    def recent_changes(self, revision: str, commits: int) -> dict[str, frozenset[int]]:
        """Python files (posix) that the last commits have changed, and the lines; a hint."""
        ...

    def resolve(self, revision: str) -> str:
        """The full commit id.

        Raises:
            RepositoryError: there is no such revision.
        """
        ...

    def revert_diff(self, culprit: str, onto: str) -> str | None:
        """The diff that takes `culprit` back on top of `onto`; None where it conflicts."""
        ...


@dataclass(frozen=True, kw_only=True)
class Case:
    """One cause, as a strategy sees it."""

    target: TargetSettings
    #: Full commit id.
    revision: str
    #: A clean working tree at `revision` that the strategy may use and spoil.
    root: Path
    #: The failing tests as the first reproducing run saw them; the fastest first.
    failing: tuple[TestReport, ...]
    #: Tests that passed before; empty where the baseline was not run as a whole.
    passing: frozenset[str]
    #: Lines run by failing and by passing tests, where known: test -> {file: lines}.
    coverage: dict[str, dict[str, frozenset[int]]]
    runner: TestRunner
    checkouts: Checkouts
    history: History
    #: Interpreter of the target's environment.
    python: Path
    launcher: Launcher
    deadline: Deadline
    progress: ProgressCallback = ignore_progress
    #: Whether `revision` holds the uncommitted changes of a checkout.
    uncommitted: bool = False
    #: Folders of `root` that modules are imported from; they come first on the import path.
    import_paths: tuple[Path, ...] = ()
    #: What must be readable for `python` to run; `launcher` adds it to whatever it starts.
    readable: tuple[Path, ...] = ()

    @property
    def tests(self) -> tuple[str, ...]:
        """Node ids of the failing tests."""
        return tuple(report.test for report in self.failing)


class Strategy(Protocol):
    """One way to find a fix. Found by entry point `paramedic.strategies`."""

    #: The name used in settings and results.
    name: str

    def attempt(self, case: Case) -> StrategyReport:
        """Look for patches within the case's deadline.

        Never changes anything but the working trees it was given. What it raises is
        recorded as an attempt that broke; the next strategy is then tried.
        """
        ...
