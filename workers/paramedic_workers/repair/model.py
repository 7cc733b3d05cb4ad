"""The public nouns of the patch engine: what goes in, what comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from paramedic_workers.repair.trust.evidence import Evidence


class Trust(StrEnum):
    """How far a patch that passes the tests is believed to be right."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Stop(StrEnum):
    """Why a search ended."""

    #: A patch was found, and a look at its neighbours is done.
    FOUND = "found"
    #: Every candidate was tried.
    EXHAUSTED = "exhausted"
    #: The time was up.
    BUDGET = "budget"
    #: The failing tests do not fail in the warm process, or cannot be collected in it.
    NOT_FAILING = "not_failing"


class Process(Protocol):
    """A running process of the target and all its children."""

    def wait(self, timeout: float | None = None) -> int:
        """The exit status; negative for a signal.

        Raises:
            TimeoutError: it did not end in time.
        """
        ...

    def kill(self) -> None:
        """Kill it with every process it started; returns when none is left."""
        ...


@dataclass(frozen=True, kw_only=True)
class Command:
    """What is to be started, and what it may see."""

    #: Program and arguments; no shell.
    argv: Sequence[str]
    #: The working tree; writable, and mounted at its own path.
    root: Path
    #: Where it is started; `root` where None.
    directory: Path | None = None
    #: Further paths it may read.
    readable: Sequence[Path] = ()
    #: Further paths it may write.
    writable: Sequence[Path] = ()
    #: All it sees of the environment, besides PATH, HOME, LANG and TMPDIR.
    environment: Mapping[str, str] = field(default_factory=dict)
    #: File descriptors it inherits.
    pass_fds: Sequence[int] = ()
    #: File descriptor for stdout and stderr; None: discarded.
    output: int | None = None


class Launcher(Protocol):
    """Starts processes of the target, inside whatever sandbox the caller wants."""

    @property
    def description(self) -> str:
        """One line for reports: what keeps the processes apart, and what does not."""
        ...

    def start(self, command: Command) -> Process:
        """Start it with its root writable and nothing else of the machine but the system.

        Raises:
            SandboxError: the sandbox is required and cannot be set up.
        """
        ...


def _any_python_file(path: str) -> bool:
    return path.endswith(".py")


@dataclass(frozen=True, kw_only=True)
class Project:
    """A working tree with failing tests, and how its code is run."""

    #: The working tree; the engine writes nothing below it but pytest's own caches.
    root: Path
    #: Where pytest is started; at or below `root`.
    directory: Path
    #: Interpreter that has pytest and the project's dependencies, 3.9 or later.
    python: Path
    launcher: Launcher
    #: Prepended to `sys.path`.
    import_paths: tuple[Path, ...] = ()
    pytest_args: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    #: Whether the file at this path (posix, relative to `root`) may be changed.
    may_change: Callable[[str], bool] = _any_python_file
    #: Factors for templates by name, learned from the project's history.
    priors: Mapping[str, float] = field(default_factory=dict)
    #: What was changed lately: posix path relative to `root` -> lines; none for a whole file.
    recent_changes: Mapping[str, frozenset[int]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SearchProgress:
    """A moment of a search."""

    candidates: int
    plausible: int
    best: str
    seconds_left: float


@dataclass(frozen=True, kw_only=True)
class RankedPatch:
    """A patch with which the failing tests pass in the warm process."""

    #: Unified diff with `a/` and `b/` prefixes, relative to the root.
    diff: str
    #: Name of the template that made it.
    template: str
    #: A few words: "`<` in place of `<=` in shop.cart.total".
    title: str
    score: float
    trust: Trust
    #: How likely it is right, 0 to 1, by the calibrated model (`docs/trust.md`).
    chance: float = 0.0
    #: Why it is trusted as far as it is, one sentence each.
    reasons: tuple[str, ...] = ()
    #: What the model has weighed.
    evidence: Evidence = field(default_factory=Evidence)


@dataclass(frozen=True, kw_only=True)
class RepairReport:
    """What a search found: patches, best first."""

    stop: Stop
    patches: tuple[RankedPatch, ...]
    #: Candidates that were run.
    candidates: int
    seconds: float
    #: One sentence for a person.
    detail: str
