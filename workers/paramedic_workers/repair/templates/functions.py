"""Another function of the same kind.

if any(checks):         if all(checks):
best = min(scores)      best = max(scores)
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.templates.site import Site, family

#: Builtins that are mistaken for one another, the likeliest first.
CONFUSED: dict[str, tuple[str, ...]] = {
    "any": ("all",),
    "all": ("any",),
    "min": ("max", "sum"),
    "max": ("min", "sum", "len"),
    "sum": ("len", "max", "min"),
    "len": ("sum", "max", "min"),
    "sorted": ("list", "reversed", "set"),
    "list": ("sorted", "tuple", "set"),
    "tuple": ("list", "set"),
    "set": ("list", "sorted", "frozenset"),
    "reversed": ("sorted", "list"),
    "int": ("float", "round", "str"),
    "float": ("int", "str"),
    "str": ("repr", "int"),
    "repr": ("str",),
    "round": ("int", "abs"),
    "abs": ("int",),
    "ord": ("chr",),
    "chr": ("ord", "str"),
    "bin": ("hex", "oct", "str"),
    "hex": ("bin", "oct"),
    "map": ("filter",),
    "filter": ("map",),
    "zip": ("enumerate",),
    "enumerate": ("zip",),
    "isinstance": ("issubclass",),
    "range": ("reversed",),
    "getattr": ("hasattr",),
}


def other_builtin(site: Site) -> Iterator[Proposal]:
    """A builtin that is often taken for this one, called or passed on."""
    assert isinstance(site.node, ast.Name)
    name = site.node.id
    if isinstance(site.node.ctx, ast.Load) and name not in site.scope.local_names:
        for rank, other in enumerate(CONFUSED.get(name, ())):
            yield from site.replace(site.node, other, 1.0 / (1 + 0.6 * rank))


TEMPLATE = family("other builtin", (ast.Name,), other_builtin)
