"""Keyword arguments that are missing, misspelt, or not passed on.

open(path)                      open(path, encoding="utf-8")
sorted(words)                   sorted(words, key=len)
text.split(sep)                 text.split(sep, 1)
parse(text)                     parse(text, strict=strict)      (a parameter not passed on)
make(colour="red")              make(color="red")               (unexpected keyword)
area(width)                     area(width, height)             (missing argument)
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.source import Replacement
from paramedic_workers.repair.spelling import closest, likeness
from paramedic_workers.repair.templates.site import Site, family, quoted

#: Arguments that are forgotten, by the name of what is called.
FORGOTTEN: dict[str, tuple[tuple[str, float], ...]] = {
    "open": (('encoding="utf-8"', 0.8), ('newline=""', 0.5)),
    "read_text": (('encoding="utf-8"', 0.8),),
    "write_text": (('encoding="utf-8"', 0.8),),
    "dumps": (("sort_keys=True", 0.6), ("ensure_ascii=False", 0.5), ("default=str", 0.5)),
    "split": (("1", 0.7), ("maxsplit=1", 0.5)),
    "rsplit": (("1", 0.7), ("maxsplit=1", 0.5)),
    "splitlines": (("keepends=True", 0.5),),
    "replace": (("1", 0.4),),
    "makedirs": (("exist_ok=True", 0.9),),
    "mkdir": (("exist_ok=True", 0.7), ("parents=True", 0.5), ("parents=True, exist_ok=True", 0.7)),
    "enumerate": (("1", 0.6), ("start=1", 0.4)),
    "sum": (("0.0", 0.1), ("[]", 0.2), ("()", 0.1)),
    "round": (("2", 0.4), ("1", 0.3), ("0", 0.1)),
    "int": (("2", 0.3), ("16", 0.3), ("10", 0.1)),
    "encode": (('"utf-8"', 0.5), ('"utf-8", "ignore"', 0.2), ('"ascii"', 0.2)),
    "decode": (('"utf-8"', 0.5), ('"utf-8", "replace"', 0.3), ('"utf-8", "ignore"', 0.2)),
    "unlink": (("missing_ok=True", 0.7),),
    "rmtree": (("ignore_errors=True", 0.6),),
    "quote": (('safe=""', 0.7),),
    "urlencode": (("doseq=True", 0.7),),
    "zip": (("strict=True", 0.2),),
}

#: Keys by which people sort and compare.
_KEYS = (
    ("key=len", 0.9),
    ("key=str", 0.5),
    ("key=abs", 0.5),
    ("key=str.lower", 0.6),
    ("key=lambda {}: {}[0]", 0.5),
    ("key=lambda {}: {}[1]", 0.7),
    ("key=lambda {}: {}[-1]", 0.3),
    ("key=lambda {}: -{}", 0.2),
    ("key=lambda {}: -{}[1]", 0.4),
    ("key=lambda {}: (len({}), {})", 0.8),
    ("key=lambda {}: (-len({}), {})", 0.6),
    ("key=lambda {}: ({}[1], {}[0])", 0.4),
    ("key=lambda {}: (-{}[1], {}[0])", 0.5),
)

_UNEXPECTED = re.compile(r"unexpected keyword argument '(\w+)'")
_MISSING = re.compile(r"(\w+)\(\) missing \d+ required [\w-]+ arguments?: (.*)")


def forgotten(site: Site) -> Iterator[Proposal]:
    """An argument that calls of this function often need."""
    call = site.node
    assert isinstance(call, ast.Call)
    name = _name(call)
    given = {keyword.arg for keyword in call.keywords}
    for text, weight in FORGOTTEN.get(name, ()):
        positional = "=" not in text
        takes_one = len(call.args) == (2 if name == "replace" else name not in ("encode", "decode"))
        if (positional and not takes_one) or (positional and given):
            continue
        if text.partition("=")[0] not in given:
            yield from _appended(site, text, weight)
    if name in ("sorted", "sort", "min", "max") and "key" not in given and len(call.args) <= 1:
        word = next(c for c in ("x", "item", "entry") if c not in site.scope.local_names)
        for text, weight in _KEYS:
            yield from _appended(site, text.replace("{}", word), weight)


def passed_on(site: Site) -> Iterator[Proposal]:
    """A parameter of this function, for one of the same name in what it calls."""
    call = site.node
    assert isinstance(call, ast.Call)
    callee = site.scope.functions.get(_name(call))
    if callee is None or any(k.arg is None for k in call.keywords):
        return
    parameters = [a.arg for a in (*callee.args.args, *callee.args.kwonlyargs)]
    offset = bool(parameters) and parameters[0] in ("self", "cls")
    taken = {k.arg for k in call.keywords} | set(parameters[: len(call.args) + offset])
    local = site.names()
    for name in parameters[offset:]:
        if name in taken:
            continue
        if name in local:
            yield from _appended(site, f"{name}={name}", 1.0)
        for other in closest(name, local, least=0.6, most=2):
            yield from _appended(site, f"{name}={other}", 0.5 * likeness(name, other))
    if callee.args.kwarg and "kwargs" in local:
        yield from _appended(site, "**kwargs", 0.8)


def missing_argument(site: Site) -> Iterator[Proposal]:
    """For a call that lacks an argument: a local name as one, that of the parameter first."""
    call = site.node
    assert isinstance(call, ast.Call)
    for message, chance in site.messages("TypeError"):
        for function, names in _MISSING.findall(message):
            if function not in (_name(call), "__init__"):
                continue
            wanted = re.findall(r"'(\w+)'", names)
            for name in site.names():
                alike = max((likeness(name, other) for other in wanted), default=0.0)
                yield from _appended(site, name, chance * (0.3 + 0.7 * alike))
            for name in site.names():
                if call.args and len(wanted) == 1:
                    place = site.source.outer_span(call.args[0])[0]
                    part = Replacement(place, place, f"{name}, ")
                    yield Proposal((part,), 0.3 * chance, f"argument {quoted(name)} added")
            if len(wanted) == 1:
                for value, weight in (("None", 0.5), ("0", 0.2), ('""', 0.2), ("False", 0.2)):
                    yield from _appended(site, value, chance * weight)


def unknown_keyword(site: Site) -> Iterator[Proposal]:
    """For a keyword that what is called does not know: one spelled alike, or none."""
    call = site.node
    assert isinstance(call, ast.Call)
    messages = [message for message, _ in site.messages("TypeError")]
    unknown = {name for message in messages for name in _UNEXPECTED.findall(message)}
    callee = site.scope.functions.get(_name(call))
    known = [a.arg for a in (*callee.args.args, *callee.args.kwonlyargs)] if callee else []
    for keyword in call.keywords:
        if keyword.arg is not None and keyword.arg in unknown:
            start = site.source.span(keyword)[0]
            span = (start, start + len(keyword.arg))
            for other in closest(keyword.arg, known or site.scope.keywords, least=0.4):
                yield from site.replace_span(span, other, likeness(keyword.arg, other))


def other_keyword(site: Site) -> Iterator[Proposal]:
    """Another keyword of the function that is called, with the same value."""
    call = site.node
    assert isinstance(call, ast.Call)
    callee = site.scope.functions.get(_name(call))
    if callee is None:
        return
    given = {keyword.arg for keyword in call.keywords}
    known = [a.arg for a in (*callee.args.args, *callee.args.kwonlyargs) if a.arg not in given]
    for keyword in call.keywords:
        if keyword.arg:
            start = site.source.span(keyword)[0]
            for other in closest(keyword.arg, known, least=0.3, most=3):
                yield from site.replace_span((start, start + len(keyword.arg)), other, 0.5)


def _appended(site: Site, text: str, weight: float) -> Iterator[Proposal]:
    call = site.node
    assert isinstance(call, ast.Call)
    arguments = [*call.args, *call.keywords]
    if not site.text().endswith(")") or any(isinstance(a, ast.GeneratorExp) for a in call.args):
        return
    if arguments:
        last = max(arguments, key=site.source.span)
        inner = last.value if isinstance(last, ast.keyword) else last
        place, shown = site.source.outer_span(inner)[1], f", {text}"
    else:
        place, shown = site.source.span(call)[1] - 1, text
    yield Proposal((Replacement(place, place, shown),), weight, f"argument {quoted(text)} added")


def _name(call: ast.Call) -> str:
    if isinstance(call.func, ast.Name):
        return call.func.id
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


ADDED = family("keyword added", (ast.Call,), forgotten)
PASSED_ON = family("keyword passed on", (ast.Call,), passed_on)
MISSING = family("missing argument", (ast.Call,), missing_argument)
UNKNOWN = family("unknown keyword", (ast.Call,), unknown_keyword)
OTHER = family("keyword passed on", (ast.Call,), other_keyword)
