"""Questions about a text that are asked too strictly, or of a text that may be empty.

if charset != "UTF-8":          if charset.lower() != "utf-8":
if suffix[0] == ".":            if suffix.startswith("."):
if name.startswith("a"):        if name.startswith(("a", "b")):
if name == "yes":               if name in ("yes", "y"):
if "-" in name:                 if name.startswith("-"):
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.source import Replacement
from paramedic_workers.repair.templates.site import Site, family, quoted

_LONGEST, _MOST = 24, 6


def without_case(site: Site) -> Iterator[Proposal]:
    """`x == "A"` becomes `x.lower() == "a"`; the same for several texts."""
    node = site.node
    assert isinstance(node, ast.Compare)
    if len(node.ops) != 1 or not isinstance(node.ops[0], (ast.Eq, ast.NotEq, ast.In, ast.NotIn)):
        return
    left, right = node.left, node.comparators[0]
    texts = _texts(right)
    if not texts or not isinstance(left, (ast.Name, ast.Attribute, ast.Subscript, ast.Call)):
        return
    for method in ("lower", "upper"):
        parts = [Replacement(*site.source.span(left), f"{site.text(left)}.{method}()")]
        for text in texts:
            written = site.text(text)
            changed = getattr(written, method)()
            if changed != written and "\\" not in written and written[0] in "\"'":
                parts.append(Replacement(*site.source.span(text), changed))
        title = f"`.{method}()` added to {quoted(site.text(left))}"
        yield Proposal(tuple(parts), 1.0 if method == "lower" else 0.6, title)


def first_letter(site: Site) -> Iterator[Proposal]:
    """`x[0] == "a"` becomes `x.startswith("a")`: an empty text has no first letter."""
    node = site.node
    assert isinstance(node, ast.Compare)
    left, operator = node.left, node.ops[0]
    if len(node.ops) != 1 or not isinstance(left, ast.Subscript):
        return
    index = site.text(left.slice)
    method = {"0": "startswith", "-1": "endswith"}.get(index)
    if method is None or not _texts(node.comparators[0]):
        return
    chance = max((chance for _, chance in site.messages("IndexError")), default=0.3)
    owner, asked = site.text(left.value), site.text(node.comparators[0])
    if isinstance(operator, (ast.Eq, ast.NotEq)):
        negated = "not " if isinstance(operator, ast.NotEq) else ""
        yield from site.replace(node, f"{negated}{owner}.{method}({asked})", chance)
    part = ":1" if index == "0" else "-1:"
    yield from site.replace(left, f"{owner}[{part}]", 0.8 * chance)


def more_texts(site: Site) -> Iterator[Proposal]:
    """Another text of the function, or of the failed assertion, as well."""
    node = site.node
    near = [*site.knowledge.expected.texts, *site.scope.own_texts]
    known = [text for text in dict.fromkeys(near) if 0 < len(text) <= _LONGEST]
    if isinstance(node, ast.Compare):
        right = node.comparators[0]
        if len(node.ops) != 1 or not isinstance(right, ast.Constant) or not _texts(right):
            return
        words = {ast.Eq: "in", ast.NotEq: "not in"}
        word = words.get(type(node.ops[0]))
        left, own = site.text(node.left), site.text(right)
        for text in known[:_MOST] if word else ():
            if text != right.value:
                yield from site.replace(node, f"{left} {word} ({own}, {_shown(text)})", 0.6)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        asked = node.args[0]
        if node.func.attr in ("startswith", "endswith") and isinstance(asked, ast.Constant):
            for text in known[:_MOST]:
                if text != asked.value:
                    yield from site.replace(asked, f"({site.text(asked)}, {_shown(text)})", 0.6)


def at_an_end(site: Site) -> Iterator[Proposal]:
    """`"a" in x` becomes `x.startswith("a")` or `x.endswith("a")`."""
    node = site.node
    assert isinstance(node, ast.Compare)
    holder = node.comparators[0]
    if len(node.ops) != 1 or not isinstance(node.ops[0], ast.In) or not _texts(node.left):
        return
    if site.types_of(holder) <= {"str"} and isinstance(holder, (ast.Name, ast.Attribute)):
        for method, weight in (("startswith", 0.6), ("endswith", 0.4)):
            text = f"{site.text(holder)}.{method}({site.text(node.left)})"
            yield from site.replace(node, text, weight)


def anywhere(site: Site) -> Iterator[Proposal]:
    """`x.startswith("a")` becomes `"a" in x`, or `x == "a"`."""
    node = site.node
    assert isinstance(node, ast.Call)
    function = node.func
    is_asked = isinstance(function, ast.Attribute) and function.attr in ("startswith", "endswith")
    if is_asked and len(node.args) == 1 and isinstance(node.args[0], ast.Constant):
        assert isinstance(function, ast.Attribute)
        owner, asked = site.text(function.value), site.text(node.args[0])
        yield from site.replace(node, f"{asked} in {owner}", 0.4)
        yield from site.replace(node, f"{owner} == {asked}", 0.4)


def _texts(node: ast.expr) -> list[ast.Constant]:
    """The texts of a constant, or of a tuple, list or set of them; none where others are in it."""
    elements = node.elts if isinstance(node, (ast.Tuple, ast.List, ast.Set)) else [node]
    texts = [n for n in elements if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return texts if len(texts) == len(elements) else []


def _shown(text: str) -> str:
    return repr(text) if '"' in text or "\\" in repr(text) else f'"{text}"'


CASE = family("letter case", (ast.Compare,), without_case)
FIRST = family("letter of a text", (ast.Compare,), first_letter)
MORE = family("text as well", (ast.Compare, ast.Call), more_texts)
END = family("letter of a text", (ast.Compare,), at_an_end)
ANYWHERE = family("letter of a text", (ast.Call,), anywhere)
