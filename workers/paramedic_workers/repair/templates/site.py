"""What a template sees of one place in the source, and how it says what it would do."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from paramedic_workers.repair.edits import Proposal
from paramedic_workers.repair.knowledge import Knowledge, plain_types
from paramedic_workers.repair.scope import Scope
from paramedic_workers.repair.source import Replacement, Source, header_lines
from paramedic_workers.repair.templates.priors import PRIORS

#: Types that templates reason about.
NUMBERS = frozenset({"int", "float", "bool", "complex", "Decimal", "Fraction"})
SEQUENCES = frozenset({"list", "tuple", "str", "bytes", "range", "deque"})
SIZED = SEQUENCES | {"set", "dict", "frozenset", "Counter", "defaultdict", "OrderedDict"}

_LONGEST_IN_TITLE = 40
#: Characters that an expression in an f-string must not bring in, before Python 3.12.
_FOREIGN_IN_TEXT = frozenset("'\"\\#{")


@dataclass(frozen=True)
class Site:
    """One node, with what is known around it."""

    source: Source
    scope: Scope
    knowledge: Knowledge
    node: ast.AST

    # -- looking ---------------------------------------------------------------------

    def text(self, node: ast.AST | None = None) -> str:
        """The source of a node; of the site's own where none is named."""
        return self.source.of(node or self.node)

    @property
    def parent(self) -> ast.AST | None:
        """The node's parent."""
        return self.source.parents.get(self.node)

    def ancestors(self) -> Iterator[ast.AST]:
        """The nodes around this one, innermost first."""
        current = self.parent
        while current is not None:
            yield current
            current = self.source.parents.get(current)

    def names(self) -> list[str]:
        """Local names that can be used here."""
        return self.scope.visible_at(self.node)

    def types_of(self, node: ast.AST) -> frozenset[str]:
        """Plain type names of an expression as far as they can be told; else empty."""
        if isinstance(node, ast.Name):
            return plain_types(self.scope.types.get(node.id, ()))
        if isinstance(node, ast.Attribute):
            return self._types_of_attribute(node)
        return _types_of_form(node, self.types_of)

    def _types_of_attribute(self, node: ast.Attribute) -> frozenset[str]:
        owners = self.types_of(node.value)
        found = {self.knowledge.attributes.get(owner, {}).get(node.attr) for owner in owners}
        return plain_types(name for name in found if name)

    def statement(self) -> ast.stmt | None:
        """The innermost statement around this node, or the node itself."""
        if isinstance(self.node, ast.stmt):
            return self.node
        return next((a for a in self.ancestors() if isinstance(a, ast.stmt)), None)

    @property
    def is_value(self) -> bool:
        """Whether the node is an expression used for its value alone: not called or looked into."""
        node, parent = self.node, self.parent
        if not isinstance(node, ast.expr) or not _is_loaded(node):
            return False
        if isinstance(parent, ast.Call):
            return node is not parent.func
        if isinstance(parent, (ast.Attribute, ast.Expr, ast.JoinedStr)):
            return False
        return not (isinstance(parent, ast.Subscript) and node is parent.value)

    def fit(self, one: ast.AST, other: ast.AST) -> float:
        """How well the second expression suits the place of the first, by their types."""
        return likely_instead(self.types_of(one), self.types_of(other))

    def siblings(self) -> tuple[list[ast.stmt], int]:
        """The statements of the block around a statement, and its place among them."""
        for name in ("body", "orelse", "finalbody"):
            block = getattr(self.parent, name, None)
            if isinstance(block, list) and self.node in block:
                return block, block.index(self.node)
        return [], 0

    def messages(self, *types: str) -> Iterator[tuple[str, float]]:
        """Messages of the errors of these types, with the chance that this place is meant.

        It is 1 for errors that were raised at this statement, and less for others.
        """
        statement = self.statement()
        lines = header_lines(statement) if statement is not None else range(0)
        file = str(self.source.path)
        chances: dict[str, float] = {}
        for error in self.knowledge.errors:
            if error.type in types:
                here = any(p.file == file and p.line in lines for p in error.frames)
                chance = 1.0 if here or not error.frames else 0.4
                chances[error.message] = max(chance, chances.get(error.message, 0.0))
        yield from chances.items()

    # -- proposing -------------------------------------------------------------------

    def replace(self, node: ast.AST, text: str, weight: float = 1.0) -> Iterator[Proposal]:
        """Put an expression in place of a node; nothing where that changes nothing."""
        part = self.source.replace(node, text)
        if part is not None and not (_FOREIGN_IN_TEXT & set(text) and self._is_in_text(node)):
            title = f"{quoted(text)} in place of {quoted(self.text(node))}"
            yield Proposal((_shortest(part, self.text(node)),), weight, title)

    def _is_in_text(self, node: ast.AST) -> bool:
        """Whether a node stands in an f-string, which must not be cut short."""
        parents = self.source.parents
        current: ast.AST | None = node
        while isinstance(current, ast.expr):
            current = parents.get(current)
        return isinstance(current, ast.FormattedValue)

    def replace_span(
        self, span: tuple[int, int], text: str, weight: float = 1.0
    ) -> Iterator[Proposal]:
        """Put a text in place of a stretch of the source."""
        before = self.source.text[span[0] : span[1]]
        if before != text:
            title = f"{quoted(text)} in place of {quoted(before)}"
            yield Proposal((Replacement(*span, text),), weight, title)

    def swap(self, one: ast.AST, other: ast.AST, weight: float = 1.0) -> Iterator[Proposal]:
        """Exchange two expressions."""
        first = self.source.replace(one, self._whole(other), whole=True)
        second = self.source.replace(other, self._whole(one), whole=True)
        if first is not None and second is not None:
            title = f"{quoted(self.text(one))} and {quoted(self.text(other))} exchanged"
            yield Proposal((first, second), weight, title)

    def _whole(self, node: ast.AST) -> str:
        """The source of a node with its own parentheses."""
        return self.source.text[slice(*self.source.outer_span(node))]

    def insert_before(
        self, statement: ast.stmt, lines: list[str], weight: float = 1.0
    ) -> Iterator[Proposal]:
        """Insert lines, indented like the statement, before it."""
        indentation = self.source.indentation(statement)
        if indentation is None or _is_elif(self.source, statement):
            return
        start = self.source.line_start(first_line(statement))
        text = self._block(indentation, lines)
        yield Proposal((Replacement(start, start, text),), weight, f"{quoted(lines[0])} added")

    def insert_after(
        self, statement: ast.stmt, lines: list[str], weight: float = 1.0
    ) -> Iterator[Proposal]:
        """Insert lines, indented like the statement, after it."""
        indentation = self.source.indentation(statement)
        if indentation is None or _is_elif(self.source, statement):
            return
        place = self.source.line_end(statement.end_lineno or statement.lineno)
        text = self._block(indentation, lines)
        if not self.source.text[:place].endswith(("\n", "\r")):
            end = self.source.newline
            text = f"{end}{text.removesuffix(end)}"
        yield Proposal((Replacement(place, place, text),), weight, f"{quoted(lines[0])} added")

    def put_under(
        self, statement: ast.stmt, header: str, weight: float = 1.0
    ) -> Iterator[Proposal]:
        """Put a statement of one line into a block of its own."""
        indentation = self.source.indentation(statement)
        if indentation is None or not is_one_line(statement) or _is_elif(self.source, statement):
            return
        start = self.source.line_start(statement.lineno)
        step = "\t" if indentation.startswith("\t") else "    "
        text = f"{indentation}{header}{self.source.newline}{step}"
        yield Proposal((Replacement(start, start, text),), weight, f"{quoted(header)} added")

    def drop_lines(self, statement: ast.stmt, weight: float = 1.0) -> Iterator[Proposal]:
        """Take the whole lines of a statement away."""
        start = self.source.line_start(first_line(statement))
        end = self.source.line_end(statement.end_lineno or statement.lineno)
        title = f"{quoted(self.text(statement))} dropped"
        yield Proposal((Replacement(start, end, ""),), weight, title)

    def lines_of(self, *statements: ast.stmt) -> tuple[int, int]:
        """The span of the whole lines from the first to the last of these statements."""
        last = statements[-1]
        start = self.source.line_start(first_line(statements[0]))
        return start, self.source.line_end(last.end_lineno or last.lineno)

    def _block(self, indentation: str, lines: list[str]) -> str:
        end = self.source.newline
        tabbed = indentation.startswith("\t")
        shown = (line.replace("    ", "\t") if tabbed else line for line in lines)
        return "".join(f"{indentation}{line}{end}" for line in shown)


