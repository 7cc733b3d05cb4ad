"""Each result reaches each sink once in effect, or is a dead letter."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import pytest

from paramedic_workers import keys, outbox
from paramedic_workers.dead_letters.model import Reason
from paramedic_workers.dead_letters.store import DeadLetters
from paramedic_workers.errors import DeliveryError
from paramedic_workers.incidents import Delivery, DeliveryEnd
from paramedic_workers.leases import this_host
from paramedic_workers.outbox import Outbox
from paramedic_workers.results import Result
from paramedic_workers.sinks.recording import RecordingSink
from tests.support.queueing import REVISION, Flow
from tests.support.waiting import wait_for


@pytest.fixture
def sink() -> RecordingSink:
    return RecordingSink("file")


@pytest.fixture
def box(flow: Flow, sink: RecordingSink) -> Outbox:
    """The outbox of a sink; retries are due after some milliseconds."""
    return Outbox(
        client=flow.client, sinks={"file": sink}, attempts=3, first_pause=0.02, clock=flow.clock
    )


def close_one(flow: Flow, test: str = "test_a") -> str:
    """Heal one incident; gives the result's id."""
    flow.fail(test)
    (result,) = flow.healer.heal("shop", REVISION).results
    return result.id


def claim(flow: Flow, result_id: str) -> None:
    """What a worker does before it calls the sink."""
    arguments = ("file", result_id, 60_000, outbox.SINK_PARALLEL, "host:1")
    flow.client.eval(keys.CLAIM_DELIVERY, 0, *arguments)


def test_a_result_is_delivered_once(flow: Flow, box: Outbox, sink: RecordingSink) -> None:
    result_id = close_one(flow)
    assert box.deliver("file", result_id).end is DeliveryEnd.DELIVERED
    assert box.deliver("file", result_id).end is DeliveryEnd.GONE
    assert (sink.calls, [result.id for result in sink.results]) == (1, [result_id])
    assert flow.ledger.undelivered("file") == []
    (standing,) = flow.ledger.deliveries_of(result_id)
    assert (standing.outcome, standing.attempts) == ("delivered", 1)


def test_a_refusal_is_retried_later(flow: Flow, box: Outbox, sink: RecordingSink) -> None:
    result_id = close_one(flow)
    sink.refuse = DeliveryError("503")
    assert box.deliver("file", result_id).end is DeliveryEnd.RETRY
    assert flow.ledger.undelivered("file") == [result_id]
    assert flow.ledger.deliveries_of(result_id)[0].error.endswith("503")
    sink.refuse = None
    wait_for("the retry", lambda: box.deliver("file", result_id).end is DeliveryEnd.DELIVERED, 5)


def test_after_the_last_attempt_it_is_a_dead_letter(
    flow: Flow, box: Outbox, sink: RecordingSink
) -> None:
    result_id = close_one(flow)
    sink.refuse = DeliveryError("503")
    wait_for("giving up", lambda: box.deliver("file", result_id).end is DeliveryEnd.GIVEN_UP, 5)
    assert sink.calls == 3
    assert flow.ledger.undelivered("file") == []
    (letter,) = DeadLetters(flow.client).letters()
    assert (letter.reason, letter.sink, letter.result) == (
        Reason.DELIVERY_FAILED,
        "file",
        result_id,
    )
    assert (letter.target, letter.queue) == ("shop", "paramedic.results.file")
    assert letter.message == "503"
    assert [one.end[-3:] for one in letter.attempts] == ["503"] * 3
    assert {one.host for one in letter.attempts} == {this_host()}
    assert json.loads(letter.original.body)[0] == ["file", result_id]


def test_a_refusal_for_good_is_not_retried(flow: Flow, box: Outbox, sink: RecordingSink) -> None:
    result_id = close_one(flow)
    sink.refuse = DeliveryError("no such project")
    sink.refuse.transient = False
    assert box.deliver("file", result_id).end is DeliveryEnd.GIVEN_UP
    assert sink.calls == 1


def test_a_running_delivery_is_not_begun_twice(
    flow: Flow, sink: RecordingSink, box: Outbox
) -> None:
    result_id = close_one(flow)

    class Nested:
        def deliver(self, _result: object) -> None:
            assert box.deliver("file", result_id).end is DeliveryEnd.EARLY

    nested = Outbox(client=flow.client, sinks={"file": Nested()}, attempts=3)
    assert nested.deliver("file", result_id).end is DeliveryEnd.DELIVERED


