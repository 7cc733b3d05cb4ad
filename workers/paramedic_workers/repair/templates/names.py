"""Another name that exists here.

return widht * height   return width * height      (from a NameError)
total += price          total += price_with_tax    (same type)
return repr(steps)      return safe_repr(steps)    (a function of the module)
print("total")          print(total)               (a name in quotes, and the reverse)
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.spelling import closest, likeness
from paramedic_workers.repair.templates.site import Site, family, likely_instead

_UNDEFINED = re.compile(r"name '(\w+)' is not defined|local variable '(\w+)'|variable '(\w+)'")
_MOST = 12


def undefined_names(messages: list[str]) -> frozenset[str]:
    """The names that errors say do not exist."""
    found = [match for text in messages for match in _UNDEFINED.findall(text)]
    return frozenset(name for groups in found for name in groups if name)


def spelled_alike(site: Site) -> Iterator[Proposal]:
    """For a name that does not exist: those that do, the most alike first."""
    assert isinstance(site.node, ast.Name)
    name = site.node.id
    messages = site.knowledge.messages_of("NameError", "UnboundLocalError")
    if name not in undefined_names(messages):
        return
    known = [*site.names(), *site.scope.module_names, *dir(builtins)]
    for other in closest(name, known, least=0.5):
        yield from site.replace(site.node, other, likeness(name, other))


def other_name(site: Site) -> Iterator[Proposal]:
    """Another local name of the same type; a little of those whose type is not known."""
    assert isinstance(site.node, ast.Name)
    if not isinstance(site.node.ctx, ast.Load) or _is_called(site):
        return
    own = site.types_of(site.node)
    unused = site.scope.unused_names
    for other in sorted(site.names(), key=lambda name: name not in unused)[:_MOST]:
        if other == site.node.id:
            continue
        types = site.types_of(ast.Name(other))
        # A name that nothing reads yet was made for something.
        likely = 1.0 if other in unused else 0.7 + 0.3 * likeness(site.node.id, other)
        yield from site.replace(site.node, other, likely_instead(own, types) * likely)


def other_target(site: Site) -> Iterator[Proposal]:
    """Another local name on the left of an assignment."""
    assert isinstance(site.node, ast.Name)
    if not isinstance(site.node.ctx, ast.Store) or isinstance(site.parent, ast.comprehension):
        return
    own = site.types_of(site.node)
    for other in site.names()[:_MOST]:
        if other != site.node.id:
            types = site.types_of(ast.Name(other))
            yield from site.replace(site.node, other, likely_instead(own, types))


def without_quotes(site: Site) -> Iterator[Proposal]:
    """`"x"` becomes `x` where there is such a name; `x` becomes `"x"` where there is none."""
    node = site.node
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and site.is_value:
        name = node.value if node.value in site.names() else ""
        yield from site.replace(node, name, 0.6)
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        undefined = undefined_names(site.knowledge.messages_of("NameError"))
        if node.id in undefined:
            yield from site.replace(node, f'"{node.id}"', 0.4)


def other_function(site: Site) -> Iterator[Proposal]:
    """Another function of the module, or a name that it calls, that is spelled alike."""
    assert isinstance(site.node, ast.Name)
    if not _is_called(site):
        return
    known = site.scope.module_names
    functions = [n for n, k in known.items() if k == "function" or n in site.scope.called_names]
    for other in closest(site.node.id, functions, least=0.3):
        yield from site.replace(site.node, other, max(0.3, likeness(site.node.id, other)))


def _is_called(site: Site) -> bool:
    return isinstance(site.parent, ast.Call) and site.node is site.parent.func


SPELLED_ALIKE = family("undefined name", (ast.Name,), spelled_alike)
OTHER_NAME = family("other name", (ast.Name,), other_name)
QUOTES = family("other name", (ast.Constant, ast.Name), without_quotes)
OTHER_TARGET = family("other target", (ast.Name,), other_target)
OTHER_FUNCTION = family("other function", (ast.Name,), other_function)
