"""Another comparison operator.

if stock <= 0:          if stock < 0:
if name in banned:      if name not in banned:
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.templates.site import Site, family

TOKENS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "is",
    ast.IsNot: "is not",
}

#: What is written in place of what, by how often people mean the other.
NEAR: dict[str, dict[str, float]] = {
    "<": {"<=": 1.0, ">": 0.9, ">=": 0.6, "!=": 0.4, "==": 0.3},
    "<=": {"<": 1.0, ">=": 0.9, ">": 0.6, "==": 0.4, "!=": 0.3},
    ">": {">=": 1.0, "<": 0.9, "<=": 0.6, "!=": 0.4, "==": 0.3},
    ">=": {">": 1.0, "<=": 0.9, "<": 0.6, "==": 0.4, "!=": 0.3},
    "==": {"!=": 1.0, "<=": 0.7, ">=": 0.7, "<": 0.5, ">": 0.5, "in": 0.3, "is": 0.1},
    "!=": {"==": 1.0, "<": 0.6, ">": 0.6, "<=": 0.4, ">=": 0.4, "not in": 0.2},
    "in": {"not in": 1.0, "==": 0.3},
    "not in": {"in": 1.0, "!=": 0.3},
    "is": {"is not": 1.0, "==": 0.4},
    "is not": {"is": 1.0, "!=": 0.4},
}


def other_operator(site: Site) -> Iterator[Proposal]:
    """Each operator of the comparison, one at a time."""
    assert isinstance(site.node, ast.Compare)
    operands = [site.node.left, *site.node.comparators]
    for (left, right), operator in zip(pairwise(operands), site.node.ops, strict=True):
        token = TOKENS[type(operator)]
        span = site.source.token_between(left, right, token)
        if span is None:
            continue
        constant = any(isinstance(side, _VALUES) and not _is_single(side) for side in (left, right))
        for new, weight in NEAR[token].items():
            if constant and new.startswith("is"):
                continue
            yield from site.replace_span(span, new, weight)


def _is_single(node: ast.expr) -> bool:
    """Whether there is only one object of this value."""
    return isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool))


_VALUES = (ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.JoinedStr)

TEMPLATE = family("comparison operator", (ast.Compare,), other_operator)
