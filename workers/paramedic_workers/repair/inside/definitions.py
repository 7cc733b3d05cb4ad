"""Gives live modules and classes other values, without importing anything anew.

What stands outside of functions has run once, when its module was imported. Where it
defines names (`PATTERN = re.compile(…)`), gives a function defaults or imports
something, the edited statement can be run again in the live module, and after it what was
made from its names, in every module that has taken them over: `LINE =
re.compile(PATTERN + …)`. A dictionary, list or set keeps its identity and gets the new
content, so that whoever holds it sees it.

That is not all that importing anew would do: what was computed from a name in any other
way stays as it was. So this is a sieve. Who passes it is tried by importing anew.
"""

from __future__ import annotations

import ast
import os
import types
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .changes import MISSING, Changes
from .swap import Edit, LiveFunctions, Swap

#: Statements that follow from one another across modules, at most so many deep.
_DEEPEST = 6
_CONTAINERS = (dict, list, set, OrderedDict, defaultdict)

_DEFINING = (ast.Assign, ast.AnnAssign, ast.AugAssign)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class _Place:
    """Where a statement stands."""

    module: types.ModuleType
    #: Names of the classes around it, outermost first.
    classes: tuple[str, ...] = ()

    def owner(self) -> Any:
        """The live class, or the module."""
        found: Any = self.module
        for name in self.classes:
            found = vars(found).get(name)
            if not isinstance(found, type):
                return None
        return found


@dataclass(frozen=True)
class _Statement:
    """A statement that defines names, or the defaults of a function, when it is run."""

    place: _Place
    node: ast.stmt
    #: Names that it reads: "NAME", "module.NAME".
    reads: frozenset[str]


class Redefinition:
    """One candidate: functions with other code, and statements that are run again."""

    def __init__(self, definitions: Definitions) -> None:
        """Nothing is to be done yet."""
        self._definitions = definitions
        self.functions: Swap = []
        self.statements: list[_Statement] = []

    def apply(self, changes: Changes) -> None:
        """Do it, and all that follows from it; what runs is foreign code."""
        changes.swap(self.functions)
        for statement in self.statements:
            self._definitions.run(statement, changes, 0)


class Definitions:
    """The statements outside of functions in the project's live modules."""

    def __init__(
        self, modules: dict[str, list[types.ModuleType]], functions: LiveFunctions
    ) -> None:
        """Know the modules.

        Args:
            modules: by the absolute path of their file.
            functions: which can be given other code.
        """
        self._modules = modules
        self._functions = functions
        self._statements: dict[str, list[_Statement]] = {}
        #: Names that a module has for another one, by the identities of both.
        self._aliases: dict[tuple[int, int], list[str]] = {}
        for module in self._all_modules():
            for name, value in list(vars(module).items()):
                if type(value) is types.ModuleType:
                    self._aliases.setdefault((id(module), id(value)), []).append(name)

    def redefinition(self, edits: Iterable[Edit], imports: Iterable[tuple[str, str]]) -> Any:
        """What to do for these edits and added imports; None where it cannot be done here.

        Args:
            edits: of functions, and of statements outside of functions.
            imports: path of a module, and the statements to be added to it.

        Raises:
            SyntaxError, ValueError: something does not compile.
        """
        result = Redefinition(self)
        for path, text in imports:
            nodes = ast.parse(text).body
            for module in self._modules.get(path, ()):
                result.statements += [_statement(_Place(module), node) for node in nodes]
        for edit in edits:
            if not self._add(result, edit):
                return None
        return result

    def run(self, statement: _Statement, changes: Changes, depth: int) -> None:
        """Run a statement again, and what follows from it."""
        place = statement.place
        owner = place.owner()
        if owner is None or depth > _DEEPEST:
            return
        if isinstance(statement.node, _FUNCTIONS):
            _give_defaults(statement, owner, changes)
            return
        fresh = _run(statement, owner)
        readers = [reader for name in fresh for reader in self._readers(place, owner, name)]
        for name, value in fresh.items():
            self._assign(place, owner, name, value, changes)
        seen = set()
        for reader in readers:
            is_self = reader.place == place and reader.node.lineno == statement.node.lineno
            if not is_self and id(reader) not in seen:
                seen.add(id(reader))
                self.run(reader, changes, depth + 1)

    # -- making ----------------------------------------------------------------------

    def _add(self, result: Redefinition, edit: Edit) -> bool:
        modules = self._modules.get(edit.unit.path)
        if not modules:
            return False
        node = _at(ast.parse(edit.source()), edit.unit.line)
        if node is None:
            return False
        if isinstance(node, _FUNCTIONS):
            swap = self._functions.swap_for(edit)
            if swap is None:
                return False
            result.functions += swap
        elif not isinstance(node, _DEFINING):
            return False
        for module in modules:
            place = _Place(module, tuple(edit.unit.classes))
            if place.owner() is None:
                return False
            result.statements.append(_statement(place, node))
            # Read now, once: each child would do it for itself.
            for name in _stored(node):
                list(self._readers(place, place.owner(), name))
        return True

    # -- what follows ----------------------------------------------------------------

    def _readers(self, place: _Place, owner: Any, name: str) -> Iterator[_Statement]:
        """Statements that read a name, before it has another value."""
        if place.classes:
            for statement in self._of(place.module):
                if statement.place.classes == place.classes and name in statement.reads:
                    yield statement
            return
        held = vars(owner).get(name, MISSING)
        for module in self._all_modules():
            same = module is owner or vars(module).get(name, None) is held
            aliases = {name} if same else set()
            aliases |= {f"{a}.{name}" for a in self._aliases.get((id(module), id(owner)), ())}
            if aliases:
                for statement in self._of(module):
                    if not aliases.isdisjoint(statement.reads):
                        yield statement

    def _all_modules(self) -> Iterator[types.ModuleType]:
        for modules in self._modules.values():
            yield from modules

    def _of(self, module: types.ModuleType) -> list[_Statement]:
        path = os.path.abspath(module.__file__ or "")  # noqa: PTH100 - many calls, no file access
        key = f"{module.__name__}:{path}"
        if key not in self._statements:
            try:
                with open(path, "rb") as file:  # noqa: PTH123 - many calls
                    tree = ast.parse(file.read())
            except (OSError, SyntaxError, ValueError):
                tree = ast.Module([], [])
            self._statements[key] = list(_defining(_Place(module), tree.body))
        return self._statements[key]

    def _assign(self, place: _Place, owner: Any, name: str, value: Any, changes: Changes) -> None:
        before = vars(owner).get(name, MISSING)
        if value is before:
            return
        if type(before) in _CONTAINERS and type(value) is type(before):
            changes.refill(before, value)
        elif place.classes:
            changes.attribute(owner, name, value)
        else:
            for module in self._all_modules():
                if module is owner or (
                    before is not MISSING and vars(module).get(name, None) is before
                ):
                    changes.item(vars(module), name, value)


