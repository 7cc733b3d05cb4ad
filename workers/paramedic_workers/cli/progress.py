"""Progress of a heal on stderr: a live line per cause on a terminal, a line per phase in a pipe.

The live line says which cause, which phase, what is done, and during the search for a patch
how many candidates were tried, the best so far, and the time that is left. When the next
cause begins, the line of the last one stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from paramedic.text import counted
from paramedic_workers.cli.screen import notes

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

    from paramedic_workers.errors import Phase
    from paramedic_workers.healing.model import Progress, ProgressCallback

#: Characters of a message in a pipe; all of it is in the heal's log.
LINE_LENGTH = 120


@contextmanager
def watching(name: str) -> Iterator[ProgressCallback]:
    """The callback that shows progress for as long as the block runs.

    Args:
        name: what is being healed.
    """
    console = notes()
    if not console.is_terminal:
        yield _PhaseLines(console)
        return
    with console.status(f"[bold]{name}[/]", spinner="dots") as status:
        yield _LiveLine(console, status, name)


def describe_progress(name: str, progress: Progress) -> str:
    """A moment of a heal in one line, with rich's markup."""
    from rich.markup import escape

    parts = [f"[bold]{escape(progress.cause or name)}[/]", f"[brand]{progress.phase}[/]"]
    parts.append(escape(progress.message))
    if progress.candidates:
        parts.append(counted(progress.candidates, "candidate"))
    if progress.seconds_left is not None:
        parts.append(f"[soft]{progress.seconds_left:.0f} s left[/]")
    return "  ".join(part for part in parts if part)


class _LiveLine:
    """The line of the cause that is being healed; those of earlier causes stay above it."""

    def __init__(self, console: Console, status: Status, name: str) -> None:
        self._console = console
        self._status = status
        self._name = name
        self._latest: Progress | None = None

    def __call__(self, progress: Progress) -> None:
        before = self._latest
        if before is not None and before.cause and before.cause != progress.cause:
            self._console.print(describe_progress(self._name, before))
        self._latest = progress
        self._status.update(describe_progress(self._name, progress))


class _PhaseLines:
    """A line when a phase begins, and no more."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._phase: Phase | None = None

    def __call__(self, progress: Progress) -> None:
        if progress.phase is self._phase:
            return
        self._phase = progress.phase
        message = progress.message
        shown = message if len(message) <= LINE_LENGTH else message[: LINE_LENGTH - 1] + "…"
        self._console.print(f"paramedic: {progress.phase}: {shown}", markup=False)
