"""Another attribute or method of the same object.

self.adress             self.address            (from an AttributeError)
line.lstrip()           line.rstrip()
self.width              self.height             (same type)
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.knowledge import METHOD
from paramedic_workers.repair.spelling import closest, likeness
from paramedic_workers.repair.templates.site import Site, family

_MISSING = re.compile(r"has no attribute '(\w+)'")

_BUILTINS: dict[str, type] = {
    kind.__name__: kind for kind in (str, bytes, list, tuple, dict, set, frozenset, int, float)
}

#: Methods that are mistaken for one another.
CONFUSED: tuple[tuple[str, ...], ...] = (
    ("append", "extend", "insert", "add"),
    ("add", "discard", "remove", "update"),
    ("remove", "pop", "discard"),
    ("pop", "popleft", "get"),
    ("append", "appendleft"),
    ("upper", "lower", "swapcase", "title", "capitalize"),
    ("startswith", "endswith"),
    ("isupper", "islower"),
    ("isalpha", "isalnum", "isdigit", "isspace"),
    ("strip", "lstrip", "rstrip"),
    ("find", "rfind", "index", "count"),
    ("split", "rsplit", "splitlines"),
    ("partition", "rpartition"),
    ("ljust", "rjust", "center"),
    ("removeprefix", "removesuffix"),
    ("keys", "values", "items"),
    ("get", "setdefault", "pop"),
    ("issubset", "issuperset"),
    ("union", "intersection", "difference", "symmetric_difference"),
    ("floor", "ceil", "trunc"),
    ("sin", "cos", "tan"),
    ("search", "match", "fullmatch", "findall"),
    ("read", "readline", "readlines"),
    ("heappush", "heappop"),
)


def spelled_alike(site: Site) -> Iterator[Proposal]:
    """For an attribute that does not exist: those that do, the most alike first."""
    name = _name(site)
    messages = site.knowledge.messages_of("AttributeError")
    if name not in {found for text in messages for found in _MISSING.findall(text)}:
        return
    known = _attributes_of_owner(site) or site.scope.attributes
    for other in closest(name, known, least=0.5):
        yield from _rename(site, other, likeness(name, other))


def confused_method(site: Site) -> Iterator[Proposal]:
    """A method that is often taken for this one."""
    name = _name(site)
    for group in CONFUSED:
        if name in group:
            for other in group:
                if other != name:
                    yield from _rename(site, other)


def other_attribute(site: Site) -> Iterator[Proposal]:
    """Another attribute of the object of the same kind, or one that the file uses."""
    name = _name(site)
    known = _attributes_of_owner(site)
    own = known.get(name)
    if known:
        fits = [a for a, kind in known.items() if kind == own or own is None]
        for other in closest(name, fits, least=0.0, most=8):
            yield from _rename(site, other, 0.6 + 0.4 * likeness(name, other))
        return
    for other in closest(name, site.scope.attributes, least=0.3, most=6):
        yield from _rename(site, other, 0.5 * likeness(name, other))


def _name(site: Site) -> str:
    assert isinstance(site.node, ast.Attribute)
    return site.node.attr


def _attributes_of_owner(site: Site) -> dict[str, str]:
    """Attributes of the object, of all the types that were seen there."""
    assert isinstance(site.node, ast.Attribute)
    found: dict[str, str] = {}
    for kind in sorted(site.types_of(site.node.value)):
        if kind in _BUILTINS:
            names = (name for name in dir(_BUILTINS[kind]) if not name.startswith("_"))
            found.update(dict.fromkeys(names, METHOD))
        found.update(site.knowledge.attributes.get(kind, {}))
    return found


def _rename(site: Site, new: str, weight: float = 1.0) -> Iterator[Proposal]:
    end = site.source.span(site.node)[1]
    yield from site.replace_span((end - len(_name(site)), end), new, weight)


SPELLED_ALIKE = family("undefined attribute", (ast.Attribute,), spelled_alike)
CONFUSED_METHOD = family("confused method", (ast.Attribute,), confused_method)
OTHER_ATTRIBUTE = family("other attribute", (ast.Attribute,), other_attribute)
