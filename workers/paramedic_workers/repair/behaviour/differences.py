"""Which functions to watch to see versions of a file behave differently.

A function that is in all versions, with the same parameters, and differs is watched
itself. Where something else differs (a constant, a class attribute, a function that only
some versions have, or one with other parameters), the functions that mention its name
are watched.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def watched(texts: Sequence[str]) -> list[str]:
    """Qualified names of the functions to watch, in order; none where that is not known.

    Raises:
        SyntaxError, ValueError: a text does not parse.
    """
    versions = [_Version(ast.parse(text)) for text in texts]
    first = versions[0].functions
    names: set[str] = set()
    unsettled: set[str] = set()
    for name in {name for version in versions for name in version.functions}:
        nodes = [version.functions.get(name) for version in versions]
        if len({_code(node) for node in nodes}) == 1:
            continue
        if len({_parameters(node) for node in nodes}) == 1:
            names.add(name)
        else:
            unsettled.add(name.rpartition(".")[2])
    unsettled |= _names_bound_differently(versions)
    names |= _users(unsettled, versions)
    return [name for name in first if name in names]


@dataclass
class _Version:
    """One version of a file."""

    tree: ast.Module

    @cached_property
    def functions(self) -> dict[str, _Function]:
        """Functions that are not nested in another, by qualified name, in order."""
        return dict(_functions_in(self.tree, ""))

    @cached_property
    def rest(self) -> dict[str, frozenset[str]]:
        """Statements outside functions, as text, with the names that they bind."""
        return {ast.dump(node): frozenset(_bound(node)) for node in _outside(self.tree)}


def _functions_in(node: ast.AST, prefix: str) -> Iterator[tuple[str, _Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _Function):
            yield f"{prefix}{child.name}", child
        elif isinstance(child, ast.ClassDef):
            yield from _functions_in(child, f"{prefix}{child.name}.")
        elif isinstance(child, (ast.stmt, ast.ExceptHandler)):
            yield from _functions_in(child, prefix)


def _outside(node: ast.AST) -> Iterator[ast.stmt]:
    """Simple statements that are not in a function; of a class also its header."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _Function) or _is_text(child):
            continue
        if isinstance(child, ast.ClassDef):
            yield ast.ClassDef(
                name=child.name,
                bases=child.bases,
                keywords=child.keywords,
                body=[],
                decorator_list=child.decorator_list,
            )
        if isinstance(child, ast.stmt) and not hasattr(child, "body"):
            yield child
        else:
            yield from _outside(child)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _bound(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.ClassDef):
        yield statement.name
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]


def _names_bound_differently(versions: Sequence[_Version]) -> set[str]:
    everywhere = set.intersection(*(set(version.rest) for version in versions))
    return {
        name
        for version in versions
        for text, names in version.rest.items()
        if text not in everywhere
        for name in names
    }


def _users(names: set[str], versions: Sequence[_Version]) -> set[str]:
    """Functions that mention one of these names and that all versions have alike to call."""
    first, *others = (version.functions for version in versions)
    found: set[str] = set()
    for name, node in first.items():
        same = all(_parameters(functions.get(name)) == _parameters(node) for functions in others)
        if same and any(not names.isdisjoint(_mentions([f.get(name)])) for f in (first, *others)):
            found.add(name)
    return found


def _mentions(nodes: Iterable[ast.AST | None]) -> set[str]:
    inner = [found for node in nodes if node is not None for found in ast.walk(node)]
    named = {node.id for node in inner if isinstance(node, ast.Name)}
    return named | {node.attr for node in inner if isinstance(node, ast.Attribute)}


def _code(node: _Function | None) -> str:
    """What a function does, its documentation left out."""
    if node is None:
        return ""
    body = node.body[1:] if _is_text(node.body[0]) else node.body
    return "".join(map(ast.dump, (node.args, *node.decorator_list, *body)))


def _parameters(node: _Function | None) -> str:
    """How a function can be called, defaults left out; empty for no function."""
    if node is None:
        return ""
    given = node.args
    groups = (given.posonlyargs, given.args, [given.vararg], given.kwonlyargs, [given.kwarg])
    names = [[argument.arg if argument else "" for argument in group] for group in groups]
    return f"{type(node).__name__}{names}"


def changed_paths(versions: Sequence[Mapping[str, str]]) -> list[str]:
    """Paths whose text is not the same in all versions."""
    return [path for path in versions[0] if len({version[path] for version in versions}) > 1]
