"""A sink that is away costs nothing: nothing is lost, given up, or delivered out of order."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace

import pytest

from paramedic_workers import keys
from paramedic_workers.dead_letters.store import DeadLetters
from paramedic_workers.errors import (
    DeliveryError,
    DeliveryPostponed,
    SinkUnavailable,
    Verdict,
)
from paramedic_workers.incidents import DeliveryEnd
from paramedic_workers.outbox import SINK_PARALLEL, DeliveryReport, Outbox
from paramedic_workers.resting import LEAST_REST, LONGEST_REST, Resting, rest_seconds
from paramedic_workers.results import Result, encode_result
from tests.support.queueing import REVISION, Flow, healed
from tests.support.results import make_result
from tests.support.waiting import wait_for


@dataclass
class Moody:
    """A sink that refuses what the test wants it to."""

    #: What it raises, by result id; by the empty id for all.
    refusals: dict[str, BaseException] = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)
    calls: int = 0

    def deliver(self, result: Result) -> None:
        self.calls += 1
        refusal = self.refusals.get(result.id) or self.refusals.get("")
        if refusal is not None:
            raise refusal
        self.taken.append(result.id)


@pytest.fixture
def sink() -> Moody:
    return Moody()


@pytest.fixture
def box(flow: Flow, sink: Moody) -> Outbox:
    return Outbox(client=flow.client, sinks={"file": sink}, attempts=3, first_pause=0.02)


def away(retry_after: float = 0.01) -> SinkUnavailable:
    return SinkUnavailable("Jira is away.", retry_after=retry_after)


def close_one(flow: Flow, test: str = "test_a") -> str:
    flow.fail(test)
    (result,) = flow.healer.heal("shop", REVISION).results
    return result.id


def close_again(flow: Flow, times: int) -> list[str]:
    """Results of one incident, the oldest first."""
    flow.standin.act = lambda request: healed(request, Verdict.PROPOSED)
    ids = []
    for _ in range(times):
        ids.append(close_one(flow))
        flow.clock.forward(flow.settings.retry_after)
    return ids


def end_rest(flow: Flow) -> None:
    """Let the time of the rest be over, and what waited for it be due."""
    flow.client.hset(keys.resting("file"), "until", 1)
    for result_id in flow.ledger.undelivered("file"):
        flow.client.zadd(keys.outbox("file"), {result_id: 1})


def drain(flow: Flow, box: Outbox) -> None:
    """Deliver as doorbells do that ring for one another, until nothing waits."""

    def one_more() -> bool:
        for result_id in Resting(client=flow.client).due("file", 1):
            report = box.deliver("file", result_id)
            while report.due:
                report = box.deliver("file", report.due[0])
        return not flow.ledger.undelivered("file")

    wait_for("everything delivered", one_more, 10)


def test_while_the_sink_rests_it_is_not_asked(flow: Flow, box: Outbox, sink: Moody) -> None:
    first, second = close_one(flow, "test_a"), close_one(flow, "test_b")
    sink.refusals[""] = away(retry_after=60)
    report = box.deliver("file", first)
    assert report.end is DeliveryEnd.RESTING
    assert report.pause is not None
    assert 59 < report.pause < 67
    assert box.deliver("file", second) == DeliveryReport(end=DeliveryEnd.RESTING)
    assert sink.calls == 1
    (rest,) = Resting(client=flow.client).standing(["file", "console"])
    assert rest.sink == "file"
    assert "Jira is away." in rest.why
    assert rest.since < rest.until
    assert Resting(client=flow.client).due("file", 10) == []


def test_an_outage_of_a_day_gives_nothing_up(flow: Flow, box: Outbox, sink: Moody) -> None:
    ids = [close_one(flow, f"test_{number}") for number in range(3)]
    sink.refusals[""] = away()
    for _ in range(40):  # far more than it has attempts
        end_rest(flow)
        box.deliver("file", Resting(client=flow.client).due("file", 1)[0])
    assert sink.calls == 40
    for standing in [one for name in ids for one in flow.ledger.deliveries_of(name)]:
        assert (standing.outcome, standing.attempts, standing.tries) == ("resting", 0, ())
    assert flow.client.hgetall(keys.outbox_attempts("file")) == {}
    assert DeadLetters(flow.client).count() == 0
    sink.refusals.clear()
    end_rest(flow)
    drain(flow, box)
    assert sorted(sink.taken) == sorted(ids)
    (standing,) = flow.ledger.deliveries_of(ids[0])
    assert (standing.outcome, standing.attempts) == ("delivered", 1)
    assert not flow.client.exists(keys.resting("file"))


def test_others_go_before_a_result_at_which_the_sink_always_says_that_it_is_away(
    flow: Flow, box: Outbox, sink: Moody
) -> None:
    odd = close_one(flow, "test_odd")
    sink.refusals[odd] = away(retry_after=60)
    for number in range(3):  # again and again others come, after it
        other = close_one(flow, f"test_{number}")
        assert box.deliver("file", odd).end is DeliveryEnd.RESTING
        assert Resting(client=flow.client).due("file", 10) == []
        # The rest is over: what has waited longest probes, and that is not the odd one.
        flow.client.hset(keys.resting("file"), "until", 1)
        assert Resting(client=flow.client).due("file", 10) == [other]
        assert box.deliver("file", other).end is DeliveryEnd.DELIVERED
        flow.client.zadd(keys.outbox("file"), {odd: 1})
    assert flow.ledger.undelivered("file") == [odd]
    assert flow.ledger.deliveries_of(odd)[0].attempts == 0


def test_a_rest_that_is_over_is_ended_by_one_probe_and_all_is_rung_for(
    flow: Flow, box: Outbox, sink: Moody
) -> None:
    ids = [close_one(flow, f"test_{number}") for number in range(SINK_PARALLEL + 2)]
    sink.refusals[""] = away()
    box.deliver("file", ids[0])
    end_rest(flow)
    assert len(Resting(client=flow.client).due("file", 10)) == 1
    nested: list[DeliveryReport] = []
    sink.refusals.clear()
    deliver = sink.deliver

    def probe(result: Result) -> None:
        if not nested:
            nested.append(box.deliver("file", ids[1]))
        deliver(result)

    sink.deliver = probe  # type: ignore[method-assign]
    report = box.deliver("file", ids[2])
    assert nested[0].end is DeliveryEnd.FULL
    assert report.end is DeliveryEnd.DELIVERED
    assert len(report.due) == SINK_PARALLEL
    assert not flow.client.exists(keys.resting("file"))


def test_a_probe_that_fails_otherwise_ends_the_rest_too(
    flow: Flow, box: Outbox, sink: Moody
) -> None:
    result_id = close_one(flow)
    sink.refusals[""] = away()
    box.deliver("file", result_id)
    end_rest(flow)
    sink.refusals[""] = DeliveryError("400")
    assert box.deliver("file", result_id).end is DeliveryEnd.RETRY
    assert not flow.client.exists(keys.resting("file"))
    assert flow.ledger.deliveries_of(result_id)[0].attempts == 1


def test_what_is_in_flight_when_a_rest_begins_does_not_end_it(
    flow: Flow, box: Outbox, sink: Moody
) -> None:
    first, second = close_one(flow, "test_a"), close_one(flow, "test_b")
    deliver = sink.deliver

    def while_resting(result: Result) -> None:
        sink.deliver = deliver  # type: ignore[method-assign]
        sink.refusals[second] = away(retry_after=60)
        box.deliver("file", second)
        deliver(result)

    sink.deliver = while_resting  # type: ignore[method-assign]
    assert box.deliver("file", first).end is DeliveryEnd.DELIVERED
    assert Resting(client=flow.client).rests("file")


def test_a_postponed_delivery_waits_alone_and_does_not_count(
    flow: Flow, box: Outbox, sink: Moody
) -> None:
    first, second = close_one(flow, "test_a"), close_one(flow, "test_b")
    sink.refusals[first] = DeliveryPostponed("Its ticket has enough.", retry_after=0.001)
    for _ in range(10):
        flow.client.zadd(keys.outbox("file"), {first: 1})
        assert box.deliver("file", first).end is DeliveryEnd.POSTPONED
    assert not flow.client.exists(keys.resting("file"))
    assert box.deliver("file", second).end is DeliveryEnd.DELIVERED
    sink.refusals.clear()
    drain(flow, box)
    assert sink.taken == [second, first]
    assert flow.ledger.deliveries_of(first)[0].attempts == 1


def test_lost_workers_still_count_between_rests(flow: Flow, box: Outbox, sink: Moody) -> None:
    result_id = close_one(flow)
    sink.refusals[""] = away()
    for _ in range(3):
        arguments = ("file", result_id, 60_000, SINK_PARALLEL, "host:1")
        flow.client.eval(keys.CLAIM_DELIVERY, 0, *arguments)
        flow.client.eval(keys.RETURN_DELIVERIES, 0, "file")
        if flow.client.hget(keys.outbox_attempts("file"), result_id) != "3":
            box.deliver("file", result_id)
            end_rest(flow)
    assert box.deliver("file", result_id).end is DeliveryEnd.GIVEN_UP


def test_a_later_result_of_an_incident_waits_for_the_earlier_one(
    flow: Flow, box: Outbox, sink: Moody
) -> None:
    first, second, third = close_again(flow, 3)
    other = close_one(flow, "test_b")
    sink.refusals[first] = DeliveryError("503")
    assert box.deliver("file", third).due == (first,)
    assert box.deliver("file", second).end is DeliveryEnd.BEHIND
    assert box.deliver("file", first).end is DeliveryEnd.RETRY
    assert box.deliver("file", second).end in (DeliveryEnd.BEHIND, DeliveryEnd.EARLY)
    assert box.deliver("file", other).end is DeliveryEnd.DELIVERED
    sink.refusals.clear()
    drain(flow, box)
    assert sink.taken == [other, first, second, third]


def test_what_waited_behind_a_result_is_due_as_soon_as_that_is_off_the_list(
    flow: Flow, box: Outbox, sink: Moody
) -> None:
    first, second = close_again(flow, 2)
    sink.refusals[first] = DeliveryError("no such project", transient=False)
    deliver = sink.deliver

    def meanwhile(result: Result) -> None:
        assert box.deliver("file", second).end is DeliveryEnd.BEHIND
        assert second not in Resting(client=flow.client).due("file", 10)
        deliver(result)

    sink.deliver = meanwhile  # type: ignore[method-assign]
    report = box.deliver("file", first)
    assert (report.end, report.due) == (DeliveryEnd.GIVEN_UP, (second,))


def test_merged_incidents_are_kept_in_order_too(flow: Flow, box: Outbox, sink: Moody) -> None:
    first = close_one(flow, "test_b")
    flow.clock.forward(1)
    flow.fail("test_a", "test_b")
    (result,) = flow.healer.heal("shop", REVISION).results
    assert result.merged
    report = box.deliver("file", result.id)
    assert (report.end, report.due) == (DeliveryEnd.BEHIND, (first,))
    drain(flow, box)
    assert sink.taken == [first, result.id]


def test_five_hundred_results_drain_without_a_sweep_once_the_sink_is_back(
    flow: Flow, box: Outbox, sink: Moody
) -> None:
    flow.standin.act = None
    result_id = close_one(flow)
    names = [f"{number:032x}" for number in range(500)]
    flow.client.zadd(keys.outbox("file"), dict.fromkeys(names, 1))
    body = str(flow.client.get(keys.result(result_id)))
    flow.client.mset({keys.result(name): body for name in names})
    sink.refusals[""] = away()
    box.deliver("file", result_id)
    end_rest(flow)
    sink.refusals.clear()
    bells = Resting(client=flow.client).due("file", 200)
    while bells:
        report = box.deliver("file", bells.pop())
        bells += report.due
    assert len(sink.taken) == 501
    assert flow.ledger.undelivered("file") == []


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        (30.0, 30.0, 33.0),
        (-5.0, LEAST_REST, LEAST_REST * 1.1),
        (86_400.0, LONGEST_REST, LONGEST_REST * 1.1),
    ],
)
def test_a_rest_is_as_long_as_was_asked_within_bounds(
    asked: float, least: float, most: float
) -> None:
    assert least <= rest_seconds(asked) <= most


def test_a_rest_that_is_no_number_is_the_longest() -> None:
    assert LONGEST_REST <= rest_seconds(float("nan")) <= LONGEST_REST * 1.1


@pytest.mark.parametrize("seed", range(3))
def test_whatever_the_sink_says_each_incident_is_told_of_in_order(
    flow: Flow, sink: Moody, seed: int
) -> None:
    """Forty results of six incidents, some merged; refusals, rests and lost workers at random."""
    chance = random.Random(seed)
    box = Outbox(client=flow.client, sinks={"file": sink}, attempts=1_000, first_pause=0.001)
    told = write_results(flow, chance)
    lost: Counter[str] = Counter()
    for _ in range(250):
        refusals: list[BaseException | None] = [
            None,
            DeliveryError("503"),
            SinkUnavailable("away", retry_after=0),
            DeliveryPostponed("later", retry_after=0),
        ]
        refusal = chance.choice(refusals)
        sink.refusals = {"": refusal} if refusal else {}
        name = chance.choice(list(told))
        if chance.random() < 0.2 and lost[name] < 2:  # a worker takes it, and is lost
            lost[name] += 1
            claimed = ("file", name, 60_000, SINK_PARALLEL, "host:1")
            flow.client.eval(keys.CLAIM_DELIVERY, 0, *claimed, *told[name])
            flow.client.eval(keys.RETURN_DELIVERIES, 0, "file")
        if chance.random() < 0.5:
            end_rest(flow)
        box.deliver("file", name)
    sink.refusals = {}
    drain(flow, replace(box, attempts=10_000))
    assert sorted(sink.taken) == sorted(told)  # each once
    for incident in INCIDENTS:
        expected = [name for name, incidents in told.items() if incident in incidents]
        assert [name for name in sink.taken if name in expected] == expected
    assert flow.client.hlen(keys.outbox_attempts("file")) == 0
    assert flow.client.hlen(f"{keys.outbox('file')}:begun") == 0
    assert DeadLetters(flow.client).count() == 0


INCIDENTS = [f"incident-{number}" for number in range(6)]


def write_results(flow: Flow, chance: random.Random) -> dict[str, list[str]]:
    """Results as closings write them, the oldest first, each with its incidents."""
    told = {}
    for number in range(40):
        lead, *merged = chance.sample(INCIDENTS, chance.choice([1, 1, 1, 2, 3]))
        result = make_result(
            id=f"{number:032x}", incident=lead, fingerprint=lead, merged=tuple(merged)
        )
        flow.client.set(keys.result(result.id), encode_result(result))
        flow.client.zadd(keys.outbox("file"), {result.id: number})
        for incident in (lead, *merged):
            flow.client.lpush(keys.incident_results(incident), result.id)
        told[result.id] = [lead, *merged]
    return told