def test_a_sink_that_hangs_keeps_only_its_share_and_the_next_is_named(
    flow: Flow, box: Outbox
) -> None:
    ids = [close_one(flow, f"test_{number}") for number in range(outbox.SINK_PARALLEL + 1)]
    for result_id in ids[:-1]:  # workers that hang in the sink
        claim(flow, result_id)
    assert box.deliver("file", ids[-1]).end is DeliveryEnd.FULL
    delivered = Delivery(sink="file", outcome=DeliveryEnd.DELIVERED, attempts=1, at=flow.clock())
    assert outbox.settle_delivery(flow.client, ids[0], delivered).due == (ids[-1],)


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_a_sink_that_ends_its_process_is_refused_that(
    flow: Flow, box: Outbox, sink: RecordingSink, kind: type[BaseException]
) -> None:
    result_id = close_one(flow)

    def deliver(_result: Result) -> None:
        raise kind

    sink.deliver = deliver  # type: ignore[method-assign, assignment]
    assert box.deliver("file", result_id).end is DeliveryEnd.RETRY
    assert kind.__name__ in flow.ledger.deliveries_of(result_id)[0].error


def test_a_slow_attempt_changes_nothing_about_what_was_delivered_meanwhile(
    flow: Flow, box: Outbox, sink: RecordingSink
) -> None:
    result_id = close_one(flow)
    delivers = sink.deliver

    def refuse_late(_result: Result) -> None:
        sink.deliver = delivers  # type: ignore[method-assign]
        flow.client.zadd(keys.outbox("file"), {result_id: 1})
        assert box.deliver("file", result_id).end is DeliveryEnd.DELIVERED
        error = DeliveryError("too late")
        error.transient = False
        raise error

    sink.deliver = refuse_late  # type: ignore[method-assign, assignment]
    box.deliver("file", result_id)
    assert [one.outcome for one in flow.ledger.deliveries_of(result_id)] == ["delivered"]
    assert DeadLetters(flow.client).count() == 0


def test_a_sinks_url_is_kept_without_its_password(
    flow: Flow, box: Outbox, sink: RecordingSink
) -> None:
    close_id = close_one(flow)
    sink.refuse = DeliveryError("POST https://me:hunter2@chat.example/x?token=hunter3 failed")
    sink.refuse.transient = False
    box.deliver("file", close_id)
    (letter,) = DeadLetters(flow.client).letters()
    told = msgspec.json.encode([letter, flow.ledger.deliveries_of(close_id)])
    assert b"chat.example" in told
    assert b"hunter" not in told


def test_a_worker_lost_in_a_sink_counts_as_an_attempt(
    flow: Flow, box: Outbox, sink: RecordingSink
) -> None:
    result_id = close_one(flow)
    for _ in range(3):
        claim(flow, result_id)
        flow.client.eval(keys.RETURN_DELIVERIES, 0, "file")
    assert box.deliver("file", result_id).end is DeliveryEnd.GIVEN_UP
    assert sink.calls == 0
    (letter,) = DeadLetters(flow.client).letters()
    ends = [one.end for one in letter.attempts]
    assert ends[:3] == ["it lost its worker"] * 3
    assert "lost its worker" in letter.message


def test_a_delivery_that_kills_its_worker_three_times_is_not_begun_again(
    flow: Flow, box: Outbox, sink: RecordingSink
) -> None:
    patient = replace(box, attempts=8)
    result_id = close_one(flow)
    for _ in range(3):
        claim(flow, result_id)
        flow.client.eval(keys.RETURN_DELIVERIES, 0, "file")
    assert patient.deliver("file", result_id).end is DeliveryEnd.GIVEN_UP
    assert sink.calls == 0
    assert DeadLetters(flow.client).count() == 1


def test_a_result_no_longer_kept_is_given_up(flow: Flow, box: Outbox) -> None:
    result_id = close_one(flow)
    flow.client.delete(keys.result(result_id))
    assert box.deliver("file", result_id).end is DeliveryEnd.GIVEN_UP
