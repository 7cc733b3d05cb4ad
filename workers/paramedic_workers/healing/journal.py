"""What the healer did, a line each, and how long each phase took.

A heal has one journal; each cause gets a page of its own in it, which begins with what
was done for the whole group. Phases may be nested (a proof happens in the middle of the
repair): time belongs to the innermost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import replace

import structlog

from paramedic_workers.errors import Phase
from paramedic_workers.healing.model import Progress, ProgressCallback, ignore_progress
from paramedic_workers.results import PhaseTime

#: Lines kept of a page; a heal that writes more is cut in the middle.
_MOST_LINES = 400


class Journal:
    """The log and the stopwatch of one heal, or of one cause in it."""

    def __init__(
        self,
        target: str,
        *,
        progress: ProgressCallback = ignore_progress,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin at the present time of `clock` (seconds)."""
        self._log = structlog.get_logger().bind(target=target)
        self._progress = progress
        self._clock = clock
        self._began = clock()
        self._lines: list[str] = []
        self._seconds: dict[Phase, float] = {}
        self._stack: list[Phase] = []
        self._latest = Phase.PREPARE
        self._since = self._began
        self._cause = ""
        self._error: BaseException | None = None
        self._raised_in = Phase.PREPARE

    def page(self, cause: str = "") -> Journal:
        """A journal for one cause that begins with all that was written so far.

        Args:
            cause: a few words for the person who waits.
        """
        page = copy(self)
        page._cause = cause
        page._lines = list(self._lines)
        page._seconds = dict(self._seconds)
        page._stack = []
        return page

    @property
    def phase(self) -> Phase:
        """The phase that runs now, or ran last."""
        return self._stack[-1] if self._stack else self._latest

    @contextmanager
    def during(self, phase: Phase) -> Iterator[None]:
        """Count the time of this block, and what is written in it, to `phase`."""
        self._settle()
        self._stack.append(phase)
        try:
            yield
        except BaseException as error:
            if error is not self._error:
                self._error, self._raised_in = error, phase
            raise
        finally:
            self._settle()
            self._latest = self._stack.pop()

    def phase_of(self, error: BaseException) -> Phase:
        """The innermost phase that this exception has left, else the one that runs now."""
        return self._raised_in if error is self._error else self.phase

    def say(self, message: str, **details: object) -> None:
        """Write one line; `details` go to the structured log alone."""
        line = " ".join(message.split())
        self._lines.append(f"{self.seconds():8.2f} s  {self.phase:<9}  {line}")
        self._log.info(line, phase=self.phase.value, **details)
        self.show(Progress(phase=self.phase, message=line))

    def show(self, progress: Progress) -> None:
        """Show something to the person who waits; a broken display never spoils a heal."""
        with suppress(Exception):
            self._progress(replace(progress, cause=progress.cause or self._cause))

    def seconds(self) -> float:
        """Seconds since the heal began."""
        return self._clock() - self._began

    def spent(self) -> float:
        """Seconds that went into the phases; other causes may have been healed in between."""
        return sum(phase.seconds for phase in self.phase_times()) or self.seconds()

    def text(self) -> str:
        """All lines so far."""
        lines = self._lines
        if len(lines) > _MOST_LINES:
            half = _MOST_LINES // 2
            left_out = f"… {len(lines) - 2 * half} lines left out …"
            lines = [*lines[:half], left_out, *lines[-half:]]
        return "\n".join(lines)

    def phase_times(self) -> tuple[PhaseTime, ...]:
        """The phases that have run, in their order."""
        self._settle()
        return tuple(
            PhaseTime(name=phase, seconds=round(self._seconds[phase], 3))
            for phase in Phase
            if phase in self._seconds
        )

    def _settle(self) -> None:
        now = self._clock()
        if self._stack:
            spent = self._seconds.get(self._stack[-1], 0.0)
            self._seconds[self._stack[-1]] = spent + now - self._since
        self._since = now
