"""Another expression: one that the function already has, or a small new one.

return total / mean             return total / len(numbers)
return min(-n for n in nums)    return -largest
seen.count("1")                 bin(n)[2:].count("1")
prices[name]                    prices[other]           (with one name exchanged)

New ones are built from a small grammar, of the names that can be used and the types that
were seen: `-x`, `not x`, `len(xs)`, `f(x)`, `x.attribute`, `xs[i]`, `x op y`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.knowledge import METHOD
from paramedic_workers.repair.scope import is_read
from paramedic_workers.repair.spelling import likeness
from paramedic_workers.repair.templates.site import NUMBERS, SIZED, Site, family, likely_instead

_KINDS = (ast.Name, ast.Call, ast.Subscript, ast.Attribute)
_LONGEST = 40
_MOST, _MOST_NAMES, _MOST_COMPOSED = 14, 8, 40


def other_expression(site: Site) -> Iterator[Proposal]:
    """A call, an element or an attribute from elsewhere in the function."""
    node, parent = site.node, site.parent
    if not is_read(node, parent) or isinstance(parent, (ast.Attribute, ast.Expr)):
        return
    own = site.text()
    for expression in site.scope.expressions[:_MOST]:
        text = site.text(expression)
        if text in own or len(text) > _LONGEST or "\n" in text:
            continue
        weight = site.fit(node, expression) * (0.6 + 0.4 * likeness(own, text))
        yield from site.replace(node, text, weight)


def composed(site: Site) -> Iterator[Proposal]:
    """A small new expression of a type that suits the place."""
    node = site.node
    looked_into = isinstance(site.parent, ast.Attribute) and isinstance(node, ast.Name)
    if not (site.is_value or looked_into) or isinstance(node, ast.Constant):
        return
    wanted = frozenset({"str", "list"}) if looked_into else site.types_of(node)
    own = site.text()
    found: dict[str, float] = {}
    for text, kinds, weight in _small(site):
        fit = likely_instead(wanted, kinds)
        if text != own and weight * fit >= 0.1:
            found[text] = max(weight * fit, found.get(text, 0.0))
    for text, weight in sorted(found.items(), key=lambda pair: -pair[1])[:_MOST_COMPOSED]:
        yield from site.replace(node, text, weight)


def name_for_constant(site: Site) -> Iterator[Proposal]:
    """A local name or an attribute of `self` where a constant of its type stands."""
    node = site.node
    assert isinstance(node, ast.Constant)
    if not site.is_value or node.value is None or isinstance(node.value, bool):
        return
    owner = site.scope.parameters[:1]
    for name in site.names()[:_MOST_NAMES]:
        types = site.types_of(ast.Name(name))
        if types & site.types_of(node):
            yield from site.replace(node, name, 1.0 if name in site.scope.unused_names else 0.6)
        if [name] == owner:
            for text, kinds, _ in _attributes(site, name, types, 1.0):
                if kinds & site.types_of(node):
                    yield from site.replace(node, text, 0.6)


def _small(site: Site) -> Iterator[tuple[str, frozenset[str], float]]:
    """Small expressions with their types and weights."""
    names = site.names()[:_MOST_NAMES]
    for name in names:
        types = site.types_of(ast.Name(name))
        unused = 1.0 if name in site.scope.unused_names else 0.7
        if types & NUMBERS and "bool" not in types:
            yield f"-{name}", types, unused
            yield f"str({name})", frozenset({"str"}), 0.6 * unused
            if "int" in types:
                yield f"bin({name})[2:]", frozenset({"str"}), 0.3
        if types & SIZED:
            yield f"len({name})", frozenset({"int"}), unused
        yield from _attributes(site, name, types, unused)
    for one in names:
        for other in names:
            if one != other:
                yield from _of_two(site, one, other)


def _attributes(
    site: Site, name: str, types: frozenset[str], weight: float
) -> Iterator[tuple[str, frozenset[str], float]]:
    for kind in sorted(types):
        for attribute, content in site.knowledge.attributes.get(kind, {}).items():
            if content != METHOD and not attribute.startswith("__"):
                yield f"{name}.{attribute}", frozenset({content} - {"value"}), weight


def _of_two(site: Site, one: str, other: str) -> Iterator[tuple[str, frozenset[str], float]]:
    types, others = site.types_of(ast.Name(one)), site.types_of(ast.Name(other))
    both = types & others
    if both & NUMBERS and "bool" not in both:
        for token, weight in (("+", 0.5), ("-", 0.5), ("*", 0.4), ("//", 0.2), ("%", 0.2)):
            if token in "-/%" or token == "//" or one < other:
                yield f"{one} {token} {other}", both, weight
    if types & {"list", "tuple", "str"} and "int" in others:
        yield f"{one}[{other}]", frozenset(), 0.5
    if "dict" in types and others:
        yield f"{one}[{other}]", frozenset(), 0.4


OTHER = family("other expression", _KINDS, other_expression)
NAME = family("constant for a name", (ast.Constant,), name_for_constant)
COMPOSED = family("composed expression", (*_KINDS, ast.BinOp), composed)
