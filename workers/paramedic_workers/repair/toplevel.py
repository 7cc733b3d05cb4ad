"""Which statement outside of functions an edit changes, so that it can be run again alone.

An edit of a definition at the top level of a module or class, of a function's header, or
an added import can be tried in the warm process (`inside/definitions.py`). Other edits
outside of functions (a decorator, a base class, a statement that calls something) are
tried by importing everything anew, and by that alone.
"""

from __future__ import annotations

import ast
import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from paramedic_workers.repair.candidates import functions_of
from paramedic_workers.repair.edits import Candidate, Function, headers
from paramedic_workers.repair.source import Replacement, Source


@dataclass(frozen=True, eq=False)
class Definition:
    """A statement outside of functions that assigns to names."""

    source: Source
    node: ast.Assign | ast.AnnAssign | ast.AugAssign
    #: Names of the classes around it, outermost first.
    classes: tuple[str, ...]

    @property
    def line(self) -> int:
        """Its first line."""
        return self.node.lineno

    @cached_property
    def start(self) -> int:
        """Position of the start of its first line."""
        return self.source.line_start(self.line)

    @cached_property
    def end(self) -> int:
        """Position behind its last line."""
        return self.source.line_end(self.node.end_lineno or self.line)

    def prefix(self) -> str:
        """What stands before the source so that it compiles at its own line."""
        return headers(self.source, self.start, self.line, self.classes)

    def text(self) -> str:
        """Its source, whole lines."""
        return self.source.text[self.start : self.end]


#: What an edit changes, and the parts of the edit in it.
Piece = tuple[Function | Definition, list[Replacement]]


@dataclass(frozen=True)
class Pieces:
    """An edit by the statements that it changes."""

    held: list[Piece]
    #: Import statements that are added.
    imports: list[str]


class TopLevel:
    """The definitions and functions of one file."""

    def __init__(self, source: Source) -> None:
        """Index them by their place."""
        found: list[Function | Definition] = [*functions_of(source), *_definitions(source)]
        self._holders = sorted(found, key=lambda holder: holder.start)
        self._starts = [holder.start for holder in self._holders]

    def pieces(self, candidate: Candidate) -> Pieces | None:
        """What a candidate changes; None where it must be imported anew to be tried."""
        held: dict[Function | Definition, list[Replacement]] = {}
        imports = []
        for part in candidate.parts:
            holder = self._holder(part)
            if holder is not None:
                held.setdefault(holder, []).append(part)
            elif part.start == part.end and _only_imports(part.text):
                imports.append(part.text)
            else:
                return None
        return Pieces(list(held.items()), imports)

    def _holder(self, part: Replacement) -> Function | Definition | None:
        number = bisect.bisect_right(self._starts, part.start) - 1
        if number < 0:
            return None
        holder = self._holders[number]
        if part.end > holder.end:
            return None
        if isinstance(holder, Function):
            header = holder.source.line_start(holder.node.lineno)
            return holder if part.start > header else None
        start, end = holder.source.span(holder.node)
        return holder if start <= part.start and part.end <= end else None


def _definitions(source: Source) -> Iterator[Definition]:
    yield from _definitions_in(source, source.tree.body, ())


def _definitions_in(
    source: Source, body: Iterable[ast.stmt], classes: tuple[str, ...]
) -> Iterator[Definition]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _definitions_in(source, node.body, (*classes, node.name))
        elif isinstance(node, (ast.If, ast.Try, ast.With)):
            inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
            yield from _definitions_in(source, inner, classes)
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)) and (
            source.indentation(node) is not None
        ):
            yield Definition(source, node, classes)


def _only_imports(text: str) -> bool:
    try:
        body: Sequence[ast.stmt] = ast.parse(text).body
    except (SyntaxError, ValueError):
        return False
    return all(isinstance(node, (ast.Import, ast.ImportFrom)) for node in body)
