"""What the search is made of: order, priors, recent changes, pairs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from paramedic_workers.repair.candidates import CandidateQueue, functions_of
from paramedic_workers.repair.coordinated import coordinated_in_file
from paramedic_workers.repair.edits import Candidate, Function, Proposal
from paramedic_workers.repair.knowledge import Knowledge
from paramedic_workers.repair.localise import Suspicion, favour_recent_changes
from paramedic_workers.repair.messages import Letter
from paramedic_workers.repair.pairs import TEMPLATE, Gain, measured, pairs
from paramedic_workers.repair.source import Replacement, Source
from paramedic_workers.repair.templates import TEMPLATES, Site, Template
from paramedic_workers.repair.validate import KnownTest

SOURCE = "def f(a, b, c):\n    x = a - b\n    y = x * c\n    return x - y\n"


def queue_for(tmp_path: Path, priors: dict[str, float] | None = None) -> CandidateQueue:
    file = tmp_path / "m.py"
    file.write_text(SOURCE)
    found = Suspicion(lines={str(file): dict.fromkeys((2, 3, 4), 1.0)})
    return CandidateQueue(found, Knowledge(), tmp_path, priors=priors or {})


def test_learned_priors_change_the_order(tmp_path: Path) -> None:
    usual = next(iter(queue_for(tmp_path)))
    learned = {template.name: 0.01 for template in TEMPLATES if template.name != "other name"}
    preferred = next(iter(queue_for(tmp_path, learned)))
    assert usual.template != "other name"
    assert preferred.template == "other name"


def test_what_stands_in_f_strings_is_edited(tmp_path: Path) -> None:
    file = tmp_path / "m.py"
    file.write_text("def f(a, b):\n    return f\"é {a} of {a - b:>{b}} {', '.join(b[1:])}\"\n")
    found = Suspicion(lines={str(file): {2: 1.0}})
    lines = {
        candidate.source.apply(candidate.parts).splitlines()[1].strip()
        for candidate in CandidateQueue(found, Knowledge(), tmp_path)
    }
    assert "return f\"é {b} of {a - b:>{b}} {', '.join(b[1:])}\"" in lines
    assert "return f\"é {a} of {a + b:>{b}} {', '.join(b[1:])}\"" in lines
    assert "return f\"é {a} of {a - b:>{b}} {', '.join(b)}\"" in lines
    assert "return f\"é {a - b} of {a:>{b}} {', '.join(b[1:])}\"" in lines


def test_templates_look_only_when_their_turn_comes(tmp_path: Path) -> None:
    looked: list[str] = []
    template = next(t for t in TEMPLATES if t.name == "arithmetic operator")

    def watched(name: str, prior: float) -> Template:
        def propose(site: Site) -> Iterator[Proposal]:
            looked.append(name)
            return template.propose(site)

        return replace(template, name=name, prior=prior, propose=propose)

    queue = queue_for(tmp_path)
    queue.templates = (watched("first", 0.9), watched("second", 0.1))
    candidates = iter(queue)
    assert next(candidates).template == "first"
    assert set(looked) == {"first"}
    assert {candidate.template for candidate in candidates} <= {"first", "second"}
    assert "second" in looked


def test_what_was_changed_lately_is_more_suspicious(tmp_path: Path) -> None:
    one, other = str(tmp_path / "one.py"), str(tmp_path / "sub" / "other.py")
    found = Suspicion(lines={one: {1: 0.5, 2: 0.5}, other: {1: 0.5}})
    favour_recent_changes(found, tmp_path, {"one.py": frozenset({2}), "gone.py": frozenset()})
    assert found.lines[one][2] > found.lines[one][1] > 0.5
    assert found.lines[other] == {1: 0.5}
    favour_recent_changes(found, tmp_path, {"sub/other.py": frozenset()})
    assert found.lines[other][1] > 0.5


def single(
    old: str, new: str, *, nth: int = 0, score: float = 1.0, text: str = SOURCE
) -> Candidate:
    """The edit that replaces the nth of these texts."""
    source = Source(Path("/m.py"), "m.py", text)
    start = -1
    for _ in range(nth + 1):
        start = text.index(old, start + 1)
    function = next(f for f in _functions(text) if f.start <= start < f.end)
    return Candidate(
        source=source,
        function=function,
        parts=(Replacement(start, start + len(old), new),),
        template="x",
        title=f"{new} for {old}",
        line=source.line_of(start),
        score=score,
    )


_KNOWN: dict[str, list[Function]] = {}


def _functions(text: str) -> list[Function]:
    if text not in _KNOWN:
        _KNOWN[text] = list(functions_of(Source(Path("/m.py"), "m.py", text)))
    return _KNOWN[text]


def known(number: int) -> KnownTest:
    return KnownTest(
        number=number,
        id=f"t.py::test_{number}",
        file="/t.py",
        name=f"test_{number}",
        passes=False,
        hangs=False,
        seconds=0.01,
        wall=0.01,
    )


def test_two_edits_that_are_good_for_different_tests_come_first() -> None:
    minus, times, name = single(" - b", " + b"), single("*", "+"), single("y\n", "a\n")
    gains = [
        Gain(name),
        Gain(minus, green=frozenset({1})),
        Gain(times, green=frozenset({2})),
    ]
    found = list(pairs(gains))
    assert found[0].text() == SOURCE.replace("a - b", "a + b").replace("*", "+")
    assert found[0].template == TEMPLATE
    assert "and" in found[0].title
    assert len({pair.text() for pair in found}) == len(found) == 3


def test_edits_that_meet_or_are_of_different_functions_are_no_pair() -> None:
    text = SOURCE + "\n\ndef g(a):\n    return a\n"
    one = single("a - b", "a + b", text=text)
    meets = single("a - b", "b - a", text=text)
    elsewhere = single("return a", "return 1", text=text)
    assert list(pairs([Gain(one), Gain(meets), Gain(elsewhere)])) == []


@dataclass
class Plan:
    """Answers as planned: which tests each edit passes, and the lines where they end."""

    failing: Sequence[KnownTest]
    green: dict[str, set[int]]
    lines: dict[str, int]
    seen: list[str] = field(default_factory=list)

    def batch_size(self) -> int:
        return 2

    def screen(self, candidates: Sequence[Candidate], test: KnownTest) -> list[Letter]:
        self.seen += [one.title for one in candidates]
        passed = [test.number in self.green.get(one.title, ()) for one in candidates]
        return [Letter.PASSED if yes else Letter.FAILED for yes in passed]

    def reach(self, candidates: Sequence[Candidate], test: KnownTest) -> list[int]:
        return [self.lines.get(one.title, 10) if one.parts else 10 for one in candidates]


def test_the_gain_of_an_edit_is_what_it_turns_green_or_gets_further() -> None:
    minus, times, name = single(" - b", " + b"), single("*", "+"), single("y\n", "a\n")
    plan = Plan([known(1), known(2)], {minus.title: {2}}, {times.title: 12, name.title: 9})
    gains = {gain.candidate: gain for gain in measured(plan, [minus, times, name], _later())}
    assert gains[minus].green == {2}
    assert gains[times].further == {1, 2}
    assert gains[name].size == 0


def test_measuring_ends_when_its_time_is_up() -> None:
    plan = Plan([known(1)], {}, {})
    measured(plan, [single("*", "+")], time.monotonic() - 1)
    assert plan.seen == []


def _later() -> float:
    return time.monotonic() + 3600


NAMES = """\
class Stock:
    limit = "itms"

    def first(self):
        return self.itms[0]  # itms

    def last(self):
        itms = 1
        return self.itms[-itms]
"""


def test_a_name_is_changed_in_the_whole_file_and_nothing_else_is() -> None:
    edit = single("itms", "items", nth=1, text=NAMES)
    found = coordinated_in_file([edit])
    assert [one.text() for one in found] == [NAMES.replace("self.itms", "self.items")]
    assert found[0].function is None
    assert found[0].places == 2


@pytest.mark.parametrize(("old", "new"), [("[0]", "[1]"), ("return", "yield")])
def test_what_is_no_name_or_stands_once_is_not_changed_elsewhere(old: str, new: str) -> None:
    text = NAMES.replace("return self.itms[-itms]", "pass")
    assert coordinated_in_file([single(old, new, text=text)]) == []
