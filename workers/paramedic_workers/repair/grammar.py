"""Expressions of a small grammar, each with the values it has on recorded samples.

Built from the bottom: names, constants and expressions that stand in the code; then what
one operation makes of them; then what a second one makes of that. Of expressions that
have the same values on all samples only the shortest is kept: the others could not be
told from it by the tests from which the samples are ("observational equivalence"). The
values are computed here, on plain data, by operations that cannot run wild.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from itertools import islice
from typing import Any


class Kind(StrEnum):
    """What a value is, as far as operations care."""

    NUMBER = "number"
    TRUTH = "truth"
    TEXT = "text"
    ROW = "row"
    SET = "set"
    TABLE = "table"
    OTHER = "other"


class Failure:
    """In place of a value: the expression raises on this sample."""

    def __repr__(self) -> str:
        """For people."""
        return "<raises>"


FAILURE = Failure()

_KINDS: dict[type, Kind] = {
    int: Kind.NUMBER,
    float: Kind.NUMBER,
    bool: Kind.TRUTH,
    str: Kind.TEXT,
    list: Kind.ROW,
    tuple: Kind.ROW,
    set: Kind.SET,
    dict: Kind.TABLE,
}

#: Greatest number, exponent and length that are computed with.
_GREATEST, _GREATEST_EXPONENT, _LONGEST = 10**15, 64, 2000
#: Operations on numbers of which the operands can be exchanged.
_SYMMETRIC = frozenset(
    {"{0} + {1}", "{0} * {1}", "{0} == {1}", "{0} != {1}", "min({0}, {1})", "max({0}, {1})"}
)
#: Expressions of one operation to which a second one is applied.
_TWICE = 80
#: Conditions that are joined to one that stands there.
_CONDITIONS = 200
#: Expressions with the same values that are kept, by number of samples: few tell little.
_ALIKE = ((1, 3), (3, 2))

#: How tightly the outermost operation binds, as in Python's grammar.
_OR, _AND, _NOT, COMPARE, _SUM, _PRODUCT, SIGN, _POWER, ATOM = range(1, 10)


@dataclass(frozen=True)
class Expression:
    """An expression and its values."""

    text: str
    values: tuple[object, ...]
    #: Operations and operands.
    size: int = 1
    binding: int = ATOM

    @cached_property
    def kind(self) -> Kind:
        """The kind of its first value that is one."""
        return next((kind_of(value) for value in self.values if value is not FAILURE), Kind.OTHER)

    @cached_property
    def behaviour(self) -> tuple[Hashable, ...]:
        """The same for expressions with the same values."""
        return tuple(_identity(value) for value in self.values)

    def bound_by(self, binding: int) -> str:
        """Its text, in parentheses where it binds less tightly than that."""
        return self.text if self.binding >= binding else f"({self.text})"


@dataclass(frozen=True)
class _Operation:
    """Something done with one or two values."""

    #: `{0}` and `{1}` stand for the operands.
    text: str
    compute: Callable[..., object]
    kinds: tuple[frozenset[Kind], ...]
    binding: int = ATOM
    #: How tightly each operand must bind to stand without parentheses.
    operands: tuple[int, ...] = (ATOM, ATOM)

    @property
    def is_symmetric(self) -> bool:
        """Whether exchanging the operands changes nothing."""
        return self.text in _SYMMETRIC and Kind.TEXT not in self.kinds[0] | self.kinds[1]

    def fits(self, *arguments: Expression) -> bool:
        return all(a.kind in kinds for a, kinds in zip(arguments, self.kinds, strict=True))

    def applied(self, *arguments: Expression) -> Expression:
        texts = [a.bound_by(b) for a, b in zip(arguments, self.operands, strict=False)]
        rows = zip(*(argument.values for argument in arguments), strict=True)
        values = tuple(_computed(self.compute, row) for row in rows)
        size = 1 + sum(argument.size for argument in arguments)
        return Expression(self.text.format(*texts), values, size, self.binding)


def kind_of(value: object) -> Kind:
    """The kind of a value."""
    return _KINDS.get(type(value), Kind.OTHER)


def expressions(atoms: Sequence[Expression], most: int) -> list[Expression]:
    """Atoms and what at most two operations make of them, the smallest first.

    Args:
        atoms: the likeliest first; all of them are kept.
        most: how many there are at the end, at most.
    """
    found = _Found(atoms)
    once = [one for one in _one_more(atoms, atoms) if found.keep(one)]
    once.sort(key=lambda one: one.size)
    few = atoms[: max(4, len(atoms) // 2)]
    twice = (one for one in _one_more(once[:_TWICE], few) if found.keep(one))
    kept = [*atoms, *once]
    for one in twice:
        if len(kept) >= most:
            break
        kept.append(one)
    return sorted(kept, key=lambda one: one.size)[:most]


def joined_conditions(now: Expression, built: Sequence[Expression]) -> Iterator[Expression]:
    """A condition made stricter, or less strict, by others.

    Args:
        now: the condition as it stands.
        built: the smallest first; those that are no conditions are left out.
    """
    conditions = (one for one in built if one.kind is Kind.TRUTH)
    for one in islice(conditions, _CONDITIONS):
        for operation in (_STRICTER, _LESS_STRICT):
            joined = operation.applied(now, one)
            # The condition itself is none of the new expression's cost.
            yield replace(joined, size=one.size + 1)


class _Found:
    """Which behaviours were seen, and how often."""

    def __init__(self, atoms: Sequence[Expression]) -> None:
        samples = len(atoms[0].values) if atoms else 0
        self._alike = next((alike for most, alike in _ALIKE if samples <= most), 1)
        self._counts: dict[tuple[Hashable, ...], int] = {}
        self._texts = {atom.text for atom in atoms}
        for atom in atoms:
            self._counts[atom.behaviour] = self._alike

    def keep(self, expression: Expression) -> bool:
        """Whether this one is worth keeping; counts it if so."""
        if expression.text in self._texts or all(v is FAILURE for v in expression.values):
            return False
        behaviour = expression.behaviour
        count = self._counts.get(behaviour, 0)
        if count >= self._alike:
            return False
        self._counts[behaviour] = count + 1
        self._texts.add(expression.text)
        return True


def _one_more(left: Sequence[Expression], right: Sequence[Expression]) -> Iterator[Expression]:
    """What one operation makes of these."""
    for operation in _OPERATIONS:
        single = len(operation.kinds) == 1
        crossed = _crossed(left, right, both_ways=not (single or operation.is_symmetric))
        for arguments in zip(left) if single else crossed:
            if operation.fits(*arguments):
                yield operation.applied(*arguments)


def _crossed(
    left: Sequence[Expression], right: Sequence[Expression], *, both_ways: bool
) -> Iterator[tuple[Expression, Expression]]:
    for position, one in enumerate(left):
        # Among themselves, each pair is met twice.
        others = right if both_ways or left is not right else right[position + 1 :]
        for other in others:
            if one is not other:
                yield one, other
                if both_ways and left is not right:
                    yield other, one


# -- computing ---------------------------------------------------------------------------


def _computed(compute: Callable[..., object], arguments: Iterable[object]) -> object:
    operands = tuple(arguments)
    if any(operand is FAILURE for operand in operands):
        return FAILURE
    try:
        value = compute(*operands)
    except (ArithmeticError, TypeError, ValueError, LookupError, AttributeError):
        return FAILURE
    return value if _is_moderate(value) else FAILURE


def _is_moderate(value: object) -> bool:
    if isinstance(value, (int, float)):
        return -_GREATEST < value < _GREATEST
    if isinstance(value, (str, list, tuple, set, dict)):
        return len(value) <= _LONGEST
    return value is None


def power(base: float, exponent: float) -> object:
    """`base ** exponent`, as long as both are moderate."""
    if abs(exponent) > _GREATEST_EXPONENT or abs(base) > _GREATEST:
        raise OverflowError
    return base**exponent


def times(one: Any, other: Any) -> object:
    """`one * other`, as long as no long sequence comes of it."""
    for value, count in ((one, other), (other, one)):
        if isinstance(value, (str, bytes, list, tuple)) and len(value) * count > _LONGEST:
            raise OverflowError
    return one * other


def _identity(value: object) -> Hashable:
    if isinstance(value, (set, frozenset)):
        return type(value).__name__, tuple(sorted(map(repr, value)))
    return type(value).__name__, repr(value)


_NUMBER, _TRUTH, _TEXT = (frozenset({kind}) for kind in (Kind.NUMBER, Kind.TRUTH, Kind.TEXT))
_ROW, _TABLE = frozenset({Kind.ROW}), frozenset({Kind.TABLE})
_SEQUENCE = _ROW | _TEXT
_SIZED = _SEQUENCE | {Kind.SET, Kind.TABLE}
_ANY = frozenset(Kind)


def _infix(
    sign: str, compute: Callable[..., object], kinds: frozenset[Kind], binding: int
) -> _Operation:
    """An operation between two values of the same kind, which binds to the left."""
    text = f"{{0}} {sign} {{1}}"
    # Comparisons do not chain here.
    left = binding + 1 if binding == COMPARE else binding
    return _Operation(text, compute, (kinds, kinds), binding, (left, binding + 1))


def _method(
    name: str, kinds: tuple[frozenset[Kind], ...], compute: Callable[..., object]
) -> _Operation:
    arguments = ", ".join(f"{{{n}}}" for n in range(1, len(kinds)))
    return _Operation(f"{{0}}.{name}({arguments})", compute, kinds, ATOM, (ATOM, 0))


def _call(
    name: str, kinds: tuple[frozenset[Kind], ...], compute: Callable[..., object]
) -> _Operation:
    arguments = ", ".join(f"{{{n}}}" for n in range(len(kinds)))
    return _Operation(f"{name}({arguments})", compute, kinds, ATOM, (0, 0))


_STRICTER = _infix("and", lambda a, b: a and b, _TRUTH, _AND)
_LESS_STRICT = _infix("or", lambda a, b: a or b, _TRUTH, _OR)

#: In the order in which they are worth trying.
_OPERATIONS: tuple[_Operation, ...] = (
    _infix("+", operator.add, _NUMBER, _SUM),
    _infix("-", operator.sub, _NUMBER, _SUM),
    _infix("*", times, _NUMBER, _PRODUCT),
    _call("len", (_SIZED,), len),
    _Operation("not {0}", operator.not_, (_TRUTH | _SIZED,), _NOT, (_NOT,)),
    _Operation("{0}[0]", lambda x: x[0], (_SEQUENCE,)),
    _Operation("{0}[-1]", lambda x: x[-1], (_SEQUENCE,)),
    _Operation("{0}[1:]", lambda x: x[1:], (_SEQUENCE,)),
    _Operation("{0}[:-1]", lambda x: x[:-1], (_SEQUENCE,)),
    _Operation("{0}[::-1]", lambda x: x[::-1], (_SEQUENCE,)),
    _call("sum", (_ROW,), sum),
    _call("max", (_SEQUENCE,), max),
    _call("min", (_SEQUENCE,), min),
    _call("abs", (_NUMBER,), abs),
    _call("sorted", (_SIZED,), sorted),
    _call("set", (_SEQUENCE,), set),
    _call("list", (_TEXT | {Kind.SET},), list),
    _method("lower", (_TEXT,), str.lower),
    _method("upper", (_TEXT,), str.upper),
    _method("strip", (_TEXT,), str.strip),
    _method("split", (_TEXT,), str.split),
    _method("values", (_TABLE,), lambda table: list(table.values())),
    _method("keys", (_TABLE,), lambda table: list(table.keys())),
    _method("items", (_TABLE,), lambda table: list(table.items())),
    _infix("//", operator.floordiv, _NUMBER, _PRODUCT),
    _infix("%", operator.mod, _NUMBER, _PRODUCT),
    *(_infix("==", operator.eq, kinds, COMPARE) for kinds in (_NUMBER, _TEXT, _ROW)),
    *(_infix("!=", operator.ne, kinds, COMPARE) for kinds in (_NUMBER, _TEXT, _ROW)),
    _infix("<", operator.lt, _NUMBER | _TEXT, COMPARE),
    _infix("<=", operator.le, _NUMBER | _TEXT, COMPARE),
    _Operation(
        "{0} in {1}", lambda a, b: a in b, (_ANY, _SIZED), COMPARE, (COMPARE + 1, COMPARE + 1)
    ),
    _Operation(
        "{0} not in {1}",
        lambda a, b: a not in b,
        (_ANY, _SIZED),
        COMPARE,
        (COMPARE + 1, COMPARE + 1),
    ),
    _STRICTER,
    _LESS_STRICT,
    _infix("+", operator.add, _TEXT, _SUM),
    _infix("+", operator.add, _ROW, _SUM),
    _Operation("{0}[{1}]", lambda x, i: x[i], (_SEQUENCE | _TABLE, _ANY), ATOM, (ATOM, 0)),
    _Operation("{0}[{1}:]", lambda x, i: x[i:], (_SEQUENCE, _NUMBER), ATOM, (ATOM, 0)),
    _Operation("{0}[:{1}]", lambda x, i: x[:i], (_SEQUENCE, _NUMBER), ATOM, (ATOM, 0)),
    _call("max", (_NUMBER, _NUMBER), max),
    _call("min", (_NUMBER, _NUMBER), min),
    _method("count", (_SEQUENCE, _ANY), lambda x, y: x.count(y)),
    _method("index", (_SEQUENCE, _ANY), lambda x, y: x.index(y)),
    _method("get", (_TABLE, _ANY), lambda x, y: x.get(y)),
    _method("split", (_TEXT, _TEXT), str.split),
    _method("strip", (_TEXT, _TEXT), str.strip),
    _method("join", (_TEXT, _ROW), lambda x, y: x.join(y)),
    _method("startswith", (_TEXT, _TEXT), str.startswith),
    _method("endswith", (_TEXT, _TEXT), str.endswith),
    _infix("/", operator.truediv, _NUMBER, _PRODUCT),
    _Operation("{0} ** {1}", power, (_NUMBER, _NUMBER), _POWER, (ATOM, SIGN)),
    _call("str", (_NUMBER,), str),
    _call("int", (_TEXT | _NUMBER,), int),
    _Operation("-{0}", operator.neg, (_NUMBER,), SIGN, (SIGN,)),
)
