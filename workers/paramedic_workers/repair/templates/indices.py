"""Another index, or another part of a sequence.

rows[0]                 rows[-1]
rows[1:]                rows
total(rest)             total(rest[1:])
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.templates.site import SEQUENCES, Site, family

_SLICES = (("[1:]", 0.8), ("[:-1]", 0.8), ("[::-1]", 0.8), ("[:]", 0.2))
_ELEMENTS = (("[0]", 0.4), ("[-1]", 0.4))


def other_index(site: Site) -> Iterator[Proposal]:
    """The first for the last element, and the reverse."""
    assert isinstance(site.node, ast.Subscript)
    index = site.node.slice
    text = site.text(index) if not isinstance(index, ast.Slice) else ""
    if text == "0":
        yield from site.replace(index, "-1")
    elif text == "-1":
        yield from site.replace(index, "0")
    elif isinstance(index, (ast.Name, ast.BinOp)) and site.types_of(index) & {"int"}:
        yield from site.replace(index, f"-{text}" if isinstance(index, ast.Name) else text, 0.3)
    if isinstance(site.node.ctx, ast.Load):
        yield from site.replace(site.node, site.text(site.node.value), 0.5)


def other_slice(site: Site) -> Iterator[Proposal]:
    """A slice with one of its bounds left out."""
    assert isinstance(site.node, ast.Subscript)
    bounds = site.node.slice
    if not isinstance(bounds, ast.Slice):
        return
    owner = site.text(site.node.value)
    lower, upper, step = (
        site.text(part) if part else "" for part in (bounds.lower, bounds.upper, bounds.step)
    )
    tail = f":{step}" if step else ""
    for low, high, end in (("", upper, tail), (lower, "", tail), (lower, upper, "")):
        yield from site.replace(site.node, f"{owner}[{low}:{high}{end}]")


def added_slice(site: Site) -> Iterator[Proposal]:
    """`x` becomes `x[1:]`, `x[:-1]`, `x[::-1]`, `x[0]`, `x[-1]`, `x[:n]` or `x[n:]`."""
    node, parent = site.node, site.parent
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    is_value = not isinstance(parent, (ast.Attribute, ast.Subscript)) or (
        isinstance(parent, ast.Subscript) and node is not parent.value
    )
    if is_value and site.types_of(node) & SEQUENCES:
        for suffix, weight in _SLICES + _ELEMENTS:
            yield from site.replace(node, f"{site.text()}{suffix}", weight)
        for name in site.names():
            if site.types_of(ast.Name(name)) == {"int"}:
                yield from site.replace(node, f"{site.text()}[:{name}]", 0.6)
                yield from site.replace(node, f"{site.text()}[{name}:]", 0.6)


_SLICED = (ast.Name, ast.Attribute, ast.Call, ast.ListComp)

INDEX = family("index", (ast.Subscript,), other_index)
SLICE = family("slice", (ast.Subscript,), other_slice)
ADDED_SLICE = family("slice added", _SLICED, added_slice)
