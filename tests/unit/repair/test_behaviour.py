"""What is compared when versions of some code are compared, and how."""

from __future__ import annotations

import gc
import importlib.util
import math
import sys
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest

from paramedic_workers.repair.behaviour import Comparison
from paramedic_workers.repair.behaviour.differences import watched
from paramedic_workers.repair.inside.behaviour.outcome import shortened, text_of
from paramedic_workers.repair.inside.behaviour.record import MOST_CALLS, Recorder
from paramedic_workers.repair.inside.behaviour.replay import outcome_of
from paramedic_workers.repair.inside.behaviour.transplant import Transplant
from paramedic_workers.repair.inside.behaviour.vary import Call, Dice, varied, vary

Load = Callable[[str], ModuleType]


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Load]:
    """Import `thing.py` with this text, as a project would have it."""

    def from_text(text: str) -> ModuleType:
        file = tmp_path / "thing.py"
        file.write_text(dedent(text))
        spec = importlib.util.spec_from_file_location("thing", file)
        assert spec
        assert spec.loader
        module = sys.modules["thing"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    yield from_text
    sys.modules.pop("thing", None)


@dataclass
class Point:
    x: int
    y: object = None


class Loop:
    def __init__(self) -> None:
        self.me = self


# -- outcomes ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, True),
        (0.1 + 0.2, 0.3),
        (-0.0, 0.0),
        (1e20, 10**20),
        (math.nan, float("nan")),
        ({1, 2, 3}, {3, 2, 1}),
        ({"a": 1, "b": 2}, OrderedDict(b=2, a=1)),
        ([1, [2]], deque([1, [2]])),
        (Point(1, [2]), Point(1, [2])),
        (object(), object()),
        (Loop(), Loop()),
        (ValueError("a"), ValueError("a")),
    ],
)
def test_equal_values_have_one_text(one: object, other: object) -> None:
    assert text_of(one) == text_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 2),
        (1, "1"),
        (0.1, 0.1001),
        ("a", b"a"),
        ([1], (1,)),
        ([1, 2], [2, 1]),
        (None, False),
        (Point(1), Point(2)),
        (Point(1, [2]), Point(1, [3])),
        (ValueError("a"), ValueError("b")),
        (int, str),
        (range(3), range(4)),
    ],
)
def test_different_values_have_different_texts(one: object, other: object) -> None:
    assert text_of(one) != text_of(other)


def test_texts_are_bounded_and_still_tell_apart() -> None:
    one, other = (shortened("x" * 5000 + end) for end in "ab")
    assert one != other
    assert len(one) < 200
    assert len(text_of([[0] * 100] * 100_000)) < 50_000


def returning(items: list[int]) -> int:
    return items[0]


def changing(items: list[int]) -> None:
    items.append(1)


def printing(items: list[int]) -> None:
    print(items)  # noqa: T201 - that is what is looked at


def yielding(items: list[int]) -> Iterator[int]:
    yield from items
    raise KeyError(1)


def endless(items: list[int]) -> Iterator[int]:
    while True:
        yield items[0]


async def soon(items: list[int]) -> int:
    return items[0]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (returning, "returned 7 with ([7]){}"),
        (changing, "returned None with ([7, 1]){}"),
        (printing, "returned None with ([7]){} printed '[7]\\n'"),
        (yielding, "yielded 7 raised KeyError with ([7]){}"),
        (soon, "returned 7 with ([7]){}"),
        (len, "returned 1 with ([7]){}"),
    ],
)
def test_an_outcome_is_all_that_can_be_seen_of_a_call(
    function: Callable[..., Any], expected: str
) -> None:
    items = [7]
    assert outcome_of(Call(function, (items,), {}), function) == expected
    assert items == [7]


def test_exceptions_and_endless_iterators_are_outcomes() -> None:
    assert outcome_of(Call(returning, ([],), {}), returning) == "raised IndexError"
    assert outcome_of(Call(returning, (), {}), returning) == "raised TypeError"
    assert outcome_of(Call(endless, ([7],), {}), endless).startswith("yielded 7, 7, 7")
    assert outcome_of(Call(sys.exit, (), {}), sys.exit) == "raised SystemExit"


# -- inputs ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [3, 2.5, True, "Hello (1)", b"ab", [1, 2, 3], (1, "a"), (1, 2), {1, 2}, frozenset({"a"}),
     {"a": [1], "b": [2]}, [[1], [2, 3]], Point(3)],
)  # fmt: skip
def test_variations_keep_types_and_are_many(value: Any) -> None:
    dice = Dice(0)
    before = text_of(value)
    found = [vary(value, dice) for _ in range(200)]
    assert {type(other) for other in found} == {type(value)}
    assert len({text_of(other) for other in found}) >= (2 if value is not True else 1)
    assert text_of(value) == before
    if isinstance(value, list):
        assert {type(item) for other in found for item in other} == {type(value[0])}


