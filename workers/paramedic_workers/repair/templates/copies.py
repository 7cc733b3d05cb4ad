"""A copy where a value is shared that should not be.

for key in prices:              for key in list(prices):        (changed while iterated)
result = defaults               result = dict(defaults)
row = [0] * width               (shared rows:)
grid = [row] * height           grid = [row[:] for _ in range(height)]
self.names = names              self.names = list(names)
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.templates.site import Site, family

_COPIES = {
    "list": ("list({})", "{}[:]", "{}.copy()"),
    "dict": ("dict({})", "{}.copy()"),
    "set": ("set({})", "{}.copy()"),
    "defaultdict": ("{}.copy()",),
    "OrderedDict": ("{}.copy()",),
    "deque": ("{}.copy()",),
    "Counter": ("{}.copy()",),
    "bytearray": ("bytearray({})",),
}

_CHANGING = frozenset(
    ["remove", "pop", "append", "add", "discard", "insert", "clear", "extend", "popitem"]
)


def changed_while_iterated(site: Site) -> Iterator[Proposal]:
    """`for x in xs` becomes `for x in list(xs)`, where `xs` changes in the loop."""
    assert isinstance(site.node, (ast.For, ast.comprehension))
    iterated = site.node.iter
    messages = site.knowledge.messages_of("RuntimeError")
    aimed = any("changed size during iteration" in m or "mutated during" in m for m in messages)
    if aimed or (isinstance(site.node, ast.For) and _is_changed(site, site.node)):
        text = site.text(iterated)
        yield from site.replace(iterated, f"list({text})", 1.0 if aimed else 0.5)
        if "list" in site.types_of(iterated):
            yield from site.replace(iterated, f"{text}[:]", 0.4)


def copied_value(site: Site) -> Iterator[Proposal]:
    """What is assigned, returned or passed on, as a copy."""
    if not site.is_value or not isinstance(site.parent, (ast.Assign, ast.AnnAssign, ast.Return)):
        return
    for kind in sorted(site.types_of(site.node)):
        for rank, form in enumerate(_COPIES.get(kind, ())):
            yield from site.replace(site.node, form.format(site.text()), 1.0 / (1 + rank))


def shared_rows(site: Site) -> Iterator[Proposal]:
    """`[[0] * n] * m` becomes `[[0] * n for _ in range(m)]`."""
    node = site.node
    assert isinstance(node, ast.BinOp)
    if (
        isinstance(node.op, ast.Mult)
        and isinstance(node.left, ast.List)
        and len(node.left.elts) == 1
    ):
        [element] = node.left.elts
        if not isinstance(element, ast.Constant):
            text = f"[{site.text(element)} for _ in range({site.text(node.right)})]"
            yield from site.replace(node, text)


def _is_changed(site: Site, loop: ast.For) -> bool:
    """Whether the body calls a method of what is looped over, or deletes from it."""
    iterated = site.text(loop.iter).partition(".")[0]
    for node in (inner for statement in loop.body for inner in ast.walk(statement)):
        owner = None
        calls = isinstance(node, ast.Attribute) and node.attr in _CHANGING
        deletes = isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Del)
        if isinstance(node, (ast.Attribute, ast.Subscript)) and (calls or deletes):
            owner = node.value
        if owner is not None and site.text(owner) == iterated:
            return True
    return False


CHANGED = family("changed while iterated", (ast.For, ast.comprehension), changed_while_iterated)
VALUE = family("copy", (ast.Name, ast.Attribute), copied_value)
ROWS = family("copy", (ast.BinOp,), shared_rows)
