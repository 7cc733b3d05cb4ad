"""From suspicious lines to candidates, the best first.

A template looks at a statement only when its turn comes: until then the two stand in the
queue with the greatest score that could come of them. So the cost, in time and in memory,
grows with what is tried, not with the size of the functions that the failing tests run.
"""

from __future__ import annotations

import ast
import heapq
import math
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from paramedic_workers.repair.edits import Candidate, Function, Proposal
from paramedic_workers.repair.knowledge import Knowledge
from paramedic_workers.repair.localise import Suspicion
from paramedic_workers.repair.scope import FileNames, Scope
from paramedic_workers.repair.source import (
    NotPython,
    Replacement,
    Source,
    Text,
    header_lines,
    statements_below,
)
from paramedic_workers.repair.templates import Site, Template, all_templates

#: Suspicion of module-level lines relative to the function that uses what they define.
_DEFINITION = 0.6
#: The same for what stands in classes that failing tests do not use.
_UNUSED_CLASS = 0.05
#: Suspicion of defaults and decorators relative to their function.
_HEADER = 0.5
#: Sorts behind the path of every file.
_LAST = "\U0010ffff"
#: Suspicion of a module from which an import is missing.
_MISSING_IMPORT = 2.0


@dataclass(frozen=True, eq=False)
class Area:
    """Statements of one function, or of one module's top level, with their suspicion."""

    source: Source
    function: Function | None
    statements: tuple[tuple[ast.AST, float], ...]

    @property
    def greatest(self) -> float:
        """The suspicion of its most suspicious statement."""
        return max(suspicion for _, suspicion in self.statements)


@dataclass(frozen=True)
class _Turn:
    """One template that will look at one statement."""

    area: Area
    statement: ast.AST
    suspicion: float
    template: Template
    prior: float

    @property
    def bound(self) -> float:
        """The greatest score that could come of it."""
        return self.suspicion * self.prior


