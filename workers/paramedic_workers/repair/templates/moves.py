"""Statements in another order, in another block, or gone.

total += price                  if price > limit:
if price > limit:                   break
    break                       total += price

for row in rows:                for row in rows:
    show(row)                       show(row)
    return True                 return True
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.source import Replacement
from paramedic_workers.repair.templates.site import Site, family, is_one_line, quoted


def exchanged(site: Site) -> Iterator[Proposal]:
    """A statement and the next one in each other's place."""
    siblings, place = site.siblings()
    if place + 1 >= len(siblings):
        return
    one, other = siblings[place : place + 2]
    if _own_lines(site, one) and _own_lines(site, other):
        first, second = site.lines_of(one), site.lines_of(other)
        texts = [site.source.text[slice(*span)] for span in (first, second)]
        if texts[1].endswith(("\n", "\r")) and first[1] <= second[0]:
            parts = (Replacement(*first, texts[1]), Replacement(*second, texts[0]))
            yield Proposal(parts, 1.0, f"{quoted(texts[0])} moved down")


def moved_out(site: Site) -> Iterator[Proposal]:
    """The last statement of a block, after the block."""
    siblings, place = site.siblings()
    around = site.parent
    assert isinstance(site.node, ast.stmt)
    if len(siblings) < 2 or place + 1 != len(siblings) or not isinstance(around, ast.stmt):
        return
    outer = site.source.indentation(around)
    own = site.source.indentation(site.node)
    if isinstance(around, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return
    if outer is None or own is None or not is_one_line(site.node):
        return
    if around.end_lineno == site.node.end_lineno:
        start = site.source.line_start(site.node.lineno)
        part = Replacement(start, start + len(own), outer)
        yield Proposal((part,), 1.0, f"{quoted(site.text())} moved out of the block")


def moved_in(site: Site) -> Iterator[Proposal]:
    """The statement after a block, into its end."""
    siblings, place = site.siblings()
    assert isinstance(site.node, ast.stmt)
    if place == 0 or not is_one_line(site.node):
        return
    before = siblings[place - 1]
    own = site.source.indentation(site.node)
    if own is None or not isinstance(before, (ast.For, ast.While, ast.If, ast.With, ast.Try)):
        return
    last: ast.stmt = before
    while isinstance(last, (ast.For, ast.While, ast.If, ast.With, ast.Try)):
        block = _last_block(last)
        last = block[-1]
        inner = site.source.indentation(last)
        if inner is None:
            return
        if site.source.text.startswith("elif", site.source.span(last)[0]):
            continue
        start = site.source.line_start(site.node.lineno)
        part = Replacement(start, start + len(own), inner)
        yield Proposal((part,), 0.8, f"{quoted(site.text())} moved into the block")


def dropped(site: Site) -> Iterator[Proposal]:
    """A statement that should not be there."""
    siblings, _ = site.siblings()
    assert isinstance(site.node, ast.stmt)
    if len(siblings) > 1 and _own_lines(site, site.node):
        yield from site.drop_lines(site.node)


def swapped_branches(site: Site) -> Iterator[Proposal]:
    """What is done if, and what is done else, in each other's place."""
    node = site.node
    if isinstance(node, ast.IfExp):
        yield from site.swap(node.body, node.orelse)
    elif isinstance(node, ast.If) and node.orelse and not _is_elif(site, node):
        one, other = site.lines_of(*node.body), site.lines_of(*node.orelse)
        texts = [site.source.text[slice(*span)] for span in (one, other)]
        if _own_lines(site, node.body[0]) and _own_lines(site, node.orelse[0]):
            whole = [t if t.endswith(("\n", "\r")) else t + site.source.newline for t in texts]
            parts = (Replacement(*one, whole[1]), Replacement(*other, whole[0]))
            yield Proposal(parts, 1.0, "the two branches exchanged")


def _last_block(statement: ast.stmt) -> list[ast.stmt]:
    if isinstance(statement, ast.Try) and not statement.finalbody and not statement.orelse:
        return list(statement.handlers[-1].body)
    for name in ("finalbody", "orelse", "body"):
        block = getattr(statement, name, None)
        if block and not (isinstance(statement, (ast.For, ast.While)) and name == "orelse"):
            return list(block)
    return []


def _is_elif(site: Site, node: ast.If) -> bool:
    starts = site.source.span(node.orelse[0])[0]
    return isinstance(node.orelse[0], ast.If) and site.source.text.startswith("elif", starts)


def _own_lines(site: Site, statement: ast.stmt) -> bool:
    """Whether no other statement stands on the lines of this one."""
    if site.source.indentation(statement) is None:
        return False
    end = site.source.span(statement)[1]
    line_end = site.source.line_end(statement.end_lineno or statement.lineno)
    rest = site.source.text[end:line_end].strip()
    return not rest or rest.startswith("#")


_ANY = (ast.Expr, ast.Assign, ast.AugAssign, ast.If, ast.For, ast.While, ast.Return)
_SIMPLE = (ast.Expr, ast.Assign, ast.AugAssign, ast.Return)

EXCHANGED = family("statement moved", _ANY, exchanged)
OUT = family("statement moved", _SIMPLE, moved_out)
IN = family("statement moved", _SIMPLE, moved_in)
DROPPED = family("statement dropped", (*_ANY, ast.Break, ast.Continue, ast.Delete), dropped)
BRANCHES = family("branches swapped", (ast.If, ast.IfExp), swapped_branches)
