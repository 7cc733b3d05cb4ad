"""Another value returned.

return total            return average
return                  return result
return values           return None
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.source import Replacement
from paramedic_workers.repair.templates.site import Site, family, quoted


def other_value(site: Site) -> Iterator[Proposal]:
    """A local name in place of a whole returned expression, or of nothing."""
    assert isinstance(site.node, ast.Return)
    value = site.node.value
    for name in site.names():
        if value is None:
            end = site.source.span(site.node)[1]
            title = f"{quoted(name)} returned"
            yield Proposal((Replacement(end, end, f" {name}"),), 1.0, title)
        elif not isinstance(value, ast.Name):
            yield from site.replace(value, name, 0.7)


def forgotten_return(site: Site) -> Iterator[Proposal]:
    """`return` before a last statement that is only an expression."""
    assert isinstance(site.node, ast.Expr)
    if isinstance(site.node.value, (ast.Call, ast.BinOp, ast.Name)):
        start = site.source.span(site.node)[0]
        yield Proposal((Replacement(start, start, "return "),), 1.0, "`return` added")


OTHER_VALUE = family("returned value", (ast.Return,), other_value)
FORGOTTEN = family("forgotten return", (ast.Expr,), forgotten_return)
