"""Another arithmetic or bitwise operator, or its operands the other way round.

total = price + discount    total = price - discount
count -= 1                  count += 1
total = price               total += price
return digit + rest         return rest + digit
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.templates.site import Site, family

TOKENS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.MatMult: "@",
}

#: What is written in place of what, by how often people mean the other.
NEAR: dict[str, dict[str, float]] = {
    "+": {"-": 1.0, "*": 0.7, "//": 0.2, "/": 0.2, "%": 0.2, "|": 0.2, "**": 0.2},
    "-": {"+": 1.0, "*": 0.4, "%": 0.4, "/": 0.3, "//": 0.3},
    "*": {"+": 0.8, "**": 0.8, "/": 0.7, "//": 0.7, "-": 0.4, "%": 0.3},
    "/": {"//": 1.0, "*": 0.9, "%": 0.6, "-": 0.3},
    "//": {"/": 1.0, "%": 0.9, "*": 0.6, "-": 0.3},
    "%": {"//": 1.0, "/": 0.6, "*": 0.4, "&": 0.2, "-": 0.2},
    "**": {"*": 1.0, "/": 0.3, "//": 0.3, "+": 0.3},
    "&": {"|": 1.0, "^": 0.9, "-": 0.3, "+": 0.2},
    "|": {"&": 1.0, "^": 0.9, "+": 0.2, "-": 0.2},
    "^": {"&": 1.0, "|": 1.0, "**": 0.8, "+": 0.2},
    "<<": {">>": 1.0, "*": 0.3},
    ">>": {"<<": 1.0, "//": 0.3},
    "@": {"*": 1.0},
}

_COMMUTE = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.Mult)


def other_operator(site: Site) -> Iterator[Proposal]:
    """Another operator between the same operands."""
    assert isinstance(site.node, ast.BinOp)
    token = TOKENS[type(site.node.op)]
    span = site.source.token_between(site.node.left, site.node.right, token)
    if span is None or _is_text_formatting(site.node):
        return
    for new, weight in NEAR[token].items():
        yield from site.replace_span(span, new, weight)


def other_augmented(site: Site) -> Iterator[Proposal]:
    """Another operator in `x += y`, or none; or one where there was none."""
    node = site.node
    if isinstance(node, ast.AugAssign):
        token = TOKENS[type(node.op)] + "="
        span = site.source.token_between(node.target, node.value, token)
        if span is not None:
            for new, weight in NEAR[token[:-1]].items():
                yield from site.replace_span(span, f"{new}=", weight)
            yield from site.replace_span(span, "=", 0.6)
    elif isinstance(node, ast.Assign) and len(node.targets) == 1:
        span = site.source.token_between(node.targets[0], node.value, "=")
        if span is not None and isinstance(
            node.targets[0], (ast.Name, ast.Attribute, ast.Subscript)
        ):
            for new, weight in (("+=", 0.6), ("-=", 0.3), ("*=", 0.3), ("|=", 0.1)):
                yield from site.replace_span(span, new, weight)


def swapped_operands(site: Site) -> Iterator[Proposal]:
    """`a - b` becomes `b - a`."""
    assert isinstance(site.node, ast.BinOp)
    if not isinstance(site.node.op, _COMMUTE) and not _is_text_formatting(site.node):
        yield from site.swap(site.node.left, site.node.right)


def dropped_operand(site: Site) -> Iterator[Proposal]:
    """`a + b` becomes `a`, or `b`; `"%s=%s" % (a, b)` too."""
    assert isinstance(site.node, ast.BinOp)
    for operand, weight in ((site.node.left, 1.0), (site.node.right, 0.7)):
        text = site.source.text[slice(*site.source.outer_span(operand))]
        yield from site.replace(site.node, text, weight)
    if _is_text_formatting(site.node) and isinstance(site.node.right, ast.Tuple):
        for element in site.node.right.elts:
            yield from site.replace(site.node, site.text(element), 0.7)


def other_sign(site: Site) -> Iterator[Proposal]:
    """`-x` becomes `x`."""
    assert isinstance(site.node, ast.UnaryOp)
    if isinstance(site.node.op, (ast.USub, ast.Invert)):
        yield from site.replace(site.node, site.text(site.node.operand))


def _is_text_formatting(node: ast.BinOp) -> bool:
    left_is_text = isinstance(node.left, ast.Constant) and isinstance(node.left.value, str)
    return left_is_text and isinstance(node.op, ast.Mod)


OPERATOR = family("arithmetic operator", (ast.BinOp,), other_operator)
AUGMENTED = family("augmented assignment", (ast.AugAssign, ast.Assign), other_augmented)
SWAPPED_OPERANDS = family("operands swapped", (ast.BinOp,), swapped_operands)
DROPPED_OPERAND = family("operand dropped", (ast.BinOp,), dropped_operand)
SIGN = family("sign", (ast.UnaryOp,), other_sign)