@dataclass
class CandidateQueue:
    """All candidates of a search, best first, made when they are needed."""

    suspicion: Suspicion
    knowledge: Knowledge
    root: Path
    templates: tuple[Template, ...] = field(default_factory=all_templates)
    #: Absolute path -> what is looked at in place of the file on disk.
    texts: Mapping[str, str] = field(default_factory=dict)
    #: Factors for templates by name, learned from history.
    priors: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    #: `time.monotonic()` after which no more candidates are made.
    deadline: float = math.inf
    #: Functions that were looked into.
    functions: set[str] = field(default_factory=set)
    _scopes: dict[Area, Scope] = field(default_factory=dict)
    _files: dict[Source, FileNames] = field(default_factory=dict)
    _nodes: dict[ast.AST, dict[type[ast.AST], list[ast.AST]]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Candidate]:
        """The candidates, best first; the same ones in the same order every time."""
        heap: list[tuple[object, int, Candidate | _Turn]] = []
        for number, turn in enumerate(self._turns()):
            # A candidate that scores as much as a turn could bring comes before the turn.
            heap.append(((-turn.bound, _LAST, 0, ""), number, turn))
        count = len(heap)
        heapq.heapify(heap)
        seen: set[tuple[str, tuple[Replacement, ...]]] = set()
        while heap and time.monotonic() < self.deadline:
            _, _, first = heapq.heappop(heap)
            if isinstance(first, Candidate):
                yield first
                continue
            for candidate in self._of(first):
                key = (candidate.source.relative, candidate.parts)
                if key not in seen:
                    seen.add(key)
                    count += 1
                    heapq.heappush(heap, (candidate.order(), count, candidate))

    def _turns(self) -> Iterator[_Turn]:
        """Every template with every statement that has a node of its kind."""
        for area in self.areas:
            for statement, suspicion in area.statements:
                kinds = self._nodes_of(area.source, statement)
                for template in self.templates:
                    if not kinds.keys().isdisjoint(template.looks_at):
                        prior = template.prior * self.priors.get(template.name, 1.0)
                        yield _Turn(area, statement, suspicion, template, prior)

    # -- where -----------------------------------------------------------------------

    @cached_property
    def areas(self) -> list[Area]:
        """Functions and top levels with suspicious statements, the most suspicious first."""
        areas: list[Area] = []
        for file in self.suspicion.files():
            try:
                source = self._source(Path(file))
            except NotPython:
                continue
            areas += self._areas_of(source)
        areas = [area for area in areas if area.statements]
        random.Random(self.seed).shuffle(areas)
        return sorted(areas, key=lambda area: -area.greatest)

    def _source(self, path: Path) -> Source:
        text = self.texts.get(str(path))
        if text is None:
            return Source.read(path, self.root)
        encoding = Text.read(path, self.root).encoding
        return Source(path, path.relative_to(self.root).as_posix(), text, encoding)

    def _areas_of(self, source: Source) -> Iterator[Area]:
        lines = self.suspicion.lines[str(source.path)]
        used: dict[str, float] = {}
        headers: list[tuple[ast.AST, float]] = []
        for function in functions_of(source):
            statements = _suspicious(function.node, lines, self._recency(function))
            if statements:
                area = Area(source, function, tuple(statements))
                yield area
                headers += [(node, area.greatest * _HEADER) for node in _header(function)]
                _note_names(function.node, area.greatest, used)
        yield Area(source, None, tuple(headers + self._top_level(source, lines, used)))

    def _recency(self, function: Function) -> float:
        recent = self.suspicion.recent
        file = str(function.source.path)
        factors = [
            factor
            for (entered, line), factor in recent.items()
            if entered == file and function.line <= line <= function.last_line
        ]
        return max(factors, default=1.0)

    def _top_level(
        self, source: Source, lines: dict[int, float], used: dict[str, float]
    ) -> list[tuple[ast.AST, float]]:
        """Statements outside functions: imports, what suspicious functions use, what raised."""
        found: list[tuple[ast.AST, float]] = []
        if self.knowledge.error_types() & {"NameError", "UnboundLocalError", "TypeError"}:
            found.append((source.tree, _MISSING_IMPORT))
        broken = str(source.path) in self.suspicion.broken_imports
        in_use = self._classes_in_use(source, lines, used)
        for statement, owner in _outside_functions(source.tree):
            factor = _DEFINITION if not owner or owner in in_use else _UNUSED_CLASS
            suspicion = max(
                (factor * used[name] for name in _defined(statement) if name in used),
                default=0.0,
            )
            if broken:
                own = header_lines(statement)
                suspicion = max([suspicion, *(lines.get(line, 0.0) for line in own)])
            if suspicion:
                found.append((statement, suspicion))
        return found

    def _classes_in_use(
        self, source: Source, lines: dict[int, float], used: dict[str, float]
    ) -> set[str]:
        """Classes of which failing tests have objects, run methods or may use the name.

        A file can have a hundred classes with the same attributes, and a test uses one.
        """
        classes = {n.name: n for n in ast.walk(source.tree) if isinstance(n, ast.ClassDef)}
        found = {
            name
            for name, node in classes.items()
            if name in self.knowledge.attributes
            or name in used
            or any(node.lineno <= line <= (node.end_lineno or 0) for line in lines)
        }
        waiting = list(found)
        while waiting:
            for base in classes[waiting.pop()].bases:
                if isinstance(base, ast.Name) and base.id in classes and base.id not in found:
                    found.add(base.id)
                    waiting.append(base.id)
        return found

    # -- what ------------------------------------------------------------------------

    def scope_of(self, area: Area) -> Scope:
        """The names that can be used in an area, and their types."""
        if area not in self._scopes:
            function = area.function
            first, last = (function.line, function.last_line) if function else (0, -1)
            types = self.knowledge.types_in(str(area.source.path), first, last)
            file = self._files.setdefault(area.source, FileNames(area.source))
            self._scopes[area] = Scope(area.source, function, types, file)
        return self._scopes[area]

    def _of(self, turn: _Turn) -> Iterator[Candidate]:
        area, template = turn.area, turn.template
        name = area.function.name if area.function else area.source.relative
        self.functions.add(f"{area.source.relative}:{name}")
        scope = self.scope_of(area)
        kinds = self._nodes_of(area.source, turn.statement)
        for kind in template.looks_at:
            for node in kinds.get(kind, ()):
                for proposal in template.propose(Site(area.source, scope, self.knowledge, node)):
                    yield candidate_from(area, template.name, proposal, turn.bound)

    def _nodes_of(self, source: Source, statement: ast.AST) -> dict[type[ast.AST], list[ast.AST]]:
        if statement not in self._nodes:
            kinds: dict[type[ast.AST], list[ast.AST]] = {}
            for node in own_nodes(source, statement):
                kinds.setdefault(type(node), []).append(node)
            self._nodes[statement] = kinds
        return self._nodes[statement]


