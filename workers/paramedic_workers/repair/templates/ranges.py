"""What a loop counts through.

for i in range(n):              for i in range(1, n):
for i in range(1, n):           for i in range(n):
for i in range(n):              for i in range(n - 1, -1, -1):
for x in xs:                    for x in reversed(xs):
for i, x in xs:                 for i, x in enumerate(xs):
for k, v in prices:             for k, v in prices.items():
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.templates.site import SEQUENCES, Site, family


def other_range(site: Site) -> Iterator[Proposal]:
    """Another start, another step, or the other way round."""
    call = site.node
    assert isinstance(call, ast.Call)
    if not isinstance(call.func, ast.Name) or call.func.id != "range" or call.keywords:
        return
    texts = [site.text(argument) for argument in call.args]
    if len(texts) == 1:
        [end] = texts
        plus = f"({end}) - 1" if isinstance(call.args[0], (ast.IfExp, ast.BoolOp)) else f"{end} - 1"
        yield from site.replace(call, f"range(1, {end})", 1.0)
        yield from site.replace(call, f"range(1, {end} + 1)", 0.9)
        yield from site.replace(call, f"range(2, {end})", 0.3)
        yield from site.replace(call, f"range({plus}, -1, -1)", 0.5)
        yield from site.replace(call, f"range(0, {end}, 2)", 0.3)
        for name in site.names():
            if "int" in site.types_of(ast.Name(name)) and name != end:
                yield from site.replace(call, f"range({name}, {end})", 0.6)
                yield from site.replace(call, f"range({name} + 1, {end})", 0.5)
                yield from site.replace(call, f"range(0, {end}, {name})", 0.4)
    elif len(texts) == 2:
        start, end = texts
        yield from site.replace(call, f"range({end})", 0.9)
        yield from site.replace(call, f"range({start}, {end}, 2)", 0.3)
        yield from site.replace(call, f"range({start}, {end}, -1)", 0.4)
    elif len(texts) == 3:
        yield from site.replace(call, f"range({texts[0]}, {texts[1]})", 0.5)


def other_iteration(site: Site) -> Iterator[Proposal]:
    """`enumerate`, `reversed`, `sorted`, `items` or a slice around what is looped over."""
    loop = site.node
    assert isinstance(loop, (ast.For, ast.AsyncFor, ast.comprehension))
    iterated, text = loop.iter, site.text(loop.iter)
    types = site.types_of(iterated)
    pairs = isinstance(loop.target, ast.Tuple) and len(loop.target.elts) == 2
    called = site.text(iterated.func) if isinstance(iterated, ast.Call) else ""
    if pairs and called != "enumerate" and not text.endswith(".items()"):
        if "dict" in types or not types:
            yield from site.replace(iterated, f"{text}.items()", 1.0)
        if not types & {"dict"}:
            yield from site.replace(iterated, f"enumerate({text})", 0.8)
            yield from site.replace(iterated, f"zip({text}, {text}[1:])", 0.2)
    if called not in ("reversed", "sorted", "range") and not (types and not types & SEQUENCES):
        yield from site.replace(iterated, f"reversed({text})", 0.5)
    if called not in ("reversed", "sorted", "range", "enumerate", "zip"):
        yield from site.replace(iterated, f"sorted({text})", 0.5)
    if not pairs and "dict" in types:
        yield from site.replace(iterated, f"{text}.values()", 0.6)


_LOOPS = (ast.For, ast.AsyncFor, ast.comprehension)

RANGE = family("range", (ast.Call,), other_range)
ITERATION = family("range", _LOOPS, other_iteration)
