"""Diffs with little context, so that patches which are close to each other go together.

git refuses a hunk whose context another patch has changed. With one line of context
instead of three, only changes of the very same or of neighbouring lines conflict.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

#: Lines of context that are kept on each side of a change.
_CONTEXT = 1
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@.*$")


@dataclass(frozen=True)
class _Line:
    """A line of a hunk; where it is followed by "no newline at end of file", with that."""

    text: str
    #: Numbers it has, or would have, in the file before and after.
    old: int
    new: int

    @property
    def kind(self) -> str:
        return self.text[:1] or " "


def narrowed(diff: str) -> str:
    """The same changes of a plain unified diff, with one line of context."""
    lines = diff.splitlines(keepends=True)
    result: list[str] = []
    at = 0
    while at < len(lines):
        match = _HUNK.match(lines[at])
        at += 1
        if match is None:
            result.append(lines[at - 1])
            continue
        hunk = list(_read(lines[at:], match))
        at += sum(line.text.count("\n") or 1 for line in hunk)
        for part in _parts(hunk):
            result += [_header(part), *(line.text for line in part)]
    return "".join(result)


def _read(lines: Sequence[str], header: re.Match[str]) -> Iterator[_Line]:
    old, new = int(header[1]), int(header[3])
    # An empty side begins after the line that is named.
    old += header[2] == "0"
    new += header[4] == "0"
    old_end = old + int(header[2] or 1)
    new_end = new + int(header[4] or 1)
    for number, text in enumerate(lines):
        if old >= old_end and new >= new_end:
            return
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if text.startswith("\\"):
            continue
        yield _Line(text + following if following.startswith("\\") else text, old, new)
        old += text[:1] != "+"
        new += text[:1] != "-"


def _parts(hunk: Sequence[_Line]) -> Iterator[Sequence[_Line]]:
    """The changes of a hunk, each with its context; those that touch are one."""
    changed = [number for number, line in enumerate(hunk) if line.kind in "+-"]
    spans: list[tuple[int, int]] = []
    for number in changed:
        start, end = max(0, number - _CONTEXT), min(len(hunk), number + _CONTEXT + 1)
        if spans and start < spans[-1][1]:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    yield from (hunk[start:end] for start, end in spans)


def _header(part: Sequence[_Line]) -> str:
    old = sum(line.kind != "+" for line in part)
    new = sum(line.kind != "-" for line in part)
    old_start = part[0].old - (old == 0)
    new_start = part[0].new - (new == 0)
    return f"@@ -{old_start},{old} +{new_start},{new} @@\n"
