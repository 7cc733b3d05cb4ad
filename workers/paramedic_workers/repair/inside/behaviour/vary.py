"""Makes inputs that are like those that were seen: of the same types, but other ones.

Values keep their types, elements the types of elements. What a parameter never was (None,
an empty list of unknown elements) it is not made, because the code may rightly expect
that it is not. Numbers and texts that stand in the functions themselves are tried as well:
behaviour changes at them. The same seed gives the same inputs.
"""

from __future__ import annotations

import random
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .outcome import text_of

#: How many times as many variations are made as are wanted: many are the same.
_WASTE = 6
#: How often the value of a parameter is one that it had in another call, not a new one.
_EXCHANGED = 0.25
#: How often a variation is varied again.
_AGAIN = 0.3
#: Longest text of a function that is put into others.
_SHORT = 8
#: Longest string or list that is doubled.
_LONGEST = 200


@dataclass(frozen=True)
class Call:
    """One call of a function."""

    function: Any
    positional: tuple[Any, ...]
    keywords: dict[str, Any]
    #: The first argument is the object that the method is called on.
    is_method: bool = False

    def values(self) -> list[tuple[Any, Any]]:
        """Positions and keywords with their values."""
        return [*enumerate(self.positional), *self.keywords.items()]

    def with_value(self, place: Any, value: Any) -> Call:
        """The same call with another value at a position or of a keyword."""
        if isinstance(place, int):
            positional = (*self.positional[:place], value, *self.positional[place + 1 :])
            return Call(self.function, positional, self.keywords, self.is_method)
        return Call(self.function, self.positional, {**self.keywords, place: value}, self.is_method)

    def text(self) -> str:
        """The same for calls with the same arguments."""
        return f"{id(self.function)}{text_of(self.positional)}{text_of(self.keywords)}"


class Dice(random.Random):
    """Chooses, and knows the constants of the functions that are called."""

    def __init__(self, seed: int, calls: Sequence[Call] = ()) -> None:
        """Look into the functions."""
        super().__init__(seed)
        functions = {id(call.function): call.function for call in calls}.values()
        codes = [function.__code__ for function in functions if hasattr(function, "__code__")]
        constants = [constant for code in codes for constant in _constants(code)]
        #: Whole numbers, and short texts; never empty.
        self.numbers = [c for c in constants if type(c) is int and abs(c) < 10**9] or [1]
        self.texts = [c for c in constants if type(c) is str and len(c) <= _SHORT] or [""]

    def number_near_a_constant(self, value: int) -> int:
        """Where a function that has this constant may change what it does."""
        constant, step = self.choice(self.numbers), self.choice((-1, 0, 0, 1))
        return self.choice((constant, constant, constant * constant, constant * value)) + step


def _constants(code: types.CodeType) -> Iterator[Any]:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _constants(constant)
        elif isinstance(constant, (tuple, frozenset)):
            yield from sorted(constant, key=text_of)
        else:
            yield constant


def varied(calls: Sequence[Call], most: int, seed: int) -> list[Call]:
    """The calls themselves, then variations of them, each once.

    Args:
        calls: that were seen.
        most: calls to give.
        seed: of the choices.
    """
    dice = Dice(seed, calls)
    found: dict[str, Call] = {}
    for call in calls:
        found.setdefault(call.text(), call)
    for attempt in range(_WASTE * most if calls else 0):
        if len(found) >= most:
            break
        call = _variation(calls[attempt % len(calls)], calls, dice)
        while dice.random() < _AGAIN:
            call = _variation(call, calls, dice)
        found.setdefault(call.text(), call)
    return list(found.values())[:most]


def _variation(call: Call, calls: Sequence[Call], dice: Dice) -> Call:
    places = call.values()
    if call.is_method and len(places) > 1 and dice.random() < 0.8:
        # The object itself is varied less often than what it is given.
        places = places[1:]
    if not places:
        return call
    place, value = dice.choice(places)
    if dice.random() < _EXCHANGED or value is None:
        others = [other for other in calls if other.function is call.function]
        known = [found for other in others for at, found in other.values() if at == place]
        return call.with_value(place, dice.choice(known)) if known else call
    return call.with_value(place, vary(value, dice))


def vary(value: Any, dice: Dice) -> Any:
    """Another value of the same type; the same one where nothing is known of its type."""
    for kind, variation in _VARIATIONS:
        if type(value) is kind:
            return variation(value, dice)
    return _vary_object(value, dice)


def _vary_truth(value: bool, _dice: Dice) -> bool:
    return not value


