"""How far a patch is trusted: the evidence, the model, the rules above it, the words."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from paramedic_workers.repair.behaviour import Comparison
from paramedic_workers.repair.candidates import functions_of
from paramedic_workers.repair.edits import Candidate
from paramedic_workers.repair.expected import Expected
from paramedic_workers.repair.judged import Judged
from paramedic_workers.repair.localise import Suspicion
from paramedic_workers.repair.messages import ErrorSeen, Place
from paramedic_workers.repair.model import Trust
from paramedic_workers.repair.source import Replacement, Source
from paramedic_workers.repair.templates.priors import PRIORS
from paramedic_workers.repair.trust import families
from paramedic_workers.repair.trust.evidence import Evidence
from paramedic_workers.repair.trust.features import FEATURES, vector
from paramedic_workers.repair.trust.gather import gather
from paramedic_workers.repair.trust.model import Model, judge, speaks_against
from paramedic_workers.repair.trust.reasons import reasons

#: As good as evidence gets.
GOOD = Evidence(usual=True, failing_on_line=4, passing_on_line=4, hygiene=1.6, size=3)
#: Something that speaks against it, as strong as that can be.
AGAINST = (
    {"deletes_code": True},
    {"copies_constant": True},
    {"inputs_compared": 50, "rivals_near": 1, "rivals_disagreeing": 1},
    {"hygiene": 0.4},
    {"rivals_near": 1},
    {"failing_on_line": 1, "passing_on_line": 0},
    {"failing_on_line": 0, "passing_on_line": 0, "top_level": True},
    {"shifts_number": True},
    {"silences_error": True},
    {"turns_condition": True, "passing_on_line": 0},
    {"turns_default": True},
    {"edits_judge": True},
    {"failing_on_line": 1, "passing_on_line": 2},
    {"variants": 20, "variants_refused": 10},
)


def some_evidence(dice: random.Random) -> Evidence:
    """Evidence with any numbers."""
    drawn: dict[str, Any] = {}
    for field in fields(Evidence):
        drawn[field.name] = {
            "bool": dice.random() < 0.3,
            "int": dice.randint(0, 12),
            "float": dice.random() * 2,
        }[str(field.type)]
    return Evidence(**drawn)


def with_number(evidence: Evidence, name: str, value: float) -> Evidence:
    changed: dict[str, Any] = {name: value}
    return replace(evidence, **changed)


# -- the model ---------------------------------------------------------------------------


def test_the_best_evidence_is_trusted_and_the_worst_is_not() -> None:
    assert judge(GOOD)[0] is Trust.HIGH
    bad = replace(GOOD, plausible=7, position=3, rival_share=2.0, hygiene=0.1, agreeing_mass=0.1)
    assert judge(bad)[0] is Trust.LOW
    assert judge(bad)[1] < 0.2
    assert judge(GOOD)[1] > 0.8


def test_every_weight_keeps_its_direction() -> None:
    for feature, weight in zip(FEATURES, Model.read().weights, strict=True):
        assert weight * feature.direction >= 0, feature.name


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("rivals_disagreeing", range(12)),
        ("plausible", range(1, 30)),
        ("position", range(5)),
        ("rival_share", [0, 0.3, 0.8, 2, 9]),
        ("deletes_code", [False, True]),
        ("copies_constant", [False, True]),
        ("easy", [False, True]),
        ("shifts_number", [False, True]),
        ("turns_condition", [False, True]),
        ("silences_error", [False, True]),
        ("places", [1, 2, 5]),
        ("size", [1, 10, 100, 1000]),
        ("tried", [0, 50, 1000, 9999]),
        ("turns_default", [False, True]),
        ("lines_run", [1, 5, 50, 500, 5000]),
    ],
)
def test_more_against_a_patch_never_raises_trust(name: str, values: Sequence[float]) -> None:
    dice = random.Random(1)
    for _ in range(200):
        evidence = replace(some_evidence(dice), inputs_compared=dice.choice([0, 50]))
        chances = [judge(with_number(evidence, name, value))[1] for value in values]
        assert chances == sorted(chances, reverse=True)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("usual", [False, True]),
        ("aimed", [False, True]),
        ("named_in_message", [False, True]),
        ("raises", [False, True]),
        ("variants_refused", range(0, 13, 3)),
        ("failing_on_line", range(6)),
        ("passing_on_line", range(6)),
        ("agreeing_mass", [0, 0.5, 1]),
        ("score", [0, 0.1, 1, 2]),
        ("hygiene", [0.1, 0.5, 1, 1.6]),
    ],
)
def test_more_for_a_patch_never_lowers_trust(name: str, values: Sequence[float]) -> None:
    dice = random.Random(2)
    order = [Trust.LOW, Trust.MEDIUM, Trust.HIGH]
    for _ in range(200):
        evidence = some_evidence(dice)
        judged = [judge(with_number(evidence, name, value)) for value in values]
        assert [chance for _, chance in judged] == sorted(chance for _, chance in judged)
        assert sorted(order.index(t) for t, _ in judged) == [order.index(t) for t, _ in judged]


@pytest.mark.parametrize("against", AGAINST)
def test_no_chance_outweighs_strong_evidence_against(against: dict[str, Any]) -> None:
    model = replace(Model.read(), bias=50.0)
    evidence = replace(GOOD, **against)
    assert model.chance(evidence) > 0.99
    is_low = evidence.deletes_code or evidence.copies_constant or evidence.edits_judge
    assert model.trust(evidence) is (Trust.LOW if is_low else Trust.MEDIUM)
    assert model.trust(GOOD) is Trust.HIGH


def test_of_two_patches_that_disagree_the_second_is_low() -> None:
    model = replace(Model.read(), bias=50.0)
    second = replace(GOOD, plausible=2, position=1, rivals_near=1, rivals_as_likely=1)
    assert model.trust(second) is Trust.LOW
    compared = replace(second, inputs_compared=50, rivals_compared=1)
    assert model.trust(compared) is Trust.HIGH
    disagreeing = replace(compared, rivals_disagreeing=1, as_likely_disagreeing=1)
    assert model.trust(disagreeing) is Trust.LOW


def test_what_the_message_aims_at_needs_no_second_test() -> None:
    alone = replace(GOOD, failing_on_line=1, passing_on_line=0)
    assert speaks_against(alone)
    assert not speaks_against(replace(alone, aimed=True))
    assert not speaks_against(replace(alone, in_broken_file=True))
    assert judge(replace(alone, aimed=True))[0] is not Trust.LOW


def test_rivals_that_behave_the_same_are_no_rivals() -> None:
    contested = replace(GOOD, plausible=3, rival_share=0.95, rivals_near=2, rivals_as_likely=2)
    alike = replace(contested, inputs_compared=80, rivals_compared=2)
    assert judge(contested)[0] is not Trust.HIGH
    assert judge(alike)[0] is Trust.HIGH


def test_features_are_bounded_numbers() -> None:
    dice = random.Random(3)
    for _ in range(300):
        evidence = replace(some_evidence(dice), hygiene=max(0.001, dice.random() * 2))
        assert all(0.0 <= value <= 4.0 for value in vector(evidence))


def test_families_are_those_that_there_are() -> None:
    syntax = {
        *("missing colon", "missing bracket", "missing comma", "foreign word"),
        *("misspelt keyword", "comparison", "odd character"),
    }
    named = families.USUAL | families.EASY | families.SHIFTING
    named |= families.TURNING | families.SILENCING
    assert named - syntax <= set(PRIORS)
    assert not families.USUAL & families.EASY


# -- the evidence ------------------------------------------------------------------------

FILE = "/p/m.py"
TEXT = """
def total(prices, tax, words):
    amount = 0
    for price in prices[0:]:
        amount -= price
    for number in range(len(words) - 1):
        print(words[number + 1])
    if amount > 10:
        return round(amount, 2)
    return amount
