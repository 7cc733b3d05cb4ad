"""A condition that is its own opposite, too weak, too strong, or another one.

if not items:           if items:
if stock > 0:           if stock > 0 and not is_reserved:
if a + b == c:          if a + b == c or a + c == b:
if name.strip():        if name is not None and name.strip():
while True:             while queue:
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.source import Replacement
from paramedic_workers.repair.templates.atoms import atoms
from paramedic_workers.repair.templates.site import Site, family, quoted

_BY_NONE = ("TypeError", "AttributeError")
_BY_EMPTINESS = ("IndexError", "KeyError", "ZeroDivisionError")


def dropped_not(site: Site) -> Iterator[Proposal]:
    """`not x` becomes `x`."""
    assert isinstance(site.node, ast.UnaryOp)
    if isinstance(site.node.op, ast.Not):
        operand = site.source.text[slice(*site.source.outer_span(site.node.operand))]
        yield from site.replace(site.node, operand)


def added_not(site: Site) -> Iterator[Proposal]:
    """`x` becomes `not x` where only its truth matters."""
    for condition in conditions_of(site.node):
        if isinstance(condition, (ast.UnaryOp, ast.Constant)) or _has_an_opposite(condition):
            continue
        text = site.text(condition)
        if isinstance(condition, (ast.BoolOp, ast.NamedExpr, ast.IfExp, ast.Lambda)):
            text = f"({text})"
        yield from site.replace(condition, f"not {text}")


def extended(site: Site) -> Iterator[Proposal]:
    """`c` becomes `c and x`, or `c or x`; `x and c` where the failure says that `x` is missing."""
    for condition in whole_conditions(site.node):
        text = site.text(condition)
        is_or = isinstance(condition, ast.BoolOp) and isinstance(condition.op, ast.Or)
        for atom, weight in _new_atoms(site, condition):
            inner = f"({text})" if is_or else text
            if _protects(site, atom, condition):
                yield from site.replace(condition, f"{atom} and {inner}", 1.0)
            yield from site.replace(condition, f"{inner} and {atom}", weight)
            yield from site.replace(condition, f"{text} or {atom}", weight)


def replaced(site: Site) -> Iterator[Proposal]:
    """`c` becomes another condition."""
    for condition in whole_conditions(site.node):
        always = isinstance(condition, ast.Constant)
        for atom, weight in _new_atoms(site, condition):
            yield from site.replace(condition, atom, weight if always else 0.8 * weight)


def under_condition(site: Site) -> Iterator[Proposal]:
    """A statement that is to be run only sometimes."""
    assert isinstance(site.node, ast.stmt)
    for atom, weight in atoms(site, site.node)[:24]:
        yield from site.put_under(site.node, f"if {atom}:", weight)


def added_filter(site: Site) -> Iterator[Proposal]:
    """`[f(x) for x in xs]` becomes `[f(x) for x in xs if x]`."""
    assert isinstance(site.node, ast.comprehension)
    place = site.source.outer_span((site.node.ifs or [site.node.iter])[-1])[1]
    word = " and" if site.node.ifs else " if"
    names = frozenset(n.id for n in ast.walk(site.node.target) if isinstance(n, ast.Name))
    inside = Site(site.source, site.scope, site.knowledge, next(site.ancestors(), site.node))
    for atom, weight in atoms(inside, site.node, names):
        text = f"{word} {atom}"
        yield Proposal((Replacement(place, place, text),), weight, f"{quoted(text)} added")


def dropped_filter(site: Site) -> Iterator[Proposal]:
    """`[x for x in xs if x]` becomes `[x for x in xs]`."""
    assert isinstance(site.node, ast.comprehension)
    if site.node.ifs:
        start = site.source.outer_span(site.node.iter)[1]
        end = site.source.outer_span(site.node.ifs[-1])[1]
        yield from site.replace_span((start, end), "")


def conditions_of(node: ast.AST) -> list[ast.expr]:
    """The expressions below a node of which only the truth matters."""
    if isinstance(node, ast.BoolOp):
        return list(node.values)
    if isinstance(node, ast.comprehension):
        return list(node.ifs)
    if isinstance(node, ast.Return) and node.value is not None:
        return [node.value] if isinstance(node.value, (ast.Name, ast.Call, ast.BoolOp)) else []
    return whole_conditions(node)


def whole_conditions(node: ast.AST) -> list[ast.expr]:
    """The condition of a statement or a conditional expression; a truth that is returned."""
    if isinstance(node, (ast.If, ast.While, ast.IfExp, ast.Assert)):
        return [node.test]
    truth = (ast.Compare, ast.BoolOp)
    if isinstance(node, ast.Return) and isinstance(node.value, truth):
        return [node.value]
    return []


def _new_atoms(site: Site, condition: ast.expr) -> Iterator[tuple[str, float]]:
    old = site.text(condition)
    for atom, weight in atoms(site, condition):
        if atom not in old:
            yield atom, weight


def _protects(site: Site, atom: str, condition: ast.expr) -> bool:
    """Whether the condition itself fails where this does not hold."""
    name, _, rest = atom.partition(" ")
    if not any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(condition)):
        return False
    if rest == "is not None":
        return any(chance == 1.0 for _, chance in site.messages(*_BY_NONE))
    if not rest:
        return any(chance == 1.0 for _, chance in site.messages(*_BY_EMPTINESS))
    return False


def _has_an_opposite(condition: ast.expr) -> bool:
    """Whether another template writes the opposite more simply."""
    exact = (ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Is, ast.IsNot)
    return (
        isinstance(condition, ast.Compare)
        and len(condition.ops) == 1
        and isinstance(condition.ops[0], exact)
    )


_WHOLE = (ast.If, ast.While, ast.IfExp, ast.Assert, ast.Return)
_PLACES = (*_WHOLE, ast.BoolOp, ast.comprehension)
_SIMPLE = (ast.Expr, ast.Assign, ast.AugAssign, ast.Return, ast.Raise)

DROPPED_NOT = family("`not` dropped", (ast.UnaryOp,), dropped_not)
ADDED_NOT = family("condition negated", _PLACES, added_not)
EXTENDED = family("condition extended", _WHOLE, extended)
REPLACED = family("condition replaced", _WHOLE, replaced)
ADDED = family("condition added", _SIMPLE, under_condition)
ADDED_FILTER = family("filter added", (ast.comprehension,), added_filter)
DROPPED_FILTER = family("filter dropped", (ast.comprehension,), dropped_filter)
