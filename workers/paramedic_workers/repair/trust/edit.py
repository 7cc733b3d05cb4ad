"""What can be said of an edit by itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.hygiene import new_words
from paramedic_workers.repair.source import Source
from paramedic_workers.repair.trust.families import SHIFTING

_CONSTANT = re.compile(r"'[^']{2,}'|\"[^\"]{2,}\"|\b\d{2,}(?:\.\d+)?\b")
#: Functions whose arguments count something.
_COUNTING = frozenset({"range", "enumerate", "islice"})


def is_named(candidate: Candidate, messages: Sequence[str]) -> bool:
    """Whether a message has a word, of two letters or more, that the edit brings in."""
    words = [word for word in new_words(candidate) if len(word) > 1]
    return any(re.search(rf"\b{re.escape(word)}\b", text) for word in words for text in messages)


def is_written_elsewhere(candidate: Candidate) -> bool:
    """Whether every text that the edit writes stands in the file already."""
    texts = [part.text.strip() for part in candidate.parts]
    return all(text in candidate.source.text for text in texts if text)


def copies_constant(candidate: Candidate, tests: Sequence[str]) -> bool:
    """Whether the edit brings in a constant of some size that a failing test's file has too."""
    for part in candidate.parts:
        for constant in _CONSTANT.findall(part.text):
            bare = constant.strip("'\"")
            if bare not in candidate.source.text and any(bare in test for test in tests):
                return True
    return False


def shifts_number(candidate: Candidate) -> bool:
    """Whether the edit changes a number that is neither index, nor bound, nor compared.

    People count wrongly in such places. Elsewhere a number that is a little different is
    rather made to measure for the failing test.
    """
    source = candidate.source
    if candidate.template not in SHIFTING or not isinstance(source, Source):
        return False
    return not any(_counts(source, part.start, part.end) for part in candidate.parts)


def _counts(source: Source, start: int, end: int) -> bool:
    node = _smallest(source, start, end)
    while isinstance(node, (ast.BinOp, ast.UnaryOp, ast.Constant, ast.Name, ast.Attribute)):
        node = source.parents.get(node)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        # What `len` gives is a number of things: its neighbours are counts as well.
        if node.func.id == "len":
            return _counts(source, *source.span(source.parents[node]))
        return node.func.id in _COUNTING
    return isinstance(node, (ast.Subscript, ast.Slice, ast.Compare, ast.AugAssign))


def _smallest(source: Source, start: int, end: int) -> ast.AST | None:
    """The smallest expression that holds these characters."""
    around = [
        (source.span(node), node) for node in ast.walk(source.tree) if isinstance(node, ast.expr)
    ]
    holding = [(e - s, node) for (s, e), node in around if s <= start and end <= e]
    return min(holding, key=lambda found: found[0], default=(0, None))[1]
