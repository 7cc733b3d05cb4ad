"""1,000 events of 200 causes, while everything that processes them is killed at random.

`PARAMEDIC_CHAOS_SECONDS` says for how long (`make chaos`: 120 s), `PARAMEDIC_CHAOS_SEED`
repeats a storm; the seed is printed with what was seen.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from paramedic_workers.connections import state_client
from paramedic_workers.embedded import running_url
from paramedic_workers.incidents import IncidentState, Ledger
from tests.support.brokers import NOT_INSTALLED, RABBITMQ, REDIS
from tests.support.command_line import CommandLine
from tests.support.rabbitmq import private_rabbitmq, scripts
from tests.support.storm import POISON, REPEATS, TARGETS, TESTS, Storm
from tests.support.waiting import wait_for

SECONDS = float(os.environ.get("PARAMEDIC_CHAOS_SECONDS", "10"))
SEED = int(os.environ.get("PARAMEDIC_CHAOS_SEED", "0")) or random.randrange(1, 10**6)
#: Seconds that it may take, after the storm, until everything has ended.
AFTERMATH = 120


@pytest.fixture(params=[REDIS, RABBITMQ])
def storm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storm]:
    """A storm on each broker, which is killed with the rest."""
    machine = CommandLine(tmp_path)
    if request.param == REDIS:
        yield Storm(machine=machine, broker_url="", seed=SEED)
        return
    if scripts() is None:
        pytest.skip(NOT_INSTALLED)
    with private_rabbitmq() as server:

        def strike() -> None:
            server.kill()
            server.start()

        yield Storm(machine=machine, broker_url=server.url("main"), seed=SEED, strike_broker=strike)


@pytest.mark.timeout(SECONDS + 800)
def test_every_event_of_a_storm_ends_in_one_incident_and_one_delivered_result(
    storm: Storm, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    storm.set_up()
    with storm.running():
        ledger = opened_ledger(tmp_path)
        publishing = threading.Thread(target=storm.publish, args=(SECONDS * 0.6,))
        publishing.start()
        storm.rage(SECONDS)
        publishing.join()
        wait_for("all of it to end", lambda: settled(ledger, storm), AFTERMATH)
        facts = seen(ledger, storm)
        record_property("storm", str(facts))
        sys.stderr.write(f"\nstorm of {SECONDS:.0f} s, seed {SEED}: {facts}\n")
        assert storm.stop() == 0
    assert facts.events == storm.published == (TARGETS * TESTS + 1) * REPEATS
    assert facts.incidents == TARGETS * TESTS + 1
    assert facts.results_of_an_incident == {1}
    assert facts.not_delivered_once == set()
    assert facts.poison_runs <= 3
    assert storm.changed_repositories() == []
    assert storm.machine.working_trees() == []
    wait_for("no process to be left", lambda: not storm.processes(), 10)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What became of the events of a storm."""

    kills: dict[str, int]
    events: int
    incidents: int
    verdicts: dict[str, int]
    results: int
    results_of_an_incident: set[int]
    #: Ids of results whose report is missing, or was written a second time.
    not_delivered_once: set[str]
    #: The most that an incident needed, but for the poison.
    attempts: int
    poison_runs: int


def opened_ledger(folder: Path) -> Ledger:
    """The ledger of the machine."""
    url = wait_for("the ledger", lambda: running_url(folder / "data"))
    assert url is not None
    return Ledger(state_client(url))


def settled(ledger: Ledger, storm: Storm) -> bool:
    """Whether every event is counted, every incident closed and every result delivered."""
    incidents = ledger.incidents(limit=10_000)
    return (
        sum(incident.count for incident in incidents) >= storm.published
        and all(incident.state is IncidentState.CLOSED for incident in incidents)
        and not any(ledger.undelivered(sink) for sink in ("file", "exchange"))
    )


def seen(ledger: Ledger, storm: Storm) -> Facts:
    """What became of the storm's events."""
    incidents = ledger.incidents(limit=10_000)
    results = {result.id for result in ledger.results(limit=10_000)}
    folder = storm.machine.data / "reports"
    reports = {json.loads(file.read_text())["id"] for file in folder.glob("*/result.json")}
    earlier = {file.stem for file in folder.glob("*/history/*.json")}
    return Facts(
        kills=dict(storm.kills),
        events=sum(incident.count for incident in incidents),
        incidents=len(incidents),
        verdicts=ledger.counts(),
        results=len(results),
        results_of_an_incident={len(ledger.results_of(i.fingerprint)) for i in incidents},
        not_delivered_once=(results ^ reports) | earlier,
        attempts=max(i.attempts for i in incidents if i.target != POISON),
        poison_runs=storm.runs,
    )
