r"""Slips in regular expressions.

re.compile(r"\d+,\d*")          re.compile(r"\d+,\d+")          (quantifier)
re.compile(r"a.b")              re.compile(r"a\.b")             (dot not escaped)
re.match(r"\w+", text)          re.fullmatch(r"\w+", text)
re.compile(r"<.*>")             re.compile(r"<.*?>")            (greedy)
re.compile(r"[a-z]+")           re.compile(r"[a-zA-Z]+")        (letter case)
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.source import Replacement
from paramedic_workers.repair.templates.site import Site, family

_FUNCTIONS = frozenset(
    {"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}
)
_FLAGS = ("IGNORECASE", "MULTILINE", "DOTALL")
_LONGEST, _MOST = 300, 60

#: What is written for what at one place of a pattern, with weights.
SLIPS: tuple[tuple[re.Pattern[str], tuple[tuple[str, float], ...]], ...] = tuple(
    (re.compile(pattern), forms)
    for pattern, forms in (
        (r"(?<=[\w)\].])\*(?![?+])", (("+", 1.0), ("*?", 0.7), ("?", 0.5), ("", 0.3))),
        (r"(?<=[\w)\].])\+(?![?+])", (("*", 1.0), ("+?", 0.6), ("?", 0.4), ("", 0.3))),
        (r"(?<=[*+])\?", (("", 0.6),)),
        (r"(?<=[\w)\]])\?(?![?=!:<P])", (("*", 0.6), ("", 0.6), ("+", 0.4))),
        (r"(?<![\\\[])\.(?![*+?])", ((r"\.", 1.0),)),
        (r"(?<!\\)\\d(?![*+?{])", ((r"\d+", 0.9), (r"\d*", 0.4))),
        (r"(?<!\\)\\w(?![*+?{])", ((r"\w+", 0.8), (r"\w*", 0.4))),
        (r"(?<!\\)\\s(?![*+?{])", ((r"\s*", 0.8), (r"\s+", 0.7))),
        (r"(?<!\\) (?![*+?{])", ((r"\s+", 0.5), (r"\s*", 0.5), (" *", 0.4), (" ?", 0.3))),
        (r"(?<!\\)\\d", ((r"\w", 0.3), (r"[\d.]", 0.3), (r"-?\d", 0.3))),
        (r"(?<!\\)\\w", ((r"\S", 0.3), (r"[\w-]", 0.5), (r"[\w.]", 0.4), (r"\d", 0.2))),
        (r"(?<!\\)\\S", ((r"\w", 0.2),)),
        (r"a-z(?!A-Z)", (("a-zA-Z", 0.9),)),
        (r"(?<!a-z)A-Z(?!a-z)", (("a-zA-Z", 0.7),)),
        (r"(?<=[zZ])(?=\])", (("0-9", 0.5), ("_", 0.3), ("0-9_", 0.4))),
        (r"0-9(?=\])", (("0-9.", 0.3), ("0-9_", 0.2))),
        (r"(?<=[\w)\].])(?=$|\)|\$)", (("?", 0.3), ("+", 0.4), ("*", 0.3))),
        (r"(?<=[\w])(?=[-:.,/\\])", (("?", 0.2),)),
        (r"(?<!\\)\((?!\?)", (("(?:", 0.4),)),
        (r"\(\?:", (("(", 0.4),)),
        (r"^(?!\^)", (("^", 0.5), (r"\b", 0.3), (r"^\s*", 0.3))),
        (r"^\^", (("", 0.5),)),
        (r"(?<!\$)$", (("$", 0.5), (r"\b", 0.3), (r"\s*$", 0.2))),
        (r"\$$", (("", 0.5), (r"\Z", 0.6))),
        (r"\{\d+\}", (("+", 0.4),)),
        (r"\{(\d+)\}", ((r"{\1,}", 0.5), (r"{1,\1}", 0.5))),
    )
)


def other_pattern(site: Site) -> Iterator[Proposal]:
    """The literal with one slip set right, where it is used as a pattern and compiles."""
    node = site.node
    if not _is_pattern(site):
        return
    assert isinstance(node, ast.Constant)
    start, end = _inside(site.text())
    written = site.text()[start:end]
    raw = "r" in site.text()[:start].lower()
    if len(written) > _LONGEST or (not raw and "\\" in written):
        return
    position = site.source.span(node)[0] + start
    for number, (place, text, weight) in enumerate(_changes(written)):
        if number >= _MOST:
            return
        if "\\" in text and not raw:
            if "\\" in written or start != 1:
                continue
            before = Replacement(position - 1, position - 1, "r")
            for found in site.replace_span(
                (position + place[0], position + place[1]), text, weight
            ):
                yield Proposal((before, *found.parts), weight, found.title)
        else:
            yield from site.replace_span((position + place[0], position + place[1]), text, weight)


def other_use(site: Site) -> Iterator[Proposal]:
    """Another way to look for a pattern, or a flag."""
    node = site.node
    assert isinstance(node, ast.Call)
    function = node.func
    if not isinstance(function, ast.Attribute) or function.attr not in _FUNCTIONS:
        return
    owner = site.text(function.value)
    if owner != "re" or not site.text().endswith(")") or not node.args:
        return
    end = site.source.span(function)[1]
    ways = {
        "match": ("fullmatch", "search"),
        "search": ("match", "fullmatch"),
        "fullmatch": ("match",),
    }
    for rank, way in enumerate(ways.get(function.attr, ())):
        yield from site.replace_span((end - len(function.attr), end), way, 0.9 - 0.2 * rank)
    if not any(flag in site.text() for flag in (*_FLAGS, "flags=", "re.I", "re.M", "re.S")):
        place = site.source.span(node)[1] - 1
        for flag in _FLAGS:
            part = Replacement(place, place, f", flags=re.{flag}")
            yield Proposal((part,), 0.3, f"`re.{flag}` added")


def escaped_argument(site: Site) -> Iterator[Proposal]:
    """`re.sub(word, …)` becomes `re.sub(re.escape(word), …)`."""
    node = site.node
    assert isinstance(node, ast.Call)
    if site.text(node.func) in {f"re.{name}" for name in _FUNCTIONS} and node.args:
        for inner in ast.walk(node.args[0]):
            if isinstance(inner, ast.Name) and inner.id != "re":
                yield from site.replace(inner, f"re.escape({inner.id})", 0.6)


def _changes(written: str) -> Iterator[tuple[tuple[int, int], str, float]]:
    for pattern, forms in SLIPS:
        for match in pattern.finditer(written):
            for form, weight in forms:
                text = match.expand(form) if "\\1" in form else form
                if _compiles(written[: match.start()] + text + written[match.end() :]):
                    yield match.span(), text, weight


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def _is_pattern(site: Site) -> bool:
    node, parent = site.node, site.parent
    if not isinstance(node, ast.Constant) or not isinstance(node.value, (str, bytes)):
        return False
    if isinstance(parent, ast.Call) and node in parent.args[:1]:
        function = parent.func
        return isinstance(function, ast.Attribute) and (
            site.text(function.value) in ("re", "regex") and function.attr in _FUNCTIONS
        )
    looks_like_one = re.search(r"\\[dwsbSDW]|\(\?[:P]|\[\^?[a-zA-Z0-9]-|\.\*", site.text())
    return bool(looks_like_one) and "r" in site.text()[:2].lower()


def _inside(text: str) -> tuple[int, int]:
    """Where the content of a literal is, without prefix and quotes."""
    start = len(text) - len(text.lstrip("rRuUbB"))
    size = 3 if text[start : start + 3] in ('"""', "'''") else 1
    return start + size, len(text) - size


PATTERN = family("pattern", (ast.Constant,), other_pattern)
USE = family("pattern", (ast.Call,), other_use)
ESCAPED = family("pattern", (ast.Call,), escaped_argument)
