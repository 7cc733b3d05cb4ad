"""The simplest way to write an edit that was found, as a person would write it.

    total = 0 + rest(items)        total = rest(items)
    return text[n + 1 - 1]         return text[n]
    if not name == "x":            if name != "x":

Templates replace one expression by another without a look at what stands around it.
Simplified edits do not always mean the same (`0 + text` raises): they must pass again.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.source import NotPython, Replacement, Source

#: Simplifications made one after another.
_ROUNDS = 4
_OPPOSITE = {
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Is: "is not",
    ast.IsNot: "is",
}
#: Calls that change nothing when they are made twice.
_IDEMPOTENT = frozenset(
    {"list", "set", "tuple", "str", "int", "float", "bool", "dict", "sorted", "abs"}
)
_ATOMS = (ast.Name, ast.Constant, ast.Call, ast.Attribute, ast.Subscript, ast.List, ast.Dict)


def simplified(candidate: Candidate) -> Candidate | None:
    """The same edit written more simply; None where it is simple already."""
    original = candidate.source
    parts = candidate.parts
    for _ in range(_ROUNDS):
        text = _simpler_text(candidate, parts)
        if text is None:
            break
        parts = _changes(original.text, text)
    if parts == candidate.parts or not parts:
        return None
    title = candidate.title
    if len(parts) == 1:
        title = _title(original.text, parts[0])
    return replace(candidate, parts=parts, title=title)


def _simpler_text(candidate: Candidate, parts: Sequence[Replacement]) -> str | None:
    """The edited file with one expression simplified; None where there is nothing to do."""
    text = candidate.source.apply(parts)
    try:
        source = Source(candidate.source.path, candidate.source.relative, text)
    except NotPython:
        return None
    changed = list(_changed_spans(parts))
    for node in ast.walk(source.tree):
        if isinstance(node, ast.expr) and _touches(source.span(node), changed):
            change = _unparenthesised(source, node, changed) or _change(source, node)
            if change is not None:
                return source.apply((change,))
    return None


def _changed_spans(parts: Sequence[Replacement]) -> Iterator[tuple[int, int]]:
    """Where the replacements stand in the edited text."""
    shift = 0
    for part in sorted(parts):
        yield part.start + shift, part.start + shift + len(part.text)
        shift += len(part.text) - (part.end - part.start)


def _touches(span: tuple[int, int], changed: Sequence[tuple[int, int]]) -> bool:
    return any(span[0] <= end and start <= span[1] for start, end in changed)


def _change(source: Source, node: ast.expr) -> Replacement | None:
    for rule in _RULES:
        text = rule(source, node)
        if text is not None:
            return source.replace(node, text)
    return None


# -- rules: the simpler text of an expression, or None ---------------------------------


def _neutral(source: Source, node: ast.expr) -> str | None:
    """`0 + e`, `e - 0`, `1 * e`."""
    if not isinstance(node, ast.BinOp):
        return None
    neutral = 1 if isinstance(node.op, ast.Mult) else 0
    if isinstance(node.op, (ast.Add, ast.Mult)) and _is_integer(node.left, neutral):
        return source.of(node.right)
    if isinstance(node.op, (ast.Add, ast.Sub, ast.Mult)) and _is_integer(node.right, neutral):
        return source.of(node.left)
    return None


def _sum_of_constants(source: Source, node: ast.expr) -> str | None:
    """`e + 1 - 1`, `e - 1 - 1`, `e - -1`."""
    if not isinstance(node, ast.BinOp):
        return None
    added = _added(node)
    if added is None:
        return None
    inner, amount = node.left, added
    if isinstance(inner, ast.BinOp) and (more := _added(inner)) is not None:
        inner, amount = inner.left, amount + more
    elif not isinstance(node.right, ast.UnaryOp):
        return None
    if not amount:
        return source.of(inner)
    return f"{source.of(inner)} {'+' if amount > 0 else '-'} {abs(amount)}"


def _opposite(source: Source, node: ast.expr) -> str | None:
    """`not a == b`, `not a in b`."""
    if not isinstance(node, ast.UnaryOp) or not isinstance(node.op, ast.Not):
        return None
    inner = node.operand
    if not isinstance(inner, ast.Compare) or len(inner.ops) != 1:
        return None
    operator = _OPPOSITE.get(type(inner.ops[0]))
    if operator is None:
        return None
    return f"{source.of(inner.left)} {operator} {source.of(inner.comparators[0])}"


def _constant_operand(source: Source, node: ast.expr) -> str | None:
    """`a and True`, `False or a`."""
    if not isinstance(node, ast.BoolOp):
        return None
    neutral = isinstance(node.op, ast.And)
    left = [value for value in node.values if not _is_constant(value, neutral)]
    if len(left) != 1 or len(node.values) != 2:
        return None
    return source.of(left[0])


def _done_twice(source: Source, node: ast.expr) -> str | None:
    """`set(set(e))`."""
    if not _is_idempotent_call(node):
        return None
    assert isinstance(node, ast.Call)
    inner = node.args[0]
    if _is_idempotent_call(inner) and source.of(node.func) == source.of(inner.func):  # type: ignore[attr-defined]
        return source.of(inner)
    return None


def _from_the_start(source: Source, node: ast.expr) -> str | None:
    """`e[0:n]`."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Slice):
        return None
    bounds = node.slice
    if bounds.lower is None or not _is_integer(bounds.lower, 0) or bounds.step is not None:
        return None
    upper = source.of(bounds.upper) if bounds.upper else ""
    return f"{source.of(node.value)}[:{upper}]" if upper else None