@dataclass(frozen=True)
class Template:
    """One family of edits."""

    name: str
    #: How likely a fix is of this family, relative to the others; above 0 to 1.
    prior: float
    #: The kinds of node it looks at.
    looks_at: tuple[type[ast.AST], ...]
    #: What it would do at one of them.
    propose: Callable[[Site], Iterator[Proposal]]


def family(
    name: str,
    looks_at: tuple[type[ast.AST], ...],
    propose: Callable[[Site], Iterator[Proposal]],
) -> Template:
    """A template of Paramedic's own: its prior stands with the others in `priors`."""
    return Template(name, PRIORS[name], looks_at, propose)


def quoted(text: str) -> str:
    """Code for a title: one line, not too long."""
    line = " ".join(text.split())
    if len(line) > _LONGEST_IN_TITLE:
        line = f"{line[: _LONGEST_IN_TITLE - 1]}…"
    return f"`{line}`"


def first_line(statement: ast.stmt) -> int:
    """The line of a statement's first decorator, or its own."""
    decorators = getattr(statement, "decorator_list", [])
    lines: list[int] = [statement.lineno, *(decorator.lineno for decorator in decorators)]
    return min(lines)


def likely_instead(own: frozenset[str], other: frozenset[str]) -> float:
    """How likely a value of the other types is meant where one of its own types stands."""
    if not own or not other:
        return 0.5
    if own & other:
        return 1.0
    for related, chance in ((NUMBERS - {"bool"}, 0.8), (SEQUENCES | {"set"}, 0.3)):
        if own & related and other & related:
            return chance
    return 0.15


