"""Another expression that the function already has.

return total / mean             return total / len(numbers)
chr(ord(letter) + ord(letter))  chr(ord(letter) + ord("a"))
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.scope import is_read
from paramedic_workers.repair.spelling import likeness
from paramedic_workers.repair.templates.site import Site, family

_KINDS = (ast.Name, ast.Call, ast.Subscript, ast.Attribute)
_LONGEST = 40
_MOST = 14


def other_expression(site: Site) -> Iterator[Proposal]:
    """A call, an element or an attribute from elsewhere in the function."""
    node, parent = site.node, site.parent
    if not is_read(node, parent) or isinstance(parent, (ast.Attribute, ast.Expr)):
        return
    own, own_types = site.text(), site.types_of(node)
    for expression in site.scope.expressions[:_MOST]:
        text = site.text(expression)
        if text in own or len(text) > _LONGEST or "\n" in text:
            continue
        types = site.types_of(expression)
        fit = 0.5 if not (own_types and types) else 1.0 if own_types & types else 0.1
        yield from site.replace(node, text, fit * (0.6 + 0.4 * likeness(own, text)))


TEMPLATE = family("other expression", _KINDS, other_expression)
