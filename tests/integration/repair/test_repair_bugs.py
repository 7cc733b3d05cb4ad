"""The benchmark of small bugs, run on two bugs of its own."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from paramedic_workers.repair.trust.evidence import Evidence
from tests.benchmarks import repair_bugs
from tests.benchmarks.bugs.bug import Bug, with_few_tests
from tests.benchmarks.bugs.chart import Curve, chart
from tests.benchmarks.trust.data import read_samples

SUM = """
def total(prices):
    amount = 0
    for price in prices:
        amount {} price
    return amount
"""
SUM_TESTS = """
from solution import total

def test_one():
    assert total([3]) == 3

def test_many():
    assert total([3, 4]) == 7

def test_none():
    assert total([]) == 0
"""
#: Many edits give 4 for 2: its only test says too little.
OPEN = "def answer(number):\n    return {}\n"
OPEN_TESTS = "from solution import answer\n\ndef test_it():\n    assert answer(2) == 4\n"


@pytest.fixture
def bugs(tmp_path: Path) -> Path:
    entries = [
        {"id": "sum", "buggy": SUM.format("-="), "reference": SUM.format("+="), "test": SUM_TESTS},
        {
            "id": "open",
            "buggy": OPEN.format("number - 2"),
            "reference": OPEN.format("3 * number - 2"),
            "test": OPEN_TESTS,
        },
    ]
    file = tmp_path / "bugs.jsonl"
    file.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
    return file


def test_two_bugs_are_healed_judged_and_drawn(
    bugs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evidence = tmp_path / "evidence.jsonl"
    arguments = [str(bugs), "--out", str(tmp_path / "out"), "--evidence", str(evidence)]
    assert repair_bugs.main([*arguments, "--budget", "120"]) == 0
    told = capsys.readouterr().out
    assert "augmented assignment: `+=` in place of `-=` in solution.total" in told
    assert "median candidates a second" in told
    document = json.loads((tmp_path / "out" / "bench-repair.json").read_text())
    first, second = document["bugs"]
    assert (first["id"], first["verdict"]) == ("sum", "right")
    assert first["patches"][0]["right"] is True
    assert second["verdict"] == "wrong but green"
    assert document["totals"]["bugs"] == 2
    assert document["totals"]["right"] == 1
    assert "high" not in [p["trust"] for p in second["patches"][:1]]
    drawing = ElementTree.parse(tmp_path / "out" / "bench-repair.svg")
    assert "agree with the reference: 1" in "".join(drawing.getroot().itertext())
    samples = read_samples([evidence])
    assert samples[0].source == "sum"
    assert samples[0].right
    assert samples[0].evidence != Evidence()


def test_a_bug_can_be_healed_with_few_of_its_tests() -> None:
    bug = Bug("sum", SUM.format("-="), SUM_TESTS, SUM.format("+="))
    failing = ["test_solution.py::test_one", "test_solution.py::test_many"]
    few = with_few_tests(bug, failing, 1)
    names = [line for line in few.test.splitlines() if line.startswith("def ")]
    assert "def test_none():" in names
    assert len(names) == 2
    assert "from solution import total" in few.test
    assert with_few_tests(bug, failing, 1) == few
    assert with_few_tests(bug, failing, 9).test.count("def test") == 3


def test_a_bug_at_which_the_engine_breaks_is_told_and_the_others_go_on(
    bugs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr("tests.benchmarks.bugs.heal.repair", broken)
    assert repair_bugs.main([str(bugs), "--out", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert told.count("the engine broke: RecursionError: too deep") == 2


def test_what_is_no_file_of_bugs_is_said_to_be_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert repair_bugs.main([str(tmp_path / "nowhere.jsonl")]) == 2
    assert "nowhere.jsonl" in capsys.readouterr().err
    file = tmp_path / "odd.jsonl"
    file.write_text('{"id": "a"}\n')
    assert repair_bugs.main([str(file)]) == 2
    assert "line 1" in capsys.readouterr().err


def test_a_chart_has_a_step_for_each_bug() -> None:
    drawn = chart("A & B", [Curve("all", [3.0, 0.5, 9.0], "red")], bugs=4, budget=60)
    path = next(line for line in drawn.splitlines() if 'stroke="red"' in line)
    assert path.count("V") == 3
    assert "A &amp; B" in drawn
    ElementTree.fromstring(drawn)
