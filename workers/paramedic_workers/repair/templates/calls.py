"""A call around an expression that is missing, or one too many.

if a - b < limit:       if abs(a - b) < limit:
return list(rows)       return rows
return name.strip()     return name
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.templates.site import Site, family

#: What is called on values of which type, by how often it is forgotten.
WRAPPERS: dict[str, dict[str, float]] = {
    "int": {"abs": 1.0, "str": 0.8, "float": 0.3, "bool": 0.2},
    "float": {"int": 0.9, "round": 0.9, "abs": 1.0, "str": 0.4},
    "str": {"len": 0.8, "int": 0.8, "list": 0.4, "sorted": 0.4, "set": 0.4, "float": 0.3},
    "list": {"len": 1.0, "sorted": 0.9, "set": 0.7, "sum": 0.5, "max": 0.5, "tuple": 0.4},
    "tuple": {"list": 0.9, "len": 0.8, "sorted": 0.6, "set": 0.5},
    "set": {"sorted": 1.0, "list": 0.9, "len": 0.8},
    "dict": {"len": 0.6, "list": 0.6, "sorted": 0.6, "dict": 0.4},
    "generator": {"list": 1.0, "sum": 0.5, "sorted": 0.4},
    "range": {"list": 0.8, "reversed": 0.5},
    "map": {"list": 1.0},
    "filter": {"list": 1.0},
    "zip": {"list": 1.0},
    "dict_keys": {"list": 1.0},
    "dict_values": {"list": 1.0},
}

#: Methods without arguments that are forgotten on texts and containers.
METHODS: dict[str, dict[str, float]] = {
    "str": {"lower": 0.7, "strip": 0.7, "upper": 0.4, "split": 0.4},
    "list": {"copy": 0.6},
    "dict": {"items": 0.8, "values": 0.6, "copy": 0.6},
    "set": {"copy": 0.4},
}

_EXPRESSIONS = (ast.Name, ast.BinOp, ast.Call, ast.Subscript, ast.Attribute, ast.ListComp)


def dropped_call(site: Site) -> Iterator[Proposal]:
    """`f(x)` becomes `x`, and `x.f()` becomes `x`."""
    call = site.node
    assert isinstance(call, ast.Call)
    if isinstance(call.func, ast.Name) and call.args and not isinstance(call.args[0], ast.Starred):
        argument = call.args[0]
        text = site.text(argument)
        weight = 1.0 if len(call.args) == 1 else 0.4
        yield from site.replace(call, text, weight)
    elif isinstance(call.func, ast.Attribute):
        yield from site.replace(call, site.text(call.func.value), 0.8)


def added_call(site: Site) -> Iterator[Proposal]:
    """`x` becomes `f(x)`, for the functions that its type suggests."""
    node = site.node
    if not site.is_value:
        return
    types = site.types_of(node)
    around = _function_around(site)
    if not types and isinstance(node, (ast.BinOp, ast.Call, ast.Subscript)):
        types = frozenset({"int"}) if isinstance(node, ast.BinOp) else types
    for kind in sorted(types):
        for function, weight in WRAPPERS.get(kind, {}).items():
            if function != around:
                yield from site.replace(node, f"{function}({site.text()})", weight)


def added_method(site: Site) -> Iterator[Proposal]:
    """`x` becomes `x.f()`."""
    node = site.node
    if not site.is_value or isinstance(node, ast.BinOp):
        return
    for kind in sorted(site.types_of(node)):
        for method, weight in METHODS.get(kind, {}).items():
            yield from site.replace(node, f"{site.text()}.{method}()", weight)


def _function_around(site: Site) -> str:
    parent = site.parent
    if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name):
        return parent.func.id
    return ""


DROPPED = family("call dropped", (ast.Call,), dropped_call)
ADDED = family("call added", _EXPRESSIONS, added_call)
ADDED_METHOD = family("method call added", _EXPRESSIONS, added_method)
