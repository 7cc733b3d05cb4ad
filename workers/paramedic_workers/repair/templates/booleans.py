"""`and` and `or`, and operands of them that are too many.

if paid and shipped:    if paid or shipped:
if paid and shipped:    if paid:
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.templates.site import Site, family


def other_connective(site: Site) -> Iterator[Proposal]:
    """`and` for `or`, and the reverse, at each place of a chain."""
    assert isinstance(site.node, ast.BoolOp)
    old, new = ("and", "or") if isinstance(site.node.op, ast.And) else ("or", "and")
    for left, right in pairwise(site.node.values):
        span = site.source.token_between(left, right, old)
        if span is not None:
            yield from site.replace_span(span, new)


def dropped_operand(site: Site) -> Iterator[Proposal]:
    """All but one of the operands, in the order they had."""
    assert isinstance(site.node, ast.BoolOp)
    word = " and " if isinstance(site.node.op, ast.And) else " or "
    texts = [site.source.text[slice(*site.source.outer_span(v))] for v in site.node.values]
    for dropped in range(len(texts)):
        kept = texts[:dropped] + texts[dropped + 1 :]
        yield from site.replace(site.node, word.join(kept))


CONNECTIVE = family("and/or", (ast.BoolOp,), other_connective)
DROPPED_OPERAND = family("operand dropped", (ast.BoolOp,), dropped_operand)
