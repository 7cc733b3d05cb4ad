"""Another constant.

retries = 3             retries = 4
strict = True           strict = False
if mode == "wirte":     if mode == "write":
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.scope import FileNames
from paramedic_workers.repair.spelling import closest
from paramedic_workers.repair.templates.site import Site, family

_LONGEST_TEXT = 60
_MOST_NUMBERS = 8
#: Texts of the file that are looked at for one that is spelled alike.
_MOST_TEXTS = 300
_BRACKETS = ("([{<", ")]}>")
_PAIRS = ("()", "[]", "{}", "<>", "+-", "*/", "/\\", ",;", ".,", "01", "_-")


def other_truth(site: Site) -> Iterator[Proposal]:
    """`True` for `False`, and both for `None`."""
    value = _value(site)
    if _is_compared_by_identity(site):
        return
    if isinstance(value, bool):
        yield from site.replace(site.node, str(not value))
        yield from site.replace(site.node, "None", 0.2)
    elif value is None:
        for text, weight in (("True", 0.3), ("False", 0.5), ("0", 0.4), ("[]", 0.4), ('""', 0.3)):
            yield from site.replace(site.node, text, weight)


def other_number(site: Site) -> Iterator[Proposal]:
    """The neighbours of a number, 0 and 1, and the other numbers of the function."""
    value = _value(site)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return
    seen = {repr(value)}
    for text, weight in _numbers_near(value) + _numbers_nearby(site):
        if text not in seen:
            seen.add(text)
            yield from site.replace(site.node, text, weight)


def other_text(site: Site) -> Iterator[Proposal]:
    """The texts of the file that are spelled most alike, other letter case, or nothing."""
    value = _value(site)
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT or _is_docstring(site):
        return
    quote = site.text()[-1:]
    plain = site.text() in (f"{quote}{value}{quote}", f"{quote * 3}{value}{quote * 3}")
    if not plain:
        return
    file = site.scope.file
    if value not in file.near:
        file.near[value] = _texts_nearby(file, value)
    for text, weight in (*_texts_near(value), *file.near[value]):
        if text != value and quote not in text and "\\" not in repr(text):
            yield from site.replace(site.node, f"{quote}{text}{quote}", weight)


def _value(site: Site) -> object:
    assert isinstance(site.node, ast.Constant)
    return site.node.value


def _numbers_near(value: float) -> list[tuple[str, float]]:
    near: list[tuple[float, float]] = [(value + 1, 1.0), (value - 1, 1.0)]
    if value not in (0, 1):
        near += [(0, 0.6), (1, 0.6)]
    near += [(-value, 0.4), (value + 2, 0.3), (value - 2, 0.3), (value * 2, 0.3), (value * 10, 0.3)]
    if isinstance(value, float):
        near += [(value / 10, 0.3), (value / 100, 0.3), (value * 100, 0.3)]
    elif value and value % 2 == 0:
        near += [(value // 2, 0.3)]
    return [(repr(number), weight) for number, weight in near if number != value]


def _numbers_nearby(site: Site) -> list[tuple[str, float]]:
    return [(text, 0.5) for text in site.scope.numbers[:_MOST_NUMBERS]]


def _texts_near(value: str) -> list[tuple[str, float]]:
    near = [(value.lower(), 0.4), (value.upper(), 0.4), (value.strip(), 0.5)]
    if value == "":
        near += [(" ", 0.6), (",", 0.2)]
    elif len(value) == 1:
        near += [("", 0.5), (" ", 0.4)]
        near += [(o, 0.4) for group in _BRACKETS if value in group for o in group if o != value]
        near += [(o, 0.8) for pair in _PAIRS if value in pair for o in pair if o != value]
    else:
        near += [(f"{value} ", 0.2), (f" {value}", 0.2), (value[:-1], 0.15), (value[1:], 0.15)]
    return near


def _texts_nearby(file: FileNames, value: str) -> list[tuple[str, float]]:
    short = _around(value, [text for text in file.texts if len(text) <= _LONGEST_TEXT])
    alike = closest(value, short, least=0.5)
    others = [text for text in short if len(text) <= 3 and text not in alike][:6]
    return [(text, 0.7) for text in alike] + [(text, 0.25) for text in others]


def _around(value: str, texts: list[str]) -> list[str]:
    """The texts that stand around the first place of this one; tables can have thousands."""
    middle = texts.index(value) if value in texts else 0
    first = max(0, min(middle - _MOST_TEXTS // 2, len(texts) - _MOST_TEXTS))
    return texts[first : first + _MOST_TEXTS]


def _is_compared_by_identity(site: Site) -> bool:
    identity = (ast.Is, ast.IsNot)
    parent = site.parent
    return isinstance(parent, ast.Compare) and any(isinstance(op, identity) for op in parent.ops)


def _is_docstring(site: Site) -> bool:
    return isinstance(site.parent, (ast.Expr, ast.JoinedStr))


TRUTH = family("truth value", (ast.Constant,), other_truth)
NUMBER = family("number", (ast.Constant,), other_number)
TEXT = family("text", (ast.Constant,), other_text)
