"""The public nouns of the patch engine: what goes in, what comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol


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


class Launcher(Protocol):
    """Starts processes of the target, inside whatever sandbox the caller wants."""

    def start(
        self,
        argv: Sequence[str],
        *,
        root: Path,
        directory: Path | None = None,
        readable: Sequence[Path] = (),
        writable: Sequence[Path] = (),
        environment: dict[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        output: int | None = None,
    ) -> Process:
        """Start `argv` with `root` writable and nothing else of the machine but the system.

        Args:
            argv: program and arguments; no shell.
            root: the working tree; writable, and mounted at its own path.
            directory: where it is started; `root` where None.
            readable: further paths it may read.
            writable: further paths it may write.
            environment: all it sees of the environment, besides PATH, HOME, LANG and TMPDIR.
            pass_fds: file descriptors it inherits.
            output: file descriptor for stdout and stderr; None: discarded.

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
    reasons: tuple[str, ...] = ()


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
