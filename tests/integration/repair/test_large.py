"""The cost of a repair grows with what the failing tests touch, not with the repository."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from paramedic_workers.repair import repair
from paramedic_workers.repair.messages import Greeting, RunSeen
from paramedic_workers.repair.session import Session
from tests.support.large import write_modules
from tests.support.projects import changed_lines, describe


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts what is done: files parsed, tests collected, lines traced, files looked at."""
    counts: Counter[str] = Counter()
    parse, opened, ask, stat = ast.parse, Session.open, Session.ask, Path.stat

    def count_parse(*arguments: Any, **more: Any) -> Any:
        counts["parsed"] += 1
        return parse(*arguments, **more)

    def count_open(session: Session, files: Sequence[str], *more: Any) -> Greeting:
        greeting = opened(session, files, *more)
        counts["collected"] += len(greeting.tests)
        return greeting

    def count_ask(session: Session, request: dict[str, Any], answer: Any, wait: float) -> Any:
        found = ask(session, request, answer, wait)
        if isinstance(found, list):
            traces = [run.trace for run in found if isinstance(run, RunSeen) and run.trace]
            lines = [line for trace in traces for line in trace.lines.values()]
            counts["traced"] += sum(map(len, lines))
        return found

    def count_stat(path: Path, **more: Any) -> Any:
        counts["looked at"] += 1
        return stat(path, **more)

    patches: dict[tuple[object, str], Callable[..., Any]] = {
        (ast, "parse"): count_parse,
        (Session, "open"): count_open,
        (Session, "ask"): count_ask,
        (Path, "stat"): count_stat,
    }
    for (owner, name), function in patches.items():
        monkeypatch.setattr(owner, name, function)
    return counts


def test_a_thousand_modules_are_hardly_more_work_than_ten(
    tmp_path: Path, work: Counter[str]
) -> None:
    done = {}
    for count in (10, 1000):
        failing = write_modules(tmp_path / str(count), count)
        work.clear()
        report = repair(describe(tmp_path / str(count)), [failing], budget=60.0)
        assert "+    return result + result" in changed_lines(report.patches[0].diff)
        done[count] = Counter(work)
    few, many = done[10], done[1000]
    assert few["traced"]
    assert many["traced"] <= 2 * few["traced"]
    assert many["collected"] <= few["collected"]
    assert many["parsed"] <= few["parsed"] + 2
    # Other test files are looked at to find those of the same code, up to a fixed number.
    assert many["looked at"] <= few["looked at"] + 450


def test_a_missing_name_is_looked_up_in_one_reading(tmp_path: Path, work: Counter[str]) -> None:
    failing = write_modules(tmp_path, 200)
    calls = "".join(f"    n = missing(n + {number})\n" for number in range(8))
    module = f"def value(n):\n    return n\n\n\ndef twice(n):\n{calls}    return n\n"
    (tmp_path / "shop" / "m199.py").write_text(module)
    report = repair(describe(tmp_path), [failing], budget=60.0)
    assert report.candidates
    # Every test file to see whether it is near, every module for what it defines.
    assert work["looked at"] <= 2 * 200 + 50
