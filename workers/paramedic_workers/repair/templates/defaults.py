"""A default for what may be missing.

total = prices[name]            total = prices.get(name)
return prices.get(name)         return prices.get(name, 0)
for row in rows:                for row in rows or []:
first = next(found)             first = next(found, None)
largest = max(sizes)            largest = max(sizes, default=0)
def add(x, to=[]):              def add(x, to=None):
                                    if to is None:
                                        to = []
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.source import Replacement
from paramedic_workers.repair.templates.site import Site, family, quoted

_VALUES = (("None", 0.6), ("0", 0.6), ('""', 0.5), ("[]", 0.4), ("{}", 0.3), ("False", 0.3))
#: What stands for nothing of each type.
EMPTY = {"list": "[]", "tuple": "()", "dict": "{}", "str": '""', "int": "0", "set": "set()"}


def missing_key(site: Site) -> Iterator[Proposal]:
    """`d[k]` becomes `d.get(k)`, or with a default."""
    node = site.node
    assert isinstance(node, ast.Subscript)
    types = site.types_of(node.value)
    if not isinstance(node.ctx, ast.Load) or isinstance(node.slice, ast.Slice):
        return
    if types and not types & {"dict", "Counter", "OrderedDict", "mappingproxy"}:
        return
    chance = max((chance for _, chance in site.messages("KeyError")), default=0.0)
    if chance or "dict" in types:
        owner, key = site.text(node.value), site.text(node.slice)
        weight = chance or 0.2
        yield from site.replace(node, f"{owner}.get({key})", weight)
        for value, share in _VALUES[1:]:
            yield from site.replace(node, f"{owner}.get({key}, {value})", share * weight)


def added_default(site: Site) -> Iterator[Proposal]:
    """A default value as a further argument of a call that can take one."""
    node = site.node
    assert isinstance(node, ast.Call)
    if node.keywords or not site.text().endswith(")"):
        return
    place = site.source.span(node)[1] - 1
    for text, weight in _defaults_for(site, node):
        title = f"{quoted(text)} added"
        yield Proposal((Replacement(place, place, f", {text}"),), weight, title)


def _defaults_for(site: Site, node: ast.Call) -> Iterator[tuple[str, float]]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    builtin = node.func.id if isinstance(node.func, ast.Name) else ""
    count = len(node.args)
    if name == "get" and count == 1:
        yield from _VALUES[1:]
    elif (
        (name == "pop" and count == 1 and _ended_in(site, "KeyError"))
        or (builtin == "next" and count == 1 and _ended_in(site, "StopIteration", "RuntimeError"))
        or (builtin == "getattr" and count == 2 and _ended_in(site, "AttributeError"))
    ):
        yield from _VALUES
    elif builtin in ("max", "min") and count == 1 and _ended_in(site, "ValueError"):
        for value, weight in (("0", 1.0), ("None", 0.8), ('""', 0.3)):
            yield f"default={value}", weight


def instead_of_none(site: Site) -> Iterator[Proposal]:
    """`x` becomes `x or []`, and the like, where `x` was `None`."""
    node = site.node
    if not site.is_value or isinstance(node, ast.Constant):
        return
    types = site.types_of(node)
    chance = max((c for _, c in site.messages("TypeError", "AttributeError")), default=0.0)
    unknown = not types and chance == 1.0 and isinstance(node, (ast.Call, ast.Attribute))
    if not ("NoneType" in types and chance) and not unknown:
        return
    weight = chance if types else 0.4
    kinds = [kind for kind in EMPTY if kind in types] or ["list", "str", "dict", "int", "tuple"]
    for rank, kind in enumerate(kinds):
        yield from site.replace(
            node, f"({site.text()} or {EMPTY[kind]})", weight / (1 + 0.3 * rank)
        )


def only_if_there(site: Site) -> Iterator[Proposal]:
    """`f(x)` becomes `f(x) if x is not None else None`, where `x` was `None`."""
    node = site.node
    assert isinstance(node, (ast.Call, ast.Attribute, ast.Subscript, ast.BinOp))
    chance = max((c for _, c in site.messages("TypeError", "AttributeError")), default=0.0)
    if not site.is_value or not chance or isinstance(site.parent, ast.BinOp):
        return
    asked = {
        site.text(inner): None
        for inner in ast.walk(node)
        if isinstance(inner, (ast.Name, ast.Attribute)) and inner is not node
        if "NoneType" in site.types_of(inner)
    }
    for name in asked:
        for value, weight in (("None", 0.8), ('""', 0.4), ("0", 0.3)):
            text = f"({site.text()} if {name} is not None else {value})"
            yield from site.replace(node, text, weight * chance)


def mutable_default(site: Site) -> Iterator[Proposal]:
    """A list or dict that all calls share becomes one for each call."""
    function = site.parent
    assert isinstance(site.node, ast.stmt)
    if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return
    arguments = [*function.args.posonlyargs, *function.args.args]
    paired = zip(reversed(arguments), reversed(function.args.defaults), strict=False)
    body = function.body[ast.get_docstring(function, clean=False) is not None :]
    if site.node not in body[:1]:
        return
    for argument, default in paired:
        if isinstance(default, (ast.List, ast.Dict, ast.Call)):
            header = site.source.replace(default, "None")
            lines = [f"if {argument.arg} is None:", f"    {argument.arg} = {site.text(default)}"]
            for inserted in site.insert_before(site.node, lines):
                if header is not None:
                    parts = (header, *inserted.parts)
                    yield Proposal(parts, 1.0, f"a new {quoted(argument.arg)} for each call")


def _ended_in(site: Site, *types: str) -> bool:
    return any(True for _ in site.messages(*types))


_STATEMENTS = (ast.Expr, ast.Assign, ast.AugAssign, ast.If, ast.For, ast.While, ast.Return)
_MAYBE_NONE = (ast.Name, ast.Attribute, ast.Call, ast.Subscript)

KEY = family("missing key", (ast.Subscript,), missing_key)
ADDED = family("missing default", (ast.Call,), added_default)
NONE = family("missing default", _MAYBE_NONE, instead_of_none)
ONLY = family("missing default", (ast.Call, ast.Attribute, ast.Subscript, ast.BinOp), only_if_there)
MUTABLE = family("missing default", _STATEMENTS, mutable_default)