"""


def candidate(
    old: str, new: str, template: str = "comparison operator", score: float = 1.0
) -> Candidate:
    source = Source(Path(FILE), "m.py", TEXT)
    start = TEXT.index(old)
    part = Replacement(start, start + len(old), new)
    function = functions_of(source)[0]
    return Candidate(source, function, (part,), template, new, source.line_of(start), score)


def judged(*candidates: Candidate) -> list[Judged]:
    return [Judged(c, c.score, (), c.text()) for c in candidates]


def gathered(
    candidates: Sequence[Candidate],
    position: int = 0,
    *,
    comparison: Comparison | None = None,
    tests: Sequence[str] = (),
    messages: Sequence[str] = (),
    errors: Sequence[ErrorSeen] = (),
) -> Evidence:
    lines = range(1, 12)
    suspicion = Suspicion(
        lines={FILE: {5: 0.8}},
        failing={FILE: Counter(dict.fromkeys(lines, 2))},
        passing={FILE: Counter({5: 3})},
        raised={(FILE, 5)},
    )
    return gather(
        position,
        judged(*candidates),
        comparison,
        suspicion=suspicion,
        tests=tests,
        messages=messages,
        failing_tests=2,
        expected=Expected(texts=("abc",), numbers=("12", "3")),
        tried=40,
        errors=errors,
    )


PLUS = candidate("-= price", "+= price", "augmented assignment")


def test_evidence_tells_of_the_tests_and_the_edit() -> None:
    evidence = gathered([PLUS])
    assert (evidence.failing_on_line, evidence.passing_on_line) == (2, 3)
    assert (evidence.failing_tests, evidence.expected_size, evidence.tried) == (2, 6, 40)
    assert evidence.raised_here
    assert evidence.suspicion == 0.8
    assert evidence.prior == PRIORS["augmented assignment"]
    assert evidence.usual
    assert not evidence.aimed
    assert (evidence.plausible, evidence.position, evidence.rival_share) == (1, 0, 0.0)


def test_evidence_tells_of_rivals_and_whether_they_behave_otherwise() -> None:
    near = candidate("> 10", ">= 10", score=0.9)
    far = candidate("return amount", "return tax", "other name", score=0.3)
    outcomes = [("a", "a", "a"), ("b", "b", "c"), ("d", "d", "d"), ("e", "e", "f")]
    uncompared = gathered([PLUS, near, far])
    assert (uncompared.rivals_near, uncompared.rivals_as_likely) == (1, 1)
    assert uncompared.inputs_compared == uncompared.rivals_disagreeing == 0
    first = gathered([PLUS, near, far], comparison=Comparison(3, outcomes))
    assert (first.inputs_compared, first.rivals_compared, first.rivals_disagreeing) == (4, 2, 1)
    assert (first.as_likely_disagreeing, first.disagreement) == (0, 0.5)
    assert first.agreeing_mass == pytest.approx(1.9 / 2.2, abs=1e-3)
    last = gathered([PLUS, near, far], 2, comparison=Comparison(3, outcomes))
    assert (last.rivals_disagreeing, last.as_likely_disagreeing) == (2, 2)
    assert last.position == 2


def test_evidence_tells_what_comes_from_messages_and_tests() -> None:
    named = candidate("return amount", "return tax", "other name")
    assert gathered([named], messages=["name 'tax' is wrong"]).named_in_message
    assert not gathered([named], messages=["taxes are wrong"]).named_in_message
    copied = candidate("return amount", "return 4711", "number")
    assert gathered([copied], tests=["assert total([]) == 4711"]).copies_constant
    assert not gathered([copied], tests=["assert total([]) == 47"]).copies_constant


@pytest.mark.parametrize(
    ("old", "new", "shifts"),
    [
        ("[0:]", "[1:]", False),
        ("> 10", "> 11", False),
        ("len(words) - 1", "len(words)", False),
        ("[number + 1]", "[number + 2]", False),
        ("amount, 2)", "amount, 3)", True),
        ("= 0", "= 1", True),
    ],
)
def test_a_number_that_counts_nothing_is_made_to_measure(old: str, new: str, shifts: bool) -> None:
    edited = candidate(old, new, "number")
    inner = [n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b][:1] or [len(new)]
    start = edited.parts[0].start + inner[0]
    part = Replacement(start, edited.parts[0].end, new[inner[0] :])
    assert gathered([replace(edited, parts=(part,))]).shifts_number is shifts
    assert not gathered([replace(edited, template="other name")]).shifts_number


def test_evidence_tells_of_a_condition_that_is_turned_around() -> None:
    assert gathered([candidate("> 10", "<= 10")]).turns_condition is False
    assert gathered([candidate(">", "<=")]).turns_condition is True
    assert gathered([candidate("> 10", "> 10", "condition negated")]).turns_condition is True


# -- the words ---------------------------------------------------------------------------


def told(evidence: Evidence, **more: tuple[str, ...]) -> tuple[str, ...]:
    return reasons(evidence, judge(evidence)[0], template="number", **more)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"deletes_code": True}, "It takes code away without putting other code in its place."),
        ({"copies_constant": True}, "It writes a constant that stands in the failing test."),
        ({"failing_on_line": 1, "passing_on_line": 0}, "Only one test runs the changed line."),
        (
            {"failing_on_line": 0, "passing_on_line": 0, "top_level": True},
            "No test is known to run the changed line.",
        ),
        ({"rivals_as_likely": 2}, "2 other patches pass as well, and no less likely."),
        (
            {
                "inputs_compared": 40,
                "rivals_disagreeing": 1,
                "as_likely_disagreeing": 1,
                "disagreement": 0.25,
            },
            "1 other patch passes as well, is no less likely and behaves otherwise"
            " on up to 25% of 40 varied inputs.",
        ),
        (
            {"inputs_compared": 40, "plausible": 3},
            "2 other patches pass as well and behave the same on 40 varied inputs.",
        ),
        (
            {"turns_condition": True, "passing_on_line": 0},
            "It turns a condition around, and no passing test runs it.",
        ),
        (
            {"silences_error": True},
            "It has an error go away; whether what then happens is meant is not known.",
        ),
        ({"places": 3}, "It makes the same change in 3 places."),
        ({"usual": False}, "An edit of this kind (number) is less usual."),
        ({"aimed": True}, "It follows from the error message."),
        ({}, "4 failing and 4 passing tests run the changed line."),
        ({}, "It is an edit that people often make (number)."),
    ],
)
def test_reasons_say_what_the_numbers_mean(change: dict[str, Any], sentence: str) -> None:
    assert sentence in told(replace(GOOD, **change))


def test_what_a_reader_would_say_is_said_as_well() -> None:
    assert "`x` is no longer used." in told(GOOD, against=("`x` is no longer used",))
    assert "`y` is used now." in told(GOOD, favour=("`y` is used now",))


def test_an_edit_of_what_is_equal_is_told_and_never_trusted() -> None:
    text = "class A:\n    def __eq__(self, other):\n        return self.x == other.x\n"
    source = Source(Path("/p/a.py"), "a.py", text)
    start = text.index("==")
    part = Replacement(start, start + 2, ">=")
    [function] = functions_of(source)
    edit = Candidate(source, function, (part,), "comparison operator", "", 3, 1.0)
    evidence = gathered([edit])
    assert evidence.edits_judge
    assert not gathered([PLUS]).edits_judge
    told = reasons(evidence, judge(evidence)[0], template=edit.template)
    assert "It changes when objects are equal, and so what the tests assert." in told


def test_evidence_tells_of_a_default_that_is_turned() -> None:
    text = "def find(name, deep=False):\n    return name if deep else None\n"
    source = Source(Path("/p/a.py"), "a.py", text)
    start = text.index("False")
    default = Candidate(
        source, None, (Replacement(start, start + 5, "True"),), "truth value", "", 1, 1.0
    )
    assert gathered([default]).turns_default
    assert not gathered([PLUS]).turns_default


def test_evidence_tells_where_the_error_came_from() -> None:
    frame = ErrorSeen("ValueError", "bad", (Place("/t/test_m.py", 3), Place(FILE, 5)))
    other = ErrorSeen("ValueError", "bad", (Place(FILE, 5), Place(FILE, 9)))
    assertion = ErrorSeen("AssertionError", "1 == 2", (Place("/t/test_m.py", 3),))
    raised = gathered([PLUS], errors=[frame])
    assert (raised.crashes, raised.raises) == (True, True)
    below = gathered([PLUS], errors=[other])
    assert (below.crashes, below.raises) == (True, False)
    asserted = gathered([PLUS], errors=[frame, assertion])
    assert (asserted.crashes, asserted.raises) == (False, True)
    assert not gathered([PLUS], errors=[assertion]).crashes


def test_slips_that_pass_speak_against_a_patch_and_many_refused_ones_for_it() -> None:
    strict = replace(GOOD, variants=20, variants_refused=20)
    loose = replace(GOOD, variants=20, variants_refused=10)
    assert judge(strict)[1] > judge(GOOD)[1] > judge(loose)[1]
    told = reasons(strict, judge(strict)[0], template="number")
    assert "The tests refuse 20 of 20 small changes of it." in told
    told = reasons(loose, judge(loose)[0], template="number")
    assert "The tests let 10 of 20 small changes of it pass as well." in told


def test_a_number_that_becomes_a_bound_is_no_number_made_to_measure() -> None:
    text = (
        "def page(self, n):\n    start = n * 4\n    price = n * 3\n"
        "    return self.items[start : start + 4], price\n"
    )
    source = Source(Path("/p/a.py"), "a.py", text)
    [function] = functions_of(source)
    for old, shifts in (("n * 4", False), ("n * 3", True)):
        start = text.index(old)
        part = Replacement(start, start + 1, "(n - 1)")
        edit = Candidate(source, function, (part,), "off by one", "", 2, 1.0)
        assert gathered([edit]).shifts_number is shifts
