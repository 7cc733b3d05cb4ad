"""Which names can be used where in a function, and what is known of their types."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from paramedic_workers.repair.edits import Function
from paramedic_workers.repair.source import Source


@dataclass(frozen=True)
class FileNames:
    """Names and texts of a whole file; all scopes of the file share it."""

    source: Source
    #: What was worked out for one of its texts: for the templates, which see many scopes.
    near: dict[str, list[tuple[str, float]]] = field(default_factory=dict, compare=False)

    @cached_property
    def module_names(self) -> dict[str, str]:
        """Names of the module's top level: `function`, `class`, `module` or `value`."""
        return dict(_module_bindings(self.source.tree))

    @cached_property
    def texts(self) -> list[str]:
        """Texts that are written in the file, each once, in order."""
        found = (n.value for n in ast.walk(self.source.tree) if isinstance(n, ast.Constant))
        return list(dict.fromkeys(value for value in found if isinstance(value, str)))

    @cached_property
    def attributes(self) -> list[str]:
        """Names of attributes that the file uses, each once, in order."""
        found = (n.attr for n in ast.walk(self.source.tree) if isinstance(n, ast.Attribute))
        return list(dict.fromkeys(found))

    @cached_property
    def functions(self) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
        """Functions and methods of the file by name; a class stands for its `__init__`."""
        found: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}
        for node in ast.walk(self.source.tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found.setdefault(node.name, node)
            elif isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, ast.FunctionDef) and inner.name == "__init__":
                        found.setdefault(node.name, inner)
        return found

    @cached_property
    def called_names(self) -> frozenset[str]:
        """Bare names that the file calls somewhere."""
        calls = (n.func for n in ast.walk(self.source.tree) if isinstance(n, ast.Call))
        return frozenset(called.id for called in calls if isinstance(called, ast.Name))

    @cached_property
    def keywords(self) -> list[str]:
        """Names of keyword arguments and parameters in the file, each once, in order."""
        found = (n.arg for n in ast.walk(self.source.tree) if isinstance(n, (ast.keyword, ast.arg)))
        return list(dict.fromkeys(name for name in found if name))