def _stored(node: ast.stmt) -> list[str]:
    """Names that a definition assigns to."""
    if isinstance(node, _FUNCTIONS):
        return []
    names = (inner for inner in ast.walk(node) if isinstance(inner, ast.Name))
    return [name.id for name in names if isinstance(name.ctx, ast.Store)]


def _run(statement: _Statement, owner: Any) -> dict[str, Any]:
    """What a statement assigns to names."""
    node = statement.node
    if isinstance(node, ast.AnnAssign):
        # Its annotation may not be there to be looked at.
        values = [node.value] if node.value is not None else []
        module = ast.Module([_plain(node, value) for value in values], [])
    else:
        module = ast.Module([node], [])
    code = compile(module, statement.place.module.__file__ or "", "exec", dont_inherit=True)
    names: dict[str, Any] = dict(vars(owner)) if statement.place.classes else {}
    before = dict(names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(code, vars(statement.place.module), names)
    return {n: v for n, v in names.items() if before.get(n, MISSING) is not v}


def _plain(node: ast.AnnAssign, value: ast.expr) -> ast.stmt:
    """The same assignment without its annotation."""
    return ast.copy_location(ast.Assign([node.target], value), node)


def _give_defaults(statement: _Statement, owner: Any, changes: Changes) -> None:
    """Give a live function the defaults of its edited header."""
    node = statement.node
    assert isinstance(node, _FUNCTIONS)
    live = vars(owner).get(node.name)
    live = getattr(live, "__func__", live)
    if not isinstance(live, types.FunctionType):
        return
    bare = type(node)(
        **{
            **dict(ast.iter_fields(node)),
            "decorator_list": [],
            "body": [ast.copy_location(ast.Pass(), node)],
            "returns": None,
        }
    )
    for argument in ast.walk(bare.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    made = _run(_statement(statement.place, ast.copy_location(bare, node)), owner)[node.name]
    changes.attribute(live, "__defaults__", made.__defaults__)
    changes.attribute(live, "__kwdefaults__", made.__kwdefaults__)


def _defining(place: _Place, body: Iterable[ast.stmt]) -> Iterator[_Statement]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _defining(_Place(place.module, (*place.classes, node.name)), node.body)
        elif isinstance(node, (ast.If, ast.Try, ast.With)):
            inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
            yield from _defining(place, inner)
        elif isinstance(node, _DEFINING) or (
            isinstance(node, _FUNCTIONS) and (node.args.defaults or any(node.args.kw_defaults))
        ):
            yield _statement(place, node)


def _statement(place: _Place, node: ast.stmt) -> _Statement:
    looked_at: ast.AST = node.args if isinstance(node, _FUNCTIONS) else node
    reads = set()
    for inner in ast.walk(looked_at):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load):
            reads.add(inner.id)
        elif isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name):
            reads.add(f"{inner.value.id}.{inner.attr}")
    return _Statement(place, node, frozenset(reads))


def _at(tree: ast.Module, line: int) -> ast.stmt | None:
    """The statement that begins at a line, below the headers of its classes."""
    body: list[ast.stmt] = tree.body
    while len(body) == 1 and isinstance(body[0], (ast.ClassDef, ast.If)) and body[0].lineno < line:
        body = body[0].body
    return body[0] if len(body) == 1 else None
