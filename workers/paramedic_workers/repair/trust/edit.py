"""What can be said of an edit by itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.hygiene import new_words
from paramedic_workers.repair.source import Source
from paramedic_workers.repair.trust.families import SHIFTING, TURNING

_CONSTANT = re.compile(r"'[^']{2,}'|\"[^\"]{2,}\"|\b\d{2,}(?:\.\d+)?\b")
_PLAIN = (ast.BinOp, ast.UnaryOp, ast.Constant, ast.Name, ast.Attribute)
_OPPOSITES = (("==", "!="), ("is", "is not"), ("in", "not in"), ("<", ">="), (">", "<="))
_JUDGES = frozenset({"__eq__", "__ne__"})
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


def turns_condition(candidate: Candidate) -> bool:
    """Whether the edit makes a condition hold where it did not, and the other way round.

    Where only failing tests run it, that is no more than taking the other branch.
    """
    if candidate.template in TURNING:
        return True
    for part in candidate.parts:
        pair = (candidate.source.text[part.start : part.end].strip(), part.text.strip())
        if pair in _OPPOSITES or pair[::-1] in _OPPOSITES:
            return True
    return False


def edits_judge(candidate: Candidate) -> bool:
    """Whether it edits a method that decides whether two objects are equal.

    What tests assert of such objects is then no longer what they asserted before.
    """
    return candidate.function is not None and candidate.function.node.name in _JUDGES


def turns_default(candidate: Candidate) -> bool:
    """Whether the edit changes the default of a parameter, for everybody who calls without it."""
    source = candidate.source
    if not isinstance(source, Source):
        return False
    defaults = [
        source.span(default)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.arguments)
        for default in (*node.defaults, *filter(None, node.kw_defaults))
    ]
    return any(
        start <= part.start and part.end <= end
        for part in candidate.parts
        for start, end in defaults
    )


def shifts_number(candidate: Candidate) -> bool:
    """Whether the edit changes a number that is neither index, nor bound, nor compared.

    People count wrongly in such places. Elsewhere a number that is a little different is
    rather made to measure for the failing test.
    """
    source = candidate.source
    if candidate.template not in SHIFTING or not isinstance(source, Source):
        return False
    inside: ast.AST = candidate.function.node if candidate.function else source.tree
    smallest = (_smallest(source, inside, part.start, part.end) for part in candidate.parts)
    return not any(_counts(source, node) for node in smallest)


def _counts(source: Source, node: ast.AST | None) -> bool:
    while isinstance(node, _PLAIN):
        node = source.parents.get(node)
    if isinstance(node, ast.Assign):
        return _names_a_place(source, node)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        # What `len` gives is a number of things: its neighbours are counts as well.
        if node.func.id == "len":
            return _counts(source, source.parents[node])
        return node.func.id in _COUNTING
    return isinstance(node, (ast.Subscript, ast.Slice, ast.Compare, ast.AugAssign))


def _names_a_place(source: Source, assignment: ast.Assign) -> bool:
    """Whether what is assigned is an index or a bound: `items[start:]` after `start = …`."""
    names = {target.id for target in assignment.targets if isinstance(target, ast.Name)}
    around: ast.AST = assignment
    while around in source.parents and not isinstance(around, ast.FunctionDef):
        around = source.parents[around]
    used = (n for n in ast.walk(around) if isinstance(n, ast.Name) and n.id in names)
    return any(_is_place(source.parents[name], name) for name in used)


def _is_place(parent: ast.AST, name: ast.AST) -> bool:
    if isinstance(parent, ast.Subscript):
        return name is parent.slice
    return isinstance(parent, ast.Slice)


def _smallest(source: Source, inside: ast.AST, start: int, end: int) -> ast.AST | None:
    """The smallest expression that holds these characters."""
    found, least = None, len(source.text) + 1
    for node in ast.walk(inside):
        if isinstance(node, ast.expr):
            first, last = source.span(node)
            if first <= start and end <= last and last - first < least:
                found, least = node, last - first
    return found
