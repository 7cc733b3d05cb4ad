"""Random and mutated messages go into intake: it never ends, and each is accounted for.

`PARAMEDIC_FUZZ_MESSAGES` says how many (`make chaos`: 100,000); `PARAMEDIC_CHAOS_SEED`
repeats a run.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
import redis

from paramedic import wire
from paramedic_workers import keys
from paramedic_workers.connections import state_client
from paramedic_workers.dead_letters.model import DeadLetter
from paramedic_workers.dead_letters.store import DeadLetters
from tests.support.brokers import RABBITMQ, Broker, RawMessage
from tests.support.fuzz import Fuzzed, fuzzed
from tests.support.waiting import wait_for
from tests.support.workers import make_deployment

MESSAGES = int(os.environ.get("PARAMEDIC_FUZZ_MESSAGES", "2000"))
SEED = int(os.environ.get("PARAMEDIC_CHAOS_SEED", "0")) or random.randrange(1, 10**6)
#: Messages that are in the queue at once; the broker of a test has little memory.
WAVE = 1000


@pytest.mark.timeout(300 + MESSAGES / 20)
def test_every_message_is_recorded_or_becomes_a_dead_letter(tmp_path: Path, broker: Broker) -> None:
    number = MESSAGES // 4 if broker.name == RABBITMQ else MESSAGES
    messages = list(fuzzed(number, random.Random(SEED)))
    deployment = make_deployment(tmp_path, broker, dead_letter_limit=2 * MESSAGES + 1_000)
    with deployment.worker("intake", wire.INTAKE_QUEUE, "-P", "solo") as worker:
        wait_for("the worker", lambda: "ready" in deployment.log("intake").read_text())
        for start in range(0, number, WAVE):
            wave = messages[start : start + WAVE]
            raw = [RawMessage(one.body, one.headers, one.properties) for one in wave]
            broker.push_many(wire.INTAKE_QUEUE, raw)
            wait_for("the queue", lambda: not broker.depth(wire.INTAKE_QUEUE), WAVE / 10)
        with state_client(broker.state_url) as client:
            wait_for("an account of all", lambda: not unaccounted(client, messages), 30)
        log = deployment.log("intake").read_text()
        assert worker.poll() is None, f"seed {SEED}: {log[-3000:]}"
        assert "raised unexpected" not in log, f"seed {SEED}: {log[-3000:]}"


def unaccounted(client: redis.Redis, messages: Sequence[Fuzzed]) -> list[Fuzzed]:
    """Messages that were neither recorded nor kept as a dead letter."""
    letters = {name for letter in DeadLetters(client).letters() for name in names_in(letter)}
    prefix = keys.batch("")
    recorded = {key.removeprefix(prefix) for key in client.scan_iter(f"{prefix}*", 10_000)}
    return [m for m in messages if m.batch not in recorded and m.name not in letters]


def names_in(letter: DeadLetter) -> set[str]:
    """The names of the message that a letter holds."""
    original = letter.original
    return {str(original.headers.get("id")), str(original.properties.get("correlation_id"))}
