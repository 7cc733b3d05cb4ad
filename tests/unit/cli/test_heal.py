"""What `paramedic heal` says over all causes, and how to take a patch."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from paramedic_workers.cli.heal import (
    Options,
    as_document,
    how_to_take,
    nothing_failing,
    overall_confidence,
    overall_verdict,
)
from paramedic_workers.errors import Verdict
from paramedic_workers.results import Confidence, Result
from tests.support.results import PATCH, make_result, make_unhealed

OPTIONS = Options(
    tests=(), revision=None, budget=None, python=None, sandbox=None, apply=False, as_json=False
)


def ended(verdict: Verdict) -> Result:
    make = make_result if verdict in (Verdict.HEALED, Verdict.PROPOSED) else make_unhealed
    return make(verdict=verdict)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_one_cause_gives_its_own_verdict(verdict: Verdict) -> None:
    assert overall_verdict([ended(verdict)]) == verdict


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict != Verdict.HEALED])
def test_it_is_healed_only_if_every_cause_is(verdict: Verdict) -> None:
    assert overall_verdict([ended(Verdict.HEALED), ended(verdict)]) == verdict
    assert overall_verdict([ended(Verdict.HEALED), ended(Verdict.HEALED)]) == Verdict.HEALED


def test_a_break_of_the_healer_outweighs_everything() -> None:
    assert overall_verdict([ended(verdict) for verdict in Verdict]) == Verdict.FAILED


def test_nothing_failing_is_a_verdict_of_its_own() -> None:
    document = json.loads(as_document([], ""))
    assert document == {
        "verdict": "nothing_failing",
        "confidence": None,
        "patch": None,
        "results": [],
    }


def test_the_confidence_is_the_lowest() -> None:
    high, low = make_result(), make_result(confidence=Confidence.LOW)
    assert overall_confidence([high, low, make_unhealed()]) is Confidence.LOW
    assert overall_confidence([high]) is Confidence.HIGH
    assert overall_confidence([make_unhealed()]) is None


def test_the_document_carries_whole_results() -> None:
    result = make_result()
    document = json.loads(as_document([result], PATCH))
    assert document["patch"] == PATCH
    assert document["results"][0]["cause"]["message"] == "assert 2500 == 1500"
    assert document["results"][0]["failing_tests"] == list(result.failing_tests)
    assert document["results"][0]["id"] == result.id


def test_a_proposal_is_never_taken_by_apply() -> None:
    proposed = make_result(verdict=Verdict.PROPOSED)
    assert "--apply" not in how_to_take(Path(), proposed, Path("/r"), OPTIONS)
    ways = how_to_take(Path("my shop"), make_result(), Path("/my reports/3f"), OPTIONS)
    assert ways.split("\n") == [
        "paramedic heal 'my shop' --apply",
        "git -C 'my shop' apply '/my reports/3f/fix.patch'",
    ]


def test_no_tests_at_all_are_not_taken_for_a_healthy_project() -> None:
    assert "nothing fails here: 3 passed" in nothing_failing("3 passed")
    assert "no test was found" in nothing_failing("no tests ran")
    assert "no test was found" in nothing_failing("")


def test_what_apply_takes_is_not_offered_a_second_time() -> None:
    options = dataclasses.replace(OPTIONS, apply=True)
    assert "git" not in how_to_take(Path("shop"), make_result(), Path("/reports/1"), options)
