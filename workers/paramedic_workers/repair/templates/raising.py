"""An exception that should be raised, or another one.

raise KeyError(name)            raise ValueError(name)
ValueError("no name")           raise ValueError("no name")
    total = price * count       if count < 0:
                                    raise ValueError("count must not be negative")
                                total = price * count
except OSError:                 except (OSError, ValueError):

Guards that raise are aimed: at tests that say what should have been raised.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.source import Replacement
from paramedic_workers.repair.templates.atoms import atoms
from paramedic_workers.repair.templates.site import Site, family, quoted

#: Exceptions that are raised in place of one another.
CONFUSED: tuple[tuple[str, ...], ...] = (
    ("ValueError", "TypeError", "KeyError"),
    ("KeyError", "IndexError", "LookupError", "AttributeError"),
    ("RuntimeError", "ValueError", "NotImplementedError"),
    ("OSError", "IOError", "FileNotFoundError", "PermissionError"),
    ("UnicodeDecodeError", "UnicodeError", "UnicodeEncodeError"),
    ("ImportError", "ModuleNotFoundError"),
    ("Exception", "ValueError"),
    ("OverflowError", "ValueError"),
    ("ZeroDivisionError", "ArithmeticError"),
    ("StopIteration", "StopAsyncIteration"),
)


def other_exception(site: Site) -> Iterator[Proposal]:
    """Another type in a `raise`: what the test expects, or what is often taken for it."""
    assert isinstance(site.node, ast.Raise)
    raised = site.node.exc
    if isinstance(raised, ast.Call):
        raised = raised.func
    if not isinstance(raised, ast.Name):
        return
    expected = site.knowledge.expected.exceptions
    near = [name for group in CONFUSED if raised.id in group for name in group]
    for name in dict.fromkeys([*expected, *near]):
        if name != raised.id and _can_be_named(site, name):
            yield from site.replace(raised, name, 1.0 if name in expected else 0.3)


def forgotten_raise(site: Site) -> Iterator[Proposal]:
    """`raise` before an exception that is only made, or returned."""
    statement = site.node
    assert isinstance(statement, (ast.Expr, ast.Return))
    made = statement.value
    named = made.func if isinstance(made, ast.Call) else made
    if not isinstance(named, ast.Name) or not _is_exception(site, named.id):
        return
    start = site.source.span(statement)[0]
    if isinstance(statement, ast.Expr):
        yield Proposal((Replacement(start, start, "raise "),), 1.0, "`raise` added")
    else:
        yield from site.replace_span((start, start + len("return")), "raise")


def guard_that_raises(site: Site) -> Iterator[Proposal]:
    """The exception that the test expects, under a condition, before a statement."""
    assert isinstance(site.node, ast.stmt)
    if not any(True for _ in site.messages("Failed", "AssertionError", "TypeError")):
        return
    types = [n for n in site.knowledge.expected.exceptions if _can_be_named(site, n)]
    parameters = site.scope.parameters
    for kind in types[:2]:
        said = site.knowledge.expected.raised_texts
        for condition, weight in atoms(site, site.node)[:20]:
            about = any(condition.startswith((n, f"not {n}")) for n in parameters)
            message = said[0] if said else f"unexpected: {condition}"
            line = f"raise {kind}({_quoted(message)})"
            share = weight if about else 0.5 * weight
            yield from site.insert_before(site.node, [f"if {condition}:", f"    {line}"], share)


def caught(site: Site) -> Iterator[Proposal]:
    """More, fewer or other types in an `except`."""
    assert isinstance(site.node, ast.Try)
    for handler in site.node.handlers:
        if handler.type is None:
            continue
        tuple_ = isinstance(handler.type, ast.Tuple)
        named = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        texts = [site.text(name) for name in named]
        escaped = [t for t in sorted(site.knowledge.error_types()) if _can_be_named(site, t)]
        near = [n for group in CONFUSED if set(texts) & set(group) for n in group]
        for name in dict.fromkeys([*escaped, *near, "Exception"]):
            if name in texts or name == "AssertionError":
                continue
            weight = 1.0 if name in escaped else 0.3
            yield from _types(site, handler.type, [*texts, name], weight, whole=tuple_)
            yield from _types(site, handler.type, [name], 0.6 * weight, whole=tuple_)
        if len(texts) > 1:
            for dropped in texts:
                rest = [text for text in texts if text != dropped]
                yield from _types(site, handler.type, rest, 0.3, whole=True)


def reraised(site: Site) -> Iterator[Proposal]:
    """`raise` at the end of a handler that swallows, where the test expects an exception."""
    assert isinstance(site.node, ast.Try)
    if not site.knowledge.expected.exceptions:
        return
    for handler in site.node.handlers:
        last = handler.body[-1]
        if isinstance(last, ast.Raise):
            continue
        yield from site.insert_after(last, ["raise"], 0.6)
        if isinstance(last, (ast.Pass, ast.Return, ast.Continue)):
            yield from site.replace_span(site.source.span(last), "raise", 0.8)


def swallowed(site: Site) -> Iterator[Proposal]:
    """A statement that raised, in a `try` with another answer."""
    statement = site.node
    assert isinstance(statement, ast.stmt)
    types = {e.type for e in site.knowledge.errors} - {"AssertionError", "Failed", "NameError"}
    indentation = site.source.indentation(statement)
    if indentation is None or statement.lineno != statement.end_lineno:
        return
    for kind in sorted(types):
        here = any(chance == 1.0 for _, chance in site.messages(kind))
        if not here or not _can_be_named(site, kind):
            continue
        answers = [("return None", 0.5), ("return False", 0.4), ("pass", 0.6)]
        if any(isinstance(a, (ast.For, ast.While)) for a in site.ancestors()):
            answers.append(("continue", 0.8))
        if isinstance(statement, ast.Assign):
            answers.append((f"{site.text(statement.targets[0])} = None", 0.6))
        span = site.lines_of(statement)
        end = site.source.newline
        for answer, weight in answers:
            lines = ["try:", f"    {site.text(statement)}", f"except {kind}:", f"    {answer}"]
            text = "".join(f"{indentation}{line}{end}" for line in lines)
            title = f"{quoted(f'except {kind}: {answer}')} added"
            yield Proposal((Replacement(*span, text),), weight, title)


def _types(
    site: Site, old: ast.expr, names: list[str], weight: float, *, whole: bool
) -> Iterator[Proposal]:
    text = names[0] if len(names) == 1 else f"({', '.join(names)})"
    span = site.source.outer_span(old) if whole else site.source.span(old)
    yield from site.replace_span(span, text, weight)


def _quoted(text: str) -> str:
    return f'"{text}"' if '"' not in text and "\\" not in text else repr(text)


def _is_exception(site: Site, name: str) -> bool:
    kind = getattr(builtins, name, None)
    own = name.endswith(("Error", "Exception")) and name in site.scope.module_names
    return own or (isinstance(kind, type) and issubclass(kind, BaseException))


def _can_be_named(site: Site, name: str) -> bool:
    kind = getattr(builtins, name, None)
    is_builtin = isinstance(kind, type) and issubclass(kind, BaseException)
    return is_builtin or name in site.scope.module_names


_STATEMENTS = (ast.Return, ast.Assign, ast.AugAssign, ast.Expr, ast.For, ast.If)
_SIMPLE = (ast.Return, ast.Assign, ast.AugAssign, ast.Expr)

EXCEPTION = family("raised exception", (ast.Raise,), other_exception)
FORGOTTEN = family("forgotten raise", (ast.Expr, ast.Return), forgotten_raise)
GUARD = family("guard that raises", _STATEMENTS, guard_that_raises)
CAUGHT = family("caught exception", (ast.Try,), caught)
RERAISED = family("caught exception", (ast.Try,), reraised)
SWALLOWED = family("exception swallowed", _SIMPLE, swallowed)
