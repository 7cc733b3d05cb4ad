"""Where to look: how suspicious each line is.

Four sources, multiplied:

1. the spectrum: Ochiai, failing runs of a line against the root of all failing runs times
   all runs of the line;
2. the traceback: the line that raised, and the lines that called it;
3. recency: the functions that were entered last before the failure;
4. what was changed lately, where the caller knows it.

A file that cannot be collected has only a traceback.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from paramedic_workers.repair.messages import ErrorSeen, Place, RunSeen, TraceSeen

#: Factor for the line in the project that raised; for lines that called it.
_RAISED, _CALLED = 1.5, 1.15
#: Factors for the functions entered last, the last one first.
_RECENCY = (1.2, 1.12, 1.06)
#: Factors for a line that was changed lately, and for other lines of its file.
_CHANGED_LINE, _CHANGED_FILE = 1.3, 1.1


@dataclass
class Suspicion:
    """How suspicious each line of each file is; only lines that failing tests run."""

    #: File -> line -> suspicion, above 0; 1 is a line that all failing and no passing tests run.
    lines: dict[str, dict[int, float]] = field(default_factory=dict)
    #: File and first line of functions that were entered last -> factor.
    recent: dict[tuple[str, int], float] = field(default_factory=dict)
    #: File -> line -> number of failing and of passing tests that run it.
    failing: dict[str, Counter[int]] = field(default_factory=dict)
    passing: dict[str, Counter[int]] = field(default_factory=dict)
    #: File and line of each frame of a traceback.
    raised: set[tuple[str, int]] = field(default_factory=set)
    #: Files in which importing failed.
    broken_imports: set[str] = field(default_factory=set)

    def files(self) -> list[str]:
        """Files with suspicious lines, the most suspicious first."""
        return sorted(self.lines, key=lambda file: (-max(self.lines[file].values()), file))


def suspicion(
    failing: Sequence[RunSeen],
    passing: Sequence[RunSeen],
    import_errors: Sequence[ErrorSeen],
    may_change: Callable[[str], bool],
) -> Suspicion:
    """How suspicious lines are, after these runs.

    Args:
        failing: traced runs of failing tests.
        passing: traced runs of passing tests.
        import_errors: errors in files that could not be collected.
        may_change: whether a file (absolute path) may be changed.
    """
    found = Suspicion()
    found.failing = _count(failing, may_change)
    found.passing = _count(passing, may_change)
    _add_spectrum(found, len(failing))
    for run in failing:
        if run.error is not None:
            _add_frames(found, _changeable(run.error.frames, may_change))
        if run.trace is not None:
            _add_recency(found, run.trace, may_change)
    for error in import_errors:
        frames = _changeable(error.frames, may_change)
        for place in frames:
            found.lines.setdefault(place.file, {}).setdefault(place.line, 0.5)
            found.broken_imports.add(place.file)
        _add_frames(found, frames)
    return found


def favour_recent_changes(
    found: Suspicion, root: Path, changes: Mapping[str, frozenset[int]]
) -> None:
    """Raise what was changed lately.

    Args:
        found: what the runs have shown; changed here.
        root: the working tree.
        changes: posix path relative to `root` -> lines; none for a whole file.
    """
    for relative, changed in changes.items():
        lines = found.lines.get(str(root / relative), {})
        for line in lines:
            lines[line] *= _CHANGED_LINE if line in changed else _CHANGED_FILE


def _count(runs: Sequence[RunSeen], may_change: Callable[[str], bool]) -> dict[str, Counter[int]]:
    counts: dict[str, Counter[int]] = {}
    for run in runs:
        for file, lines in (run.trace.lines if run.trace else {}).items():
            if may_change(file):
                counts.setdefault(file, Counter()).update(lines)
    return counts


def _add_spectrum(found: Suspicion, failing_runs: int) -> None:
    for file, counts in found.failing.items():
        passing = found.passing.get(file, Counter())
        lines = found.lines.setdefault(file, {})
        for line, count in counts.items():
            lines[line] = count / math.sqrt(failing_runs * (count + passing[line]))


def _changeable(frames: Sequence[Place], may_change: Callable[[str], bool]) -> list[Place]:
    return [place for place in frames if may_change(place.file)]


def _add_frames(found: Suspicion, frames: Sequence[Place]) -> None:
    """Raise the lines of a traceback, each of them once for all tests that share it."""
    for depth, place in enumerate(reversed(frames)):
        key = (place.file, place.line)
        if key in found.raised:
            continue
        found.raised.add(key)
        lines = found.lines.setdefault(place.file, {})
        lines[place.line] = lines.get(place.line, 0.5) * (_CALLED if depth else _RAISED)


def _add_recency(found: Suspicion, trace: TraceSeen, may_change: Callable[[str], bool]) -> None:
    entered = [(file, line) for file, line in reversed(trace.recent) if may_change(file)]
    for place, factor in zip(entered, _RECENCY, strict=False):
        found.recent[place] = max(factor, found.recent.get(place, 1.0))
