"""What loses its worker again and again is worked on three times, on either broker."""

# kombu is typed only in part.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from kombu.message import Message

from paramedic import wire
from paramedic.event import now
from paramedic_workers import keys, topology
from paramedic_workers.attempts import (
    DOORBELL_ATTEMPTS,
    MESSAGE_ATTEMPTS,
    AttemptLedger,
    note_exit,
)
from paramedic_workers.connections import state_client
from paramedic_workers.dead_letters.messages import (
    as_worker_lost,
    letter_of_journal,
    letter_of_message,
)
from paramedic_workers.dead_letters.model import DeadLetter, LostBy, Reason
from paramedic_workers.dead_letters.store import DeadLetters
from paramedic_workers.incidents import Ledger
from paramedic_workers.leases import this_host
from paramedic_workers.sweep import JOURNAL_LEASES
from tests.support.brokers import REDIS, Broker
from tests.support.malformed import call
from tests.support.queueing import Flow, make_batch, make_event, write_journal
from tests.support.waiting import wait_for
from tests.support.workers import Deployment, kill_group, make_deployment


def lose_workers(client: redis.Redis, name: str, times: int) -> None:
    """Begin attempts at a message that no process ever ends."""
    for _ in range(times):
        assert AttemptLedger(client).begin(name, limit=times) == ()


def left_behind(client: redis.Redis) -> list[str]:
    return list(client.scan_iter(keys.attempts("*")))


