"""A source file as text with a syntax tree over it: positions of nodes, and edits by them.

Edits replace stretches of the text and leave every other character alone: comments,
quoting, layout, line ends, byte order mark. All positions are characters of the decoded
text; the parser's (line, UTF-8 column) pairs are translated here and nowhere else.
"""

from __future__ import annotations

import ast
import bisect
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from paramedic_workers.repair.precedence import binds_too_loosely

_LINE_END = re.compile(r"\r\n|\r|\n")
_COMMENT = re.compile(r"#[^\r\n]*")
_BYTE_ORDER_MARK = "\ufeff"


class NotPython(Exception):
    """The file cannot be decoded or parsed."""


@dataclass(frozen=True, order=True)
class Replacement:
    """These characters are replaced by this text; an insertion where `start == end`."""

    start: int
    end: int
    text: str


class Text:
    """One file, whether it parses or not."""

    def __init__(self, path: Path, relative: str, text: str, encoding: str = "utf-8") -> None:
        """Take the text.

        Args:
            path: absolute.
            relative: the same, relative to the root, with slashes.
            text: decoded, with its own line ends.
            encoding: with which the file is written.
        """
        self.path = path
        self.relative = relative
        self.text = text
        self.encoding = encoding
        self._mark = len(_BYTE_ORDER_MARK) if text.startswith(_BYTE_ORDER_MARK) else 0

    @classmethod
    def read(cls, path: Path, root: Path) -> Self:
        """The file at this path.

        Raises:
            NotPython: it cannot be read or decoded; or not parsed, where that is asked for.
        """
        try:
            data = path.read_bytes()
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
            # Keeps a byte order mark as a character, so that it is written back.
            encoding = "utf-8" if encoding == "utf-8-sig" else encoding
            text = data.decode(encoding)
        except (OSError, SyntaxError, UnicodeError) as error:
            raise NotPython(f"{path}: {error}") from error
        return cls(path, path.relative_to(root).as_posix(), text, encoding)

    @cached_property
    def _line_starts(self) -> list[int]:
        ends = [match.end() for match in _LINE_END.finditer(self.text)]
        return [self._mark, *ends]

    def line_start(self, line: int) -> int:
        """Position of the first character of a line, counted from 1."""
        return self._line_starts[line - 1]

    def line_end(self, line: int) -> int:
        """Position behind the line and its line end."""
        starts = self._line_starts
        return starts[line] if line < len(starts) else len(self.text)

    def line_of(self, position: int) -> int:
        """The line that holds this position, counted from 1."""
        return max(1, bisect.bisect_right(self._line_starts, position))

    @cached_property
    def newline(self) -> str:
        """The line end that the file uses first."""
        match = _LINE_END.search(self.text)
        return match.group() if match else "\n"

    def apply(self, replacements: Sequence[Replacement]) -> str:
        """The text with these replacements, which do not overlap."""
        text = self.text
        for part in sorted(replacements, reverse=True):
            text = text[: part.start] + part.text + text[part.end :]
        return text


