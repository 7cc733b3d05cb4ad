"""Arguments in another order, or fewer of them; so with elements, and with fields of an f-string.

copy(target, source)    copy(source, target)
f"{count} of {name}"    f"{name} of {count}"
round(total, 0)         round(total)
sorted(names)           sorted(names, reverse=True)
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from itertools import combinations

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.source import Replacement
from paramedic_workers.repair.templates.site import Site, family, quoted

_MOST = 6


def swapped(site: Site) -> Iterator[Proposal]:
    """Two arguments exchanged, neighbours first."""
    assert isinstance(site.node, ast.Call)
    arguments = [a for a in site.node.args if not isinstance(a, ast.Starred)][:_MOST]
    yield from _exchanged(site, arguments)


def swapped_elements(site: Site) -> Iterator[Proposal]:
    """Two elements of a tuple or list exchanged, neighbours first."""
    assert isinstance(site.node, (ast.Tuple, ast.List))
    yield from _exchanged(site, site.node.elts[:_MOST])


def swapped_fields(site: Site) -> Iterator[Proposal]:
    """Two expressions of an f-string exchanged, neighbours first."""
    assert isinstance(site.node, ast.JoinedStr)
    yield from _exchanged(site, list(site.source.fields(site.node))[:_MOST])


def _exchanged(site: Site, nodes: Sequence[ast.expr]) -> Iterator[Proposal]:
    for (i, one), (j, other) in combinations(enumerate(nodes), 2):
        yield from site.swap(one, other, 1.0 if j == i + 1 else 0.5)


def dropped(site: Site) -> Iterator[Proposal]:
    """The last argument left out."""
    assert isinstance(site.node, ast.Call)
    arguments: list[ast.expr | ast.keyword] = [*site.node.args, *site.node.keywords]
    if not arguments or isinstance(arguments[-1], ast.GeneratorExp):
        return
    end = _end(site, arguments[-1])
    if len(arguments) > 1:
        start = _end(site, arguments[-2])
    else:
        start = site.source.outer_span(arguments[-1])[0]
    title = f"argument {quoted(site.text(arguments[-1]))} dropped"
    yield Proposal((Replacement(start, end, ""),), 1.0 if len(arguments) > 1 else 0.5, title)


def _end(site: Site, argument: ast.expr | ast.keyword) -> int:
    value = argument.value if isinstance(argument, ast.keyword) else argument
    return site.source.outer_span(value)[1]


def reverse_flag(site: Site) -> Iterator[Proposal]:
    """`reverse=True` for a call that sorts, added or taken away."""
    assert isinstance(site.node, ast.Call)
    function = site.node.func
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    if name not in ("sorted", "sort") or not site.text().endswith(")"):
        return
    if not any(keyword.arg == "reverse" for keyword in site.node.keywords):
        end = site.source.span(site.node)[1] - 1
        separator = ", " if site.node.args or site.node.keywords else ""
        part = Replacement(end, end, f"{separator}reverse=True")
        yield Proposal((part,), 1.0, "`reverse=True` added")


SWAPPED = family("arguments swapped", (ast.Call,), swapped)
SWAPPED_ELEMENTS = family("elements swapped", (ast.Tuple, ast.List), swapped_elements)
SWAPPED_FIELDS = family("fields swapped", (ast.JoinedStr,), swapped_fields)
DROPPED = family("argument dropped", (ast.Call,), dropped)
REVERSE = family("sort order", (ast.Call,), reverse_flag)
