"""Expressions built from samples of values, and where they are put."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from paramedic_workers.repair.candidates import CandidateQueue
from paramedic_workers.repair.grammar import FAILURE, Expression, expressions
from paramedic_workers.repair.knowledge import Knowledge
from paramedic_workers.repair.localise import Suspicion
from paramedic_workers.repair.messages import SamplesSeen, TraceSeen
from paramedic_workers.repair.sampled import values_of
from paramedic_workers.repair.synthesis import synthesised


def texts(*atoms: Expression) -> list[str]:
    return [one.text for one in expressions(atoms, 2000)]


WIDTH = Expression("width", (3, 5, 2, 7))
HEIGHT = Expression("height", (4, 1, 2, 9))
TWO = Expression("2", (2, 2, 2, 2))


def test_two_operations_are_put_together_with_the_parentheses_they_need() -> None:
    found = texts(WIDTH, HEIGHT, TWO)
    assert "width * height" in found
    assert "(width + height) * 2" in found
    assert any(text.startswith("width - height") for text in found)
    assert "2 - (width + height)" in found


def test_of_expressions_that_have_the_same_values_one_is_kept() -> None:
    found = expressions([WIDTH, HEIGHT], 100)
    behaviours = [one.behaviour for one in found]
    assert len(set(behaviours)) == len(behaviours)
    assert {"width + height", "height + width"} & {one.text for one in found}
    assert not {"width + height", "height + width"} <= {one.text for one in found}


def test_the_fewer_samples_the_more_of_those_are_kept() -> None:
    counts = []
    for samples in (1, 2, 4):
        atoms = [Expression("a", (2, 4, 3, 7)[:samples]), Expression("b", (3, 5, 8, 2)[:samples])]
        product = (6, 20, 24, 14)[:samples]
        found = [one.text for one in expressions(atoms, 2000) if one.values == product]
        assert found[0] == "a * b"
        counts.append(len(found))
    assert counts == [3, 2, 1]


def test_operations_are_applied_to_what_they_fit() -> None:
    found = texts(Expression("name", ("Ada", "Bob", "C", "")), Expression("n", (1, 2, 0, 5)))
    assert {"len(name)", "name.lower()", "name[:n]", "len(name) - n"} <= set(found)
    assert not any(text.startswith(("name - ", "name * ", "sum(name")) for text in found)


def test_an_expression_that_raises_on_every_sample_is_left_out() -> None:
    assert "1 // 0" not in texts(Expression("0", (0, 0, 0, 0)), Expression("1", (1, 1, 1, 1)))


def test_no_operation_runs_wild() -> None:
    great = Expression("n", (10**14, 10**13, 10**12, 10**11))
    values = [value for one in expressions([great], 2000) for value in one.values]
    assert all(abs(v) < 10**15 for v in values if isinstance(v, (int, float)))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("len(items) - 1", (1, 0)),
        ("[x * 2 for x in items]", ([2, 4], [6])),
        ("self.size + 1", (11, FAILURE)),
        ("'-'.join(map(str, items))", ("1-2", "3")),
        ("items[1]", (2, FAILURE)),
        ("sorted(items)[::-1]", ([2, 1], [3])),
    ],
)
def test_expressions_of_the_source_are_computed(text: str, values: tuple[object, ...]) -> None:
    samples: list[dict[str, object]] = [{"items": [1, 2], "self.size": 10}, {"items": [3]}]
    assert values_of(ast.parse(text, mode="eval").body, samples) == values


@pytest.mark.parametrize(
    "text",
    [
        "open('x')",
        "items.append(3)",
        "().__class__.__bases__",
        "helper(items)",
        "'{0.__class__}'.format(items)",
        "(lambda: ().__class__)()",
        "1 << 10 ** 9",
    ],
)
def test_other_code_is_not_run(text: str) -> None:
    computed = values_of(ast.parse(text, mode="eval").body, [{"items": [1]}])
    assert computed is None or computed == (FAILURE,)


def test_expressions_that_would_take_all_memory_are_given_up() -> None:
    samples: list[dict[str, object]] = [{"n": 10**9, "s": "ab"}]
    for text in ("s * n", "list(range(n))", "n ** n", "[s] * n * n"):
        assert values_of(ast.parse(text, mode="eval").body, samples) == (FAILURE,)


SOURCE = """\
def perimeter(width, height):
    total = width + height
    return total


def first(items):
    if items:
        return items[0]
    return None
"""


def synthesise(tmp_path: Path, line: int, rows: list[dict[str, str]]) -> list[str]:
    file = tmp_path / "m.py"
    file.write_text(SOURCE)
    knowledge = Knowledge()
    knowledge.values.learn(TraceSeen({}, values=[SamplesSeen(str(file), line, tuple(rows))]))
    found = synthesised(CandidateQueue(Suspicion({str(file): {line: 1.0}}), knowledge, tmp_path))
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    return [one.text() for one in found]


def test_new_expressions_take_the_place_of_right_hand_sides(tmp_path: Path) -> None:
    rows = [{"width": "3", "height": "4"}, {"width": "5", "height": "1"}]
    found = synthesise(tmp_path, 2, rows)
    assert SOURCE.replace("width + height", "2 * (width + height)") in found or (
        SOURCE.replace("width + height", "(width + height) * 2") in found
    )


def test_what_changes_nothing_on_the_samples_is_left_out(tmp_path: Path) -> None:
    rows = [{"width": "3", "height": "4"}, {"width": "5", "height": "1"}]
    found = synthesise(tmp_path, 2, rows)
    assert SOURCE.replace("width + height", "height + width") not in found


def test_conditions_are_replaced(tmp_path: Path) -> None:
    rows = [{"items": "[1, 2]"}, {"items": "[]"}, {"items": "[7]"}]
    found = synthesise(tmp_path, 7, rows)
    assert SOURCE.replace("if items:", "if len(items) == 1:") in found or (
        SOURCE.replace("if items:", "if 1 == len(items):") in found
    )


def test_without_samples_nothing_is_built(tmp_path: Path) -> None:
    assert synthesise(tmp_path, 2, []) == []
