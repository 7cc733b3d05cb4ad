"""Texts: one letter wrong, the prefix forgotten, another case, an element too many.

days = ("Wedensday", "Friday")  days = ("Wednesday", "Friday")  (from the failed assertion)
"hello {name}"                  f"hello {name}"
"\\s+"                          r"\\s+"
marks = ".,:;!?-"               marks = ".,:;!?"
odd = (1, 2, 3, 5)              odd = (1, 3, 5)
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.source import Replacement
from paramedic_workers.repair.spelling import likeness
from paramedic_workers.repair.templates.site import Site, family, quoted

_LONGEST = 80
_ALIKE = 0.6
_FIELD = re.compile(r"\{(\w+)(?:[.\[][^{}]*)?(?:![rsa])?(?::[^{}]*)?\}")


def spelling(site: Site) -> Iterator[Proposal]:
    """The text that the failed assertion has, where it is spelled almost alike."""
    written = plain_text(site)
    if written is None:
        return
    quote, value = written
    for expected in site.knowledge.expected.texts:
        close = likeness(value, expected)
        writable = quote not in expected and "\\" not in repr(expected)
        if value and expected != value and close >= _ALIKE and writable:
            yield from site.replace(site.node, f"{quote}{expected}{quote}", close)
        for old, new in _words_that_differ(value, expected):
            yield from site.replace(site.node, f"{quote}{value.replace(old, new)}{quote}", 0.8)


def prefix(site: Site) -> Iterator[Proposal]:
    """`f` before a text with fields that name what exists here; `r` before a backslash."""
    node = site.node
    assert isinstance(node, ast.Constant)
    if not isinstance(node.value, str) or isinstance(site.parent, (ast.Expr, ast.JoinedStr)):
        return
    text = site.text()
    if text[:1] not in "\"'" or _is_formatted(site):
        return
    start = site.source.span(node)[0]
    fields = _FIELD.findall(node.value)
    visible = {*site.names(), *site.scope.module_names}
    if fields and all(field in visible for field in fields):
        yield Proposal((Replacement(start, start, "f"),), 1.0, "`f` added")
    if re.search(r"\\[bdswDSW.]", text) and "re." in site.source.text:
        yield Proposal((Replacement(start, start, "r"),), 0.8, "`r` added")


def dropped_letter(site: Site) -> Iterator[Proposal]:
    """A text without one of its letters, in both cases where it has both."""
    written = plain_text(site)
    if written is None or not 2 <= len(written[1]) <= 16:
        return
    quote, value = written
    seen: set[str] = set()
    for letter in value:
        for shorter in (
            value.replace(letter, "", 1),
            "".join(c for c in value if c.lower() != letter.lower()),
        ):
            if shorter and shorter not in seen:
                seen.add(shorter)
                yield from site.replace(site.node, f"{quote}{shorter}{quote}", 0.25)


def dropped_element(site: Site) -> Iterator[Proposal]:
    """A tuple, list or set without one of its elements; a dict without one of its pairs."""
    node = site.node
    assert isinstance(node, (ast.Tuple, ast.List, ast.Set, ast.Dict))
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    firsts = node.keys if isinstance(node, ast.Dict) else node.elts
    lasts = node.values if isinstance(node, ast.Dict) else node.elts
    if not (2 if isinstance(node, ast.Tuple) else 1) < len(lasts) <= 24 or None in firsts:
        return
    starts = [site.source.outer_span(n)[0] for n in firsts if n is not None]
    ends = [site.source.outer_span(n)[1] for n in lasts]
    for number in range(len(lasts)):
        if number + 1 < len(lasts):
            span = (starts[number], starts[number + 1])
        else:
            span = (ends[number - 1], ends[number])
        dropped = site.source.text[starts[number] : ends[number]]
        yield Proposal((Replacement(*span, ""),), 1.0, f"element {quoted(dropped)} dropped")


def expected_constant(site: Site) -> Iterator[Proposal]:
    """A constant of the failed assertion: what passes most easily, and is right most rarely."""
    node = site.node
    assert isinstance(node, ast.Constant)
    if isinstance(site.parent, (ast.Expr, ast.JoinedStr)) or isinstance(node.value, bool):
        return
    if node.value is None and isinstance(site.parent, (ast.Assign, ast.Return, ast.Dict)):
        for text in _expected_texts(site):
            yield from site.replace(node, text)
    elif isinstance(node.value, (int, float)):
        for number in site.knowledge.expected.numbers[:4]:
            yield from site.replace(node, number)
    elif isinstance(node.value, str) and plain_text(site) is not None:
        for text in _expected_texts(site):
            yield from site.replace(node, text)


def _expected_texts(site: Site) -> Iterator[str]:
    for text in site.knowledge.expected.texts[:4]:
        if '"' not in text and "\\" not in repr(text):
            yield f'"{text}"'


def plain_text(site: Site) -> tuple[str, str] | None:
    """Quote and value of a text on one line without prefix or escapes; else None."""
    node = site.node
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return None
    if len(node.value) > _LONGEST or isinstance(site.parent, (ast.Expr, ast.JoinedStr)):
        return None
    quote = site.text()[-1:]
    return (quote, node.value) if site.text() == f"{quote}{node.value}{quote}" else None


def _words_that_differ(value: str, expected: str) -> Iterator[tuple[str, str]]:
    """Pairs of words, one in the text and one expected, that are spelled almost alike."""
    words = set(re.findall(r"\w{4,}", expected))
    for old in sorted(set(re.findall(r"\w{4,}", value)) - words)[:6]:
        for new in sorted(words):
            if likeness(old, new) >= 0.75 and old != value:
                yield old, new


def _is_formatted(site: Site) -> bool:
    """Whether the text is filled in by `%` or `.format`, or used as a template."""
    parent = site.parent
    if isinstance(parent, ast.Attribute):
        return parent.attr in ("format", "format_map")
    return isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mod)


_CONTAINERS = (ast.Tuple, ast.List, ast.Set, ast.Dict)

SPELLING = family("spelling in a text", (ast.Constant,), spelling)
PREFIX = family("forgotten prefix", (ast.Constant,), prefix)
LETTER = family("text", (ast.Constant,), dropped_letter)
ELEMENT = family("element dropped", _CONTAINERS, dropped_element)
EXPECTED = family("expected constant", (ast.Constant,), expected_constant)
