"""What people are told of a result."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from paramedic_workers.errors import Phase, Verdict
from paramedic_workers.results import Cause
from paramedic_workers.settings import TargetSettings
from paramedic_workers.sinks.notify.notes import (
    DIGEST_LINES,
    TITLE_LENGTH,
    Note,
    Tone,
    digest,
    message,
    note_of,
    sameness,
)
from tests.support.results import make_result, make_unhealed

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
REPORTS = "https://ci.shop.example/reports/{incident}/report.html"
SHOP = TargetSettings(
    repository="/srv/a.git",
    remote="https://ada:pw@git.shop.example/a.git",
    branch_url="https://git.shop.example/a/src/{branch}",
)
TARGETS = {"shop": SHOP}


def make_note(**changes: Any) -> Note:
    return note_of(make_result(**changes), AT, TARGETS, REPORTS)


def test_a_message_says_what_why_and_what_to_do() -> None:
    told = message(make_note(count=3))
    assert told.title == "[HEALED] shop: `-` in place of `+` in shop.prices.discounted"
    assert told.tone is Tone.GOOD
    assert told.text.splitlines() == [
        "A fix was found and proved. Confidence: high.",
        "Cause: AssertionError: assert 2500 == 1500",
        "Test: tests/test_prices.py::test_a_discount_lowers_the_price",
        "Take it: git fetch https://git.shop.example/a.git paramedic/3f9ac1d2e4b5a697c8d0"
        " && git merge FETCH_HEAD",
        "Seen 3 times",
        "https://git.shop.example/a/src/paramedic/3f9ac1d2e4b5a697c8d0",
        "https://ci.shop.example/reports/3f9ac1d2e4b5a697c8d0/report.html",
    ]


def test_an_unhealed_one_has_no_command_and_without_reports_the_incident() -> None:
    told = message(note_of(make_unhealed(), AT, {}, ""))
    assert "Take it" not in told.text
    assert told.text.splitlines()[-1] == "Incident 3f9ac1d2e4b5"
    assert told.tone is Tone.BAD


def test_a_proposal_without_a_branch_says_where_its_patch_is() -> None:
    told = message(make_note(verdict=Verdict.PROPOSED, branch=None))
    assert "Take it: paramedic incidents 3f9ac1d2e4b5" in told.text


def test_what_the_target_says_can_neither_mention_nor_link_nor_mark_up() -> None:
    evil = "`@channel` <!here> [x](http://evil.example) <b>\n**x**"
    cause = Cause(phase=Phase.REPRODUCE, type="Boom", message=evil)
    told = message(make_note(cause=cause, failing_tests=(evil,), summary="s"))
    for line in told.markdown.split("\n\n")[1:3]:
        _, _, value = line.partition(":** ")
        assert value[0] == value[-1] == "`"
        assert "`" not in value[1:-1]
    listed = digest([make_note(summary="`@all`"), make_note()]).markdown
    assert listed.splitlines()[0].count("`") == 2


def test_long_and_wild_results_become_short_messages() -> None:
    cause = Cause(phase=Phase.REPRODUCE, type="Boom", message="\x1b[31m" + "x\n" * 9999)
    tests = tuple(f"tests/test_{number}.py::{'t' * 999}" for number in range(30))
    told = message(make_note(summary="y" * 999, cause=cause, failing_tests=tests))
    assert len(told.title) == TITLE_LENGTH
    assert "And 27 more tests" in told.text
    assert len(told.text) < 2_000
    assert len(told.markdown) < 2_000
    assert "\x1b" not in told.text


def test_a_digest_counts_all_and_lists_the_newest() -> None:
    notes = [make_note(summary=f"number {number}") for number in range(DIGEST_LINES + 5)]
    told = digest([*notes, note_of(make_unhealed(), AT, TARGETS, REPORTS)], unlisted=7)
    total = DIGEST_LINES + 5 + 1 + 7
    assert told.title == f"[PARAMEDIC] {total} results: {DIGEST_LINES + 5} healed, 1 unhealed"
    assert len(told.text.splitlines()) == DIGEST_LINES + 1
    assert told.text.splitlines()[-1] == f"and {total - DIGEST_LINES} earlier"
    assert "number 5" not in told.text
    assert "[UNHEALED] shop: no fix could be proved https://ci" in told.text
    assert told.tone is Tone.BAD


def test_a_digest_of_one_is_that_message() -> None:
    assert digest([make_note()]) == message(make_note())


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_a_message(verdict: Verdict) -> None:
    told = message(make_note(verdict=verdict))
    assert told.title.startswith(f"[{verdict.replace('_', ' ').upper()}] shop: ")
    assert told.text
    assert told.markdown


def test_results_that_say_the_same_are_the_same() -> None:
    assert sameness(make_result(seconds=1.0, count=2)) == sameness(make_result(seconds=9.0))
    assert sameness(make_result()) != sameness(make_unhealed())
    assert sameness(make_result()) != sameness(make_result(patch="another"))
