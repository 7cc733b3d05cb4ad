"""Expressions put together anew, in place of those in suspicious statements.

    return width + height            return 2 * (width + height)
    if size > limit:                 if len(items) > limit:

For each statement, expressions are built from what can be read there: names, attributes,
constants and expressions of the statement itself (`grammar`). The values that variables
had in failing tests prune them: those that are worth the same cannot be told apart, and
those that are worth the same as what stands there now change nothing. What is left takes
the place of returned values, right-hand sides, conditions, arguments and operands.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from paramedic_workers.repair.candidates import Area, CandidateQueue, candidate_from
from paramedic_workers.repair.edits import Candidate, Proposal
from paramedic_workers.repair.grammar import (
    ATOM,
    COMPARE,
    FAILURE,
    SIGN,
    Expression,
    Kind,
    expressions,
    joined_conditions,
)
from paramedic_workers.repair.sampled import values_of
from paramedic_workers.repair.scope import is_read
from paramedic_workers.repair.templates.site import quoted

#: Name of the family, and how likely a fix is of it.
TEMPLATE, _PRIOR = "new expression", 0.2
#: Areas, statements of one, and expressions for one place that are looked at; three times
#: as many for whole returned values, right-hand sides and conditions.
_AREAS, _STATEMENTS, _FOR_ONE_PLACE = 6, 30, 160
#: Expressions that are built for one statement; names, and parts of the statement, of which.
_EXPRESSIONS, _NAMES, _PARTS = 1500, 8, 5
#: Characters of an expression of the statement that is built upon.
_LONGEST_ATOM = 60
#: Weight of an expression of another kind than what stands there.
_OTHER_KIND = 0.3
#: Conditions that are true on the same samples, of which are tried.
_SAME_TRUTH = 4
#: Weights of places.
_WHOLE, _ARGUMENT, _OPERAND = 1.0, 0.8, 0.6
#: Constants that are always at hand.
_CONSTANTS = (0, 1, 2, -1, "")
_MOST = 6000

#: Expressions that stand without parentheses wherever a name does.
_TIGHT = (ast.Call, ast.Subscript, ast.Attribute, ast.ListComp, ast.List, ast.Dict, ast.Set)

_Sample = Mapping[str, object]


@dataclass(frozen=True)
class _Place:
    """An expression that may be replaced."""

    node: ast.expr
    weight: float
    #: Only whether it is true matters.
    is_condition: bool = False


def synthesised(queue: CandidateQueue) -> list[Candidate]:
    """Candidates with new expressions, the best first."""
    found: list[Candidate] = []
    for area in queue.areas[:_AREAS]:
        if area.function is not None:
            found += _in_area(queue, area)
    return sorted(found, key=Candidate.order)[:_MOST]


def _in_area(queue: CandidateQueue, area: Area) -> Iterator[Candidate]:
    statements = sorted(area.statements, key=lambda pair: -pair[1])
    for statement, suspicion in statements[:_STATEMENTS]:
        line = getattr(statement, "lineno", 0)
        samples = queue.knowledge.values.at(str(area.source.path), line)
        if samples:
            built = expressions(list(_atoms(queue, area, statement, samples)), _EXPRESSIONS)
            for place in _places(statement):
                yield from _at(area, place, built, samples, suspicion * _PRIOR)


def _at(
    area: Area,
    place: _Place,
    built: Sequence[Expression],
    samples: Sequence[_Sample],
    bound: float,
) -> Iterator[Candidate]:
    """Candidates with these expressions in one place."""
    source = area.source
    before = values_of(place.node, samples)
    now = _standing(source.of(place.node), place.node, before) if before is not None else None
    most = _FOR_ONE_PLACE * (3 if place.weight >= _WHOLE else 1)
    for one in islice(_fitting(place, built, now), most):
        part = source.replace(place.node, one.text)
        if part is not None:
            weight = place.weight * _likeness(place, one, now) / (1 + 0.3 * one.size)
            title = f"{quoted(one.text)} in place of {quoted(source.of(place.node))}"
            yield candidate_from(area, TEMPLATE, Proposal((part,), weight, title), bound)


def _standing(text: str, node: ast.expr, values: tuple[object, ...]) -> Expression:
    """An expression of the source; in parentheses wherever that could matter."""
    if isinstance(node, ast.Compare):
        return Expression(text, values, 2, COMPARE)
    return Expression(text, values, 2, ATOM if isinstance(node, _TIGHT) else 0)


def _fitting(
    place: _Place, built: Sequence[Expression], now: Expression | None
) -> Iterator[Expression]:
    """Expressions that change something in a place, the likeliest first."""
    truths: Counter[tuple[bool, ...]] = Counter()
    if place.is_condition and now is not None:
        built = [*built, *joined_conditions(now, built)]
    for one in sorted(built, key=lambda one: (-_likeness(place, one, now), one.size)):
        if now is not None and one.behaviour == now.behaviour:
            continue
        if place.is_condition:
            truth = _truth(one)
            truths[truth] += 1
            if truths[truth] > _SAME_TRUTH or (now is not None and truth == _truth(now)):
                continue
        yield one


def _truth(one: Expression) -> tuple[bool, ...]:
    return tuple(value is not FAILURE and bool(value) for value in one.values)


def _likeness(place: _Place, one: Expression, now: Expression | None) -> float:
    """Less than 1 for an expression of another kind."""
    if now is None or now.kind in (one.kind, Kind.OTHER):
        return 1.0
    if place.is_condition and one.kind is Kind.TRUTH:
        return 1.0
    return _OTHER_KIND


# -- where -----------------------------------------------------------------------------


def _places(statement: ast.AST) -> Iterator[_Place]:
    """Expressions of a statement that are read, the outermost first."""
    for name, value in ast.iter_fields(statement):
        if name in ("targets", "target", "body", "orelse", "handlers", "annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            expression = child.context_expr if isinstance(child, ast.withitem) else child
            if isinstance(expression, ast.expr):
                yield from _places_in(expression, statement, _WHOLE)


def _places_in(node: ast.expr, parent: ast.AST, weight: float) -> Iterator[_Place]:
    if isinstance(node, (ast.Lambda, ast.JoinedStr, ast.Starred)):
        return
    if is_read(node, parent):
        is_condition = isinstance(parent, (ast.If, ast.While, ast.BoolOp)) or (
            isinstance(parent, ast.IfExp) and node is parent.test
        )
        yield _Place(node, weight, is_condition)
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        # Names of the loop have no samples; what it loops over first has.
        yield from _places_in(node.generators[0].iter, node, _ARGUMENT)
        return
    inner = _ARGUMENT if isinstance(node, (ast.Call, ast.Subscript)) else _OPERAND
    for child in ast.iter_child_nodes(node):
        expression = child.value if isinstance(child, ast.keyword) else child
        if isinstance(expression, ast.expr):
            yield from _places_in(expression, node, inner)


# -- from what -------------------------------------------------------------------------


def _atoms(
    queue: CandidateQueue, area: Area, statement: ast.AST, samples: Sequence[_Sample]
) -> Iterator[Expression]:
    """What expressions are built of, the likeliest first."""
    found: dict[str, Expression] = {}
    for atom in (
        *_names(queue, area, statement, samples),
        *islice(_parts(area, statement, samples), _PARTS),
        *_constants(queue, area, samples),
    ):
        found.setdefault(atom.text, atom)
    yield from found.values()


def _names(
    queue: CandidateQueue, area: Area, statement: ast.AST, samples: Sequence[_Sample]
) -> list[Expression]:
    """Variables and attributes, those that the statement mentions first."""
    visible = set(queue.scope_of(area).visible_at(statement))
    names = dict.fromkeys(name for sample in samples for name in sample)
    usable = [name for name in names if name.partition(".")[0] in visible]
    mentioned = area.source.of(statement)
    usable.sort(key=lambda name: name not in mentioned)
    return [_read(name, samples) for name in usable[:_NAMES]]


def _read(name: str, samples: Sequence[_Sample]) -> Expression:
    return Expression(name, tuple(sample.get(name, FAILURE) for sample in samples))


def _parts(area: Area, statement: ast.AST, samples: Sequence[_Sample]) -> Iterator[Expression]:
    """Expressions that stand in the statement."""
    for place in _places(statement):
        text = area.source.of(place.node)
        if isinstance(place.node, (ast.Name, ast.Constant)) or len(text) > _LONGEST_ATOM:
            continue
        values = values_of(place.node, samples)
        if values is not None and any(value is not FAILURE for value in values):
            yield _standing(text, place.node, values)


def _constants(
    queue: CandidateQueue, area: Area, samples: Sequence[_Sample]
) -> Iterator[Expression]:
    scope = queue.scope_of(area)
    numbers = [ast.literal_eval(number) for number in scope.numbers[:3]]
    greater = [number + 1 for number in numbers if isinstance(number, int)]
    for constant in dict.fromkeys((*numbers, *_CONSTANTS, *greater)):
        binding = SIGN if repr(constant).startswith("-") else ATOM
        yield Expression(repr(constant), (constant,) * len(samples), 2, binding)
