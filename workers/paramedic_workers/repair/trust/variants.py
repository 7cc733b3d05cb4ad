"""Small changes of an edit, as if its author had slipped once more.

    if not items:            the edit
    if items:                variants of it
    if not self:

They are made by the same templates as edits are, from the edited source, and tried like
them. What they tell is in `pinning`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from paramedic_workers.repair.candidates import functions_of, own_nodes
from paramedic_workers.repair.edits import Candidate, Function
from paramedic_workers.repair.knowledge import Knowledge
from paramedic_workers.repair.normal_form import normal_form
from paramedic_workers.repair.scope import Scope
from paramedic_workers.repair.source import NotPython, Replacement, Source, statements_below
from paramedic_workers.repair.templates import TEMPLATES, Proposal, Site, Template

#: Slips: what somebody could have written by mistake in place of what stands there. Families
#: that follow an error message, or add statements, make no variants of what is there.
_SLIPS = frozenset(
    {
        *("comparison operator", "arithmetic operator", "augmented assignment", "sign"),
        *("and/or", "`not` dropped", "condition negated", "none check", "truth value"),
        *("off by one", "number", "index", "slice", "text", "range", "loop control"),
        *("other name", "other attribute", "other builtin", "other function"),
        *("confused method", "arguments swapped", "operands swapped", "branches swapped"),
        *("call added", "call dropped", "operand dropped", "argument dropped"),
        *("element dropped", "filter dropped", "returned value", "statement dropped"),
    }
)


def _settled(site: Site) -> Iterator[Proposal]:
    """A condition, or an operand of one, that always holds or never does."""
    node = site.node
    conditions = node.values if isinstance(node, ast.BoolOp) else [getattr(node, "test", None)]
    for condition in conditions:
        if isinstance(condition, ast.expr):
            yield from site.replace(condition, "True")
            yield from site.replace(condition, "False")


#: A branch that is always, or never, taken: no edit that anybody would propose, but what
#: tests that pin a condition refuse first of all.
_SETTLED = Template("condition settled", 1.0, (ast.If, ast.While, ast.IfExp, ast.BoolOp), _settled)
_TEMPLATES = (_SETTLED, *(template for template in TEMPLATES if template.name in _SLIPS))


@dataclass(frozen=True)
class Variants:
    """What could stand in place of an edit, the likeliest slips first."""

    #: Changes of what the edit has written.
    inside: Sequence[Candidate] = ()
    #: Changes of the rest of its statement.
    around: Sequence[Candidate] = ()


def variants(candidate: Candidate, knowledge: Knowledge, inside: int, around: int) -> Variants:
    """The variants of an edit of one function; none where it changes more than that.

    Args:
        candidate: the edit.
        knowledge: what the runs have shown.
        inside: variants at most of what the edit has written.
        around: the same of the rest of its statement.
    """
    function = candidate.function
    edited = _edited(candidate, function) if function else None
    if function is None or edited is None:
        return Variants()
    return _Maker(candidate, function, edited, knowledge).make(inside, around)


def _edited(candidate: Candidate, function: Function) -> Function | None:
    """The function after the edit."""
    source = function.source
    try:
        new = Source(source.path, source.relative, candidate.text(), source.encoding)
    except NotPython:
        return None
    found = (f for f in functions_of(new) if f.name == function.name and f.line == function.line)
    return next(found, None)


@dataclass(frozen=True)
class _Maker:
    """Makes the variants of one edit."""

    candidate: Candidate
    #: The function before and after the edit.
    function: Function
    edited: Function
    knowledge: Knowledge

    def make(self, most_inside: int, most_around: int) -> Variants:
        """The variants of all stretches of the edit, each once, those inside it first."""
        types = self.knowledge.types_in(
            str(self.function.source.path), self.function.line, self.function.last_line
        )
        scope = Scope(self.edited.source, self.edited, types)
        nodes = [node for node in ast.walk(self.edited.node) if hasattr(node, "lineno")]
        inside: dict[ast.AST, None] = {}
        around: dict[ast.AST, None] = {}
        for start, end in _stretches(self.candidate):
            holding = _holding(self.edited.source, nodes, start, end)
            if not holding:
                continue
            inside |= dict.fromkeys(_below(self.edited.source, holding[-1]))
            statement = next((n for n in reversed(holding) if isinstance(n, ast.stmt)), None)
            if statement is not None and statement is not self.edited.node:
                around |= dict.fromkeys(own_nodes(self.edited.source, statement))
        seen = {normal_form(self.function.node), normal_form(self.edited.node)}
        outside = [node for node in around if node not in inside]
        return Variants(
            inside=tuple(islice(self._of(inside, scope, seen), most_inside)),
            around=tuple(islice(self._of(outside, scope, seen), most_around)),
        )

    def _of(self, nodes: Iterable[ast.AST], scope: Scope, seen: set[str]) -> Iterator[Candidate]:
        found: list[tuple[float, str, Proposal]] = []
        for template in _TEMPLATES:
            for node in nodes:
                if type(node) in template.looks_at:
                    site = Site(self.edited.source, scope, self.knowledge, node)
                    found += [
                        (template.prior * proposal.weight, template.name, proposal)
                        for proposal in template.propose(site)
                    ]
        for score, name, proposal in sorted(found, key=lambda one: (-one[0], one[2].parts)):
            variant = self._variant(score, name, proposal)
            if variant is None:
                continue
            meaning = self._meaning_of(variant)
            if meaning and meaning not in seen:
                seen.add(meaning)
                yield variant

    def _variant(self, score: float, name: str, proposal: Proposal) -> Candidate | None:
        """The edit and the proposal together, as an edit of the original."""
        function = self.function
        if not all(self.edited.holds(part) for part in proposal.parts):
            return None
        text = self.edited.source.apply(proposal.parts)
        behind = len(function.source.text) - function.end
        part = _difference(function, text[function.start : len(text) - behind])
        if part is None or not function.holds(part):
            return None
        return Candidate(
            source=function.source,
            function=function,
            parts=(part,),
            template=name,
            title=proposal.title,
            line=self.candidate.line,
            score=score,
        )

    def _meaning_of(self, variant: Candidate) -> str:
        """The same text for variants that are the same code; none for what does not parse."""
        function, part = self.function, variant.parts[0]
        text = function.source.text
        edited = f"{text[function.start : part.start]}{part.text}{text[part.end : function.end]}"
        try:
            tree = ast.parse(f"{function.prefix()}{edited}")
        except (SyntaxError, ValueError, RecursionError):
            return ""
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        found = (node for node in ast.walk(tree) if isinstance(node, kinds))
        return next((normal_form(node) for node in found), "")


def _stretches(candidate: Candidate) -> Iterator[tuple[int, int]]:
    """Where the edit's texts stand in the edited source, without white space around them."""
    moved = 0
    for part in sorted(candidate.parts):
        start = part.start + moved
        moved += len(part.text) - (part.end - part.start)
        leading = len(part.text) - len(part.text.lstrip())
        yield start + leading, start + max(leading, len(part.text.rstrip()))


def _holding(source: Source, nodes: Sequence[ast.AST], start: int, end: int) -> list[ast.AST]:
    """The nodes that hold these characters, the smallest last."""
    spans = ((source.span(node), node) for node in nodes)
    found = [
        (last - first, n, node)
        for n, ((first, last), node) in enumerate(spans)
        if first <= start and end <= last
    ]
    return [node for _, _, node in sorted(found, key=lambda one: (-one[0], one[1]))]


def _below(source: Source, node: ast.AST) -> Iterator[ast.AST]:
    """A node with all that belongs to it, the statements inside it too."""
    yield from own_nodes(source, node)
    for statement in statements_below(node):
        yield from own_nodes(source, statement)


def _difference(function: Function, new: str) -> Replacement | None:
    """The one stretch in which the function's text differs from another."""
    old = function.text()
    if old == new:
        return None
    least = min(len(old), len(new))
    start = next((n for n in range(least) if old[n] != new[n]), least)
    rest = range(1, least - start + 1)
    end = next((n - 1 for n in rest if old[-n] != new[-n]), least - start)
    begin = function.start + start
    return Replacement(begin, function.start + len(old) - end, new[start : len(new) - end])