def _vary_integer(value: int, dice: Dice) -> int:
    near = [value + 1, value - 1, value + 2, 0, 1, -value, value * 2, value * 10 + 3, value // 2]
    drawn = [dice.randint(0, 20), dice.randint(-20, 200), dice.number_near_a_constant(value)]
    return dice.choice([*near, *drawn, dice.number_near_a_constant(value)])


def _vary_float(value: float, dice: Dice) -> float:
    near = [value + 1, value - 1, value + 0.5, 0.0, -value, value * 2, value / 2, value * 10]
    drawn = [round(dice.uniform(-10, 10), 2), float(dice.number_near_a_constant(1))]
    return dice.choice([*near, *drawn])


def _vary_text(value: str, dice: Dice) -> str:
    """Made of its own characters and of texts of the function: others may mean nothing."""
    if not value:
        return value
    at, other = dice.randrange(len(value)), dice.randrange(len(value))
    low, high = sorted((at, other))
    ways = [
        "",
        value[low:high],
        value[:at] + value[at + 1 :],
        value[:at] + value[other] + value[at + 1 :],
        value[:at] + value[other] + value[at:],
        value[:low] + value[high:] + value[low:high],
        value[:at] + value[at:].swapcase(),
        value[:at] + value[at].swapcase() + value[at + 1 :],
        value.upper() if dice.random() < 0.5 else value.lower(),
        value[::-1],
        value + value[low : high + 1],
        value[at],
        value * 2 if len(value) < _LONGEST else value[: len(value) // 2],
        value[:at] + dice.choice(dice.texts) + value[at:],
    ]
    return dice.choice(ways)


def _vary_bytes(value: bytes, dice: Dice) -> bytes:
    return _vary_text(value.decode("latin-1"), dice).encode("latin-1", "ignore")


def _vary_list(value: list[Any], dice: Dice) -> list[Any]:
    if not value:
        return value
    at, other = dice.randrange(len(value)), dice.randrange(len(value))
    low, high = sorted((at, other))
    ways: list[Any] = [
        lambda: [],
        lambda: value[low:high],
        lambda: value[:at] + value[at + 1 :],
        lambda: [*value[:at], value[other], *value[at:]],
        lambda: [*value[:at], value[other], *value[at + 1 :]],
        lambda: [*value, vary(value[at], dice)],
        lambda: value[::-1],
        lambda: dice.sample(value, len(value)),
        lambda: [value[at]],
        lambda: value * 2 if len(value) < _LONGEST else value[:high],
        lambda: _sorted(value),
    ]
    if dice.random() < 0.4:
        return [*value[:at], vary(value[at], dice), *value[at + 1 :]]
    return dice.choice(ways)()  # type: ignore[no-any-return]


def _vary_tuple(value: tuple[Any, ...], dice: Dice) -> tuple[Any, ...]:
    """A tuple of mixed types is a record: it keeps its length."""
    if len({type(item) for item in value}) > 1 or (value and dice.random() < 0.5):
        at = dice.randrange(len(value))
        return (*value[:at], vary(value[at], dice), *value[at + 1 :])
    return tuple(_vary_list(list(value), dice))


def _vary_set(value: set[Any], dice: Dice) -> set[Any]:
    return set(_vary_list(_sorted(list(value)), dice))


def _vary_frozenset(value: frozenset[Any], dice: Dice) -> frozenset[Any]:
    return frozenset(_vary_list(_sorted(list(value)), dice))


def _vary_dict(value: dict[Any, Any], dice: Dice) -> dict[Any, Any]:
    if not value:
        return value
    key = dice.choice(list(value))
    way = dice.random()
    if way < 0.3:
        return {k: v for k, v in value.items() if k != key}
    if way < 0.4:
        return {}
    if way < 0.5:
        return dict(reversed(list(value.items())))
    if way < 0.6:
        return {(vary(k, dice) if k == key else k): v for k, v in value.items()}
    return {k: vary(v, dice) if k == key else v for k, v in value.items()}


def _vary_object(value: Any, dice: Dice) -> Any:
    """A copy of an object of the target with another value of one plain attribute."""
    kind = type(value)
    attributes = getattr(value, "__dict__", None)
    if kind.__module__ == "builtins" or isinstance(value, type) or not attributes:
        return value
    plain = [name for name, content in attributes.items() if type(content) in _PLAIN]
    if not plain or not isinstance(attributes, dict):
        return value
    name = dice.choice(plain)
    try:
        other = object.__new__(kind)
        vars(other).update(attributes)
        vars(other)[name] = vary(attributes[name], dice)
    except TypeError:
        return value
    return other


def _sorted(values: list[Any]) -> list[Any]:
    return sorted(values, key=text_of)


_VARIATIONS: tuple[tuple[type, Any], ...] = (
    (bool, _vary_truth),
    (int, _vary_integer),
    (float, _vary_float),
    (str, _vary_text),
    (bytes, _vary_bytes),
    (list, _vary_list),
    (tuple, _vary_tuple),
    (set, _vary_set),
    (frozenset, _vary_frozenset),
    (dict, _vary_dict),
)
_PLAIN = frozenset(kind for kind, _ in _VARIATIONS)
