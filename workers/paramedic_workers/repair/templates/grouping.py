"""Operands that belong together in another way, or do not belong at all.

return a + b / 2                return (a + b) / 2
return (a + b) / 2              return a + b / 2
base ** 2 * count               base ** count           (an operand inside a chain)
best = score                    best = max(best, score)
left = size - used              left = max(0, size - used)
"%.*f" % (all - used, x)        "%.*f" % (max(0, all - used), x)
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.source import Replacement
from paramedic_workers.repair.templates.site import NUMBERS, Site, family, quoted


def grouped(site: Site) -> Iterator[Proposal]:
    """Parentheses around the operands that now bind the other way."""
    node = site.node
    if isinstance(node, ast.BinOp):
        yield from _grouped_sum(site, node)
    elif isinstance(node, ast.BoolOp):
        yield from _grouped_condition(site, node)


def _grouped_sum(site: Site, node: ast.BinOp) -> Iterator[Proposal]:
    """`a + b / c` becomes `(a + b) / c`, `a * b + c` becomes `a * (b + c)`, and back."""
    left, right = node.left, node.right
    if isinstance(right, ast.BinOp) and not _has_parentheses(site, right):
        yield from _parentheses(
            site, site.source.span(node)[0], site.source.outer_span(right.left)[1]
        )
    if isinstance(left, ast.BinOp) and not _has_parentheses(site, left):
        yield from _parentheses(
            site, site.source.outer_span(left.right)[0], site.source.span(node)[1]
        )
    for inner in (left, right):
        if isinstance(inner, ast.BinOp) and _has_parentheses(site, inner):
            yield from site.replace_span(site.source.outer_span(inner), site.text(inner), 0.8)


def _grouped_condition(site: Site, node: ast.BoolOp) -> Iterator[Proposal]:
    """`a or b and c` becomes `(a or b) and c`, and back."""
    for value in node.values:
        if not isinstance(value, ast.BoolOp):
            continue
        if _has_parentheses(site, value):
            yield from site.replace_span(site.source.outer_span(value), site.text(value), 0.6)
        elif value is node.values[-1]:
            end = site.source.outer_span(value.values[0])[1]
            yield from _parentheses(site, site.source.outer_span(node.values[0])[0], end)
        elif value is node.values[0]:
            start = site.source.outer_span(value.values[-1])[0]
            yield from _parentheses(site, start, site.source.outer_span(node.values[-1])[1])


def dropped_inside(site: Site) -> Iterator[Proposal]:
    """`a ** b * c` becomes `a ** c`: an operand in the middle, with the operator after it."""
    node = site.node
    assert isinstance(node, ast.BinOp)
    left = node.left
    if isinstance(left, ast.BinOp) and not _has_parentheses(site, left):
        start, end = site.source.outer_span(left.right)[0], site.source.outer_span(node.right)[0]
        dropped = site.source.text[start:end]
        yield Proposal((Replacement(start, end, ""),), 1.0, f"{quoted(dropped)} dropped")


def running_value(site: Site) -> Iterator[Proposal]:
    """`x = e` becomes `x = max(x, e)`, or `min`; also within bounds."""
    node = site.node
    assert isinstance(node, ast.Assign)
    target, value = node.targets[0], node.value
    types = site.types_of(target) | site.types_of(value)
    if not isinstance(target, (ast.Name, ast.Attribute, ast.Subscript)) or len(node.targets) > 1:
        return
    in_loop = any(isinstance(a, (ast.For, ast.While)) for a in site.ancestors())
    if (types and not types & NUMBERS) or isinstance(value, ast.Constant) or not in_loop:
        return
    name, text = site.text(target), site.text(value)
    for function in ("max", "min"):
        if not text.startswith(f"{function}("):
            yield from site.replace(value, f"{function}({name}, {text})", 1.0 if in_loop else 0.3)


def bounded(site: Site) -> Iterator[Proposal]:
    """`a - b` becomes `max(0, a - b)`; a first argument of `max` or `min` the other way."""
    node = site.node
    assert isinstance(node, ast.BinOp)
    in_a_sum = isinstance(site.parent, ast.BinOp) and isinstance(site.parent.op, (ast.Add, ast.Sub))
    if isinstance(node.op, ast.Sub) and site.is_value and not in_a_sum:
        yield from site.replace(node, f"max(0, {site.text()})", 0.6)
        yield from site.replace(node, f"max({site.text()}, 0)", 0.3)


def added_operand(site: Site) -> Iterator[Proposal]:
    """`e` becomes `e op x`, for a local name of the same type."""
    node = site.node
    if not site.is_value or isinstance(site.parent, (ast.BinOp, ast.Compare, ast.Starred)):
        return
    types = site.types_of(node)
    text = site.text()
    numeric = bool(types & NUMBERS) and "bool" not in types
    tokens = ("+", "-", "*", "//", "%") if numeric else ("+",)
    if not types & (NUMBERS | {"str", "list"}) or "bool" in types:
        return
    for name in site.names()[:8]:
        if name == text or not site.types_of(ast.Name(name)) & types:
            continue
        shown = f"({text})" if isinstance(node, (ast.IfExp, ast.BoolOp, ast.Lambda)) else text
        for rank, token in enumerate(tokens):
            yield from site.replace(node, f"{shown} {token} {name}", 0.8 / (1 + 0.3 * rank))
        if not numeric:
            yield from site.replace(node, f"{name} + {shown}", 0.7)


def _parentheses(site: Site, start: int, end: int) -> Iterator[Proposal]:
    parts = (Replacement(start, start, "("), Replacement(end, end, ")"))
    yield Proposal(parts, 1.0, f"{quoted(site.source.text[start:end])} in parentheses")


def _has_parentheses(site: Site, node: ast.expr) -> bool:
    return site.source.outer_span(node) != site.source.span(node)


_VALUES = (ast.Name, ast.Attribute, ast.Call, ast.Subscript)

GROUPED = family("grouping", (ast.BinOp, ast.BoolOp), grouped)
DROPPED_INSIDE = family("operand dropped", (ast.BinOp,), dropped_inside)
RUNNING = family("running value", (ast.Assign,), running_value)
BOUNDED = family("running value", (ast.BinOp,), bounded)
OPERAND = family("operand added", _VALUES, added_operand)
