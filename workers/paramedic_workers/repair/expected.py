"""What the failing tests say they expected: read from the lines that failed.

The warm process runs tests with plain assertions, so a failed one has no message. But its
traceback names the line of the test, and there the expected constants and exceptions stand.
unittest's own messages (`'a' != 'b'`) are read as well.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from paramedic_workers.repair.messages import ErrorSeen

_DID_NOT_RAISE = re.compile(r"DID NOT RAISE <class '(?:\w+\.)*(\w+)'>|^(\w+) not raised")
_COMPARED = re.compile(
    r"^('(?:[^'\\]|\\.)*'|-?\d+(?:\.\d+)?) != ('(?:[^'\\]|\\.)*'|-?\d+(?:\.\d+)?)"
)
_MOST = 12
_LONGEST = 80


@dataclass(frozen=True)
class Expected:
    """Constants and exceptions that failing tests expect, each once, in order."""

    texts: tuple[str, ...] = ()
    #: As they are written in Python.
    numbers: tuple[str, ...] = ()
    #: Names of exception types.
    exceptions: tuple[str, ...] = ()
    #: What their messages should match.
    raised_texts: tuple[str, ...] = ()


def expected_by(errors: Iterable[ErrorSeen]) -> Expected:
    """What the tests in which these errors were raised expected."""
    constants: dict[object, None] = {}
    exceptions: dict[str, None] = {}
    matches: dict[str, None] = {}
    trees: dict[str, ast.Module | None] = {}
    for error in errors:
        for names in _DID_NOT_RAISE.findall(error.message):
            exceptions.update(dict.fromkeys(name for name in names if name))
        constants.update(dict.fromkeys(_compared(error.message)))
        if error.frames:
            place = error.frames[0]
            if place.file not in trees:
                trees[place.file] = _tree(place.file)
            statement = _statement(trees[place.file], place.line)
            for name, match in _raises(statement):
                exceptions[name] = None
                matches.update({match: None} if match else {})
            if error.type in ("AssertionError", "Failed"):
                constants.update(dict.fromkeys(_constants(statement)))
    texts = [c for c in constants if isinstance(c, str) and len(c) <= _LONGEST]
    numbers = [repr(c) for c in constants if type(c) in (int, float)]
    return Expected(
        texts=tuple(texts[:_MOST]),
        numbers=tuple(dict.fromkeys(numbers))[:_MOST],
        exceptions=tuple(exceptions),
        raised_texts=tuple(matches),
    )


def _compared(message: str) -> Iterator[object]:
    found = _COMPARED.match(message)
    for text in found.groups() if found else ():
        try:
            yield ast.literal_eval(text)
        except (ValueError, SyntaxError):
            continue


def _constants(statement: ast.stmt | None) -> Iterator[object]:
    """Constants on the right of comparisons, and those that assertion methods compare with."""
    for node in ast.walk(statement) if statement is not None else ():
        sides: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            sides = list(node.comparators)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            sides = node.args[:2] if node.func.attr.startswith("assert") else []
        for side in sides:
            if not isinstance(side, ast.Call):
                yield from (n.value for n in ast.walk(side) if isinstance(n, ast.Constant))


def _raises(statement: ast.stmt | None) -> Iterator[tuple[str, str]]:
    """Names and messages of `pytest.raises(…)` and `self.assertRaises(…)`."""
    for node in ast.walk(statement) if statement is not None else ():
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        called = node.func.id if isinstance(node.func, ast.Name) else called
        if called not in ("raises", "assertRaises", "assertRaisesRegex"):
            continue
        named = node.args[0]
        name = named.attr if isinstance(named, ast.Attribute) else getattr(named, "id", "")
        said = [k.value for k in node.keywords if k.arg == "match"]
        said += node.args[1:2] if called == "assertRaisesRegex" else []
        text = said[0].value if said and isinstance(said[0], ast.Constant) else ""
        if name:
            yield name, text if isinstance(text, str) else ""


def _statement(tree: ast.Module | None, line: int) -> ast.stmt | None:
    """The smallest statement of a file that holds a line, with its block for `with`."""
    found: ast.stmt | None = None
    for node in ast.walk(tree) if tree is not None else ():
        if not isinstance(node, ast.stmt) or not node.lineno <= line <= (node.end_lineno or 0):
            continue
        is_block = hasattr(node, "body") and not isinstance(node, (ast.With, ast.AsyncWith))
        if not is_block and not isinstance(found, ast.With):
            found = node
    return found


def _tree(file: str) -> ast.Module | None:
    try:
        return ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
