"""A sink that is taken out of the settings leaves no result behind in silence."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from paramedic_workers import keys
from paramedic_workers.dead_letters.model import Original, Reason
from paramedic_workers.dead_letters.replay import ReplayEnd, Replayer
from paramedic_workers.dead_letters.store import DeadLetters
from paramedic_workers.removed_sinks import PATIENCE_SECONDS
from tests.support.queueing import REVISION, Flow


@dataclass
class Posts:
    """A broker with the queues of these sinks."""

    sinks: tuple[str, ...]

    def has_queue(self, queue: str) -> bool:
        return queue in {f"paramedic.results.{sink}" for sink in self.sinks}

    def publish(self, queue: str, message: Original) -> None:
        raise AssertionError("a delivery is put back in the ledger")

    def ring_group(self, group: str) -> None:
        raise AssertionError("no incident is opened")

    def ring_delivery(self, sink: str, result: str) -> None:
        """The sweep would ring as well."""


def sweep(flow: Flow, *sinks: str) -> None:
    sweeper = flow.sweeper(sinks=sinks)
    sweeper.sweep()


def close_one(flow: Flow) -> str:
    """Heal one incident for the sink `file`; gives the id of its result."""
    flow.fail("test_a")
    (result,) = flow.healer.heal("shop", REVISION).results
    return result.id


def test_what_waits_for_a_removed_sink_becomes_a_letter_that_can_be_replayed(flow: Flow) -> None:
    result_id = close_one(flow)
    sweep(flow, "file")
    store = DeadLetters(flow.client)
    flow.clock.forward(PATIENCE_SECONDS / 2)
    sweep(flow, "console")
    assert store.count() == 0
    flow.clock.forward(PATIENCE_SECONDS)
    sweep(flow, "console")
    sweep(flow, "console")
    (letter,) = store.letters()
    assert (letter.reason, letter.sink, letter.result) == (
        Reason.DELIVERY_FAILED,
        "file",
        result_id,
    )
    assert "'file' is not in the settings" in letter.message
    assert flow.ledger.undelivered("file") == []

    gone = Replayer(client=flow.client, posts=Posts(("console",)), limit=3, by="ada@desk")
    assert gone.foresee(letter) is ReplayEnd.NO_QUEUE
    assert gone.replay(letter).end is ReplayEnd.NO_QUEUE
    assert store.get(letter.id).replays == ()
    assert flow.ledger.undelivered("file") == []

    back = Replayer(client=flow.client, posts=Posts(("file",)), limit=3, by="ada@desk")
    assert back.replay(letter).end is ReplayEnd.REPLAYED
    assert flow.ledger.undelivered("file") == [result_id]


def test_a_sink_that_another_worker_still_serves_is_not_removed(flow: Flow) -> None:
    result_id = close_one(flow)
    for _ in range(4):
        sweep(flow, "file")
        flow.clock.forward(PATIENCE_SECONDS * 0.7)
        sweep(flow, "console")
    assert flow.ledger.undelivered("file") == [result_id]
    assert DeadLetters(flow.client).count() == 0


def test_an_incident_is_kept_while_a_letter_stands_for_it(flow: Flow) -> None:
    flow.standin.act = lambda _request: 1 // 0  # type: ignore[assignment, return-value]
    close_one(flow)
    flow.client.delete(keys.outbox("file"))
    (letter,) = DeadLetters(flow.client).letters()
    flow.settings = replace(flow.settings, retention_days=1)
    flow.clock.forward(3 * 86_400)
    sweep(flow, "file")
    assert [one.fingerprint for one in flow.ledger.incidents()] == [letter.incident]
    assert DeadLetters(flow.client).drop(letter.id)
    sweep(flow, "file")
    assert flow.ledger.incidents() == []


def test_a_result_is_kept_while_a_letter_stands_for_it(flow: Flow) -> None:
    result_id = close_one(flow)
    sweep(flow, "file")
    flow.clock.forward(PATIENCE_SECONDS * 2)
    sweep(flow, "console")
    (letter,) = DeadLetters(flow.client).letters()
    flow.settings = replace(flow.settings, retention_days=1)
    flow.clock.forward(3 * 86_400)
    sweep(flow, "console")
    assert flow.ledger.result(result_id) is not None
    assert DeadLetters(flow.client).drop(letter.id)
    sweep(flow, "console")
    assert flow.ledger.result(result_id) is None
