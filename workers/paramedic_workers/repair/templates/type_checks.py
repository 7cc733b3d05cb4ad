"""Types that a check leaves out, or takes for others.

if isinstance(x, int):          if isinstance(x, (int, float)):
if isinstance(x, list):         if isinstance(x, (list, tuple)):
if type(x) == dict:             if isinstance(x, dict):
if isinstance(x, bytes):        if hasattr(x, "decode"):
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.templates.site import Site, family

#: Types that are checked for together, or mistaken for one another.
RELATED: dict[str, tuple[str, ...]] = {
    "int": ("float", "str"),
    "float": ("int",),
    "list": ("tuple", "set", "dict"),
    "tuple": ("list", "set"),
    "set": ("frozenset", "list"),
    "str": ("bytes", "int"),
    "bytes": ("str", "bytearray"),
    "dict": ("list", "Mapping"),
    "bool": ("int",),
}

#: What objects of a type can do that others like them can, too.
_ABILITIES = {
    "list": ("__iter__", "__len__"),
    "tuple": ("__iter__", "__len__"),
    "dict": ("items", "keys"),
    "bytes": ("decode",),
    "str": ("encode",),
    "set": ("__contains__",),
}


def wider(site: Site) -> Iterator[Proposal]:
    """More types, other types, or what can be done instead of what it is."""
    assert isinstance(site.node, ast.Call)
    if not _is_check(site.node):
        return
    value, kinds = site.node.args
    named = kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]
    texts = [site.text(kind) for kind in named]
    seen = site.types_of(value) - {"NoneType"}
    others = {
        kind: 1.0 if kind in seen else 0.5 for text in texts for kind in RELATED.get(text, ())
    }
    others.update({kind: 1.0 for kind in sorted(seen) if _can_be_named(site, kind)})
    for other, weight in others.items():
        if other not in texts and (_can_be_named(site, other)):
            yield from site.replace(kinds, f"({', '.join([*texts, other])})", weight)
            if len(texts) == 1:
                yield from site.replace(kinds, other, 0.5 * weight)
    if len(texts) > 1:
        for dropped in texts:
            kept = [text for text in texts if text != dropped]
            shown = kept[0] if len(kept) == 1 else f"({', '.join(kept)})"
            yield from site.replace(kinds, shown, 0.4)
    for ability in _ABILITIES.get(texts[0], ()) if len(texts) == 1 else ():
        yield from site.replace(site.node, f'hasattr({site.text(value)}, "{ability}")', 0.3)


def instance_for_type(site: Site) -> Iterator[Proposal]:
    """`type(x) == T` becomes `isinstance(x, T)`: subclasses count."""
    assert isinstance(site.node, ast.Compare)
    left = site.node.left
    if not (isinstance(left, ast.Call) and site.text(left.func) == "type" and len(left.args) == 1):
        return
    operator, right = site.node.ops[0], site.node.comparators[0]
    checked = f"isinstance({site.text(left.args[0])}, {site.text(right)})"
    if isinstance(operator, (ast.Eq, ast.Is, ast.In)):
        yield from site.replace(site.node, checked)
    elif isinstance(operator, (ast.NotEq, ast.IsNot, ast.NotIn)):
        yield from site.replace(site.node, f"not {checked}")


def _is_check(node: ast.Call) -> bool:
    is_named = isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "issubclass")
    return is_named and len(node.args) == 2


def _can_be_named(site: Site, kind: str) -> bool:
    builtin = {*RELATED, "frozenset", "bytearray", "complex", "object"}
    return kind in builtin or kind in site.scope.module_names


WIDER = family("type check", (ast.Call,), wider)
INSTANCE = family("type check", (ast.Compare,), instance_for_type)