@contextmanager
def deadly_worker(made: Deployment, pool: str, time_limit: float = 100) -> Iterator[None]:
    """A worker that messages kill, and that is started again each time.

    Args:
        made: where it runs.
        pool: of the worker.
        time_limit: seconds after which a task of a prefork pool is killed; long enough for
            its parent to see first that its process has died.
    """
    with made.log("deadly").open("wb") as log:
        root = Path(__file__).parents[3]
        running = subprocess.Popen(
            [sys.executable, "-m", "tests.support.deadly_worker", pool, str(time_limit)],
            env={**made.environment, "PYTHONPATH": str(root)},
            cwd=made.folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield
    finally:
        kill_group(running)


def push(broker: Broker, task: str, name: str, *arguments: object) -> None:
    queue = wire.INTAKE_QUEUE if task == wire.INTAKE_TASK else topology.HEAL_QUEUE
    broker.push_raw(queue, call(task, *arguments), {"lang": "py", "task": task, "id": name})


@pytest.mark.parametrize("pool", ["solo", "prefork"])
def test_what_kills_its_worker_is_tried_three_times_and_is_a_letter_then(
    broker: Broker, tmp_path: Path, pool: str
) -> None:
    made = make_deployment(tmp_path, broker, lease_seconds=1)
    deadly = make_batch(make_event(now(), "deadly"), batch="the-deadly")
    with state_client(broker.state_url) as client, deadly_worker(made, pool):
        write_journal(client, deadly, now() + timedelta(days=1))  # no sweep is due for it
        log = made.log("deadly")
        wait_for("the worker", lambda: "ready" in log.read_text(), 40)
        lose_workers(client, "old-bell", DOORBELL_ATTEMPTS)
        push(broker, wire.INTAKE_TASK, "the-deadly", deadly)
        push(broker, topology.HEAL_TASK, "old-bell", "shop", None)
        push(broker, wire.INTAKE_TASK, "good", make_batch(make_event(now(), "good")))
        (letter,) = wait_for("the letter", lambda: list(DeadLetters(client).letters()), 60)
        wait_for("the good one", lambda: [one.test for one in Ledger(client).incidents()])
        wait_for("the doorbell to be dropped", lambda: "a doorbell is dropped" in log.read_text())
        wait_for("nothing to be counted any more", lambda: not left_behind(client))
        queues = (wire.INTAKE_QUEUE, topology.HEAL_QUEUE)
        wait_for("empty queues", lambda: not any(broker.depth(queue) for queue in queues))
        assert client.hlen("unacked") == 0
        assert DeadLetters(client).count() == 1
        assert [one.test for one in Ledger(client).incidents()] == ["good"]
        assert client.hlen(keys.JOURNAL) == 0
    assert (letter.reason, letter.queue) == (Reason.WORKER_LOST, wire.INTAKE_QUEUE)
    assert json.loads(letter.original.body)[0] == [deadly]
    tries = (tmp_path / "tries").read_text().split()
    assert len(tries) == len(letter.attempts) == MESSAGE_ATTEMPTS
    assert {attempt.lost_by for attempt in letter.attempts} == {LostBy.DEATH}
    if pool == "solo":
        assert [attempt.host for attempt in letter.attempts] == tries
        assert {attempt.end for attempt in letter.attempts} == {"killed by SIGKILL (signal 9)"}


@pytest.mark.parametrize("broker", [REDIS], indirect=True)
def test_a_batch_that_hangs_in_intake_is_a_letter(broker: Broker, tmp_path: Path) -> None:
    made = make_deployment(tmp_path, broker)
    batch = make_batch(make_event(now(), "hanging"))
    with state_client(broker.state_url) as client, deadly_worker(made, "prefork", 3):
        push(broker, wire.INTAKE_TASK, "the-message", batch)
        (letter,) = wait_for("the letter", lambda: list(DeadLetters(client).letters()))
        wait_for("it to be acknowledged", lambda: not client.hlen("unacked"))
        wait_for("its attempt to be forgotten", lambda: not left_behind(client))
    assert (letter.reason, letter.queue) == (Reason.TIMEOUT, wire.INTAKE_QUEUE)
    assert json.loads(letter.original.body)[0] == [batch]


def test_an_attempt_counts_until_its_message_has_ended(flow: Flow) -> None:
    ledger = AttemptLedger(flow.client, limit=2)
    for _ in range(3):
        assert ledger.begin("a") == ()
        ledger.end("a")
    assert ledger.begin("a") == ()
    assert AttemptLedger(flow.client, limit=2).begin("a") == ()
    note_exit(flow.client, this_host(), "killed by SIGSEGV (signal 11)")
    lost = ledger.begin("a")
    assert [attempt.end for attempt in lost] == ["killed by SIGSEGV (signal 11)"] * 2
    assert ledger.begin("a") == lost
    assert ledger.begin("b") == ()
    assert 0 < flow.client.ttl(keys.attempts("b")) <= keys.BATCH_MEMORY


def test_who_is_told_to_stop_takes_its_own_attempts_back(flow: Flow) -> None:
    lose_workers(flow.client, "a", 1)
    ledger = AttemptLedger(flow.client)
    ledger.begin("a")
    ledger.begin("b")
    ledger.begin("done")
    ledger.end("done")
    ledger.withdraw()
    assert left_behind(flow.client) == [keys.attempts("a")]
    assert flow.client.llen(keys.attempts("a")) == 1


def test_a_ledger_that_is_away_stops_nothing_and_is_told_later(flow: Flow, tmp_path: Path) -> None:
    ledger = AttemptLedger(flow.client)
    ledger.begin("a")
    ledger.client = state_client(f"redis+socket://{tmp_path}/nobody", retries=0)
    ledger.end("a")
    assert ledger.begin("b") == ()
    ledger.client = flow.client
    assert left_behind(flow.client) == [keys.attempts("a")]
    ledger.begin("c")
    assert left_behind(flow.client) == [keys.attempts("c")]


def test_a_full_redis_counts_too(flow: Flow) -> None:
    flow.client.config_set("maxmemory", 1)
    try:
        lose_workers(flow.client, "a", MESSAGE_ATTEMPTS)
        assert len(AttemptLedger(flow.client).begin("a")) == MESSAGE_ATTEMPTS
    finally:
        flow.client.config_set("maxmemory", 0)


def sweep(flow: Flow) -> None:
    flow.clock.forward(flow.settings.lease_seconds * JOURNAL_LEASES + 1)
    flow.sweeper().sweep()


def test_the_sweep_records_no_batch_that_has_lost_its_workers(flow: Flow) -> None:
    batch = make_batch(make_event(flow.clock()), batch="the-batch")
    write_journal(flow.client, batch, flow.clock())
    write_journal(flow.client, make_batch(make_event(flow.clock(), "good")), flow.clock())
    lose_workers(flow.client, "the-batch", MESSAGE_ATTEMPTS)
    sweep(flow)
    (letter,) = DeadLetters(flow.client).letters()
    assert (letter.reason, len(letter.attempts)) == (Reason.WORKER_LOST, MESSAGE_ATTEMPTS)
    assert json.loads(letter.original.body)[0] == [batch]
    assert [incident.test for incident in flow.ledger.incidents()] == ["good"]
    assert flow.client.hlen(keys.JOURNAL) == 0
    # Should the message come after all, it finds no attempt left.
    assert left_behind(flow.client) == [keys.attempts("the-batch")]


@pytest.mark.parametrize("name", ["the-batch", "replay-0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f-2"])
def test_a_message_and_its_batch_in_the_journal_are_one_letter(name: str) -> None:
    headers = {"id": name, "task": wire.INTAKE_TASK}
    came = Message(b"[]", headers=headers, content_type="application/json")

    def lost(letter: DeadLetter) -> DeadLetter:
        return as_worker_lost(letter, name, ())

    message = lost(letter_of_message(came, None, queue=wire.INTAKE_QUEUE))
    journal = lost(letter_of_journal(name.encode(), b"{}", ""))
    assert (message.id, message.replay) == (journal.id, journal.replay)
    assert name in {"the-batch", f"replay-{message.id}-{message.replay}"}