@dataclass(frozen=True)
class Scope:
    """The names of one function, or of a module's top level."""

    source: Source
    function: Function | None
    #: Types of its variables, as far as they were seen.
    types: dict[str, frozenset[str]]
    #: Of its file, where other scopes of it know it already.
    shared: FileNames | None = None

    @cached_property
    def local_names(self) -> dict[str, int]:
        """Parameters and assigned names with the line from which on they exist."""
        if self.function is None:
            return {}
        found: dict[str, int] = {}
        for node in ast.walk(self.function.node):
            for name, line in _bindings(node):
                found[name] = min(line, found.get(name, line))
        for name in self._comprehension_names:
            found.pop(name, None)
        return found

    @cached_property
    def _comprehension_names(self) -> frozenset[str]:
        """Names that exist only inside a comprehension."""
        assert self.function is not None
        inside: dict[str, int] = {}
        everywhere: dict[str, int] = {}
        for node in ast.walk(self.function.node):
            if isinstance(node, ast.comprehension):
                for name in _stored(node.target):
                    inside[name] = inside.get(name, 0) + 1
            for name, _ in _bindings(node):
                everywhere[name] = everywhere.get(name, 0) + 1
        return frozenset(name for name, count in inside.items() if everywhere.get(name) == count)

    @cached_property
    def file(self) -> FileNames:
        """What the whole file has."""
        return self.shared or FileNames(self.source)

    @property
    def module_names(self) -> dict[str, str]:
        """Names of the module's top level: `function`, `class`, `module` or `value`."""
        return self.file.module_names

    @property
    def texts(self) -> list[str]:
        """Texts that are written in the file, each once, in order."""
        return self.file.texts

    @property
    def attributes(self) -> list[str]:
        """Names of attributes that the file uses, each once, in order."""
        return self.file.attributes

    @property
    def functions(self) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
        """Functions and methods of the file by name; a class stands for its `__init__`."""
        return self.file.functions

    @property
    def called_names(self) -> frozenset[str]:
        """Bare names that the file calls somewhere."""
        return self.file.called_names

    @property
    def keywords(self) -> list[str]:
        """Names of keyword arguments and parameters in the file, each once, in order."""
        return self.file.keywords

    @cached_property
    def numbers(self) -> list[str]:
        """Numbers that are written in the function, each once, in order."""
        tree: ast.AST = self.function.node if self.function else self.source.tree
        found = (n.value for n in ast.walk(tree) if isinstance(n, ast.Constant))
        return list(dict.fromkeys(repr(value) for value in found if type(value) in (int, float)))

    @cached_property
    def expressions(self) -> list[ast.expr]:
        """Calls, elements and attributes that the function reads, each text once."""
        if self.function is None:
            return []
        found: dict[str, ast.expr] = {}
        for node in ast.walk(self.function.node):
            if isinstance(node, (ast.Call, ast.Subscript, ast.Attribute)) and is_read(
                node, self.source.parents.get(node)
            ):
                found.setdefault(self.source.of(node), node)
        return list(found.values())

    @cached_property
    def own_texts(self) -> list[str]:
        """Texts that are written in the function, each once, in order; no docstrings."""
        tree: ast.AST = self.function.node if self.function else self.source.tree
        return list(
            dict.fromkeys(
                node.value
                for node in ast.walk(tree)
                if isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and not isinstance(self.source.parents.get(node), ast.Expr)
            )
        )

    @cached_property
    def comparisons(self) -> list[str]:
        """Comparisons that the function makes, each once, in order."""
        tree: ast.AST = self.function.node if self.function else self.source.tree
        found = (self.source.of(n) for n in ast.walk(tree) if isinstance(n, ast.Compare))
        return list(dict.fromkeys(text for text in found if "\n" not in text))

    @cached_property
    def visible_functions(self) -> frozenset[str]:
        """Names of functions that can be called by their bare name: module's and nested ones."""
        own = self.function.node if self.function else self.source.tree
        nested = (n.name for n in ast.walk(own) if isinstance(n, ast.FunctionDef))
        of_module = (n for n, kind in self.module_names.items() if kind == "function")
        return frozenset({*nested, *of_module})

    @cached_property
    def unused_names(self) -> frozenset[str]:
        """Local names that nothing reads: what a fix is likely to use."""
        if self.function is None:
            return frozenset()
        read = {
            n.id
            for n in ast.walk(self.function.node)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
        }
        return frozenset(n for n in self.local_names if n not in read and n not in ("self", "cls"))

    @cached_property
    def parameters(self) -> list[str]:
        """Names of the function's parameters, in order."""
        if self.function is None:
            return []
        return [argument.arg for argument in _arguments(self.function.node.args)]

    def visible_at(self, node: ast.AST) -> list[str]:
        """Local names that exist where a node stands, in the order of their first lines."""
        line = getattr(node, "lineno", 0)
        # In a loop, a name may be assigned below the line that uses it.
        latest = self._loop_end(node) or line
        names = [
            name
            for name, first in self.local_names.items()
            if first < line or (first <= latest and latest > line) or name in self.parameters
        ]
        return list(dict.fromkeys([*names, *self._names_of_comprehensions_around(node)]))

    def _loop_end(self, node: ast.AST) -> int | None:
        current = self.source.parents.get(node)
        end = None
        while current is not None and not isinstance(current, ast.FunctionDef):
            if isinstance(current, (ast.For, ast.While)):
                end = current.end_lineno
            current = self.source.parents.get(current)
        return end

    def _names_of_comprehensions_around(self, node: ast.AST) -> Iterator[str]:
        current: ast.AST | None = node
        while current is not None and not isinstance(current, ast.stmt):
            for generator in getattr(current, "generators", ()):
                yield from _stored(generator.target)
            if isinstance(current, ast.Lambda):
                yield from (argument.arg for argument in _arguments(current.args))
            current = self.source.parents.get(current)


def is_read(node: ast.AST, parent: ast.AST | None) -> bool:
    """Whether an expression is read for its value: not stored, deleted or called."""
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return False
    return not (isinstance(parent, ast.Call) and node is parent.func)


def _arguments(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from arguments.posonlyargs
    yield from arguments.args
    if arguments.vararg:
        yield arguments.vararg
    yield from arguments.kwonlyargs
    if arguments.kwarg:
        yield arguments.kwarg


def _bindings(node: ast.AST) -> Iterator[tuple[str, int]]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id, node.lineno
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        for argument in _arguments(node.args):
            yield argument.arg, argument.lineno
        for inner in getattr(node, "body", ()) if not isinstance(node, ast.Lambda) else ():
            if isinstance(inner, (ast.FunctionDef, ast.ClassDef)):
                yield inner.name, inner.lineno
    elif isinstance(node, ast.ExceptHandler) and node.name:
        yield node.name, node.lineno


def _stored(target: ast.AST) -> Iterator[str]:
    for node in ast.walk(target):
        if isinstance(node, ast.Name):
            yield node.id


def _module_bindings(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for statement in ast.walk(tree):
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            for alias in statement.names:
                kind = "module" if isinstance(statement, ast.Import) else "value"
                yield (alias.asname or alias.name).partition(".")[0], kind
    for statement in tree.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield statement.name, "function"
        elif isinstance(statement, ast.ClassDef):
            yield statement.name, "class"
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for target in targets:
                for name in _stored(target):
                    yield name, "value"
