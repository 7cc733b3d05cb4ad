"""A condition that should be its own opposite.

if not items:           if items:
return is_open          return not is_open
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.templates.site import Site, family


def dropped_not(site: Site) -> Iterator[Proposal]:
    """`not x` becomes `x`."""
    assert isinstance(site.node, ast.UnaryOp)
    if isinstance(site.node.op, ast.Not):
        operand = site.source.text[slice(*site.source.outer_span(site.node.operand))]
        yield from site.replace(site.node, operand)


def added_not(site: Site) -> Iterator[Proposal]:
    """`x` becomes `not x` where only its truth matters."""
    for condition in _conditions(site.node):
        if isinstance(condition, (ast.UnaryOp, ast.Constant)) or _has_an_opposite(condition):
            continue
        text = site.text(condition)
        if isinstance(condition, (ast.BoolOp, ast.NamedExpr, ast.IfExp, ast.Lambda)):
            text = f"({text})"
        yield from site.replace(condition, f"not {text}")


def _conditions(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, (ast.If, ast.While, ast.IfExp, ast.Assert)):
        return [node.test]
    if isinstance(node, ast.BoolOp):
        return list(node.values)
    if isinstance(node, ast.comprehension):
        return list(node.ifs)
    if isinstance(node, ast.Return) and node.value is not None:
        return [node.value] if isinstance(node.value, (ast.Name, ast.Call, ast.BoolOp)) else []
    return []


def _has_an_opposite(condition: ast.expr) -> bool:
    """Whether another template writes the opposite more simply."""
    exact = (ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Is, ast.IsNot)
    return (
        isinstance(condition, ast.Compare)
        and len(condition.ops) == 1
        and isinstance(condition.ops[0], exact)
    )


_PLACES = (ast.If, ast.While, ast.IfExp, ast.Assert, ast.BoolOp, ast.comprehension, ast.Return)

DROPPED_NOT = family("`not` dropped", (ast.UnaryOp,), dropped_not)
ADDED_NOT = family("condition negated", _PLACES, added_not)
