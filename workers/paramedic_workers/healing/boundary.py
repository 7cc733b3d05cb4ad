"""The error boundary: whatever is raised inside a phase becomes a failure with a name.

Nothing is let through but what a signal handler raised to end this process, and that only
after the heal has cleaned up (see `interruption`). A disk that is full gets its own name,
whoever met it; and what is tried again inside of a phase is told to its journal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from paramedic_workers.errors import ParamedicError, Phase, Verdict, describe
from paramedic_workers.healing.journal import Journal
from paramedic_workers.resilience.backoff import telling
from paramedic_workers.resilience.storage import storage_full
from paramedic_workers.results import Cause

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A phase that was ended by an exception."""

    error: BaseException
    cause: Cause
    verdict: Verdict

    @property
    def transient(self) -> bool:
        """Whether the same heal may succeed later."""
        return isinstance(self.error, ParamedicError) and self.error.transient


@dataclass(frozen=True, kw_only=True)
class Outcome(Generic[T]):
    """What a guarded phase gave: a value, or a failure."""

    value: T | None = None
    failure: Failure | None = None


def guarded(phase: Phase, journal: Journal, work: Callable[[], T]) -> Outcome[T]:
    """Do `work` as the given phase; never raises.

    `KeyboardInterrupt` and `SystemExit` are failures like any other here: the healer ends
    the process afterwards if they came from a signal.
    """
    with journal.during(phase), telling(journal.say):
        try:
            return Outcome(value=work())
        except BaseException as error:  # noqa: BLE001 - this is the boundary
            failure = failure_of(error, journal.phase_of(error))
            journal.say(
                f"{failure.cause.phase} failed: {failure.cause.type}: {failure.cause.message}",
                error=failure.cause.type,
            )
            return Outcome(failure=failure)


def failure_of(error: BaseException, phase: Phase) -> Failure:
    """The failure that an exception amounts to; `phase` unless the error knows better."""
    error = storage_full(error) or error
    kind, message, traceback = describe(error)
    verdict = Verdict.FAILED
    if isinstance(error, ParamedicError):
        verdict = error.verdict
        phase = error.phase or phase
    cause = Cause(phase=phase, type=kind, message=message, traceback=traceback)
    return Failure(error=error, cause=cause, verdict=verdict)
