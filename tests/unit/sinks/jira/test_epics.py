"""What an epic says: everything that it must, within the size of its field."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from paramedic_workers.dead_letters.model import Reason
from paramedic_workers.errors import HealHung, Phase, SettingsError, Verdict, WorkerLost
from paramedic_workers.results import Cause
from paramedic_workers.sinks.jira.adf import to_adf
from paramedic_workers.sinks.jira.cleaning import jira_length
from paramedic_workers.sinks.jira.cutting import LIMIT, written_length
from paramedic_workers.sinks.jira.epic_remedies import remedies
from paramedic_workers.sinks.jira.epic_samples import sample_epics
from paramedic_workers.sinks.jira.epic_texts import EpicTexts, without_counts
from paramedic_workers.sinks.jira.epic_view import MAX_ROWS, EpicView, epic_view
from paramedic_workers.sinks.jira.settings import JiraSettings
from paramedic_workers.sinks.jira.texts import Texts
from paramedic_workers.sinks.jira.tickets import Ticket
from paramedic_workers.sinks.jira.wiki import to_wiki
from paramedic_workers.systemic.model import Pattern, PatternIncident
from paramedic_workers.systemic.signature import signature_of
from tests.support.healer_failures import cannot_describe, cause_of, check_frames, error_of
from tests.support.queueing import FakeClock

TEXTS = EpicTexts.load(JiraSettings())
AT = FakeClock()()
CAUSE = cause_of(error_of(cannot_describe))


def make_pattern(cause: Cause = CAUSE, strategy: str = "patch") -> Pattern:
    signature = signature_of(cause, strategy)
    (_, opened, _) = sample_epics()
    return msgspec.structs.replace(
        opened.pattern, id=signature.id, signature=signature, example=cause
    )


def make_incident(number: int = 1, **changes: object) -> PatternIncident:
    name = f"{number:020x}"
    usual: dict[str, object] = {
        "fingerprint": name,
        "lead": name,
        "target": "shop",
        "result": name,
        "at": AT,
        "verdict": Verdict.FAILED,
        "signature": signature_of(CAUSE, "patch"),
        "message": f"no subject for ticket {number}",
    }
    return PatternIncident(**{**usual, **changes})  # type: ignore[arg-type]


def view_of(*incidents: PatternIncident, pattern: Pattern | None = None) -> EpicView:
    tickets = {
        one.lead: Ticket(
            name=one.lead, key=f"SHOP-{number}", id=str(number), url="https://jira.shop.example/1"
        )
        for number, one in enumerate(incidents, 1)
    }
    return epic_view(pattern or make_pattern(), incidents, {}, tickets)


def words(view: EpicView) -> str:
    return to_wiki(TEXTS.description(view))


def test_the_summary_begins_with_what_people_search_for() -> None:
    summary = TEXTS.summary(make_pattern())
    assert summary.startswith("[AUTO-HEAL-FAIL] [LOOKUP_ERROR] Systemic: the healer fails in the ")
    assert summary.endswith("strategy patch: no subject for ticket 1")


@pytest.mark.parametrize("message", ["line\nbreak", "x" * 900, "💥" * 300, "ends in a colon:"])
def test_the_summary_is_one_line_that_fits(message: str) -> None:
    cause = msgspec.structs.replace(CAUSE, message=message)
    summary = TEXTS.summary(make_pattern(cause))
    assert "\n" not in summary
    assert jira_length(summary) <= 255
    assert not summary.endswith(":")


def test_merged_incidents_are_one_row_and_what_is_open_comes_first() -> None:
    view = view_of(
        make_incident(1, settled="healed"),
        make_incident(2),
        make_incident(3, lead=make_incident(2).lead),
        make_incident(4, target="web"),
    )
    assert [(row.key, row.merged, row.status) for row in view.rows] == [
        ("SHOP-3", 1, "failed"),
        ("SHOP-4", 0, "failed"),
        ("SHOP-1", 0, "healed"),
    ]
    assert (view.incidents, view.settled, view.targets) == (4, 1, ("shop", "web"))
    assert view.off_at == ()


def test_exceptions_are_told_apart_each_kind_once() -> None:
    other = signature_of(cause_of(error_of(check_frames)))
    odd = [
        make_incident(n, exception=True, signature=other, message="1 frames are left", target="web")
        for n in (2, 3)
    ]
    view = view_of(make_incident(1), *odd)
    assert view.exceptions == (("AssertionError", "1 frames are left"),)
    assert view.targets == ("shop",)  # the pattern has struck there only
    assert "AssertionError (exception)" in words(view)


def test_a_thousand_incidents_fit_and_the_rest_is_counted() -> None:
    many = [make_incident(n, message="no subject " * 30) for n in range(1000)]
    view = view_of(*many)
    assert (len(view.rows), view.left_out) == (MAX_ROWS, 1000 - MAX_ROWS)
    document = TEXTS.description(view)
    assert written_length(document) <= LIMIT
    assert "and 900 more" in to_wiki(document)


def test_hostile_words_stay_words() -> None:
    hostile = "{code}<script>alert(1)</script>{{ 7 * 7 }} h1. [x|https://evil.example]"
    cause = msgspec.structs.replace(CAUSE, message=hostile)
    view = view_of(make_incident(message=hostile), pattern=make_pattern(cause))
    text = str(to_adf(TEXTS.description(view)))
    assert "<script>alert(1)</script>{{ 7 * 7 }}" in text
    assert "'href': 'https://evil.example" not in text


def test_secrets_are_not_told() -> None:
    message = "cannot push to https://ada:hunter2@git.shop.example/shop.git"
    cause = msgspec.structs.replace(CAUSE, message=message, traceback=message)
    view = view_of(make_incident(message=message), pattern=make_pattern(cause))
    assert "hunter2" not in words(view) + TEXTS.summary(view.pattern)


def test_counts_alone_change_no_shape() -> None:
    view = view_of(make_incident())
    more = replace(view, occurrences=view.occurrences + 5, until=FakeClock().present)
    assert words(without_counts(view)) == words(without_counts(more))
    assert words(without_counts(view)) != words(
        without_counts(view_of(make_incident(), make_incident(2)))
    )


@pytest.mark.parametrize(
    ("kind", "reason", "advice"),
    [
        (WorkerLost, Reason.WORKER_LOST, "out-of-memory"),
        (HealHung, Reason.TIMEOUT, "heal.log"),
        (AssertionError, Reason.ERROR, "defect"),
        (LookupError, Reason.ERROR, "traceback"),
    ],
)
def test_the_plan_is_for_the_type_of_the_error(
    kind: type[Exception], reason: Reason, advice: str
) -> None:
    pattern = make_pattern(cause_of(kind("it broke"), Phase.PREPARE), strategy="")
    plan = "\n".join(remedies(pattern))
    assert advice in plan
    assert f"dead-letters replay --reason {reason} --error-type {kind.__name__}" in plan
    assert f"paramedic systemic close {pattern.id}" in plan
    assert "strategy" not in plan.replace("Paramedic or of the strategy", "")


def test_the_plan_says_which_strategy_is_off() -> None:
    assert "the strategy patch is switched off" in "\n".join(remedies(make_pattern()))


def test_a_broken_template_of_somebody_is_refused_at_start(tmp_path: Path) -> None:
    (tmp_path / "epic.html.j2").write_text("<p>{{ patern.id }}</p>")
    settings = JiraSettings(templates=str(tmp_path))
    for load in (EpicTexts.load, Texts.load):
        with pytest.raises(SettingsError, match=r"epic\.html\.j2, line 1: .*patern"):
            load(settings)


def test_a_template_of_somebody_is_used(tmp_path: Path) -> None:
    (tmp_path / "epic.html.j2").write_text("<p>Ours: {{ pattern.id }}</p>")
    texts = EpicTexts.load(JiraSettings(templates=str(tmp_path)))
    assert to_wiki(texts.description(view_of(make_incident()))).startswith("Ours: ")
