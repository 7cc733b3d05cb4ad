"""A ticket's summary: it says what failed, in one line, whatever the result holds."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paramedic.event import Frame
from paramedic_workers.errors import Phase, Verdict, describe
from paramedic_workers.results import Cause, Result
from paramedic_workers.sinks.jira.cleaning import jira_length
from paramedic_workers.sinks.jira.samples import sample_views
from paramedic_workers.sinks.jira.settings import JiraSettings
from paramedic_workers.sinks.jira.summaries import PREFIXES, type_code
from paramedic_workers.sinks.jira.texts import Texts
from paramedic_workers.sinks.jira.view import TicketView
from tests.support.documents_of_tickets import WORDS
from tests.support.results import make_result, make_unhealed

TEXTS = Texts.load(JiraSettings())
INCIDENT = next(view.incident for view in sample_views() if view.incident)


def summary(result: Result) -> str:
    return TEXTS.summary(TicketView(result=result))


def failed(kind: str = "AssertionError", message: str = "boom", **more: object) -> Result:
    cause = Cause(phase=Phase.REPAIR, type=kind, message=message)
    return make_unhealed(verdict=Verdict.FAILED, cause=cause, **more)


def test_a_healed_one_says_what_was_wrong() -> None:
    result = make_result(summary="test_total in tests/test_cart.py: off-by-one in cart.total")
    expected = "[HEALED] shop: test_total in tests/test_cart.py: off-by-one in cart.total"
    assert summary(result) == expected


def test_a_failure_of_the_healer_says_type_target_subject_and_phase() -> None:
    tests = ("tests/test_cart.py::test_total",)
    assert summary(failed(message="no frame\nat all", failing_tests=tests)) == (
        "[AUTO-HEAL-FAIL] [ASSERTION_ERROR] shop: test_total in tests/test_cart.py: "
        "phase repair: no frame"
    )


@pytest.mark.parametrize("verdict", list(Verdict))
def test_each_verdict_has_its_own_word(verdict: Verdict) -> None:
    view = next(view for view in sample_views() if view.result.verdict is verdict)
    assert TEXTS.summary(view).startswith(f"[{PREFIXES[verdict]}] ")
    assert len(set(PREFIXES.values())) == len(Verdict)


def test_what_the_prefix_says_is_not_said_twice() -> None:
    told = make_unhealed(verdict=Verdict.FLAKY, summary="test_a in tests/t.py: flaky: 2 of 3 pass")
    assert summary(told) == "[FLAKY] shop: test_a in tests/t.py: 2 of 3 pass"


def test_the_seven_tickets_cannot_be_made_again() -> None:
    """MD-3049 to MD-3053, MD-3055, MD-3056: type UNKNOWN, or nothing after the colon."""
    errors = [Exception(), Exception(""), ValueError(), AssertionError(), Exception(" \n ")]
    causes = [
        *(
            Cause(phase=Phase.PREPARE, type=kind, message=text)
            for kind, text, _ in map(describe, errors)
        ),
        *(Cause(phase=Phase.PREPARE, type="UNKNOWN", message=text) for text in (":", "…", "\x00")),
    ]
    for cause in causes:
        for told in (":", "Auto-healing failed for:", "UNKNOWN:"):
            for verdict in Verdict:
                result = make_result(
                    verdict=verdict, cause=cause, summary=told, failing_tests=(), target="shop"
                )
                for view in (
                    TicketView(result=result),
                    TicketView(result=result, incident=INCIDENT),
                ):
                    line = TEXTS.summary(view)
                    assert not line.endswith(":"), line
                    assert not re.search(r"\[RUNTIME_FAILURE\]|\[UNKNOWN\]|Self-Healing", line)
                    assert re.fullmatch(r"\[[A-Z-]+\]( \[[A-Z_]+\])? shop: \S.*", line), line


def test_a_service_without_a_test_is_known_by_where_it_broke() -> None:
    frames = (
        Frame(file="shop/cart.py", module="shop.cart", function="total", line=3),
        Frame(file="json.py", module="json", function="loads", line=3, in_app=False),
    )
    incident = type(INCIDENT)(
        **{
            **{name: getattr(INCIDENT, name) for name in INCIDENT.__struct_fields__},
            "test": "",
            "exception_type": "KeyError",
            "frames": frames,
        }
    )
    view = TicketView(result=failed(failing_tests=()), incident=incident)
    assert "shop: KeyError in shop.cart.total: phase repair" in TEXTS.summary(view)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("AssertionError", "ASSERTION_ERROR"),
        ("paramedic_workers.errors.PhaseTimeout", "PHASE_TIMEOUT"),
        ("json.decoder.JSONDecodeError", "JSON_DECODE_ERROR"),
        ("tests.<locals>.HTTPError", "HTTP_ERROR"),
        ("socket.error", "ERROR"),
        ("UNKNOWN", "REPAIR_FAILURE"),
        ("???", "REPAIR_FAILURE"),
        ("X" * 500, "X" * 60),
    ],
)
def test_the_type_is_what_people_search_for(kind: str, code: str) -> None:
    assert type_code(failed(kind)) == code


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(Verdict),
    WORDS,
    WORDS,
    st.lists(WORDS | st.text(min_size=200, max_size=300), max_size=2),
)
def test_any_result_has_a_line_that_jira_takes(
    verdict: Verdict, told: str, message: str, tests: list[str]
) -> None:
    line = summary(
        make_result(
            verdict=verdict,
            summary=f"x{told}".replace("\n", " "),
            cause=Cause(phase=Phase.VERIFY, type="E", message=f"m{message}"),
            failing_tests=tuple(tests),
        )
    )
    assert 0 < jira_length(line) <= 255
    assert line == " ".join(line.split())
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", line)
    assert not line.endswith(":")
    assert "pa55" not in line


@pytest.mark.parametrize("filling", ["a", "🎉", "é"])
def test_a_long_line_is_cut_to_what_jira_counts(filling: str) -> None:
    line = summary(make_result(summary=filling * 400))
    assert 250 <= jira_length(line) <= 255
    assert line.endswith("…")


def test_a_long_test_name_leaves_room_for_the_rest() -> None:
    line = summary(failed(failing_tests=(f"tests/test_x.py::test_{'y' * 900}",)))
    assert line.endswith("phase repair: boom")