class Source(Text):
    """A file that parses."""

    def __init__(self, path: Path, relative: str, text: str, encoding: str = "utf-8") -> None:
        """Parse the text; the arguments are those of `Text`.

        Raises:
            NotPython: it does not parse.
        """
        super().__init__(path, relative, text, encoding)
        try:
            self.tree = ast.parse(text[self._mark :])
        except (SyntaxError, ValueError, RecursionError) as error:
            raise NotPython(f"{relative}: {error}") from error

    # -- positions -------------------------------------------------------------------

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """Each node's parent."""
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def position(self, line: int, column: int) -> int:
        """The position of a line and a column in UTF-8 bytes, as the parser gives them."""
        start = self.line_start(line)
        text = self.text[start : self.line_end(line)]
        if text.isascii():
            return start + column
        return start + len(text.encode()[:column].decode(errors="ignore"))

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Start and end of a node that has a position."""
        start = self.position(node.lineno, node.col_offset)  # type: ignore[attr-defined]
        end = self.position(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
        return start, end

    def of(self, node: ast.AST) -> str:
        """The text of a node, without parentheses around it."""
        start, end = self.span(node)
        return self.text[start:end]

    def fields(self, text: ast.JoinedStr) -> Iterator[ast.expr]:
        """Expressions in an f-string that stand where the parser says.

        Before Python 3.12 it searches for them, and may be wrong.
        """
        for part in text.values:
            if isinstance(part, ast.FormattedValue) and self._stands_there(part.value):
                yield part.value

    def _stands_there(self, node: ast.expr) -> bool:
        try:
            found = ast.parse(self.of(node), mode="eval").body
        except (SyntaxError, ValueError):
            return False
        return ast.dump(found) == ast.dump(node)

    def indentation(self, statement: ast.stmt) -> str | None:
        """White space before a statement; None where it does not begin its line."""
        start = self.line_start(statement.lineno)
        before = self.text[start : self.span(statement)[0]]
        return before if not before.strip() else None

    # -- edits -----------------------------------------------------------------------

    def replace(self, node: ast.AST, text: str, *, whole: bool = False) -> Replacement | None:
        """Put `text`, an expression, in place of a node, in parentheses where it needs them.

        None where the text is no expression, or the same as before.

        Args:
            node: an expression.
            text: the new expression.
            whole: also replace the parentheses that the node has for itself.
        """
        start, end = self.outer_span(node) if whole else self.span(node)
        try:
            new = ast.parse(text, mode="eval").body
        except (SyntaxError, ValueError):
            return None
        is_bare = not _is_parenthesised(text, new) and not self._is_enclosed(start, end, new)
        if is_bare and binds_too_loosely(new, node, self.parents.get(node)):
            text = f"({text})"
        if isinstance(node, ast.GeneratorExp) and isinstance(self.parents.get(node), ast.Call):
            # A lone generator's span includes the parentheses of the call.
            text = f"({text})"
        return None if self.text[start:end] == text else Replacement(start, end, text)

    def token_between(self, left: ast.AST, right: ast.AST, token: str) -> tuple[int, int] | None:
        """Where an operator stands between two operands, whatever comments are around it."""
        start, end = self.span(left)[1], self.span(right)[0]
        gap = _COMMENT.sub(lambda comment: " " * len(comment.group()), self.text[start:end])
        words = [re.escape(word) for word in token.split()]
        match = re.search(r"\s+".join(words), gap)
        return None if match is None else (start + match.start(), start + match.end())

    def outer_span(self, node: ast.AST) -> tuple[int, int]:
        """The span of an expression with the parentheses that are its own."""
        start, end = self.span(node)
        while self._in_parentheses(start, end) and not self._is_call_parenthesis(start):
            start = self._before(start)
            end = self._after(end) + 1
        return start, end

    def _is_enclosed(self, start: int, end: int, new: ast.expr) -> bool:
        """Whether an expression needs no parentheses because there are some already."""
        if not self._in_parentheses(start, end):
            return False
        # In those of a call, a tuple would be several arguments.
        return not (isinstance(new, ast.Tuple) and self._is_call_parenthesis(start))

    def _in_parentheses(self, start: int, end: int) -> bool:
        before, after = self._before(start), self._after(end)
        return (
            before >= 0
            and after < len(self.text)
            and self.text[before] == "("
            and self.text[after] == ")"
        )

    def _before(self, position: int) -> int:
        while position > 0 and self.text[position - 1] in " \t\r\n":
            position -= 1
        return position - 1

    def _after(self, position: int) -> int:
        while position < len(self.text) and self.text[position] in " \t\r\n":
            position += 1
        return position

    def _is_call_parenthesis(self, start: int) -> bool:
        before = self._before(start)
        return before > 0 and (self.text[before - 1].isalnum() or self.text[before - 1] in "_)]\"'")


def _is_parenthesised(text: str, expression: ast.expr) -> bool:
    """Whether the whole of the text is in parentheses."""
    return text.startswith("(") and (expression.col_offset > 0 or isinstance(expression, ast.Tuple))


def statements_below(node: ast.AST) -> Iterator[ast.stmt]:
    """All statements inside a node, outermost first."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        yield from statements_below(child)


def header_lines(statement: ast.stmt) -> range:
    """The lines of a statement without those of the statements inside it."""
    last = statement.end_lineno or statement.lineno
    bodies = [getattr(statement, name, None) for name in ("body", "handlers", "cases")]
    firsts = [body[0] for body in bodies if body]
    # A case has no position of its own.
    inner = [getattr(first, "pattern", first).lineno for first in firsts]
    if inner:
        last = max(statement.lineno, min(inner) - 1)
    return range(statement.lineno, last + 1)
