"""Which expressions need parentheses where: Python's operator precedence."""

from __future__ import annotations

import ast

_LOOSEST, _TIGHTEST = 0, 17

_BINARY: dict[type[ast.operator], int] = {
    ast.BitOr: 7,
    ast.BitXor: 8,
    ast.BitAnd: 9,
    ast.LShift: 10,
    ast.RShift: 10,
    ast.Add: 11,
    ast.Sub: 11,
    ast.Mult: 12,
    ast.Div: 12,
    ast.FloorDiv: 12,
    ast.Mod: 12,
    ast.MatMult: 12,
    ast.Pow: 14,
}

_OTHER: dict[type[ast.expr], int] = {
    ast.NamedExpr: 0,
    ast.Starred: 0,
    ast.Yield: 0,
    ast.YieldFrom: 0,
    ast.Tuple: 0,
    ast.Lambda: 1,
    ast.IfExp: 2,
    ast.Compare: 6,
    ast.Await: 15,
}


def strength(node: ast.expr) -> int:
    """How tightly an expression binds; greater is tighter."""
    if isinstance(node, ast.BinOp):
        return _BINARY[type(node.op)]
    if isinstance(node, ast.BoolOp):
        return 3 if isinstance(node.op, ast.Or) else 4
    if isinstance(node, ast.UnaryOp):
        return 5 if isinstance(node.op, ast.Not) else 13
    return _OTHER.get(type(node), _TIGHTEST)


def binds_too_loosely(new: ast.expr, old: ast.AST, parent: ast.AST | None) -> bool:
    """Whether `new` needs parentheses where `old` stands below `parent`."""
    return strength(new) < _needed(old, parent)


def _needed(old: ast.AST, parent: ast.AST | None) -> int:
    """The least strength that fits without parentheses."""
    if _is_looked_into(old, parent):
        return _TIGHTEST
    if isinstance(parent, ast.BinOp):
        return _needed_by_operator(old, parent)
    if isinstance(parent, (ast.BoolOp, ast.Compare)):
        return strength(parent) + 1
    if isinstance(parent, ast.UnaryOp):
        return strength(parent)
    if isinstance(parent, ast.IfExp):
        return 2 if old is parent.orelse else 3
    return _needed_elsewhere(parent)


def _is_looked_into(old: ast.AST, parent: ast.AST | None) -> bool:
    """Whether `old` is what is called, indexed, or has its attribute taken."""
    if isinstance(parent, ast.Call):
        return old is parent.func
    return isinstance(parent, (ast.Attribute, ast.Subscript)) and old is parent.value


def _needed_by_operator(old: ast.AST, parent: ast.BinOp) -> int:
    own = strength(parent)
    groups_to_the_right = isinstance(parent.op, ast.Pow)
    is_weak_side = (old is parent.left) if groups_to_the_right else (old is parent.right)
    if groups_to_the_right and not is_weak_side:
        return 13
    return own + is_weak_side


def _needed_elsewhere(parent: ast.AST | None) -> int:
    if isinstance(parent, (ast.Starred, ast.Await)):
        return _BINARY[ast.BitOr]
    if isinstance(parent, (ast.Return, ast.Assign, ast.Expr)):
        return _LOOSEST
    if isinstance(parent, ast.comprehension):
        return 3
    return 1
