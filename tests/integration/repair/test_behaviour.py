"""Versions of some code are run on inputs like those of the tests, in a real warm process."""

from __future__ import annotations

from pathlib import Path

import pytest

from paramedic_workers.repair import Trust
from paramedic_workers.repair.behaviour import Comparison, compare
from tests.support.projects import heal, write_project

COUNT = """
    from thing import count

    def test_count():
        assert count([3, 1, 2], 2) == 2
"""
RIGHT = "def count(values, least):\n    return sum(v >= least for v in values)\n"
ALIKE = "def count(values, least):\n    return len([v for v in values if not v < least])\n"
WRONG = "def count(values, least):\n    return len(values) - 1\n"


def compared(folder: Path, test: str, *versions: str) -> Comparison:
    """Compare versions of `thing.py`; what is on disk is none of them, and does not parse."""
    project = write_project(folder, {"thing.py": "def nothing(:\n", "test_thing.py": test})
    texts = [{"thing.py": version} for version in versions]
    return compare(project, ["test_thing.py::test_count"], texts, 40.0)


def test_what_the_tests_do_not_tell_apart_other_inputs_do(tmp_path: Path) -> None:
    found = compared(tmp_path, COUNT, RIGHT, ALIKE, WRONG)
    assert found.inputs > 100
    assert found.agree(0, 1) is True
    assert found.agree(0, 2) is False
    assert 0 < found.differing(0, 2) < found.inputs
    assert found.differing(0, 2) == found.differing(2, 0) == found.differing(1, 2)
    assert compared(tmp_path, COUNT, RIGHT, ALIKE, WRONG) == found


def test_helpers_imports_and_constants_belong_to_a_version(tmp_path: Path) -> None:
    other = f"import math\nLEAST = 1\n\ndef keep(v):\n    return math.floor(v)\n\n{RIGHT}"
    sloppy = other.replace("v >= least", "keep(v) >= least + LEAST - 1")
    changed = sloppy.replace("LEAST = 1", "LEAST = 0")
    found = compared(tmp_path, COUNT, RIGHT, sloppy, changed)
    assert found.agree(0, 1) is True
    assert found.agree(0, 2) is False


def test_where_what_differs_is_not_reached_what_tests_call_is_compared(tmp_path: Path) -> None:
    table = "def _least(n):\n    return n\n\n"
    one = f"{table}{RIGHT.replace('>= least', '>= _least(least)')}"
    other = one.replace("def _least(n):\n    return n", "_least = {2: 2}.get")
    found = compared(tmp_path, COUNT, one, other)
    assert found.agree(0, 1) is False


def test_versions_that_end_hang_and_eat_memory_cost_only_themselves(tmp_path: Path) -> None:
    versions = [
        RIGHT.replace("return", f"{trap}; return")
        for trap in (
            "__import__('os')._exit(0) if least < 0 else 0",
            "x = 'x' * 10**10 if least < 0 else 0",
            "[0 for _ in iter(int, 1)] if least == 0 else 0",
        )
    ]
    found = compared(tmp_path, COUNT, RIGHT, *versions)
    for number, _ in enumerate(versions, start=1):
        assert 0 < found.differing(0, number) < found.inputs / 2


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (RIGHT.replace("count", "other"), f"{WRONG}\n", "collected"),
        (RIGHT, RIGHT, "same"),
        (RIGHT, "def count(:\n", "parse"),
    ],
)
def test_where_nothing_can_be_compared_it_says_so(
    tmp_path: Path, one: str, other: str, why: str
) -> None:
    found = compared(tmp_path, COUNT, one, other)
    assert found.agree(0, 1) is None
    assert why in found.detail


def test_what_never_does_the_same_is_not_compared(tmp_path: Path) -> None:
    one = "import os\n\ndef count(values, least):\n    return 2 or os.getpid()\n"
    never = one.replace("2 or os.getpid()", "2 if os.getpid() == 1 or values[1:] else os.getpid()")
    found = compared(tmp_path, COUNT, never, one)
    assert all("returned 2 " in told for outcome in found.outcomes for told in outcome)


def test_an_engine_that_finds_several_patches_says_whether_they_disagree(tmp_path: Path) -> None:
    files = {
        "thing.py": "def answer(number):\n    return number - 2\n",
        "test_thing.py": """
            from thing import answer

            def test_two():
                assert answer(2) == 4

            def test_again():
                assert answer(number=2) == 4
        """,
    }
    tests = ("test_thing.py::test_two", "test_thing.py::test_again")
    first, *others = heal(tmp_path, files, *tests).patches
    assert others
    assert first.evidence.inputs_compared > 10
    assert first.evidence.rivals_disagreeing
    assert 0 < first.evidence.disagreement < 1
    assert first.trust is not Trust.HIGH
    assert any("otherwise on up to" in reason for reason in first.reasons)
