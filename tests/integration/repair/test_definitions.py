"""Edits outside of functions are tried in the warm process, as if everything was imported anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.messages import Letter
from paramedic_workers.repair.source import Replacement, Source
from paramedic_workers.repair.validate import KnownTest, Validator
from tests.support.prepared import prepared
from tests.support.projects import changed_lines, heal, write_project

FILES = {
    "shop/__init__.py": "",
    "shop/words.py": """
        import re

        DIGITS = "[0-8]+"
        NUMBER = re.compile(DIGITS)
        RATES = {"food": 7, "books": 8}
        KINDS = set(RATES)
        names = ["one", "too"]
        last = names

        class Shape:
            sides = 3
            corners = sides * 1
            label: str = f"{sides} sides"

        class Square(Shape):
            sides = 5

        def grown(number, by=2, *, times=1):
            return number + by * times
    """,
    "shop/reading.py": """
        import re
        from shop import words
        from shop.words import DIGITS, RATES

        LINE = re.compile(DIGITS + "$")
        LONGEST = max(map(len, words.names))

        def read(line):
            return LINE.match(line) is not None

        def tax(kind, rate=RATES["books"]):
            return RATES[kind], rate
    """,
    "test_shop.py": """
        from shop import reading, words
        from shop.words import Square

        def test_a_pattern_made_from_another():
            assert reading.read("159")

        def test_a_row_of_a_table():
            assert reading.tax("food", 1) == (5, 1)

        def test_a_default_made_from_a_row():
            assert reading.tax("food") == (7, 9)

        def test_an_attribute_of_a_class():
            assert Square().sides == 4

        def test_an_attribute_made_from_another():
            assert words.Shape.corners == 4

        def test_a_default():
            assert words.grown(1) == 2

        def test_a_default_by_keyword():
            assert words.grown(1) == 5

        def test_an_element_that_others_hold():
            assert words.last[1] == "two"
    """,
}
#: The edit that each test wants: file, what stands there, what is to stand there.
WANTED = {
    "test_a_pattern_made_from_another": ("words", "[0-8]+", "[0-9]+"),
    "test_a_row_of_a_table": ("words", '"food": 7', '"food": 5'),
    "test_a_default_made_from_a_row": ("words", '"books": 8', '"books": 9'),
    "test_an_attribute_of_a_class": ("words", "sides = 5", "sides = 4"),
    "test_an_attribute_made_from_another": ("words", "sides = 3", "sides = 4"),
    "test_a_default": ("words", "by=2", "by=1"),
    "test_a_default_by_keyword": ("words", "times=1", "times=2"),
    "test_an_element_that_others_hold": ("words", '"too"', '"two"'),
}
#: Edits that can be made and help nobody; some of them raise.
USELESS = [
    ("words", "re.compile(DIGITS)", 're.compile(DIGITS + "(")'),
    ("words", "set(RATES)", "set(RATES) - LATER"),
    ("words", '"food": 7, ', ""),
    ("reading", 'DIGITS + "$"', 'DIGITS + "$$"'),
    ("words", "sides * 1", "sides // 0"),
    ("words", "by=2", "by=len(3)"),
    ("words", '["one", "too"]', '("one", "too", "three")'),
]


@dataclass
class Shop:
    """A warm process whose failing tests want other definitions."""

    root: Path
    validator: Validator

    def candidate(self, module: str, before: str, after: str) -> Candidate:
        """An edit by hand."""
        source = Source.read(self.root / "shop" / f"{module}.py", self.root)
        start = source.text.index(before)
        part = Replacement(start, start + len(before), after)
        return Candidate(source, None, (part,), "by hand", after, 1, 1.0)

    def alone(self, test: KnownTest) -> Validator:
        """For one of the failing tests."""
        wanted = [target for target in self.validator.targets if target.name == test.name]
        validator = self.validator
        return Validator(validator.session, [test], (), wanted, validator.files, float("inf"))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    project = write_project(tmp_path_factory.mktemp("shop"), FILES)
    with prepared(project, [f"test_shop.py::{test}" for test in WANTED], most=1) as ready:
        assert [test.name for test in ready.seen.failing] == list(WANTED)
        yield Shop(project.root, ready.validator)


@pytest.mark.parametrize("name", WANTED)
def test_what_follows_from_a_definition_follows_without_importing_anew(
    shop: Shop, name: str
) -> None:
    candidate = shop.candidate(*WANTED[name])
    test = next(test for test in shop.validator.failing if test.name == name)
    assert shop.validator.can_redefine(candidate)
    assert shop.validator.screen([candidate], test) == [Letter.PASSED]
    assert shop.alone(test).heals(candidate)


def test_what_one_candidate_defines_does_not_reach_the_next(shop: Shop) -> None:
    good = [shop.candidate(*edit) for edit in WANTED.values()]
    useless = [shop.candidate(*edit) for edit in USELESS]
    mixed = [c for pair in zip(good, useless, strict=False) for c in pair] + good
    tests = shop.validator.failing
    passed = [s.passed for s in shop.validator.sift(mixed, tests, abort=False)]
    # The row of the table is one test's way, the default made from it another's.
    assert passed == [1, 0] * len(useless) + [1] * len(good)


def test_what_only_importing_anew_can_try_is_left_to_it(shop: Shop) -> None:
    elsewhere = [("words", "class Square(Shape)", "class Square"), ("words", "import re", "")]
    for edit in elsewhere:
        assert not shop.validator.can_redefine(shop.candidate(*edit))


def test_an_import_and_its_use_are_tried_together(tmp_path: Path) -> None:
    files = {
        "clock.py": "def day(seconds):\n    return math.floor(seconds / 86400)\n",
        "test_clock.py": "from clock import day\n\n\ndef test_day():\n    assert day(90000) == 1\n",
    }
    report = heal(tmp_path, files, "test_clock.py::test_day")
    assert report.patches[0].diff.count("+import math\n") == 1


def test_a_search_finds_a_definition_among_hundreds(tmp_path: Path) -> None:
    rows = "\n".join(f'                "word{n}": {n},' for n in range(40))
    files = {
        "table.py": f"""
            TABLE = {{
{rows}
            }}
            LIMIT = 7

            def value(word):
                return TABLE[word] * LIMIT
        """,
        "test_table.py": """
            from table import value

            def test_value():
                assert [value("word7"), value("word9")] == [63, 81]
        """,
    }
    report = heal(tmp_path, files, "test_table.py::test_value")
    assert changed_lines(report.patches[0].diff) == ["-LIMIT = 7", "+LIMIT = 9"]


def test_an_aimed_edit_outside_of_functions_comes_before_all_others(tmp_path: Path) -> None:
    files = {
        "boxes.py": """
            def boxes(pieces, size):
                return math.ceil(pieces / size)
        """,
        "test_boxes.py": """
            from boxes import boxes

            def test_boxes():
                assert boxes(9, 3) == 3
        """,
    }
    report = heal(tmp_path, files, "test_boxes.py::test_boxes")
    assert "+import math" in changed_lines(report.patches[0].diff)
