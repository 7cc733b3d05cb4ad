"""Tickets while the workers that keep them are killed at random, and Jira is away.

10,000 repeats of 20 causes. `PARAMEDIC_CHAOS_SECONDS` says how long the workers are killed
(`make chaos`: 120 s, and Jira is away for 60 s of them), `PARAMEDIC_CHAOS_SEED` repeats a run.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
from celery import Celery

from paramedic_workers.app import make_app
from paramedic_workers.connections import state_client
from paramedic_workers.dead_letters.store import DeadLetters
from paramedic_workers.errors import Verdict
from paramedic_workers.groups import GroupHealer
from paramedic_workers.healing.model import HealReport, HealRequest
from paramedic_workers.incidents import Ledger
from paramedic_workers.sinks.jira.tickets import Tickets
from paramedic_workers.tasks import ring_sinks
from tests.support.jira import StandInJira, StandInTicket
from tests.support.jira.fleet import Fleet
from tests.support.jira.limits import Window
from tests.support.queueing import (
    FakeClock,
    Flow,
    StandInHealer,
    make_batch,
    make_event,
    make_settings,
)
from tests.support.results import make_result, make_unhealed
from tests.support.waiting import wait_for

SECONDS = float(os.environ.get("PARAMEDIC_CHAOS_SECONDS", "4"))
SEED = int(os.environ.get("PARAMEDIC_CHAOS_SEED", "0")) or random.randrange(1, 10**6)
REPEATS, CAUSES = 10_000, 20
#: Whether Jira is away for a minute, and the limits of Jira are measured.
FULL = SECONDS >= 60
#: How often all of them are healed, each time with another verdict: what changes must be told.
HEALS = max(4, int(SECONDS / 6))
VERDICTS = (Verdict.UNHEALED, Verdict.ENVIRONMENT, Verdict.FLAKY)
#: Seconds that it may take, after the storm, until everything is told.
AFTERMATH = 120.0


@dataclass
class Shop:
    """Failures of the target `shop`, and their results, in the ledger that a fleet works on."""

    client: redis.Redis
    app: Celery
    choice: random.Random
    #: Ids of the results, oldest first, by incident.
    told: dict[str, list[str]] = field(default_factory=dict)
    #: Occurrences by test.
    counts: Counter[str] = field(default_factory=Counter)

    def fail(self, tests: list[str], heal: int) -> None:
        """These tests fail, at the revision of this heal."""
        self.counts.update(tests)
        at = self.flow.clock()
        for begin in range(0, len(tests), 100):
            part = tests[begin : begin + 100]
            events = (make_event(at, test, revision=_revision(heal)) for test in part)
            self.flow.intake.record([make_batch(*events)], "message")

    def heal(self, heal: int) -> None:
        """End all that waits with the verdict of this heal, and ring."""
        standin = StandInHealer(act=lambda request: _report(request, heal))
        healer = GroupHealer(
            client=self.client,
            settings=self.flow.settings,
            healer=standin.opened,
            sinks=("jira",),
            clock=self.flow.clock,
            quiet_seconds=0.0,
        )
        for result in healer.heal("shop", _revision(heal)).results:
            self.told.setdefault(result.incident, []).append(result.id)
            ring_sinks(self.app, ("jira",), result)

    def __post_init__(self) -> None:
        """Nothing has failed yet."""
        self.flow = Flow(self.client, make_settings(), FakeClock(datetime.now(UTC)))
        self.ledger = Ledger(self.client)

    @property
    def undelivered(self) -> int:
        """Results that Jira does not know yet."""
        return len(self.ledger.undelivered("jira"))

    def shown_counts(self) -> dict[str, int]:
        """The count that each ticket shows, by test."""
        tests = {one.fingerprint: str(one.test) for one in self.ledger.incidents()}
        return {tests[ticket.name]: ticket.count for ticket in Tickets(self.client).all()}


def _revision(heal: int) -> str:
    return f"{heal + 1:040x}"


def _report(request: HealRequest, heal: int) -> HealReport:
    """One result for each incident, with a log and a patch of its own."""
    verdict = VERDICTS[heal % len(VERDICTS)] if heal < HEALS - 1 else Verdict.HEALED
    make = make_result if verdict is Verdict.HEALED else make_unhealed
    results = tuple(
        make(
            verdict=verdict,
            incident=incident.fingerprint,
            fingerprint=incident.fingerprint,
            revision=_revision(heal),
            failing_tests=(str(incident.test),),
            log=f"heal {heal} of {incident.test}",
        )
        for incident in request.incidents
    )
    return HealReport(results=results, revision=_revision(heal))


@pytest.fixture
def jira() -> Iterator[StandInJira]:
    with StandInJira.start() as opened:
        yield opened


@pytest.fixture
def shop(broker_url: str) -> Iterator[Shop]:
    with state_client(broker_url) as client:
        app = make_app(make_settings(broker_url=broker_url))
        yield Shop(client, app, random.Random(SEED))
        app.close()


@pytest.fixture
def fleet(jira: StandInJira, broker_url: str, tmp_path: Path) -> Fleet:
    return Fleet(folder=tmp_path / "fleet", broker_url=broker_url, jira_url=jira.url)


@pytest.mark.timeout(SECONDS + 500)
def test_tickets_are_right_whatever_happens_to_workers_and_to_jira(
    jira: StandInJira,
    shop: Shop,
    fleet: Fleet,
    record_property: Callable[[str, object], None],
) -> None:
    jira.search_lag = 0.4
    with fleet.running():
        killed = _rage(jira, shop, fleet)
        wait_for("all results to be told", lambda: not shop.undelivered, AFTERMATH)
        counts = dict(shop.counts)
        wait_for("the right counts", lambda: shop.shown_counts() == counts, AFTERMATH)
    letters = DeadLetters.of(shop.client, shop.flow.settings).letters()
    facts = (
        f"{REPEATS} repeats of {CAUSES} causes, {sum(map(len, shop.told.values()))} results, "
        f"{killed} workers killed, Jira away for {_away():.0f} s: {len(jira.tickets)} tickets, "
        f"{len(jira.requests)} requests ({len(jira.requests) / CAUSES:.0f} a ticket, "
        f"{len(jira.writes) / CAUSES:.0f} of them writes), {len(list(letters))} dead letters"
    )
    record_property("jira", facts)
    sys.stderr.write(f"\nseed {SEED}: {facts}\n")
    assert len(jira.tickets) == CAUSES
    assert sum(counts.values()) == REPEATS
    labels = {label for ticket in jira.tickets.values() for label in ticket.labels}
    assert labels == {"paramedic", *(f"paramedic-{incident}" for incident in shop.told)}
    for incident, results in shop.told.items():
        (ticket,) = (t for t in jira.tickets.values() if f"paramedic-{incident}" in t.labels)
        _check(jira, ticket, results)


def _away() -> float:
    return 60.0 if FULL else SECONDS / 4


def _rage(jira: StandInJira, shop: Shop, fleet: Fleet) -> int:
    """Let it fail and be healed, kill workers, and take Jira away for a while."""
    tests = [f"test_{number}" for number in range(CAUSES)] * (REPEATS // CAUSES)
    shop.choice.shuffle(tests)
    over, killed = threading.Event(), []

    def kill() -> None:
        while not over.wait(shop.choice.uniform(0.2, 1.5)):
            _await_request(jira, over)
            fleet.kill_one(shop.choice)
            killed.append(time.monotonic())

    killer = threading.Thread(target=kill)
    killer.start()
    pause = (SECONDS - _away()) / HEALS
    for heal in range(HEALS):
        shop.fail(tests[heal::HEALS], heal)
        shop.heal(heal)
        if heal == HEALS // 2 - 1:
            with jira.down():
                time.sleep(_away())
        time.sleep(pause)
    over.set()
    killer.join()
    return len(killed)


def _await_request(jira: StandInJira, over: threading.Event) -> None:
    """Wait until something is being told, but not for long."""
    seen, deadline = len(jira.requests), time.monotonic() + 3
    while len(jira.requests) == seen and time.monotonic() < deadline and not over.wait(0.002):
        pass


def _check(jira: StandInJira, ticket: StandInTicket, results: list[str]) -> None:
    """Nothing is lost of what is to be told of an incident, and nothing is there twice."""
    assert ticket.summary.startswith("[HEALED]"), ticket.summary
    assert f"{REPEATS // CAUSES:,}" in ticket.text or f"{REPEATS // CAUSES}" in ticket.text
    told = [comment.properties["paramedic"]["result"] for comment in ticket.comments]
    assert len(set(told)) == len(told) < len(results)
    assert set(told) <= set(results)
    assert results[-1] in told or ticket.properties["paramedic"]["result"] == results[-1]
    names = Counter(one.name for one in ticket.attachments)
    kept = [jira.state.contents[one.id] for one in ticket.attachments]
    digests = {hashlib.sha256(content).hexdigest() for content in kept}
    assert len(digests) == len(kept), names
    assert {"fix.patch", "heal.log", "result.json"} <= set(names)
    links = Counter(link.global_id for link in ticket.remote_links)
    assert set(links.values()) <= {1}


@dataclass(frozen=True)
class Backlog:
    """Results that wait for Jira when its limits are measured."""

    results: int
    #: Requests that it takes in a second, for each endpoint; None: as Jira Cloud.
    burst: int | None = None


@pytest.mark.skipif(not FULL, reason="it takes minutes: `make chaos`")
@pytest.mark.parametrize("backlog", [Backlog(500), Backlog(100, burst=5)], ids=str)
@pytest.mark.timeout(900)
def test_what_waits_is_told_within_the_limits_of_jira(
    jira: StandInJira,
    shop: Shop,
    fleet: Fleet,
    backlog: Backlog,
    record_property: Callable[[str, object], None],
) -> None:
    jira.limits.as_cloud()
    if backlog.burst is not None:
        jira.limits.burst = dict.fromkeys(("GET", "POST", "PUT"), Window(backlog.burst, 1.0))
    shop.fail([f"test_{number}" for number in range(backlog.results)], 0)
    shop.heal(0)
    with dataclasses.replace(fleet, timeout=20.0).running():
        begin, before = time.monotonic(), len(jira.tickets)
        wait_for("all results to be told", lambda: not shop.undelivered, 250)
        seconds = time.monotonic() - begin
    facts = (
        f"{backlog}: told in {seconds:.1f} s, {before} of them while the workers started; "
        f"{len(jira.requests)} requests, refused: {dict(jira.limits.refused) or 'none'}"
    )
    record_property("jira", facts)
    sys.stderr.write(f"\n{facts}\n")
    assert len(jira.tickets) == backlog.results
    assert not list(DeadLetters.of(shop.client, shop.flow.settings).letters())
