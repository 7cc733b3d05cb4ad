"""One way of writing for each of several that mean the same.

Two patches that differ only in how they are written do not compete: `b > a` and `a < b`,
`not a == b` and `a != b`, `x - -1` and `x + 1`.
"""

from __future__ import annotations

import ast
import copy

_MIRROR: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Gt: ast.Lt, ast.GtE: ast.LtE}
_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_SYMMETRIC = (ast.Eq, ast.NotEq)


def normal_form(node: ast.AST) -> str:
    """The same text for code that is written differently and means the same."""
    return ast.dump(_Normaliser().visit(copy.deepcopy(node)))


class _Normaliser(ast.NodeTransformer):
    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if len(node.ops) != 1:
            return node
        kind, right = type(node.ops[0]), node.comparators[0]
        if kind in _MIRROR:
            return ast.Compare(right, [_MIRROR[kind]()], [node.left])
        if kind in _SYMMETRIC and ast.dump(node.left) > ast.dump(right):
            return ast.Compare(right, node.ops, [node.left])
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        inner = node.operand
        if not isinstance(node.op, ast.Not):
            return node
        if isinstance(inner, ast.UnaryOp) and isinstance(inner.op, ast.Not):
            return inner.operand
        if isinstance(inner, ast.Compare) and len(inner.ops) == 1:
            opposite = _OPPOSITE.get(type(inner.ops[0]))
            if opposite:
                return ast.Compare(inner.left, [opposite()], inner.comparators)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        return self._simplest(node)

    def _simplest(self, node: ast.BinOp) -> ast.expr:
        if _is_number(node.right, 0) and isinstance(node.op, (ast.Add, ast.Sub)):
            return node.left
        negated = _negated(node.right)
        if negated is not None and isinstance(node.op, (ast.Add, ast.Sub)):
            opposite = ast.Add() if isinstance(node.op, ast.Sub) else ast.Sub()
            return ast.BinOp(node.left, opposite, negated)
        if isinstance(node.op, (ast.Mult, ast.BitAnd, ast.BitOr, ast.BitXor)) and (
            ast.dump(node.left) > ast.dump(node.right)
        ):
            return ast.BinOp(node.right, node.op, node.left)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.target, ast.Name):
            return node
        value = ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value)
        return ast.Assign([node.target], self._simplest(value))


def _negated(node: ast.expr) -> ast.expr | None:
    """What follows a minus sign."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return node.operand
    return None


def _is_number(node: ast.AST, number: int) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int and node.value == number
