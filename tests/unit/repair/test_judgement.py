"""Which lines are suspicious, which candidates come first, and what is trusted."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from paramedic_workers.repair.candidates import (
    CandidateQueue,
    functions_of,
    is_test,
    may_change_by_path,
)
from paramedic_workers.repair.coordinated import coordinated
from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.hygiene import findings
from paramedic_workers.repair.knowledge import Knowledge
from paramedic_workers.repair.localise import Suspicion, suspicion
from paramedic_workers.repair.messages import ErrorSeen, Outcome, Place, RunSeen, TraceSeen
from paramedic_workers.repair.model import RankedPatch, Trust
from paramedic_workers.repair.normal_form import normal_form
from paramedic_workers.repair.rank import Circumstances, rank
from paramedic_workers.repair.source import Replacement, Source
from paramedic_workers.repair.spelling import closest, likeness
from paramedic_workers.repair.trust.pinning import Pinning

FILE = "/p/m.py"


def run(outcome: Outcome, lines: list[int], error: ErrorSeen | None = None) -> RunSeen:
    trace = TraceSeen(lines={FILE: lines}, recent=[(FILE, 1)])
    return RunSeen(outcome, 0.0, 0.0, error, trace)


def anything(_path: str) -> bool:
    return True


def test_a_line_that_only_failing_tests_run_is_the_most_suspicious() -> None:
    failing = [run(Outcome.FAILED, [2, 3]), run(Outcome.FAILED, [2, 3, 4])]
    passing = [run(Outcome.PASSED, [2, 4])]
    lines = suspicion(failing, passing, [], anything).lines[FILE]
    assert lines[3] == 1.0
    assert lines[3] > lines[2] > lines[4]
    assert 5 not in lines


def test_the_line_that_raised_outranks_its_callers_and_counts_once() -> None:
    error = ErrorSeen("KeyError", "'x'", (Place(FILE, 2), Place(FILE, 3)))
    failing = [run(Outcome.FAILED, [2, 3, 4], error)] * 3
    lines = suspicion(failing, [], [], anything).lines[FILE]
    assert lines == {2: 1.15, 3: 1.5, 4: 1.0}


def test_files_that_may_not_change_are_never_suspicious() -> None:
    failing = [run(Outcome.FAILED, [2])]
    assert not suspicion(failing, [], [], lambda _path: False).lines


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("test_a.py", True),
        ("pkg/a_test.py", True),
        ("tests/helpers.py", True),
        ("conftest.py", True),
        ("setup.py", True),
        ("pkg/testing_tools.py", False),
        ("contest.py", False),
    ],
)
def test_tests_and_what_configures_them_are_recognised(path: str, expected: bool) -> None:
    assert is_test(Path(path)) is expected
    assert may_change_by_path(Path("/p"), anything)(f"/p/{path}") is not expected


def test_nothing_outside_the_root_may_change() -> None:
    assert not may_change_by_path(Path("/p"), anything)("/q/a.py")


SOURCE = """
def total(prices, tax):
    amount = 0
    for price in prices:
        amount -= price
    return amount

def unused(x):
    return x - 1