def functions_of(source: Source) -> list[Function]:
    """Functions of a file that are not nested in another, in order."""
    return list(_functions_in(source, source.tree.body, ()))


def _functions_in(
    source: Source, body: Iterable[ast.stmt], classes: tuple[str, ...]
) -> Iterator[Function]:
    for statement in body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield Function(source, statement, classes)
        elif isinstance(statement, ast.ClassDef):
            yield from _functions_in(source, statement.body, (*classes, statement.name))
        elif isinstance(statement, (ast.If, ast.Try, ast.With)):
            inner = (
                child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.stmt)
            )
            yield from _functions_in(source, inner, classes)


def _suspicious(
    node: ast.AST, lines: dict[int, float], factor: float
) -> list[tuple[ast.AST, float]]:
    found: list[tuple[ast.AST, float]] = []
    for statement in statements_below(node):
        suspicion = max((lines.get(line, 0.0) for line in header_lines(statement)), default=0.0)
        if suspicion:
            found.append((statement, suspicion * factor))
    return found


def _header(function: Function) -> list[ast.AST]:
    arguments = function.node.args
    defaults = [default for default in arguments.kw_defaults if default is not None]
    return [*arguments.defaults, *defaults, *function.node.decorator_list]


def _note_names(node: ast.AST, suspicion: float, used: dict[str, float]) -> None:
    for inner in ast.walk(node):
        name = inner.id if isinstance(inner, ast.Name) else getattr(inner, "attr", None)
        if isinstance(name, str):
            used[name] = max(suspicion, used.get(name, 0.0))


def _outside_functions(tree: ast.AST, owner: str = "") -> Iterator[tuple[ast.stmt, str]]:
    """Statements outside functions, each with the name of the class that it stands in."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if isinstance(child, ast.stmt):
            yield child, owner
        yield from _outside_functions(
            child, child.name if isinstance(child, ast.ClassDef) else owner
        )


def _defined(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.Assign):
        return [n.id for t in statement.targets for n in ast.walk(t) if isinstance(n, ast.Name)]
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return [statement.target.id]
    return []


def own_nodes(source: Source, node: ast.AST) -> Iterator[ast.AST]:
    """A statement and the expressions of it, without the statements inside it.

    Annotations are left out: they do not change what code does.
    """
    yield node
    if isinstance(node, ast.Module):
        return
    if isinstance(node, ast.JoinedStr):
        for field in source.fields(node):
            yield from own_nodes(source, field)
        return
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(
                child, (ast.stmt, ast.expr_context, ast.ExceptHandler)
            ):
                yield from own_nodes(source, child)


def candidate_from(area: Area, template: str, proposal: Proposal, bound: float) -> Candidate:
    """A candidate that does what is proposed in an area.

    Args:
        area: where.
        template: the name of its family.
        proposal: what.
        bound: suspicion x prior.
    """
    function = area.function
    inside = function is not None and all(function.holds(part) for part in proposal.parts)
    return Candidate(
        source=area.source,
        function=function if inside else None,
        parts=proposal.parts,
        template=template,
        title=proposal.title,
        line=area.source.line_of(proposal.parts[0].start),
        score=bound * proposal.weight,
    )


def may_change_by_path(root: Path, may_change: Callable[[str], bool]) -> Callable[[str], bool]:
    """The project's rule for absolute paths; tests and what configures them never change."""
    answers: dict[str, bool] = {}

    def allowed(file: str) -> bool:
        if file not in answers:
            path = Path(file)
            inside = path.is_relative_to(root)
            answers[file] = (
                inside
                and not is_test(path.relative_to(root))
                and may_change(path.relative_to(root).as_posix())
            )
        return answers[file]

    return allowed


def is_test(relative: Path) -> bool:
    """Whether a file is a test or belongs to tests."""
    name = relative.name
    return (
        name.startswith("test_")
        or name.endswith("_test.py")
        or name in ("conftest.py", "setup.py", "noxfile.py")
        or any(part in ("tests", "test") for part in relative.parts[:-1])
    )
