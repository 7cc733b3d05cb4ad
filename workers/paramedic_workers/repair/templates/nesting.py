"""Calls within calls, and values of several made one.

return encode(text)             return encode(encode(text))
return normal(path)             return clean(normal(path))      (a function of the module)
return render(value)            return self.unescape(render(value))
return rows[-1]                 return sum(rows)
return [f(x) for x in xs]       return sum(f(x) for x in xs)
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.templates.site import Site, family

_MOST = 6
_ONE_OF_MANY = {"sum": 0.9, "max": 0.7, "min": 0.7, "len": 0.7, "any": 0.3, "all": 0.3}


def nested(site: Site) -> Iterator[Proposal]:
    """`x` becomes `f(x)`, for the functions of the module and the nested ones that take one."""
    if not site.is_value:
        return
    own = site.scope.function.node.name if site.scope.function else ""
    called = _called(site)
    takers = [
        name
        for name, function in site.scope.functions.items()
        if name in site.scope.visible_functions and _takes_one(function)
    ]
    again = [called] if called in takers else []
    for name in [*again, *takers[:_MOST]]:
        weight = 0.3 if name == own else 1.0 if name in again else 0.6
        yield from site.replace(site.node, f"{name}({site.text()})", weight)
    for name in _methods(site)[:_MOST]:
        yield from site.replace(
            site.node, f"self.{name}({site.text()})", 0.3 if name == own else 0.5
        )


def aggregate(site: Site) -> Iterator[Proposal]:
    """`xs[-1]`, or `xs` where one value is due, becomes `sum(xs)` and the like."""
    node = site.node
    if isinstance(node, ast.Subscript):
        if not isinstance(node.ctx, ast.Load) or isinstance(node.slice, ast.Slice):
            return
        many: ast.AST = node.value
        if site.types_of(many) and not site.types_of(many) & {"list", "tuple", "set"}:
            return
    else:
        many = node
    text = site.text(many)
    if isinstance(many, ast.ListComp):
        text = text[1:-1].strip()
    for function, weight in _ONE_OF_MANY.items():
        if isinstance(node, ast.Subscript) or isinstance(site.parent, (ast.Return, ast.Assign)):
            yield from site.replace(node, f"{function}({text})", weight)


def _methods(site: Site) -> list[str]:
    """Methods of the class that take one value, those that it calls itself first."""
    function = site.scope.function
    if function is None or site.scope.parameters[:1] != ["self"]:
        return []
    around = site.source.parents.get(function.node)
    body = around.body if isinstance(around, ast.ClassDef) else []
    found = [f for f in body if isinstance(f, ast.FunctionDef) and _takes_one(f, besides_self=1)]
    plain = [f.name for f in found if not f.decorator_list and not f.name.startswith("__")]
    return sorted(plain, key=lambda name: name not in site.scope.attributes)


def _called(site: Site) -> str:
    node = site.node
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def _takes_one(function: ast.FunctionDef | ast.AsyncFunctionDef, *, besides_self: int = 0) -> bool:
    arguments = function.args
    positional = len(arguments.posonlyargs) + len(arguments.args) - besides_self
    needed = positional - len(arguments.defaults)
    keywords = [d for d in arguments.kw_defaults if d is None]
    return positional >= 1 and needed <= 1 and not keywords


NESTED = family("call nested", (ast.Call, ast.Name, ast.Subscript, ast.Attribute), nested)
AGGREGATE = family("aggregate", (ast.Subscript, ast.ListComp), aggregate)