def test_what_was_never_none_never_is() -> None:
    calls = [Call(returning, (None, [1]), {}), Call(returning, (3, [2]), {})]
    found = varied(calls, 200, seed=0)
    assert {type(call.positional[0]) for call in found} == {int, type(None)}
    assert {type(call.positional[1]) for call in found} == {list}


def test_the_calls_themselves_come_first_and_a_seed_decides_the_rest() -> None:
    calls = [Call(returning, ([3, 1], 2), {"key": "a"}), Call(returning, ([5], 1), {"key": "b"})]
    texts = [[call.text() for call in varied(calls, 100, seed)] for seed in (0, 0, 1)]
    assert texts[0][:2] == [call.text() for call in calls]
    assert len(set(texts[0])) == len(texts[0]) == 100
    assert texts[0] == texts[1] != texts[2]
    assert varied([], 100, seed=0) == []


def rounding(number: int, unit: str) -> str:
    return f"{number // 1000}k{unit}" if number >= 1000 else f"{number}:{unit}"


def test_numbers_and_texts_of_the_function_are_tried() -> None:
    found = varied([Call(rounding, (3, "b"), {})], 400, seed=0)
    numbers = {call.positional[0] for call in found}
    assert {999, 1000, 1001} <= numbers
    assert any(":" in call.positional[1] for call in found)


RECORDED = """
    class Box:
        def __init__(self, size):
            self.size = size

        def double(self):
            return self.size * 2

    def count(values, least=0, *more, key=None, **others):
        values.append(1)
        return len(values)

    def items(n):
        for number in range(n):
            yield number
"""


def recorded(module: ModuleType, names: list[str], work: Callable[[], object]) -> list[Call]:
    """The calls to these functions while `work` runs."""
    assert module.__file__
    root = str(Path(module.__file__).parent)
    recorder = Recorder(root, [(module.__file__, name) for name in names], [], math.inf)
    recorder.start()
    try:
        work()
    finally:
        recorder.stop()
    gc.freeze()
    gc.unfreeze()
    return recorder.calls


def test_arguments_are_kept_as_they_were_and_defaults_left_out(load: Load) -> None:
    module = load(RECORDED)
    calls = recorded(
        module, ["count"], lambda: (module.count([5]), module.count([], 2, 3, key=4, x=5))
    )
    assert [(call.positional, call.keywords) for call in calls] == [
        (([5],), {}),
        (([], 2, 3), {"key": 4, "x": 5}),
    ]


def test_methods_are_kept_with_their_object_and_generators_once(load: Load) -> None:
    module = load(RECORDED)
    calls = recorded(
        module, ["Box.double", "items"], lambda: (module.Box(4).double(), list(module.items(3)))
    )
    assert [call.function.__qualname__ for call in calls] == ["Box.double", "items"]
    assert calls[0].positional[0].size == 4
    assert calls[0].is_method
    assert calls[1].positional == (3,)


def test_equal_calls_are_kept_once_and_not_too_many(load: Load) -> None:
    module = load(RECORDED)

    def work() -> None:
        for number in [7, 7, 7, *range(100)]:
            list(module.items(number))

    calls = recorded(module, ["items"], work)
    assert len(calls) == MOST_CALLS
    assert len({call.positional for call in calls}) == MOST_CALLS


# -- versions ----------------------------------------------------------------------------

OLD = """
    from functools import lru_cache, wraps
    RATE = 2

    def logged(function):
        @wraps(function)
        def wrapper(*args):
            return function(*args)
        return wrapper

    def plain(n, by=1):
        return n + by

    def rated(n):
        return n * RATE

    @lru_cache
    def cached(n):
        return n

    @logged
    def wrapped(n):
        return n

    class Base:
        def size(self):
            return 1

    class Box(Base):
        rate = 1

        def size(self):
            return super().size() + self.rate

        @property
        def half(self):
            return 10

        @classmethod
        def made(cls):
            return cls

        @staticmethod
        def free():
            return 30
"""


def negated(header: str) -> tuple[str, str]:
    """The change that has this function return the opposite."""
    return f"{header}\n        return n", f"{header}\n        return -n"


MORE = """
        def more(self):
            return super().size()
"""


