"""Whatever goes wrong at any one moment, the tickets end as if nothing had."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from paramedic_workers.sinks.jira import limits, session
from paramedic_workers.sinks.jira.answers import Comment
from paramedic_workers.sinks.jira.client import JiraClient
from paramedic_workers.sinks.jira.settings import JiraKind
from paramedic_workers.sinks.jira.tickets import Held, Ticket
from tests.support.jira import StandInJira, When
from tests.support.jira.faults import Fault
from tests.support.jira_flow import TicketFlow
from tests.support.jira_life import TicketLife, WorkerDied
from tests.support.queueing import Flow

#: Set: each fault at each request, and each death at each step, in both kinds of Jira: some
#: minutes. Else where something went wrong once.
EVERYTHING = bool(os.environ.get("PARAMEDIC_ALL_FAULTS"))
KINDS = list(JiraKind) if EVERYTHING else [JiraKind.DATA_CENTER]

#: What goes wrong with one request; a refusal (400, 403, 404 …) is no fault: it is an answer.
FAULTS = {
    "lost before": Fault(drop=True),
    "lost after": Fault(when=When.AFTER, drop=True),
    "500 before": Fault(status=500),
    "500 after": Fault(when=When.AFTER, status=500),
    "502 before": Fault(status=502),
    "502 after": Fault(when=When.AFTER, status=502),
    "503 and when it ends": Fault(status=503, headers={"Retry-After": "7"}),
    "408 after": Fault(when=When.AFTER, status=408),
    "burst": Fault(status=429, headers={"RateLimit-Reason": "jira-burst-based"}),
    "too often": Fault(status=429, headers={"RateLimit-Reason": "jira-per-issue-on-write"}),
    "quota": Fault(status=429, headers={"RateLimit-Reason": "jira-quota-global-based"}),
    "429 without a reason": Fault(status=429),
    "401": Fault(status=401),
    "409": Fault(status=409),
}

#: Lives the life of two tickets, with this going wrong.
Lives = Callable[..., TicketLife]


@pytest.fixture(params=KINDS)
def lives(flow: Flow, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Lives:
    """Each life has an empty ledger and an empty Jira, and never waits."""
    monkeypatch.setattr(session, "READ_PAUSE", 0.0)
    monkeypatch.setattr(limits, "WRITES_PER_TICKET", ((1_000, 0.0),))

    def live(*faults: Fault) -> TicketLife:
        flow.client.flushall()
        with StandInJira.start(request.param) as jira:
            for fault in faults:
                jira.faults.add(fault)
            tickets = TicketFlow(Flow(flow.client), jira)
            life = TicketLife(tickets)
            try:
                life.live()
            finally:
                tickets.close()
            return life

    return live


@pytest.mark.timeout(1800 if EVERYTHING else 120)
def test_a_fault_at_any_request_changes_nothing_in_the_end(lives: Lives) -> None:
    quiet = lives()
    asked = [f"{number}: {one.method} {one.path}" for number, one in enumerate(quiet.requests)]
    assert quiet.errors == []
    assert [len(asked), len(quiet.state())] == [33, 2]
    first_write = next(n for n, one in enumerate(asked) if "PUT" in one)
    last_comment = max(n for n, one in enumerate(asked) if "/comment" in one)
    known = [(first_write, "lost after"), (last_comment, "lost after"), (last_comment + 1, "burst")]
    for number, name in product(range(len(asked)), FAULTS) if EVERYTHING else known:
        life = lives(replace(FAULTS[name], skip=number))
        assert life.state() == quiet.state(), f"{name} at request {asked[number]}: {life.errors}"


def test_updates_that_are_lost_one_after_the_other_are_still_known_as_ours(lives: Lives) -> None:
    lost = Fault(when=When.AFTER, drop=True, method="PUT", times=2)
    assert lives(lost).state() == lives().state()


def test_a_ticket_that_is_not_found_once_is_not_made_again(lives: Lives) -> None:
    missing = Fault(status=404, method="GET", path=r"/issue/\d+$")
    assert lives(missing).state() == lives().state()


def test_a_ticket_that_could_not_be_written_is_written_with_the_next_result(lives: Lives) -> None:
    """It was closed when it was read, and refuses the text of the result that opens it."""
    refused = Fault(status=403, method="PUT", skip=1)
    assert lives(refused).state() == lives().state()


@pytest.mark.timeout(1800 if EVERYTHING else 120)
@pytest.mark.parametrize("noted", [False, True])
def test_a_worker_that_dies_at_any_step_changes_nothing_in_the_end(
    lives: Lives, monkeypatch: pytest.MonkeyPatch, noted: bool
) -> None:
    """Each step is noted in the record: it dies before that, or after."""
    steps = 0
    deadly = -1
    #: The steps that end a comment.
    commented: list[int] = []
    save, comment = Held.save, JiraClient.comment

    def dies(held: Held, ticket: Ticket) -> Ticket:
        nonlocal steps
        steps += 1
        if steps - 1 == deadly:
            if noted:
                save(held, ticket)
            raise WorkerDied
        return save(held, ticket)

    def comments(*arguments: Any) -> Comment:
        commented.append(steps)
        return comment(*arguments)

    monkeypatch.setattr(Held, "save", dies)
    monkeypatch.setattr(JiraClient, "comment", comments)
    quiet = lives()
    assert len(commented) == 5
    for step in range(steps) if EVERYTHING else commented[:2] + commented[-1:]:
        steps, deadly = 0, step
        life = lives()
        assert [type(error) for error in life.errors] == [WorkerDied]
        assert life.state() == quiet.state(), f"died at step {step}"
