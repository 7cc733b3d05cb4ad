"""Edits: what a template proposes, and the candidate that a search tries."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property

from paramedic_workers.repair.source import Replacement, Source, Text


@dataclass(frozen=True)
class Proposal:
    """What one template would do at one place."""

    parts: tuple[Replacement, ...]
    #: How likely among the template's own proposals, above 0 to 1.
    weight: float = 1.0
    #: What it does, in a few words: "`<` in place of `<=`".
    title: str = ""


@dataclass(frozen=True, eq=False)
class Function:
    """A function that is not nested in another: what can be swapped in the warm process."""

    source: Source
    node: ast.FunctionDef | ast.AsyncFunctionDef
    #: Names of the classes around it, outermost first.
    classes: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its name with those of its classes."""
        return ".".join((*self.classes, self.node.name))

    @property
    def line(self) -> int:
        """Line of its first decorator, or of its `def`."""
        return min([self.node.lineno, *(d.lineno for d in self.node.decorator_list)])

    @property
    def last_line(self) -> int:
        """Its last line."""
        return self.node.end_lineno or self.node.lineno

    @cached_property
    def start(self) -> int:
        """Position of its first character, at the start of a line."""
        return self.source.line_start(self.line)

    @cached_property
    def end(self) -> int:
        """Position behind its last line."""
        return self.source.line_end(self.last_line)

    @cached_property
    def body_start(self) -> int:
        """Position from which on edits change its code and nothing else."""
        first = self.node.body[0]
        if self.source.indentation(first) is None:
            return self.source.span(first)[0]
        return self.source.line_start(first.lineno)

    def holds(self, part: Replacement) -> bool:
        """Whether a replacement is inside its body."""
        return self.body_start <= part.start and part.end <= self.end

    def prefix(self) -> str:
        """What stands before the source so that it compiles at its own line and in its classes."""
        return headers(self.source, self.start, self.line, self.classes)

    def text(self) -> str:
        """Its source, whole lines."""
        return self.source.text[self.start : self.end]


@dataclass(frozen=True, eq=False)
class Candidate:
    """An edit of one file that is worth trying."""

    source: Text
    #: The function whose body it changes; None where more than that changes.
    function: Function | None
    parts: tuple[Replacement, ...]
    template: str
    title: str
    #: The line that it changes first.
    line: int
    #: Suspicion x prior x weight.
    score: float
    #: Places at which the same edit is made.
    places: int = 1
    #: The file does not parse without it.
    in_broken_file: bool = False

    def text(self) -> str:
        """The whole file, edited."""
        return self.source.apply(self.parts)

    def order(self) -> tuple[float, str, int, str]:
        """Best first, and the same order every time."""
        first = self.parts[0]
        return (
            -self.score,
            self.source.relative,
            first.start,
            "\0".join(p.text for p in self.parts),
        )


def headers(source: Text, start: int, line: int, classes: tuple[str, ...]) -> str:
    """What stands before whole lines so that they compile at their own line, in their classes.

    Args:
        source: the file.
        start: position of the first of the lines.
        line: its number.
        classes: names, outermost first.
    """
    indented = source.text[start : start + 1] in " \t"
    found = [f"{' ' * depth}class {name}:\n" for depth, name in enumerate(classes)]
    if indented and not found:
        found = ["if 1:\n"]
    return "\n" * max(0, line - 1 - len(found)) + "".join(found)
