"""What an expression of the source is worth on recorded samples of its variables.

Only expressions of names, literals, operators and a few harmless functions are computed;
what they could call is known here, so that no code of the target ever runs in the engine.
"""

from __future__ import annotations

import ast
from collections.abc import ItemsView, KeysView, Mapping, Sequence, ValuesView

from paramedic_workers.repair.grammar import FAILURE, power, times

_HARMLESS: dict[str, object] = {
    function.__name__: function
    for function in (
        *(abs, all, any, bool, dict, enumerate, filter, float, int, isinstance, len, list, map),
        *(max, min, reversed, round, set, sorted, str, sum, tuple, zip),
    )
}


def _short_range(*arguments: int) -> range:
    numbers = range(*arguments)
    if len(numbers) > _LONGEST_RANGE:
        raise OverflowError
    return numbers


_HARMLESS |= {"range": _short_range, "__times__": times, "__power__": power}
_METHODS = frozenset(
    {
        *("count", "endswith", "find", "get", "index", "isalpha", "isdigit", "islower"),
        *("isupper", "items", "join", "keys", "lower", "lstrip", "rstrip", "split"),
        *("startswith", "strip", "swapcase", "title", "upper", "values"),
    }
)
_FORMS = (
    *(ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp),
    *(ast.Subscript, ast.Slice, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.Call, ast.Lambda),
    *(ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp, ast.comprehension),
    *(ast.Attribute, ast.arguments, ast.arg),
    *(ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.expr_context),
)
#: Operators that make large values of small ones, and what stands in for them.
_GUARDED: dict[type[ast.operator], str] = {ast.Mult: "__times__", ast.Pow: "__power__"}
#: Nodes of an expression that is computed, loops in it, and numbers in a range.
_MOST_NODES, _MOST_LOOPS, _LONGEST_RANGE = 40, 2, 300
_Sample = Mapping[str, object]


def values_of(node: ast.expr, samples: Sequence[_Sample]) -> tuple[object, ...] | None:
    """The values of an expression on these samples; None where it is not computed.

    Args:
        node: an expression as it stands in the source.
        samples: name, or `name.attribute`, -> value.
    """
    if isinstance(node, ast.Slice) or not _is_harmless(node):
        return None
    plain = ast.Expression(_Plain().visit(ast.parse(ast.unparse(node), mode="eval").body))
    code = compile(ast.fix_missing_locations(plain), "<sample>", "eval")
    return tuple(_value(code, sample) for sample in samples)


def _value(code: object, sample: _Sample) -> object:
    names = {name.replace(".", _DOT): value for name, value in sample.items()}
    # As globals, so that comprehensions see them.
    scope = {**_HARMLESS, **names, "__builtins__": {}}
    try:
        value: object = eval(code, scope)  # type: ignore[arg-type]
        return list(value) if isinstance(value, _VIEWS) else value
    except Exception:  # noqa: BLE001 - whatever the operators raise
        return FAILURE


_DOT = "__of__"
_VIEWS = (KeysView, ValuesView, ItemsView, map, filter, zip, enumerate, reversed, range)


class _Plain(ast.NodeTransformer):
    """Reads `name.attribute` as one name, as samples have it."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Attribute):
            node.func.value = self.visit(node.func.value)
        node.args = [self.visit(argument) for argument in node.args]
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        guarded = _GUARDED.get(type(node.op))
        if guarded is None:
            return node
        return ast.Call(ast.Name(guarded, ast.Load()), [node.left, node.right], [])

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name):
            return ast.Name(f"{node.value.id}{_DOT}{node.attr}", ast.Load())
        return node


def _is_harmless(node: ast.expr) -> bool:
    nodes = list(ast.walk(node))
    loops = sum(isinstance(inner, (ast.comprehension, ast.Lambda)) for inner in nodes)
    if len(nodes) > _MOST_NODES or loops > _MOST_LOOPS:
        return False
    called = [inner.func for inner in nodes if isinstance(inner, ast.Call)]
    return (
        all(isinstance(inner, _FORMS) and not isinstance(inner, ast.LShift) for inner in nodes)
        and all(
            (inner.attr in _METHODS) if inner in called else isinstance(inner.value, ast.Name)
            for inner in nodes
            if isinstance(inner, ast.Attribute)
        )
        and all(
            isinstance(function, ast.Attribute)
            or (isinstance(function, ast.Name) and function.id in _HARMLESS)
            for function in called
        )
    )