@pytest.mark.parametrize(
    ("change", "call", "values"),
    [
        (("return n + by", "return n - by"), "plain(5)", (6, 4)),
        (("by=1", "by=3"), "plain(5)", (6, 8)),
        (
            (
                "def rated(n):",
                "import math\n    def help(n):\n        return math.floor(n)\n"
                "    def rated(n):\n        n = help(7.5)",
            ),
            "rated(5)",
            (10, 14),
        ),
        (("RATE = 2", "RATE = 4"), "rated(5)", (10, 20)),
        (negated("def cached(n):"), "cached(5)", (5, -5)),
        (negated("def wrapped(n):"), "wrapped(5)", (5, -5)),
        (("return function(*args)", "return 2 * function(*args)"), "wrapped(5)", (5, 10)),
        (("rate = 1", "rate = 2"), "Box().size()", (2, 3)),
        (("super().size() +", "super().size() -"), "Box().size()", (2, 0)),
        (("return super().size() + self.rate", "return 8"), "Box().size()", (2, 8)),
        (("return 10", "return 20"), "Box().half", (10, 20)),
        (("return cls\n", "return 2\n"), "Box.made() == 2", (False, True)),
        (("return 30", "return 40"), "Box.free()", (30, 40)),
        (("        @staticmethod\n", f"{MORE}        @staticmethod\n"), "Box().more()", (None, 1)),
    ],
)
def test_a_version_is_put_in_place_and_every_copy_sees_it(
    load: Load, change: tuple[str, str], call: str, values: tuple[object, object]
) -> None:
    module = load(OLD)
    assert change[0] in OLD
    # What other modules have: references, copied before.
    copies = {name: vars(module)[name] for name in ("plain", "rated", "cached", "wrapped", "Box")}
    if values[0] is not None:
        assert eval(call, dict(copies)) == values[0]
    assert module.__file__
    Transplant().install(module.__file__, dedent(OLD), dedent(OLD.replace(*change)))
    assert eval(call, dict(copies)) == values[1]


def test_a_function_that_cannot_be_changed_in_place_is_replaced(load: Load) -> None:
    module = load(OLD)
    size = module.Box.size
    assert module.__file__
    transplant = Transplant()
    new = OLD.replace("return super().size() + self.rate", "return 8")
    transplant.install(module.__file__, dedent(OLD), dedent(new))
    assert transplant.current(size)(module.Box()) == 8
    assert transplant.current(module.plain) is module.plain


def test_copies_of_a_constant_in_other_modules_are_renewed(load: Load) -> None:
    module = load("LARGEST = 1000\n")
    other = sys.modules["other_thing"] = ModuleType("other_thing")
    vars(other)["LARGEST"] = vars(module)["LARGEST"]
    try:
        assert module.__file__
        Transplant().install(module.__file__, "LARGEST = 1000\n", "LARGEST = 2000\n")
        assert vars(other)["LARGEST"] == 2000
    finally:
        del sys.modules["other_thing"]


THING = """
RATE = 2
class Till:
    limit = 3
    def add(self, n):
        return n + self.limit
    def tell(self):
        return "told"
def price(n):
    return n * RATE
def help(n):
    return n
def caller(n):
    return help(n)
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("return n * RATE", "return n + RATE", ["price"]),
        ('return "told"', 'return "sold"', ["Till.tell"]),
        ("RATE = 2", "RATE = 3", ["price"]),
        ("limit = 3", "limit = 4", ["Till.add"]),
        ("def help(n)", "def help(n, m=1)", ["caller"]),
        ("def help(n)", "def helper(n)", ["caller"]),
        ("def price(n)", "def price(n=1)", ["price"]),
        ("return help(n)", '"""Say."""\n    return help(n)', []),
        ("RATE = 2", "RATE = 2\nimport os", []),
    ],
)
def test_the_functions_that_can_tell_versions_apart_are_watched(
    old: str, new: str, expected: list[str]
) -> None:
    assert watched([THING, THING.replace(old, new)]) == expected


# -- comparisons -------------------------------------------------------------------------


def test_two_versions_agree_if_they_never_differ() -> None:
    found = Comparison(3, [("a", "a", "a"), ("b", "b", "c")])
    assert found.inputs == 2
    assert found.agree(0, 1) is True
    assert found.agree(0, 2) is False
    assert found.differing(1, 2) == 1
    assert Comparison(2).agree(0, 1) is None


def test_an_input_that_a_version_was_not_made_for_can_be_left_out() -> None:
    outcomes = [("returned 1", "returned 1"), ("raised IndexError", "returned 2")]
    found = Comparison(2, outcomes)
    assert found.differing(0, 1) == 1
    assert found.within(0).differing(0, 1) == 0
    assert Comparison(2, outcomes, frozenset({"IndexError"})).within(0).differing(0, 1) == 1
