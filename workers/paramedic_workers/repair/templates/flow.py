"""How a block ends: `break`, `continue`, `return`, `yield`, `await`.

    break                       continue
for name in names:              for name in names:
    clean(name)                     clean(name)
                                return names
                                return ""               (what the failing test expects)
yield flatten(item)             yield from flatten(item)
rows = fetch()                  rows = await fetch()
"""

from __future__ import annotations

import ast
import keyword
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.source import Replacement
from paramedic_workers.repair.templates.atoms import atoms
from paramedic_workers.repair.templates.site import Site, family

_MOST_ANSWERS = 4
#: Texts, and numbers, that failing tests expect, which are returned.
_MOST_EXPECTED = 2


def other_end(site: Site) -> Iterator[Proposal]:
    """`break` for `continue`, and the reverse; `return` or nothing for both."""
    span = site.source.span(site.node)
    other = "continue" if isinstance(site.node, ast.Break) else "break"
    for text, weight in ((other, 1.0), ("pass", 0.6), ("return", 0.3)):
        yield from site.replace_span(span, text, weight)


def added_end(site: Site) -> Iterator[Proposal]:
    """`break`, `continue` or `return` after the last statement of a block in a loop."""
    siblings, place = site.siblings()
    assert isinstance(site.node, ast.stmt)
    in_loop = any(isinstance(a, (ast.For, ast.While)) for a in site.ancestors())
    is_branch = isinstance(site.parent, (ast.If, ast.Try, ast.With))
    if place + 1 == len(siblings) and in_loop and is_branch:
        for text, weight in (("break", 1.0), ("continue", 0.8)):
            yield from site.insert_after(site.node, [text], weight)


def added_return(site: Site) -> Iterator[Proposal]:
    """`return x` where a function runs off its end."""
    last, function = site.node, site.parent
    if not isinstance(function, _FUNCTIONS) or last is not function.body[-1]:
        return
    assert isinstance(last, ast.stmt)
    returns = [n for n in ast.walk(function) if isinstance(n, ast.Return) and n.value is not None]
    written = [site.text(n.value) for n in returns if n.value is not None]
    usual = {"True": "False", "False": "True"}
    names = site.names()
    values = [usual[text] for text in written if text in usual]
    expected = site.knowledge.expected
    answers = [repr(text) for text in expected.texts if "\\" not in repr(text)][:_MOST_EXPECTED]
    answers = [text.replace("'", '"') for text in answers if '"' not in text]
    constants = ["True", "False", *answers, *expected.numbers[:_MOST_EXPECTED]]
    for text in dict.fromkeys([*values, *reversed(names), *constants, *written]):
        weight = 1.0 if text in values else 0.8 if text in names else 0.3
        yield from site.insert_after(last, [f"return {text}"], weight)


def early_exit(site: Site) -> Iterator[Proposal]:
    """`if …: return …` before a statement, for conditions that the types suggest."""
    assert isinstance(site.node, ast.stmt)
    known = dict(reversed(list(_answers(site))))
    answers = [(a, known[a]) for a in reversed(known) if a != site.text()][:_MOST_ANSWERS]
    for condition, weight in atoms(site, site.node)[:16]:
        for answer, share in answers:
            lines = [f"if {condition}:", f"    {answer}"]
            yield from site.insert_before(site.node, lines, weight * share)


def _answers(site: Site) -> Iterator[tuple[str, float]]:
    function = site.scope.function
    if any(isinstance(a, (ast.For, ast.While)) for a in site.ancestors()):
        yield "continue", 0.7
        yield "break", 0.5
    if function is None:
        return
    returns = [n.value for n in ast.walk(function.node) if isinstance(n, ast.Return) and n.value]
    simple = (ast.Constant, ast.Name, ast.List, ast.Tuple, ast.Dict)
    texts = [site.text(value) for value in returns if isinstance(value, simple)]
    visible = set(site.names())
    known = [t for t in dict.fromkeys(texts) if keyword.iskeyword(t) or t in visible]
    known += [t for t in dict.fromkeys(texts) if not t.isidentifier()]
    other = {"True": "False", "False": "True"}
    known += [other[t] for t in texts if t in other and other[t] not in texts]
    yield from ((f"return {text}", 1.0) for text in dict.fromkeys(known) if "\n" not in text)
    for name in site.scope.parameters[:2]:
        yield f"return {name}", 0.5
    if not returns:
        yield "return", 0.8


def generator(site: Site) -> Iterator[Proposal]:
    """`yield` for `yield from`, the reverse, and `return` for both."""
    node = site.node
    if isinstance(node, (ast.Yield, ast.YieldFrom)) and node.value is not None:
        start, end = site.source.span(node)[0], site.source.outer_span(node.value)[0]
        other = "yield from " if isinstance(node, ast.Yield) else "yield "
        yield from site.replace_span((start, end), other, 1.0)
        if isinstance(site.parent, ast.Expr):
            yield from site.replace_span((start, end), "return ", 0.3)
    elif isinstance(node, ast.Return) and node.value is not None and _is_generator(site):
        start = site.source.span(node)[0]
        end = site.source.outer_span(node.value)[0]
        yield from site.replace_span((start, end), "yield from ", 0.8)
        yield from site.replace_span((start, end), "yield ", 0.8)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _is_generator(site):
        start = site.source.span(node)[0]
        yield Proposal((Replacement(start, start, "yield from "),), 0.6, "`yield from` added")


def missing_await(site: Site) -> Iterator[Proposal]:
    """`await` before a call in an async function."""
    assert isinstance(site.node, ast.Call)
    around = next((a for a in site.ancestors() if isinstance(a, _FUNCTIONS)), None)
    if not isinstance(around, ast.AsyncFunctionDef) or isinstance(site.parent, ast.Await):
        return
    messages = [m for m, _ in site.messages("TypeError", "AttributeError", "RuntimeError")]
    aimed = any("coroutine" in message for message in messages)
    name = site.node.func.attr if isinstance(site.node.func, ast.Attribute) else ""
    name = site.node.func.id if isinstance(site.node.func, ast.Name) else name
    is_async = isinstance(site.scope.functions.get(name), ast.AsyncFunctionDef)
    if aimed or is_async:
        yield from site.replace(site.node, f"await {site.text()}", 1.0 if is_async else 0.5)


def _is_generator(site: Site) -> bool:
    function = next((a for a in site.ancestors() if isinstance(a, _FUNCTIONS)), None)
    inner = ast.walk(function) if function is not None else ()
    return any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in inner)


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_PLACES = (ast.Expr, ast.Assign, ast.AugAssign, ast.For, ast.While, ast.If, ast.With, ast.Try)
_SIMPLE = (ast.Expr, ast.Assign, ast.AugAssign)
_STATEMENTS = (*_SIMPLE, ast.Return, ast.For, ast.While, ast.If)

OTHER_END = family("loop control", (ast.Break, ast.Continue), other_end)
ADDED_END = family("loop control", _SIMPLE, added_end)
ADDED_RETURN = family("forgotten return", _PLACES, added_return)
EARLY_EXIT = family("early exit", _STATEMENTS, early_exit)
GENERATOR = family("generator", (ast.Yield, ast.YieldFrom, ast.Return, ast.Expr), generator)
AWAIT = family("missing await", (ast.Call,), missing_await)
