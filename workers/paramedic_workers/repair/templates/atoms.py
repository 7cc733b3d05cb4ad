"""Simple conditions that could be asked at a place, chosen by the types seen there.

Used by the families that strengthen, weaken, replace or add conditions.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import combinations

from paramedic_workers.repair.templates.site import NUMBERS, SIZED, Site

#: Conditions at one place, and names that they are made of.
_MOST, _MOST_NAMES, _MOST_CONSTANTS = 48, 8, 5
_LONGEST = 60
_MOST_EXCHANGED = 4
#: Weight of conditions about names that the code at this place does not use.
_ELSEWHERE = 0.6
_TEXTS = frozenset({"str", "bytes"})
_HOLDERS = frozenset({"list", "tuple", "set", "frozenset", "dict", "str", "deque", "range"})


def atoms(
    site: Site, near: ast.AST, about: frozenset[str] = frozenset()
) -> list[tuple[str, float]]:
    """Conditions with their weights, above 0 to 1, the likeliest first.

    Args:
        site: the place.
        near: the code that the condition is for; its names are asked about first.
        about: names of which each condition has at least one; all names where there is none.
    """
    visible = site.names()
    used = [n.id for n in ast.walk(near) if isinstance(n, ast.Name) and n.id in visible]
    names = list(dict.fromkeys([*used, *visible]))[:_MOST_NAMES]
    weights: dict[str, float] = {}
    for text, weight, asked in (*_all(site, names), *_about_attributes(site, near)):
        if not about or about & asked:
            near_by = weight if asked & set(used) else _ELSEWHERE * weight
            weights[text] = max(near_by, weights.get(text, 0.0))
    return sorted(weights.items(), key=lambda item: -item[1])[:_MOST]


def _all(site: Site, names: list[str]) -> Iterator[tuple[str, float, frozenset[str]]]:
    """Conditions with their weights, and the names that they ask about."""
    for name in names:
        yield from ((text, weight, frozenset({name})) for text, weight in _about(site, name))
    # As they were introduced, which is how people would compare them.
    for pair in combinations(sorted(names, key=site.names().index), 2):
        yield from ((text, weight, frozenset(pair)) for text, weight in _about_both(site, *pair))
    for text, weight in _asked_elsewhere(site):
        yield text, weight, frozenset(re.findall(r"\w+", text))


def _about(site: Site, name: str) -> Iterator[tuple[str, float]]:
    types = site.types_of(ast.Name(name))
    if "NoneType" in types or not types:
        chance = 0.9 if types else 0.3
        yield f"{name} is not None", chance
        yield f"{name} is None", chance
    if "bool" in types:
        yield name, 0.9
        yield f"not {name}", 0.9
    elif types & SIZED or not types:
        chance = 0.7 if types else 0.3
        yield name, chance
        yield f"not {name}", chance
        if types & {"list", "tuple"}:
            yield f"any({name})", 0.25
            yield f"all({name})", 0.25
    if types & NUMBERS and "bool" not in types:
        for comparison in ("> 0", "< 0", "== 0", "!= 0"):
            yield f"{name} {comparison}", 0.45
        for number in site.scope.numbers[:_MOST_CONSTANTS]:
            for operator in ("==", "!=", ">", "<"):
                yield f"{name} {operator} {number}", 0.3
    if types & _TEXTS:
        yield from _about_text(site, name)
    yield from _about_type(site, name)


def _about_text(site: Site, name: str) -> Iterator[tuple[str, float]]:
    short = [text for text in site.scope.own_texts if 0 < len(text) <= 12]
    for text in short[:_MOST_CONSTANTS]:
        shown = repr(text).replace("'", '"') if "'" not in text and '"' not in text else repr(text)
        yield f"{name} == {shown}", 0.4
        yield f"{name} != {shown}", 0.35
        if len(text) == 1:
            yield f"{shown} in {name}", 0.3
            yield f"{name}[-1] == {shown}", 0.2
            yield f"{name}[0] == {shown}", 0.2
            yield f"{name}.endswith({shown})", 0.25
        yield f"{name}.startswith({shown})", 0.25


def _about_type(site: Site, name: str) -> Iterator[tuple[str, float]]:
    """Where values of several types were seen: which of them it is."""
    known = {"str", "int", "float", "list", "tuple", "dict", "set", "bytes", "bool"}
    seen = sorted(set(site.types_of(ast.Name(name))) - {"NoneType"})
    if len(seen) > 1:
        for kind in seen:
            if kind in known or kind in site.scope.module_names:
                yield f"isinstance({name}, {kind})", 0.5
                yield f"not isinstance({name}, {kind})", 0.4


def _about_attributes(site: Site, near: ast.AST) -> Iterator[tuple[str, float, frozenset[str]]]:
    """Attributes that the code uses: whether they are there, and what they are."""
    wrong = any(True for _ in site.messages("AttributeError"))
    seen: set[str] = set()
    for node in ast.walk(near):
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
            continue
        text, owner = site.text(node), node.value.id
        if text in seen or len(seen) >= _MOST_NAMES or owner not in site.names():
            continue
        seen.add(text)
        asked = frozenset({owner})
        yield f'hasattr({owner}, "{node.attr}")', 0.6 if wrong else 0.15, asked
        if isinstance(site.source.parents.get(node), ast.Call):
            continue
        types = site.types_of(node)
        chance = 0.7 if "NoneType" in types else 0.25
        for form in ("{} is not None", "{} is None", "{}", "not {}"):
            yield form.format(text), chance, asked


def _about_both(site: Site, one: str, other: str) -> Iterator[tuple[str, float]]:
    types, others = site.types_of(ast.Name(one)), site.types_of(ast.Name(other))
    if types and others and types & others:
        yield f"{one} == {other}", 0.5
        yield f"{one} != {other}", 0.5
        if types & NUMBERS and "bool" not in types:
            for operator in ("<", ">", "<=", ">="):
                yield f"{one} {operator} {other}", 0.4
            yield f"{one} % {other} == 0", 0.2
    for item, holder, kinds in ((one, other, others), (other, one, types)):
        own = site.types_of(ast.Name(item))
        fits = not own & {"list", "dict", "set"} and (not own or "str" in own or "str" not in kinds)
        if kinds & _HOLDERS and fits:
            yield f"{item} in {holder}", 0.45
            yield f"{item} not in {holder}", 0.45


def _asked_elsewhere(site: Site) -> Iterator[tuple[str, float]]:
    """The comparisons of the function, and the same with two names exchanged."""
    visible = set(site.names())
    for text in site.scope.comparisons:
        if len(text) <= _LONGEST:
            yield text, 0.6
            yield from ((other, 0.55) for other in _with_names_exchanged(text, visible))


def _with_names_exchanged(text: str, visible: set[str]) -> Iterator[str]:
    tree = ast.parse(text, mode="eval").body
    used = (n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in visible)
    names = list(dict.fromkeys(used))[:_MOST_EXCHANGED]
    for one, other in combinations(names, 2):
        yield _renamed(tree, text, {one: other, other: one})


def _renamed(tree: ast.AST, text: str, new: dict[str, str]) -> str:
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in new]
    data = text.encode()
    for node in sorted(found, key=lambda n: -n.col_offset):
        data = data[: node.col_offset] + new[node.id].encode() + data[node.end_col_offset :]
    return data.decode()
