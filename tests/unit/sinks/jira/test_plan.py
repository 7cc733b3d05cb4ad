"""What must be done to a ticket: the table of cases."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from paramedic_workers.errors import Phase, Verdict
from paramedic_workers.results import Cause, Result
from paramedic_workers.sinks.jira.answers import StatusCategory
from paramedic_workers.sinks.jira.plan import (
    Act,
    Attach,
    CloseMerged,
    Found,
    Goal,
    Merge,
    Move,
    Part,
    PutLink,
    Rules,
    Tell,
    TellLanded,
    Wanted,
    Write,
    changes,
    is_final,
    plan,
    slim,
)
from paramedic_workers.sinks.jira.tickets import Ticket, Written
from paramedic_workers.sinks.jira.view import Link
from tests.support.results import PATCH, make_result, make_unhealed

OURS = Written(summary="s", description="d", priority="Low", assignee="ada")
RULES = Rules(final_resolutions=("Won't Do",))
BEFORE = make_unhealed(id="before")
SAME = make_unhealed(id="same")
NEWS = make_result(id="news")
NEW, DOING, DONE = (
    StatusCategory.NEW,
    StatusCategory.INDETERMINATE,
    StatusCategory.DONE,
)


def ticket(**changes: Any) -> Ticket:
    """A ticket that tells of BEFORE."""
    known = Ticket(
        name="f",
        key="SHOP-1",
        id="1",
        written=OURS,
        told=slim(BEFORE),
        lived=BEFORE.id,
        marked=BEFORE.id,
    )
    return replace(known, **changes)


def found(category: StatusCategory = NEW, resolution: str = "", **texts: str) -> Found:
    """How it stands in Jira: as we wrote it, but for these texts."""
    return Found(texts=replace(OURS, **texts), category=category, resolution=resolution)


def wanted(result: Result = SAME, texts: Written = OURS, **more: Any) -> Wanted:
    """What the ledger says."""
    return Wanted(result=result, texts=texts, **more)


def planned(known: Ticket, stands: Found, should: Wanted) -> list[Act]:
    return list(plan(known, stands, should, RULES))


FIXED = make_unhealed(id="fixed", verdict=Verdict.ALREADY_FIXED)
GONE = make_unhealed(id="gone", verdict=Verdict.NOT_REPRODUCED)
MARK = Write(frozenset(), mark=True)


@pytest.mark.parametrize(
    ("known", "stands", "should", "acts"),
    [
        pytest.param(ticket(), found(), wanted(), [], id="all is as it should be"),
        pytest.param(
            ticket(), found(DONE), wanted(), [Move(Goal.OPEN)], id="a failure opens what is done"
        ),
        pytest.param(ticket(lived="same"), found(DONE), wanted(), [], id="once for each result"),
        pytest.param(
            ticket(lived="same", blocked="open"),
            found(DONE),
            wanted(),
            [Move(Goal.OPEN)],
            id="where no transition led, again",
        ),
        pytest.param(
            ticket(), found(DONE, "Won't do"), wanted(NEWS), [], id="a final resolution: silence"
        ),
        pytest.param(
            ticket(merged_into="g"),
            found(DONE, "Won't Do"),
            wanted(),
            [Move(Goal.OPEN)],
            id="what we have closed as merged is not final",
        ),
        pytest.param(
            ticket(),
            found(DOING),
            wanted(FIXED),
            [MARK, Tell(), Move(Goal.DONE)],
            id="already fixed: done, last of all",
        ),
        pytest.param(
            ticket(), found(DONE), wanted(GONE), [MARK, Tell()], id="not reproduced opens nothing"
        ),
        pytest.param(
            ticket(), found(), wanted(GONE), [MARK, Tell()], id="not reproduced closes nothing"
        ),
        pytest.param(
            ticket(lived="same"),
            found(),
            wanted(landed="2026-05-02"),
            [TellLanded(), Move(Goal.DONE)],
            id="a landed fix without another verdict",
        ),
        pytest.param(
            ticket(landed="2026-05-02"),
            found(),
            wanted(landed="2026-05-02"),
            [],
            id="a person has opened it after the landing",
        ),
        pytest.param(
            ticket(landed="2026-05-02", blocked="done"),
            found(),
            wanted(landed="2026-05-02"),
            [Move(Goal.DONE)],
            id="said already, and could not be moved then",
        ),
        pytest.param(
            ticket(),
            found(),
            wanted(NEWS, files=("fix.patch", "heal.log")),
            [MARK, Attach(("fix.patch", "heal.log")), Tell()],
            id="news: property, files, comment",
        ),
        pytest.param(
            ticket(marked="news", attached=("news/fix.patch", "before/heal.log")),
            found(),
            wanted(NEWS, files=("fix.patch", "heal.log")),
            [Attach(("heal.log",)), Tell()],
            id="what is left of the news",
        ),
        pytest.param(
            ticket(told=None, marked="same"),
            found(),
            wanted(files=("heal.log",)),
            [Attach(("heal.log",)), Tell()],
            id="a new ticket",
        ),
        pytest.param(
            ticket(),
            found(DONE),
            wanted(NEWS),
            [Move(Goal.OPEN), MARK, Tell(reopened=True)],
            id="opened before it is written",
        ),
        pytest.param(
            ticket(),
            found(),
            wanted(texts=Written(summary="S", description="D", priority="High", assignee="bo")),
            [Write(frozenset(Part))],
            id="one write for all parts",
        ),
        pytest.param(
            ticket(),
            found(summary="theirs", priority="Highest", assignee=""),
            wanted(texts=Written(summary="S", description="D", priority="High", assignee="bo")),
            [Write(frozenset({Part.DESCRIPTION}))],
            id="what a person has changed is theirs",
        ),
        pytest.param(
            ticket(writing=replace(OURS, summary="S")),
            found(summary="S"),
            wanted(texts=replace(OURS, summary="T")),
            [Write(frozenset({Part.SUMMARY}))],
            id="what an unclear write has written is ours",
        ),
        pytest.param(
            ticket(), found(), wanted(texts=replace(OURS, priority="")), [], id="nothing is emptied"
        ),
        pytest.param(
            ticket(written=replace(OURS, priority="")),
            found(priority="Medium"),
            wanted(texts=replace(OURS, priority="High")),
            [],
            id="a priority that we have not written",
        ),
        pytest.param(
            ticket(links={"report": "u", "branch": "old"}),
            found(),
            wanted(
                links=(
                    Link(title="", url="u", kind="report"),
                    Link(title="", url="b", kind="branch"),
                )
            ),
            [PutLink(Link(title="", url="b", kind="branch"))],
            id="links that are new or lead elsewhere",
        ),
        pytest.param(
            ticket(merged=("a",)),
            found(),
            wanted(merged=("a", "b")),
            [Merge("b")],
            id="merged incidents are told once",
        ),
        pytest.param(
            ticket(merged=("a", "b"), closed=("a",), landed="l"),
            found(DONE),
            wanted(merged=("a", "b"), landed="l"),
            [CloseMerged("b")],
            id="merged tickets end with their lead's, whoever has closed it",
        ),
    ],
)
def test_the_acts(known: Ticket, stands: Found, should: Wanted, acts: list[Act]) -> None:
    assert planned(known, stands, should) == acts


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_verdict_never_both_opens_and_closes(verdict: Verdict) -> None:
    result = replace(NEWS, id="x", verdict=verdict)
    moves = {
        category: [
            act
            for act in planned(ticket(), found(category), wanted(result))
            if isinstance(act, Move)
        ]
        for category in (NEW, DONE)
    }
    assert len([move for several in moves.values() for move in several]) <= 1


@pytest.mark.parametrize("category", [NEW, DOING])
def test_only_what_is_done_is_final(category: StatusCategory) -> None:
    assert not is_final(ticket(), found(category, "Won't Do"), RULES)


@pytest.mark.parametrize(
    ("after", "news"),
    [
        (make_unhealed(log="other", seconds=9.0, count=40), False),
        (make_unhealed(verdict=Verdict.FLAKY), True),
        (make_unhealed(cause=replace(BEFORE.cause, message="assert 7 == 1500")), False),
        (make_unhealed(cause=replace(BEFORE.cause, message="assert None")), True),
        (make_unhealed(cause=replace(BEFORE.cause, type="KeyError")), True),
        (make_unhealed(cause=replace(BEFORE.cause, traceback="elsewhere")), False),
        (make_unhealed(revision="f" * 40), False),
    ],
)
def test_what_is_news(after: Result, news: bool) -> None:
    assert changes(slim(BEFORE), after) is news
    assert changes(None, after)


def test_a_patch_at_other_lines_is_no_news() -> None:
    moved = PATCH.replace("@@ -1,3 +1,3 @@", "@@ -40,3 +41,3 @@")
    assert not changes(make_result(), make_result(patch=moved))
    assert changes(make_result(), make_result(patch=moved.replace("- cents *", "/ cents *")))


def test_what_is_remembered_of_a_result_is_short() -> None:
    long = make_result(
        log="l" * 9_999,
        output="o" * 9_999,
        cause=Cause(phase=Phase.VERIFY, type="E", message="m", traceback="t" * 9_999),
    )
    assert len(repr(slim(long))) < 3_000
    assert not changes(slim(long), long)
