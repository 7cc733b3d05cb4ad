"""Workers are killed right where a ticket could be made, or told, twice."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest

from paramedic_workers.connections import state_client
from paramedic_workers.errors import Verdict
from paramedic_workers.results import Result
from tests.support.jira import StandInJira, StandInTicket, When
from tests.support.jira.couriers import Couriers
from tests.support.jira_flow import TicketFlow, jira_settings
from tests.support.queueing import Flow
from tests.support.waiting import wait_for


class Fate(StrEnum):
    """What becomes of the request that a worker was killed over."""

    DONE = "done"
    #: It is done when the worker is dead.
    LATE = "late"
    LOST = "lost"


@dataclass(frozen=True)
class Crash:
    """A worker that is killed while Jira has its request."""

    method: str
    path: str
    fate: Fate
    #: Whether the ticket is there already, and closed.
    later: bool = False


CRASHES = (
    *(Crash("POST", "/issue$", fate) for fate in Fate),
    *(Crash("POST", "/attachments$", fate) for fate in Fate),
    *(Crash("POST", "/comment$", fate, later=True) for fate in Fate),
    Crash("POST", "/remotelink$", Fate.DONE),
    Crash("POST", "/transitions$", Fate.DONE, later=True),
    Crash("PUT", r"/issue/\d+$", Fate.DONE, later=True),
    Crash("PUT", r"/issue/\d+$", Fate.LOST, later=True),
)


@pytest.fixture
def jira() -> Iterator[StandInJira]:
    with StandInJira.start() as opened:
        opened.search_lag = 0.3
        yield opened


@pytest.fixture
def tickets(broker_url: str, jira: StandInJira) -> Iterator[TicketFlow]:
    settings = jira_settings(
        jira, search_lag=0.6, timeout=1.5, report_url="https://ci.example/{incident}"
    )
    with state_client(broker_url) as client:
        opened = TicketFlow(Flow(client), jira, settings)
        yield opened
        opened.close()


@pytest.fixture
def couriers(broker_url: str, tickets: TicketFlow, tmp_path: Path) -> Iterator[Couriers]:
    with Couriers.running(broker_url, tickets.settings, tmp_path) as opened:
        yield opened


def test_whatever_a_worker_was_killed_over_is_there_once(
    jira: StandInJira, tickets: TicketFlow, couriers: Couriers
) -> None:
    results = [prepared(jira, tickets, crash, f"test_{n}") for n, crash in enumerate(CRASHES)]
    for crash, result in zip(CRASHES, results, strict=True):
        strike(jira, couriers, crash, result)
    couriers.await_end(*[couriers.send(result.id) for result in results])
    assert len(jira.tickets) == len(CRASHES), couriers.log.read_text()[-2000:]
    for crash, result in zip(CRASHES, results, strict=True):
        label = f"paramedic-{result.incident}"
        (ticket,) = (one for one in jira.tickets.values() if label in one.labels)
        assert told(jira, ticket) == expected(crash), crash


def prepared(jira: StandInJira, tickets: TicketFlow, crash: Crash, test: str) -> Result:
    """A result that waits, of an incident whose ticket stands as the crash needs it."""
    if crash.later:
        first = tickets.heal(Verdict.UNHEALED, test)
        tickets.deliver(first)
        jira.resolve(tickets.ticket(first).key, "Fixed")
    return tickets.heal(Verdict.HEALED, test, log=f"the log of {test}", branch="paramedic/x")


def strike(jira: StandInJira, couriers: Couriers, crash: Crash, result: Result) -> None:
    """Kill a courier while Jira has its request."""
    when = When.AFTER if crash.fate is Fate.DONE else When.BEFORE
    lost = crash.fate is Fate.LOST
    with jira.faults.hold(method=crash.method, path=crash.path, when=when, drop=lost) as hold:
        pid = couriers.send(result.id)
        wait_for(f"{crash}", hold.reached.is_set, 20)
        os.kill(pid, signal.SIGKILL)
        couriers.await_end(pid)


@dataclass(frozen=True)
class Told:
    """What a ticket tells, counted."""

    summary: str
    open: bool
    comments: int
    #: Files by name, each content once.
    files: tuple[str, ...]
    links: int


def expected(crash: Crash) -> Told:
    """What a ticket tells, whatever has happened to those who told it."""
    files = ["fix.patch", "heal.log", "report.html", "result.json"]
    before = ["heal.log", "report.html", "result.json"] if crash.later else []
    return Told("[HEALED]", True, 1 if crash.later else 0, tuple(sorted(files + before)), 1)


def told(jira: StandInJira, ticket: StandInTicket) -> Told:
    contents = Counter((one.name, jira.state.contents[one.id]) for one in ticket.attachments)
    return Told(
        summary=ticket.summary.split()[0],
        open=ticket.category != "done",
        comments=len(ticket.comments),
        files=tuple(sorted(one.name for one in ticket.attachments)),
        links=len(ticket.remote_links) if max(contents.values()) == 1 else -1,
    )


def test_ten_processes_that_race_make_one_ticket(
    jira: StandInJira, tickets: TicketFlow, couriers: Couriers
) -> None:
    result = tickets.heal(Verdict.HEALED)
    couriers.await_end(*[couriers.send(result.id) for _ in range(10)])
    assert len(jira.asked("POST", "/issue")) - len(jira.asked("POST", "/issue/")) == 1
    assert len({one.name for one in jira.only_ticket.attachments}) == len(
        jira.only_ticket.attachments
    )