"""


def queue_for(tmp_path: Path, lines: dict[int, float], text: str = SOURCE) -> CandidateQueue:
    file = tmp_path / "m.py"
    file.write_text(text)
    found = Suspicion(lines={str(file): lines})
    return CandidateQueue(found, Knowledge(), tmp_path)


def test_candidates_come_best_first_and_only_from_suspicious_lines(tmp_path: Path) -> None:
    queue = queue_for(tmp_path, {3: 0.1, 5: 1.0})
    candidates = list(queue)
    scores = [candidate.score for candidate in candidates]
    assert scores == sorted(scores, reverse=True)
    assert {c.function.name for c in candidates if c.function} == {"total"}
    # A statement that is added behind a suspicious one stands on the next line.
    added = {c.line for c in candidates if c.template == "statement copied"}
    assert {c.line for c in candidates if c.template != "statement copied"} == {3, 5}
    assert added <= {3, 4, 5, 6}
    assert candidates[0].text() == SOURCE.replace("-= price", "+= price")
    assert [c.order() for c in queue] == [c.order() for c in candidates]


def test_a_function_is_looked_into_only_when_its_turn_comes(tmp_path: Path) -> None:
    queue = queue_for(tmp_path, {5: 1.0, 9: 0.01})
    next(iter(queue))
    assert queue.functions == {"m.py:total"}


def test_edits_of_defaults_and_constants_are_not_inside_a_function(tmp_path: Path) -> None:
    text = "RATE = 2\n\n\ndef total(amount, count=1):\n    return amount * RATE\n"
    outside = [c for c in queue_for(tmp_path, {5: 1.0}, text) if c.function is None]
    assert {"RATE = 3", "count=2"} <= {
        fragment
        for fragment in ("RATE = 3", "count=2")
        for candidate in outside
        if fragment in candidate.text()
    }


def test_the_same_edit_is_made_in_several_places(tmp_path: Path) -> None:
    text = "def f(a, b, c):\n    return a == b and b == c and a == c\n"
    texts = {c.text() for c in coordinated(queue_for(tmp_path, {2: 1.0}, text))}
    assert text.replace(" and ", " or ") in texts
    mirrored = "def f(a):\n    if a:\n        return True\n    return False\n"
    flipped = {c.text() for c in coordinated(queue_for(tmp_path, {3: 1.0, 4: 1.0}, mirrored))}
    assert "def f(a):\n    if a:\n        return False\n    return True\n" in flipped


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a > b", "b < a"),
        ("not a == b", "a != b"),
        ("not (x in y)", "x not in y"),
        ("x - -1", "x + 1"),
        ("a * b", "b * a"),
        ("x + 0", "x"),
        ("not not x", "x"),
    ],
)
def test_code_that_means_the_same_has_one_normal_form(one: str, other: str) -> None:
    assert normal_form(ast.parse(one)) == normal_form(ast.parse(other))


@pytest.mark.parametrize(
    ("one", "other"), [("a < b", "a <= b"), ("a - b", "b - a"), ("x", "x + 1")]
)
def test_code_that_means_something_else_has_another(one: str, other: str) -> None:
    assert normal_form(ast.parse(one)) != normal_form(ast.parse(other))


def candidate(
    old: str, new: str, *, template: str = "arithmetic operator", score: float = 1.0
) -> Candidate:
    """The candidate that puts `new` in place of the first `old` in SOURCE."""
    source = Source(Path(FILE), "m.py", SOURCE)
    start = SOURCE.index(old)
    function = next(f for f in functions_of(source) if f.start <= start < f.end)
    part = Replacement(start, start + len(old), new)
    line = source.line_of(start)
    return Candidate(source, function, (part,), template, f"`{new}`", line, score)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("amount -= price", "amount -= tax", "`price` is no longer used"),
        ("return amount", "return amount + tax", "`tax` was not used before, and is now"),
        ("return amount", "amount", "may now end without returning"),
        ("return amount", "return amount / amount", "combined with itself"),
        ("for price in prices", "while 1", "`prices` is no longer used"),
        ("return x - 1", "return x in (1, 2, 2)", "stands twice"),
        ("amount -= price", "prices.append(price)", "changes what it loops over"),
        ("return x - 1", "return 1 < x > 2", "opposite directions"),
        ("return x - 1", "return len(set(x))", "no longer counted"),
    ],
)
def test_hygiene_notices(old: str, new: str, reason: str) -> None:
    assert any(reason in finding.reason for finding in findings(candidate(old, new)))


def covered(failing: int, passing: int) -> Suspicion:
    lines = range(1, 12)
    return Suspicion(
        failing={FILE: Counter(dict.fromkeys(lines, failing))},
        passing={FILE: Counter(dict.fromkeys(lines, passing))},
    )


def ranked(
    candidates: list[Candidate], coverage: Suspicion, tests: list[str]
) -> tuple[RankedPatch, ...]:
    strict = Pinning(inside=12, inside_refused=12)
    circumstances = Circumstances(suspicion=coverage, tests=tests, pin=lambda _candidate: strict)
    return rank(candidates, circumstances, lambda file: file.stem)


GOOD = ("amount -= price", "amount += price")


def test_a_usual_edit_that_many_tests_run_and_none_rivals_is_trusted() -> None:
    [patch] = ranked([candidate(*GOOD)], covered(2, 2), [])
    assert patch.trust is Trust.HIGH
    assert "2 failing and 2 passing tests run the changed line." in patch.reasons
    assert patch.title == "`amount += price` in m.total"


@pytest.mark.parametrize(
    ("others", "tests", "coverage", "reason"),
    [
        ([candidate("return amount", "return -amount", score=0.95)], [], (2, 2), "no less likely"),
        ([], [], (1, 0), "Only one test"),
    ],
)
def test_what_keeps_trust_from_being_high(
    others: list[Candidate], tests: list[str], coverage: tuple[int, int], reason: str
) -> None:
    patch = ranked([candidate(*GOOD), *others], covered(*coverage), tests)[0]
    assert patch.trust is not Trust.HIGH
    assert any(reason in text for text in patch.reasons)


def test_an_answer_copied_from_the_test_is_not_trusted() -> None:
    copied = candidate("return amount", "return 4711", template="number")
    [patch] = ranked([copied], covered(2, 2), ["assert total([1]) == 4711"])
    assert patch.trust is Trust.LOW
    assert any("constant that stands in the failing test" in text for text in patch.reasons)


def test_taking_code_away_is_not_trusted() -> None:
    deleted = candidate("return x - 1", "return x", template="operand dropped")
    [patch] = ranked([deleted], covered(2, 2), [])
    assert patch.trust is Trust.LOW


def test_patches_that_mean_the_same_are_one() -> None:
    same = candidate("amount -= price", "amount = amount + price", score=0.5)
    [patch] = ranked([candidate(*GOOD), same], covered(2, 2), [])
    assert patch.trust is Trust.HIGH
    assert "+        amount += price" in patch.diff


def test_a_patch_keeps_its_place_though_another_means_the_same() -> None:
    same = candidate("amount -= price", "amount = amount + price", score=0.3)
    other = candidate("return amount", "return -amount", score=0.6)
    patches = ranked([candidate(*GOOD), same, other], covered(2, 2), [])
    assert [patch.evidence.position for patch in patches] == [0, 1]
    assert "+        amount += price" in patches[0].diff


def test_the_other_branch_comes_later_where_no_passing_test_runs_the_condition() -> None:
    turned = candidate("return x - 1", "return x - 2", template="condition negated", score=1.0)
    other = candidate("return x", "return -x", score=0.8)
    for passing, first in ((0, "return -x"), (2, "return x - 2")):
        patches = ranked([turned, other], covered(2, passing), [])
        assert first in patches[0].diff


def test_the_closest_spelling_comes_first() -> None:
    names = ["total", "totals", "sum_all", "tax"]
    assert closest("totl", names) == ["total", "totals"]
    assert closest("total", names, least=0.9) == ["totals"]


def test_classes_that_failing_tests_do_not_use_come_last(tmp_path: Path) -> None:
    text = """
