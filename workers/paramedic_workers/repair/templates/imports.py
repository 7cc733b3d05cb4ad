"""An import that is missing, or that names what is not there.

    data = json.loads(text)             import json
                                        …
    from shop.cart import totl          from shop.cart import total
    from shop.cart import tax           from shop.taxes import tax      (moved)

These change the top level of a module: they are tried by importing it anew.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from itertools import takewhile

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.modules import is_standard
from paramedic_workers.repair.source import Replacement
from paramedic_workers.repair.spelling import closest, likeness
from paramedic_workers.repair.templates.names import undefined_names
from paramedic_workers.repair.templates.site import Site, family, first_line, quoted

#: Names that are usually imported from one module of the standard library, or as an alias.
IDIOMS: dict[str, str] = {
    "np": "import numpy as {}",
    "pd": "import pandas as {}",
    "ET": "import xml.etree.ElementTree as {}",
    "dt": "import datetime as {}",
}

#: The same by module, for those that are usually imported by name.
_BY_MODULE = {
    "abc": "ABC abstractmethod",
    "collections": "ChainMap Counter OrderedDict defaultdict deque namedtuple",
    "contextlib": "closing contextmanager suppress",
    "copy": "deepcopy",
    "dataclasses": "asdict dataclass field replace",
    "datetime": "date datetime timedelta timezone",
    "decimal": "Decimal",
    "enum": "Enum IntEnum auto",
    "fractions": "Fraction",
    "functools": "cache lru_cache partial reduce wraps",
    "heapq": "heapify heappop heappush",
    "io": "BytesIO StringIO",
    "itertools": "accumulate chain combinations count cycle dropwhile groupby islice"
    " permutations product repeat starmap takewhile zip_longest",
    "math": "ceil floor gcd isclose log pi prod sqrt",
    "operator": "attrgetter itemgetter",
    "pathlib": "Path",
    "statistics": "mean median stdev",
    "textwrap": "dedent",
    "typing": "Any Callable Dict Iterable Iterator List Mapping NamedTuple Optional Sequence"
    " Set Tuple TypeVar Union cast",
    "uuid": "uuid4",
}

for _module, _names in _BY_MODULE.items():
    IDIOMS.update(dict.fromkeys(_names.split(), f"from {_module} import {{}}"))

_CANNOT_IMPORT = re.compile(r"cannot import name '(\w+)' from '([\w.]+)'")
_NO_MODULE = re.compile(r"No module named '([\w.]+)'")


def missing_import(site: Site) -> Iterator[Proposal]:
    """An import for each undefined name, after the imports that are there."""
    assert isinstance(site.node, ast.Module)
    used = {node.id for node in ast.walk(site.node) if isinstance(node, ast.Name)}
    undefined = undefined_names(site.knowledge.messages_of("NameError", "UnboundLocalError"))
    for name in sorted(undefined & used):
        for line, weight in _imports_of(site, name):
            yield from _insert(site, line, weight)


def moved_name(site: Site) -> Iterator[Proposal]:
    """For a name that its module does not have: one spelled alike there, or its new home."""
    node = site.node
    assert isinstance(node, ast.ImportFrom)
    for message in site.knowledge.messages_of("ImportError"):
        for name, module in _CANNOT_IMPORT.findall(message):
            for alias in node.names:
                if alias.name == name:
                    yield from _other_spelling(site, alias, module)
                    yield from _new_home(site, alias, module)


def other_module(site: Site) -> Iterator[Proposal]:
    """For a module that does not exist: one that does, and is spelled alike."""
    for message in site.knowledge.messages_of("ModuleNotFoundError"):
        for missing in _NO_MODULE.findall(message):
            span = _span_of_module(site, missing)
            if span is None:
                continue
            known = [*site.knowledge.module_names(), *sys.stdlib_module_names]
            for other in closest(missing, known, least=0.6):
                yield from site.replace_span(span, other, likeness(missing, other))


def _imports_of(site: Site, name: str) -> Iterator[tuple[str, float]]:
    for module in site.knowledge.modules_defining(name):
        if module != site.knowledge.module_of(site.source.path):
            yield f"from {module} import {name}", 1.0
    if name in IDIOMS:
        yield IDIOMS[name].format(name), 0.95
    if is_standard(name):
        yield f"import {name}", 1.0 if name not in IDIOMS else 0.8
    elif name in site.knowledge.module_names():
        yield f"import {name}", 0.9
    parents = [m for m in site.knowledge.module_names() if m.endswith(f".{name}")]
    for module in parents[:3]:
        yield f"from {module.rpartition('.')[0]} import {name}", 0.8


def _insert(site: Site, line: str, weight: float) -> Iterator[Proposal]:
    position, before, after = _place_for_import(site)
    text = f"{before}{line}\n{after}".replace("\n", site.source.newline)
    title = f"{quoted(line)} added"
    yield Proposal((Replacement(position, position, text),), weight, title)


def _place_for_import(site: Site) -> tuple[int, str, str]:
    """Where a new import goes, and the blank lines that it needs before and after."""
    assert isinstance(site.node, ast.Module)
    has_docstring = ast.get_docstring(site.node, clean=False) is not None
    body = site.node.body[has_docstring:]
    block = list(takewhile(lambda s: isinstance(s, (ast.Import, ast.ImportFrom)), body))
    if block:
        return site.source.line_end(block[-1].end_lineno or block[-1].lineno), "", ""
    if has_docstring:
        docstring = site.node.body[0]
        return site.source.line_end(docstring.end_lineno or docstring.lineno), "\n", ""
    blank = "\n\n" if isinstance(body[0], (ast.FunctionDef, ast.ClassDef)) else "\n"
    return site.source.line_start(first_line(body[0])), "", blank


def _other_spelling(site: Site, alias: ast.alias, module: str) -> Iterator[Proposal]:
    for other in closest(alias.name, site.knowledge.names_in_module(module), least=0.6):
        start = site.source.span(alias)[0]
        span = (start, start + len(alias.name))
        # The rest of the file uses the old name, unless it has one of its own for it.
        text = other if alias.asname else f"{other} as {alias.name}"
        yield from site.replace_span(span, text, likeness(alias.name, other))


def _new_home(site: Site, alias: ast.alias, module: str) -> Iterator[Proposal]:
    assert isinstance(site.node, ast.ImportFrom)
    homes = [home for home in site.knowledge.modules_defining(alias.name) if home != module]
    for home in homes:
        if len(site.node.names) == 1:
            yield from site.replace_span(
                site.source.span(site.node), f"from {home} import {site.text(alias)}"
            )


def _span_of_module(site: Site, missing: str) -> tuple[int, int] | None:
    assert isinstance(site.node, (ast.Import, ast.ImportFrom))
    named = (
        [site.node.module]
        if isinstance(site.node, ast.ImportFrom)
        else [a.name for a in site.node.names]
    )
    if not any(name and (name == missing or name.startswith(f"{missing}.")) for name in named):
        return None
    start, end = site.source.span(site.node)
    match = re.compile(rf"\b{re.escape(missing)}\b").search(site.source.text, start, end)
    return match.span() if match else None


MISSING = family("missing import", (ast.Module,), missing_import)
MOVED = family("moved name", (ast.ImportFrom,), moved_name)
MODULE = family("other module", (ast.Import, ast.ImportFrom), other_module)