def is_one_line(statement: ast.stmt) -> bool:
    """Whether a statement is simple and stands on one line."""
    return statement.lineno == statement.end_lineno and not hasattr(statement, "body")


def _shortest(part: Replacement, before: str) -> Replacement:
    """The same edit as an insertion, where it only adds something behind what is there."""
    if part.text.startswith(before):
        return Replacement(part.end, part.end, part.text[len(before) :])
    return part


def _is_loaded(node: ast.AST) -> bool:
    return isinstance(getattr(node, "ctx", ast.Load()), ast.Load)


def _is_elif(source: Source, statement: ast.stmt) -> bool:
    start = source.span(statement)[0]
    return isinstance(statement, ast.If) and source.text.startswith("elif", start)


_BY_CALL = {
    "len": "int",
    "sum": "int",
    "ord": "int",
    "int": "int",
    "round": "int",
    "abs": "int",
    "float": "float",
    "str": "str",
    "sorted": "list",
    "list": "list",
    "set": "set",
    "dict": "dict",
    "tuple": "tuple",
    "range": "range",
    "isinstance": "bool",
    "any": "bool",
    "all": "bool",
    "bool": "bool",
}

_BY_FORM: dict[type[ast.AST], str] = {
    ast.List: "list",
    ast.ListComp: "list",
    ast.Dict: "dict",
    ast.DictComp: "dict",
    ast.Set: "set",
    ast.SetComp: "set",
    ast.Tuple: "tuple",
    ast.JoinedStr: "str",
    ast.Compare: "bool",
    ast.GeneratorExp: "generator",
}


def _types_of_form(node: ast.AST, types_of: Callable[[ast.AST], frozenset[str]]) -> frozenset[str]:
    if isinstance(node, ast.Constant):
        return frozenset({type(node.value).__name__})
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        kind = _BY_CALL.get(node.func.id)
        return frozenset({kind}) if kind else frozenset()
    if isinstance(node, ast.BinOp):
        return types_of(node.left) or types_of(node.right)
    if isinstance(node, ast.UnaryOp):
        return frozenset({"bool"}) if isinstance(node.op, ast.Not) else types_of(node.operand)
    kind = _BY_FORM.get(type(node))
    return frozenset({kind}) if kind else frozenset()
