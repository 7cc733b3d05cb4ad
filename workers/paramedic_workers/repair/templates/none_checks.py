"""`None` where emptiness was asked for, and the reverse.

if limit:               if limit is not None:
if not value:           if value is None:
size = size or 10       size = 10 if size is None else size
if value == None:       if value is None:
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.templates.conditions import conditions_of
from paramedic_workers.repair.templates.site import Site, family

_ASKED = (ast.Name, ast.Attribute, ast.Subscript)


def none_for_emptiness(site: Site) -> Iterator[Proposal]:
    """`x` becomes `x is not None`, `not x` becomes `x is None`, and back."""
    for condition in conditions_of(site.node):
        negated = isinstance(condition, ast.UnaryOp) and isinstance(condition.op, ast.Not)
        asked = condition.operand if isinstance(condition, ast.UnaryOp) else condition
        if isinstance(asked, _ASKED):
            weight = 1.0 if "NoneType" in site.types_of(asked) else 0.4
            answer = "is None" if negated else "is not None"
            yield from site.replace(condition, f"{site.text(asked)} {answer}", weight)
        elif isinstance(condition, ast.Compare) and _is_none(condition.comparators[-1]):
            left = site.text(condition.left)
            is_positive = isinstance(condition.ops[0], (ast.Is, ast.Eq))
            yield from site.replace(condition, f"not {left}" if is_positive else left, 0.6)
            if isinstance(condition.ops[0], (ast.Eq, ast.NotEq)):
                answer = "is None" if is_positive else "is not None"
                yield from site.replace(condition, f"{left} {answer}", 0.6)


def default_for_none(site: Site) -> Iterator[Proposal]:
    """`x or d` becomes `d if x is None else x`: 0 and empty values are values too."""
    assert isinstance(site.node, ast.BoolOp)
    if not isinstance(site.node.op, ast.Or) or len(site.node.values) != 2:
        return
    value, default = site.node.values
    if isinstance(value, _ASKED):
        name = site.text(value)
        yield from site.replace(site.node, f"{site.text(default)} if {name} is None else {name}")


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


_PLACES = (ast.If, ast.While, ast.IfExp, ast.BoolOp, ast.comprehension)

CHECK = family("none check", _PLACES, none_for_emptiness)
DEFAULT = family("none check", (ast.BoolOp,), default_for_none)
