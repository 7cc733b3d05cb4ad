"""A bulk replay is killed, again and again; each letter has its effect once."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

from paramedic import wire
from paramedic_workers import keys
from paramedic_workers.connections import state_client
from paramedic_workers.dead_letters.model import DeadLetter, Original, Reason
from paramedic_workers.dead_letters.store import DeadLetters
from paramedic_workers.incidents import Ledger
from tests.support.brokers import Broker
from tests.support.command_line import CommandLine
from tests.support.queueing import make_batch, make_event
from tests.support.waiting import wait_for
from tests.support.workers import make_deployment

#: Letters that are replayed.
MANY = 200


@pytest.fixture
def paramedic(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


@pytest.fixture
def client(broker: Broker) -> Iterator[redis.Redis]:
    with state_client(broker.state_url) as opened:
        yield opened


def keep_many(client: redis.Redis) -> None:
    """Letters of events that were refused, each of a test of its own."""
    store = DeadLetters(client)
    for number in range(MANY):
        batch = make_batch(make_event(datetime.now(UTC), f"test_{number}.py::test"), batch="first")
        original = Original(
            body=json.dumps([[batch], {}, {}]).encode(),
            content_type=wire.CONTENT_TYPE,
            content_encoding=wire.CONTENT_ENCODING,
            headers={"task": wire.INTAKE_TASK, "id": "first", "root_id": "first", "lang": "py"},
        )
        store.keep(
            DeadLetter(
                id=f"{number:032x}",
                at=datetime.now(UTC),
                reason=Reason.INVALID,
                replay=0,
                queue=wire.INTAKE_QUEUE,
                target="shop",
                error_type="InvalidMessage",
                message="There is no target 'shop'.",
                original=original,
            )
        )


def fewer_than(store: DeadLetters, number: int) -> Callable[[], bool]:
    return lambda: store.count() < number


def test_a_bulk_replay_that_is_killed_and_run_again_does_everything_once(
    paramedic: CommandLine, client: redis.Redis, broker: Broker
) -> None:
    keep_many(client)
    store, ledger = DeadLetters(client), Ledger(client)
    deployment = make_deployment(paramedic.folder, broker)
    where = {
        "PARAMEDIC_BROKER_URL": broker.url,
        "PARAMEDIC_STATE_URL": broker.configured_state_url,
    }
    with deployment.worker("intake", wire.INTAKE_QUEUE, "-P", "solo"):
        for _ in range(3):
            before = store.count()
            words = ("dead-letters", "replay", "--reason", "invalid", "--rate", "200")
            with paramedic.started(*words, **where) as replaying:
                wait_for("some replays", fewer_than(store, before - 15))
                os.kill(replaying.pid, signal.SIGKILL)
            assert store.count() > 0, "it must be killed in the middle"
        done = paramedic.run("dead-letters", "replay", "--all", "--json", **where)
        assert done.returncode == 0, done
        assert {one["end"] for one in json.loads(done.stdout)["replays"]} == {"replayed"}
        wait_for("every event", lambda: ledger.occurrences() >= MANY, 60)
        wait_for("every message", lambda: not broker.depth(wire.INTAKE_QUEUE), 30)
    assert ledger.occurrences() == MANY
    assert {incident.count for incident in ledger.incidents(MANY + 1)} == {1}
    assert store.count() == 0
    assert {len(letter.replays) for letter in store.letters(replayed=True)} == {1}
    assert client.hlen(keys.JOURNAL) == 0
