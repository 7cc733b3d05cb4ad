"""The catalogue: complete, well named, and each entry with a promise that can be broken."""

from __future__ import annotations

import json

import pytest

from paramedic_workers.cli.simulate import chosen, document
from paramedic_workers.errors import UsageError
from paramedic_workers.settings import Settings, TargetSettings
from paramedic_workers.settings_rules import rule_problems
from paramedic_workers.simulation.catalogue import CATALOGUE, PHASES
from paramedic_workers.simulation.model import Condition, Outcome, Standing
from paramedic_workers.simulation.observation import Facts

NOTHING = Facts(
    incidents=(),
    results=(),
    letters=(),
    tickets=frozenset(),
    calls=0,
    strikes=0,
    undelivered=frozenset(),
)


def outcome(standing: Standing) -> Outcome:
    return Outcome(name="a", title="A", expected="healed", seen="failed", standing=standing)


def test_there_are_the_seven_and_enough_others() -> None:
    names = [condition.name for condition in CATALOGUE]
    assert names[:3] == ["md-3050", "md-3050-outside", "md-3049"]
    assert len(names) >= 34
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    "kind", ["exception-in", "hang-in", "child-killed-in", "worker-killed-in", "broker-killed-in"]
)
def test_what_goes_wrong_in_each_phase_does_so_in_all_six(kind: str) -> None:
    names = {condition.name for condition in CATALOGUE}
    assert {f"{kind}-{phase}" for phase in PHASES} <= names
    assert len(PHASES) == 6


def test_names_are_names_of_targets() -> None:
    targets = {c.target: TargetSettings(name=c.target, repository="/x") for c in CATALOGUE}
    assert rule_problems(Settings(targets=targets, sinks={})) == []


@pytest.mark.parametrize("condition", CATALOGUE, ids=lambda condition: condition.name)
def test_every_promise_can_be_broken(condition: Condition) -> None:
    seen = [check.look(NOTHING) for check in condition.promise]
    assert seen != [check.expected for check in condition.promise]


def test_a_name_chooses_one_condition_and_the_beginning_of_a_name_several() -> None:
    assert [condition.name for condition in chosen(["md-3050"])] == ["md-3050"]
    assert len(chosen(["hang-in"])) == 6
    assert chosen([]) == list(CATALOGUE)


@pytest.mark.parametrize("name", ["nothing-like-it", ""])
def test_a_name_that_is_none_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError, match="--list"):
        chosen([name])


def test_the_document_is_as_promised_only_where_every_condition_is() -> None:
    good, bad = outcome(Standing.AS_PROMISED), outcome(Standing.BROKEN)
    assert json.loads(document([good, good]))["as_promised"] is True
    whole = json.loads(document([good, bad]))
    assert whole["as_promised"] is False
    assert [row["as_promised"] for row in whole["conditions"]] == [True, False]
    assert set(whole["conditions"][0]) == {
        "name",
        "title",
        "expected",
        "seen",
        "as_promised",
        "seconds",
    }
