"""A unified diff as files and numbered lines, for those who show it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)")


class LineKind(StrEnum):
    """What a line of a diff does."""

    ADDED = "added"
    REMOVED = "removed"
    KEPT = "kept"
    #: The head of a hunk: its text names the function around it, where git knew it.
    HUNK = "hunk"


@dataclass(frozen=True, kw_only=True)
class DiffLine:
    """One line of a diff."""

    kind: LineKind
    #: Without the leading `+`, `-` or space.
    text: str
    #: Line number before the change, where the line existed.
    old: int | None = None
    #: Line number after the change, where the line exists.
    new: int | None = None


@dataclass(frozen=True, kw_only=True)
class FileDiff:
    """The changes of one file."""

    #: Posix path; the new one of a file that was moved, the old one of one that was deleted.
    path: str
    lines: tuple[DiffLine, ...]

    @property
    def added(self) -> int:
        """Number of added lines."""
        return sum(line.kind is LineKind.ADDED for line in self.lines)

    @property
    def removed(self) -> int:
        """Number of removed lines."""
        return sum(line.kind is LineKind.REMOVED for line in self.lines)


def parse_diff(text: str) -> tuple[FileDiff, ...]:
    """The files of a unified diff; text that is none gives no file."""
    # Not splitlines(): a form feed or a line separator inside a line of code is no line end.
    lines = text.split("\n")
    starts = [i for i, line in enumerate(lines) if _starts_file(lines, i, line)]
    return tuple(_file(lines[start:end]) for start, end in pairwise([*starts, len(lines)]))


def _starts_file(lines: list[str], index: int, line: str) -> bool:
    following = lines[index + 1] if index + 1 < len(lines) else ""
    return line.startswith("--- ") and following.startswith("+++ ")


def _file(lines: list[str]) -> FileDiff:
    old, new = _path(lines[0]), _path(lines[1])
    return FileDiff(path=old if new == "/dev/null" else new, lines=tuple(_numbered(lines[2:])))


def _path(header: str) -> str:
    path = header[4:].partition("\t")[0].strip().strip('"')
    return path[2:] if path.startswith(("a/", "b/")) else path


def _numbered(lines: list[str]) -> Iterator[DiffLine]:
    old = new = old_left = new_left = 0
    for line in lines:
        if old_left <= 0 and new_left <= 0:
            hunk = _HUNK.match(line)
            if hunk is None:
                continue  # `diff --git`, `index` and the like between two files
            old, new = int(hunk[1]), int(hunk[3])
            old_left, new_left = int(hunk[2] or 1), int(hunk[4] or 1)
            yield DiffLine(kind=LineKind.HUNK, text=hunk[5])
        elif line.startswith("+"):
            yield DiffLine(kind=LineKind.ADDED, text=line[1:], new=new)
            new, new_left = new + 1, new_left - 1
        elif line.startswith("-"):
            yield DiffLine(kind=LineKind.REMOVED, text=line[1:], old=old)
            old, old_left = old + 1, old_left - 1
        elif not line.startswith("\\"):  # "\ No newline at end of file"
            yield DiffLine(kind=LineKind.KEPT, text=line[1:], old=old, new=new)
            old, new, old_left, new_left = old + 1, new + 1, old_left - 1, new_left - 1
