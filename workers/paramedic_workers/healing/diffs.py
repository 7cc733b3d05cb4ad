"""Unified diffs as data: which files a patch changes, and which lines.

The parser is strict on purpose. A patch is judged by what is read here and applied
by git; whatever the two could read differently is refused, not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
#: Header lines that change more than the lines of a file, and what to call that.
_SPECIAL_HEADERS = {
    "new file mode": "makes a new file",
    "deleted file mode": "deletes a file",
    "old mode": "changes a file's mode",
    "new mode": "changes a file's mode",
    "rename from": "renames a file",
    "rename to": "renames a file",
    "copy from": "copies a file",
    "copy to": "copies a file",
    "similarity index": "renames or copies a file",
    "dissimilarity index": "rewrites a file",
    "GIT binary patch": "changes a binary file",
    "Binary files": "changes a binary file",
}
_NO_FILE = "/dev/null"


class MalformedDiff(ValueError):
    """The text is no unified diff, or one that could be read in two ways."""


@dataclass(frozen=True, kw_only=True)
class FileChange:
    """What a diff does to one file."""

    #: Posix path relative to the repository.
    path: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    #: The lines of the hunks as they are after the patch, context included.
    after: tuple[str, ...] = ()
    #: Whatever it does beyond changing lines: "makes a new file".
    special: tuple[str, ...] = ()


@dataclass
class _Draft:
    """A file's change while it is read."""

    path: str = ""
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    special: list[str] = field(default_factory=list)

    def finished(self) -> FileChange:
        return FileChange(
            path=self.path,
            added=tuple(self.added),
            removed=tuple(self.removed),
            after=tuple(self.after),
            special=tuple(dict.fromkeys(self.special)),
        )


def parse_diff(diff: str) -> tuple[FileChange, ...]:
    """The files that a unified diff changes, in its order.

    Raises:
        MalformedDiff: it is empty, incomplete, or has lines that belong to no file.
    """
    lines = diff.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    drafts = _Reader(lines).read()
    if not drafts:
        raise MalformedDiff("the patch changes nothing")
    return tuple(draft.finished() for draft in drafts)


def sections(diff: str) -> list[tuple[FileChange, str]]:
    """Each file's change with its own part of the text of a `diff --git` diff.

    Raises:
        MalformedDiff: as `parse_diff`, or some part is not git's.
    """
    changes = parse_diff(diff)
    # A line inside a hunk begins with a space, a sign or a backslash, never with `diff`.
    starts = [match.start() for match in re.finditer(r"^diff --git ", diff, re.MULTILINE)]
    if len(starts) != len(changes):
        raise MalformedDiff("the patch has a part without a `diff --git` line")
    ends = [*starts[1:], len(diff)]
    return [
        (change, diff[start:end]) for change, start, end in zip(changes, starts, ends, strict=True)
    ]


class _Reader:
    """Reads the lines of a diff once, from top to bottom."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._at = 0
        self._drafts: list[_Draft] = []
        #: Whether the current file's `---` and `+++` have been read.
        self._named = False

    def read(self) -> list[_Draft]:
        while self._at < len(self._lines):
            self._read_header(self._lines[self._at])
        return self._drafts

    def _read_header(self, line: str) -> None:
        if line.startswith("diff --git "):
            self._begin(_path_of_git_header(line))
        elif line.startswith("--- "):
            self._read_names(line)
        elif line.startswith("@@ "):
            self._read_hunk(line)
        elif line.startswith("index ") and self._drafts and not self._named:
            if line.endswith((" 120000", " 160000")):
                self._drafts[-1].special.append("changes a symbolic link or a submodule")
            self._at += 1
        else:
            self._read_special(line)

    def _begin(self, path: str) -> None:
        self._drafts.append(_Draft(path=path))
        self._named = False
        self._at += 1

    def _current(self, line: str) -> _Draft:
        if not self._drafts:
            raise MalformedDiff(f"the patch has a line that belongs to no file: {line[:80]!r}")
        return self._drafts[-1]

    def _read_special(self, line: str) -> None:
        draft = self._current(line)
        for start, meaning in _SPECIAL_HEADERS.items():
            if line.startswith(start):
                draft.special.append(meaning)
                self._at += 1
                if "binary" in meaning:
                    self._skip_to_next_file()
                return
        raise MalformedDiff(f"the patch has a line that cannot be read: {line[:80]!r}")

    def _skip_to_next_file(self) -> None:
        while self._at < len(self._lines) and not self._lines[self._at].startswith("diff --git "):
            self._at += 1

    def _read_names(self, line: str) -> None:
        if self._at + 1 >= len(self._lines) or not self._lines[self._at + 1].startswith("+++ "):
            raise MalformedDiff("the patch has a `---` line without its `+++` line")
        old = _path_of_name_line(line, "a/")
        new = _path_of_name_line(self._lines[self._at + 1], "b/")
        begun = self._drafts and not self._named and not self._drafts[-1].after
        if not begun:
            self._drafts.append(_Draft(path=new if new != _NO_FILE else old))
        draft = self._drafts[-1]
        _note_names(draft, old, new)
        self._named = True
        self._at += 2

    def _read_hunk(self, line: str) -> None:
        draft = self._current(line)
        match = _HUNK.match(line)
        if match is None or not self._named:
            raise MalformedDiff(f"the patch has a hunk that cannot be read: {line[:80]!r}")
        old, new = (int(match[n]) if match[n] is not None else 1 for n in (2, 4))
        self._at += 1
        for kind, text in self._hunk_lines(old, new):
            _note_line(draft, kind, text)

    def _hunk_lines(self, old: int, new: int) -> Iterator[tuple[str, str]]:
        while old > 0 or new > 0:
            if self._at >= len(self._lines):
                raise MalformedDiff("the patch ends in the middle of a hunk")
            line = self._lines[self._at]
            kind = line[:1] or " "
            if kind not in " +-\\":
                raise MalformedDiff(f"the patch has a line that cannot be read: {line[:80]!r}")
            old -= kind in " -"
            new -= kind in " +"
            self._at += 1
            yield kind, line[1:]
        if self._at < len(self._lines) and self._lines[self._at].startswith("\\"):
            self._at += 1


def _note_names(draft: _Draft, old: str, new: str) -> None:
    if old == _NO_FILE:
        draft.special.append("makes a new file")
    if new == _NO_FILE:
        draft.special.append("deletes a file")
    for path in {old, new} - {_NO_FILE, draft.path}:
        raise MalformedDiff(f"the patch names one file in two ways: {draft.path!r} and {path!r}")


def _note_line(draft: _Draft, kind: str, text: str) -> None:
    if kind == "+":
        draft.added.append(text)
    elif kind == "-":
        draft.removed.append(text)
    if kind in " +":
        draft.after.append(text)


def _path_of_git_header(line: str) -> str:
    names = line.removeprefix("diff --git ")
    # Both names are the same but for their prefix: any other form is a rename or is quoted.
    middle = len(names) // 2
    old, new = names[:middle], names[middle + 1 :]
    same = old.startswith("a/") and new.startswith("b/") and old[2:] == new[2:]
    if not same or names[middle : middle + 1] != " ":
        raise MalformedDiff(f"the patch renames a file or has an unusual path: {line[:120]!r}")
    return old[2:]


def _path_of_name_line(line: str, prefix: str) -> str:
    name = line[4:].partition("\t")[0]
    if name == _NO_FILE:
        return name
    if not name.startswith(prefix):
        raise MalformedDiff(f"the patch has an unusual path: {line[:120]!r}")
    return name.removeprefix(prefix)