_RULES: tuple[Callable[[Source, ast.expr], str | None], ...] = (
    _neutral,
    _sum_of_constants,
    _opposite,
    _constant_operand,
    _done_twice,
    _from_the_start,
)


def _unparenthesised(
    source: Source, node: ast.expr, changed: Sequence[tuple[int, int]]
) -> Replacement | None:
    """Take parentheses away that the edit has put around a name, a call or the like."""
    inner, outer = source.span(node), source.outer_span(node)
    is_of_edit = any(start <= outer[0] and outer[1] <= end for start, end in changed)
    if inner == outer or not is_of_edit or not isinstance(node, _ATOMS):
        return None
    return Replacement(*outer, source.text[slice(*inner)])


def _is_idempotent_call(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in _IDEMPOTENT
        and len(node.args) == 1
        and not node.keywords
        and not isinstance(node.args[0], ast.Starred)
    )


def _added(node: ast.BinOp) -> int | None:
    """The integer that is added; None where it is another operation."""
    if not isinstance(node.op, (ast.Add, ast.Sub)):
        return None
    right, sign = node.right, 1 if isinstance(node.op, ast.Add) else -1
    if isinstance(right, ast.UnaryOp) and isinstance(right.op, ast.USub):
        right, sign = right.operand, -sign
    if isinstance(right, ast.Constant) and type(right.value) is int:
        return sign * right.value
    return None


def _is_integer(node: ast.expr, value: int) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int and node.value == value


def _is_constant(node: ast.expr, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


# -- the difference --------------------------------------------------------------------


def _changes(before: str, after: str) -> tuple[Replacement, ...]:
    """The least replacements, line by line, that turn one text into the other."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line))
    found = []
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            found.append(_trimmed(starts[i1], "".join(old[i1:i2]), "".join(new[j1:j2])))
    return tuple(found)


def _trimmed(start: int, old: str, new: str) -> Replacement:
    """A replacement without what is the same at its beginning and its end."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return Replacement(start + head, start + len(old) - tail, new[head : len(new) - tail])


def _title(text: str, part: Replacement) -> str:
    """What a replacement does, in words that show whole tokens."""
    start, end = part.start, part.end
    while start > 0 and _is_of_word(text[start - 1]):
        start -= 1
    while end < len(text) and _is_of_word(text[end]):
        end += 1
    before = " ".join(text[start:end].split())
    after = " ".join((text[start : part.start] + part.text + text[part.end : end]).split())
    if not before:
        return f"`{after}` added"
    return f"`{after}` in place of `{before}`" if after else f"`{before}` taken away"


def _is_of_word(character: str) -> bool:
    return character.isalnum() or character == "_"
