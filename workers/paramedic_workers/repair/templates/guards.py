"""A guard for a value that the code does not expect.

    return name.strip()         if name is None:
                                    return None
                                return name.strip()

Guards are aimed: at variables that were `None` when the failure ended in a TypeError or
an AttributeError, and at containers and divisors when it ended in an IndexError, a
ValueError or a ZeroDivisionError.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.templates.site import NUMBERS, SIZED, Site, family

_BY_NONE = frozenset({"TypeError", "AttributeError"})
_BY_EMPTINESS = frozenset(
    {"IndexError", "ValueError", "ZeroDivisionError", "KeyError", "StopIteration"}
)

_STATEMENTS = (ast.Return, ast.Assign, ast.AugAssign, ast.Expr, ast.For, ast.If)


def guard(site: Site) -> Iterator[Proposal]:
    """An early return, or `continue` in a loop, before a statement."""
    assert isinstance(site.node, ast.stmt)
    for name in _names_used(site.node):
        for condition in _conditions(site, name):
            for answer, weight in _answers(site):
                yield from site.insert_before(
                    site.node, [f"if {condition}:", f"    {answer}"], weight
                )


def _conditions(site: Site, name: str) -> Iterator[str]:
    errors = site.knowledge.error_types()
    types = site.types_of(ast.Name(name))
    if errors & _BY_NONE and "NoneType" in types:
        yield f"{name} is None"
    if errors & _BY_EMPTINESS and types & SIZED:
        yield f"not {name}"
    if "ZeroDivisionError" in errors and types & NUMBERS:
        yield f"{name} == 0"


def _answers(site: Site) -> Iterator[tuple[str, float]]:
    """What the function could do early, the likeliest first."""
    if any(isinstance(around, (ast.For, ast.While)) for around in site.ancestors()):
        yield "continue", 0.6
    function = site.scope.function
    if function is None:
        return
    returned = {
        site.text(node.value): None
        for node in ast.walk(function.node)
        if isinstance(node, ast.Return)
        and isinstance(node.value, (ast.Constant, ast.List, ast.Dict))
    }
    for text in list(returned)[:3]:
        yield f"return {text}", 1.0
    for text, weight in (("None", 0.8), ("0", 0.7), ("[]", 0.5), ('""', 0.5), ("False", 0.4)):
        if text not in returned:
            yield f"return {text}", weight


def _names_used(statement: ast.stmt) -> list[str]:
    parts = [getattr(statement, name, None) for name in ("value", "test", "iter")]
    used = {
        node.id: None
        for part in parts
        if part is not None
        for node in ast.walk(part)
        if isinstance(node, ast.Name)
    }
    return list(used)


TEMPLATE = family("guard", _STATEMENTS, guard)