class Words:
    hour = "hour"

    def name(self):
        return self.hour

class Persian(Words):
    hour = "saat"

class Danish(Words):
    hour = "time"
"""
    file = tmp_path / "m.py"
    file.write_text(text)
    knowledge = Knowledge(attributes={"Persian": {"hour": "str"}})
    queue = CandidateQueue(Suspicion(lines={str(file): {6: 1.0}}), knowledge, tmp_path)
    best: dict[int, float] = {}
    for candidate in queue:
        best[candidate.line] = max(candidate.score, best.get(candidate.line, 0.0))
    assert best[9] == best[3] > 5 * best[12] > 0


def test_no_candidates_are_made_when_the_time_is_up(tmp_path: Path) -> None:
    queue = queue_for(tmp_path, {5: 1.0})
    assert next(iter(queue), None) is not None
    queue.deadline = 0.0
    assert next(iter(queue), None) is None


def test_a_table_of_thousands_of_texts_does_not_make_one_of_them_dear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [f"word{number}" for number in range(3000)]
    text = f"WORDS = {words!r}\n\ndef first(word):\n    return word == 'wrod'\n"
    compared: list[str] = []

    def noted(_name: str, other: str) -> float:
        compared.append(other)
        return 0.5

    monkeypatch.setattr("paramedic_workers.repair.spelling.likeness", noted)
    queue = queue_for(tmp_path, {4: 1.0}, text)
    assert any("== 'word27" in c.text() for c in queue if c.template == "text")
    assert 0 < len([word for word in compared if word.startswith("word")]) < 1000


@pytest.mark.parametrize("least", [0.0, 0.3, 0.6, 0.9])
def test_the_closest_spellings_are_those_of_all_comparisons(least: float) -> None:
    names = ["", "a", "total", "totals", "Total_", "sum_of_all", "tax", "lot", "tttt", "latot"]
    for name in names:
        alike = [o for o in names if o != name and likeness(name, o) >= least]
        alike.sort(key=lambda other: (-likeness(name, other), other))
        assert closest(name, names, least=least, most=20) == alike
