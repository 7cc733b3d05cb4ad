"""Unified diffs that `git apply` takes, whatever the line ends and the encoding."""

from __future__ import annotations

import difflib

from paramedic_workers.repair.source import Text

_NO_LINE_END = "\\ No newline at end of file\n"


def unified_diff(source: Text, new_text: str) -> str | None:
    """The diff from a source to its edited text.

    None where the file is not UTF-8 and the lines to show are not ASCII: as text, such a
    diff would not match the bytes of the file.
    """
    fewest = 3 if source.encoding.lower().replace("_", "-") in ("utf-8", "ascii") else 1
    for context in range(3, fewest - 1, -1):
        diff = _diff(source, new_text, context)
        if fewest == 3 or diff.isascii():
            return diff
    return None


def _diff(source: Text, new_text: str, context: int) -> str:
    lines = difflib.unified_diff(
        _lines(source.text),
        _lines(new_text),
        f"a/{source.relative}",
        f"b/{source.relative}",
        n=context,
    )
    return "".join(line if line.endswith("\n") else f"{line}\n{_NO_LINE_END}" for line in lines)


def _lines(text: str) -> list[str]:
    """Lines as git counts them: a lone carriage return or form feed ends none."""
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines
