"""A statement that was forgotten.

for node in graph:              for node in graph:
    visit(node)                     visit(node)
                                    seen.add(node)
while low < high:               while low < high:
    use(low)                        use(low)
                                    low += 1
def __init__(self, size):       def __init__(self, size):
    self.name = ""                  self.name = ""
                                    self.size = size
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.templates.site import Site, family, is_one_line

#: What puts a value into a container of a type.
_ADDING = {
    "list": (".append({})", ".extend({})"),
    "set": (".add({})", ".update({})"),
    "deque": (".append({})", ".appendleft({})"),
    "dict": (".update({})",),
}
_MOST, _MOST_NAMES, _LONGEST_COPY = 24, 8, 80
_NO_ATTRIBUTE = re.compile(r"'(\w+)' object has no attribute '(\w+)'")


def added(site: Site) -> Iterator[Proposal]:
    """A call that adds to a container, or an assignment, after a statement."""
    assert isinstance(site.node, ast.stmt)
    found = sorted(_statements(site), key=lambda pair: -pair[1])[:_MOST]
    for text, weight in found:
        yield from site.insert_after(site.node, [text], weight)
        if site.siblings()[1] == 0:
            yield from site.insert_before(site.node, [text], 0.8 * weight)


def step(site: Site) -> Iterator[Proposal]:
    """`x += 1` or `x -= 1` for a number that a loop counts, in that loop."""
    assert isinstance(site.node, ast.stmt)
    around = next((a for a in site.ancestors() if isinstance(a, (ast.For, ast.While))), None)
    if around is None:
        return
    errors = site.knowledge.error_types()
    # A test that hangs ends in no error of its own.
    hangs = not errors or "OutOfTime" in errors
    for name in _assigned(site):
        if "int" in site.types_of(ast.Name(name)) and not _is_loop_variable(around, name):
            asked = isinstance(around, ast.While) and _reads(around.test, name)
            stuck = asked and not _is_changed_in(around, name)
            weight = (1.0 if hangs and asked else 0.5) * (1.0 if stuck or not asked else 0.8)
            weight *= 0.4 if _is_changed_in(around, name) and not hangs else 1.0
            for sign in ("+", "-"):
                yield from site.insert_after(site.node, [f"{name} {sign}= 1"], weight)


def copied(site: Site) -> Iterator[Proposal]:
    """A copy of a simple statement of the function, after another."""
    assert isinstance(site.node, ast.stmt)
    function = site.scope.function
    if function is None:
        return
    texts = {
        site.text(n): None
        for n in ast.walk(function.node)
        if isinstance(n, (ast.Expr, ast.Assign, ast.AugAssign, ast.Return, ast.Continue, ast.Break))
        and is_one_line(n)
        and n is not site.node
        and not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))
    }
    siblings, place = site.siblings()
    beside = {site.text(s) for s in siblings[place : place + 2]}
    in_loop = any(isinstance(a, (ast.For, ast.While)) for a in site.ancestors())
    for text in list(texts)[:_MOST]:
        needs_loop = text in ("continue", "break")
        if text not in beside and len(text) <= _LONGEST_COPY and (in_loop or not needs_loop):
            yield from site.insert_after(site.node, [text], 1.0)
            if place == 0 and not text.startswith(("return", "continue", "break")):
                yield from site.insert_before(site.node, [text], 0.8)


def unset_attribute(site: Site) -> Iterator[Proposal]:
    """`self.x = x` in `__init__`, for an attribute that objects turn out not to have."""
    last, function = site.node, site.parent
    assert isinstance(last, ast.stmt)
    if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return
    if function.name != "__init__" or not function.args.args or last is not function.body[-1]:
        return
    owner = function.args.args[0].arg
    parameters = [a.arg for a in (*function.args.args[1:], *function.args.kwonlyargs)]
    parent = site.source.parents.get(function)
    kind = parent.name if isinstance(parent, ast.ClassDef) else ""
    for message in site.knowledge.messages_of("AttributeError"):
        for named, attribute in _NO_ATTRIBUTE.findall(message):
            if named != kind:
                continue
            values = [p for p in parameters if p in (attribute, attribute.strip("_"))]
            for value in [*values, "None", "[]", "{}", "0", '""', "False"]:
                weight = 1.0 if value in values else 0.4
                yield from site.insert_after(last, [f"{owner}.{attribute} = {value}"], weight)
            yield from _super_call(site, function)


def _super_call(site: Site, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Proposal]:
    parent = site.source.parents.get(function)
    if not isinstance(parent, ast.ClassDef) or not parent.bases or "super(" in site.text(function):
        return
    names = [a.arg for a in function.args.args[1:]]
    first = function.body[ast.get_docstring(function, clean=False) is not None :][:1]
    for given, weight in (("", 0.9), (", ".join(names), 0.8), (", ".join(names[:1]), 0.5)):
        for statement in first:
            yield from site.insert_before(statement, [f"super().__init__({given})"], weight)


def _statements(site: Site) -> Iterator[tuple[str, float]]:
    names = site.names()[:_MOST_NAMES]
    for holder in names:
        types = sorted(site.types_of(ast.Name(holder)))
        for value in names:
            if value == holder:
                continue
            for kind in types:
                for rank, form in enumerate(_ADDING.get(kind, ())):
                    yield f"{holder}{form.format(value)}", _suits(site, value, rank)
            if "dict" in types:
                for other in names:
                    if other not in (holder, value):
                        yield f"{holder}[{value}] = {other}", 0.5
    yield from _assignments(site, names)


def _assignments(site: Site, names: list[str]) -> Iterator[tuple[str, float]]:
    for target in _assigned(site):
        types = site.types_of(ast.Name(target))
        for value in names:
            if value != target and types and types & site.types_of(ast.Name(value)):
                yield f"{target} = {value}", 0.8
                if types & {"int", "float"}:
                    yield f"{target} += {value}", 0.6
                    yield f"{target} -= {value}", 0.4


def _suits(site: Site, value: str, rank: int) -> float:
    """How likely a value is added by the first form (as one), or the second (as many)."""
    is_many = bool(site.types_of(ast.Name(value)) & {"list", "set", "tuple", "dict"})
    return 0.9 if is_many == (rank == 1) else 0.4 if rank == 0 else 0.2


def _assigned(site: Site) -> list[str]:
    """Local names that may be assigned: those that are, and parameters."""
    return site.names()[:_MOST_NAMES]


def _is_loop_variable(loop: ast.AST, name: str) -> bool:
    targets = [loop.target] if isinstance(loop, ast.For) else []
    return any(isinstance(n, ast.Name) and n.id == name for t in targets for n in ast.walk(t))


def _reads(expression: ast.AST, name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(expression))


def _is_changed_in(loop: ast.AST, name: str) -> bool:
    return any(
        isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store)
        for n in ast.walk(loop)
    )


_PLACES = (ast.Expr, ast.Assign, ast.AugAssign, ast.For, ast.While, ast.If)
ADDED = family("statement added", _PLACES, added)
STEP = family("step in a loop", _PLACES, step)
COPIED = family("statement copied", _PLACES, copied)
UNSET = family("unset attribute", _PLACES, unset_attribute)
