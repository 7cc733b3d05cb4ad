"""One too many or one too few.

range(len(rows))        range(len(rows) - 1)
rows[middle:end]        rows[middle:end + 1]
return count + 1        return count
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.templates.site import NUMBERS, Site, family

_WHOLE_NUMBERS = frozenset({"int"})
_COUNTING = (ast.Call, ast.Name, ast.Attribute, ast.Subscript, ast.BinOp)


def one_more_or_less(site: Site) -> Iterator[Proposal]:
    """`x` becomes `x + 1` or `x - 1` where a whole number is counted, compared or indexed."""
    node = site.node
    if not isinstance(node, ast.expr) or not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    weight = _weight(site, node)
    if weight:
        text = site.text()
        if isinstance(node, ast.BinOp) and not isinstance(node.op, (ast.Add, ast.Sub, ast.Mult)):
            text = f"({text})" if site.source.replace(node, f"{text} + 1") is None else text
        yield from site.replace(node, f"{text} + 1", weight)
        yield from site.replace(node, f"{text} - 1", weight)


def dropped_one(site: Site) -> Iterator[Proposal]:
    """`x + 1` becomes `x`."""
    assert isinstance(site.node, ast.BinOp)
    right = site.node.right
    if isinstance(right, ast.Constant) and right.value == 1 and not isinstance(right.value, bool):
        yield from site.replace(site.node, site.text(site.node.left), 0.85)


def _weight(site: Site, node: ast.expr) -> float:
    if _is_part_of_sum_with_one(site, node) or _is_called_or_owner(site, node):
        return 0.0
    types = site.types_of(node)
    if types and not types & _WHOLE_NUMBERS:
        return 0.0
    parent = site.parent
    if isinstance(parent, ast.Call) and node in parent.args:
        is_range = isinstance(parent.func, ast.Name) and parent.func.id == "range"
        return 1.0 if is_range else 0.4 * _certainty(types)
    if isinstance(parent, (ast.Slice, ast.Subscript)):
        return 0.8 if types or isinstance(parent, ast.Slice) else 0.35
    if isinstance(parent, (ast.Compare, ast.Return, ast.Assign, ast.AugAssign)):
        return 0.6 * _certainty(types)
    return 0.4 * _certainty(types)


def _certainty(types: frozenset[str]) -> float:
    return 1.0 if types & NUMBERS else 0.3


def _is_part_of_sum_with_one(site: Site, node: ast.expr) -> bool:
    parent = site.parent
    if not isinstance(parent, ast.BinOp) or not isinstance(parent.op, (ast.Add, ast.Sub)):
        return False
    other = parent.left if node is parent.right else parent.right
    return isinstance(other, ast.Constant) and other.value == 1


def _is_called_or_owner(site: Site, node: ast.expr) -> bool:
    parent = site.parent
    if isinstance(parent, ast.Call):
        return node is parent.func
    return isinstance(parent, (ast.Attribute, ast.Subscript)) and node is parent.value


ADDED_ONE = family("off by one", _COUNTING, one_more_or_less)
DROPPED_ONE = family("off by one", (ast.BinOp,), dropped_one)
