"""Replays: each has its effect once, however often it is begun, and keeps its history."""

# kombu is typed only in part.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import redis
from kombu.connection import Connection

from paramedic import wire
from paramedic_workers import keys, topology
from paramedic_workers.cli.dead_letters_posts import BrokerPosts
from paramedic_workers.connections import ledger_url, state_client
from paramedic_workers.dead_letters.lineage import Lineage
from paramedic_workers.dead_letters.model import DeadLetter, LetterState, Original, Reason
from paramedic_workers.dead_letters.replay import ReplayEnd, Replayer
from paramedic_workers.dead_letters.store import DeadLetters
from paramedic_workers.errors import Verdict
from paramedic_workers.incidents import Delivery, DeliveryEnd, IncidentState
from tests.support.brokers import Broker
from tests.support.queueing import Flow, healed, make_batch, make_event

LETTER = "a1" * 16


@dataclass
class KnownPosts:
    """A broker that takes everything down, and may die."""

    published: list[Original] = field(default_factory=list)
    rung: list[tuple[str, ...]] = field(default_factory=list)
    #: Called when a message has been published.
    then: Callable[[], object] = lambda: None

    def has_queue(self, queue: str) -> bool:
        return queue.startswith("paramedic.")

    def publish(self, queue: str, message: Original) -> None:
        self.published.append(message)
        self.then()

    def ring_group(self, group: str) -> None:
        self.rung.append((group,))

    def ring_delivery(self, sink: str, result: str) -> None:
        self.rung.append((sink, result))


@pytest.fixture
def posts() -> KnownPosts:
    return KnownPosts()


@pytest.fixture
def store(flow: Flow) -> DeadLetters:
    return DeadLetters(flow.client)


def replayer(flow: Flow, posts: KnownPosts, limit: int = 3) -> Replayer:
    return Replayer(client=flow.client, posts=posts, limit=limit, by="ada@desk", clock=flow.clock)


def make_letter(flow: Flow, **changes: Any) -> DeadLetter:
    """An event that was refused, as intake keeps it."""
    batch = make_batch(make_event(flow.clock()), batch="first")
    values: dict[str, Any] = {
        "id": LETTER,
        "at": flow.clock(),
        "reason": Reason.INVALID,
        "replay": 0,
        "queue": wire.INTAKE_QUEUE,
        "target": "shop",
        "error_type": "InvalidMessage",
        "message": "There is no target 'shop'.",
        "original": Original(
            body=json.dumps([[batch], {}, {}]).encode(),
            content_type="application/json",
            content_encoding="utf-8",
            headers={
                "task": wire.INTAKE_TASK,
                "id": "first",
                "lang": "py",
                "expires": "2020-01-01",
                "x-death": [{"count": 3}],
            },
        ),
    }
    return DeadLetter(**{**values, **changes})


def failed_again(letter: DeadLetter, number: int | None) -> DeadLetter:
    """The letter of a replay that failed."""
    return msgspec.structs.replace(
        letter, replay=number, message="It failed again.", original=Original(body=b"new")
    )


def record(flow: Flow, message: Original) -> bool:
    """What intake does with a message; whether it was new."""
    return flow.intake.record(json.loads(message.body)[0], message.headers["id"]).new


# --- messages


def test_an_event_is_published_again_under_an_id_of_its_own(
    flow: Flow, store: DeadLetters, posts: KnownPosts
) -> None:
    store.keep(make_letter(flow))
    done = replayer(flow, posts).replay(store.get(LETTER))
    assert (done.end, done.number) == (ReplayEnd.REPLAYED, 1)
    (message,) = posts.published
    name = Lineage(letter=LETTER, number=1).task_id
    assert message.headers["id"] == name
    assert not {"expires", "x-death"} & set(message.headers)
    assert json.loads(message.body)[0][0]["batch"] == name

    letter = store.get(LETTER)
    assert letter.state is LetterState.REPLAYED
    assert [replay.by for replay in letter.replays] == ["ada@desk"]
    assert store.count() == 0
    assert store.counts() == {}
    assert list(store.letters()) == []
    assert [one.id for one in store.letters(replayed=True)] == [LETTER]
    assert replayer(flow, posts).replay(letter).end is ReplayEnd.ALREADY


def test_the_journal_knows_of_the_events_before_their_message_is_sent(
    flow: Flow, store: DeadLetters, posts: KnownPosts
) -> None:
    """A worker that dies with the message in its hands loses nothing."""
    store.keep(make_letter(flow))
    name = Lineage(letter=LETTER, number=1).task_id
    seen: list[Any] = []
    posts.then = lambda: seen.append(flow.client.hget(keys.JOURNAL, name))
    replayer(flow, posts).replay(store.get(LETTER))
    assert json.loads(seen[0])["batch"] == name
    assert flow.client.zscore(keys.JOURNAL_PUBLISHED, name)
    record(flow, posts.published[0])
    assert flow.client.hlen(keys.JOURNAL) == 0


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_replay_that_is_killed_around_its_publishing_counts_once(
    flow: Flow, store: DeadLetters, posts: KnownPosts, moment: str
) -> None:
    class Killed(BaseException):
        pass

    def die() -> None:
        if moment == "before":
            posts.published.clear()
        raise Killed

    store.keep(make_letter(flow))
    posts.then = die
    with pytest.raises(Killed):
        replayer(flow, posts).replay(store.get(LETTER))
    assert [one.id for one in store.letters()] == [LETTER], "it must not leave the list"
    posts.then = lambda: None
    done = replayer(flow, posts).replay(store.get(LETTER))
    assert (done.end, done.number) == (ReplayEnd.REPLAYED, 1)
    assert len(store.get(LETTER).replays) == 1
    recorded = [record(flow, message) for message in posts.published]
    assert recorded.count(True) == 1
    assert flow.ledger.occurrences() == 1


def test_two_people_who_replay_at_once_replay_once(flow: Flow, store: DeadLetters) -> None:
    store.keep(make_letter(flow))
    together, letter = threading.Barrier(2, timeout=60), store.get(LETTER)
    posts = KnownPosts(then=lambda: together.wait() and None)
    ends: list[ReplayEnd] = []
    people = [
        threading.Thread(target=lambda: ends.append(replayer(flow, posts).replay(letter).end))
        for _ in range(2)
    ]
    for person in people:
        person.start()
    for person in people:
        person.join(60)
    assert ends == [ReplayEnd.REPLAYED] * 2
    assert len(store.get(LETTER).replays) == 1
    assert [record(flow, message) for message in posts.published].count(True) == 1
    assert flow.ledger.occurrences() == 1


def test_a_replay_that_fails_is_the_same_letter_with_its_history(
    flow: Flow, store: DeadLetters, posts: KnownPosts
) -> None:
    first = make_letter(flow)
    store.keep(first)
    replayer(flow, posts).replay(store.get(LETTER))
    assert store.keep(failed_again(first, 1))
    letter = store.get(LETTER)
    assert (letter.state, letter.message) == (LetterState.DEAD, "It failed again.")
    assert (len(letter.replays), letter.original) == (1, first.original)
    assert store.counts() == {"invalid": 1}

    assert replayer(flow, posts).replay(letter).number == 2
    assert not store.keep(failed_again(first, 1)), "an old copy must not kill it again"
    assert not store.keep(first)
    assert store.get(LETTER).state is LetterState.REPLAYED


def test_a_message_that_fails_before_its_replay_has_ended_stays_dead(
    flow: Flow, store: DeadLetters, posts: KnownPosts
) -> None:
    first = make_letter(flow)
    store.keep(first)
    posts.then = lambda: store.keep(failed_again(first, 1))
    assert replayer(flow, posts).replay(store.get(LETTER)).end is ReplayEnd.DEAD_AGAIN
    assert [one.state for one in store.letters()] == [LetterState.DEAD]
    posts.then = lambda: None
    assert replayer(flow, posts).replay(store.get(LETTER)).number == 2


def test_a_letter_is_replayed_no_more_often_than_may_be(
    flow: Flow, store: DeadLetters, posts: KnownPosts
) -> None:
    first = make_letter(flow)
    store.keep(first)
    for number in (1, 2):
        assert replayer(flow, posts, limit=2).replay(store.get(LETTER)).number == number
        store.keep(failed_again(first, number))
    spent = store.get(LETTER)
    assert replayer(flow, posts, limit=2).foresee(spent) is ReplayEnd.SPENT
    assert replayer(flow, posts, limit=2).replay(spent).end is ReplayEnd.SPENT
    assert len(posts.published) == 2
    assert store.count() == 1


def lost_again(letter: DeadLetter, number: int) -> DeadLetter:
    """The letter of a replay that killed its workers."""
    return msgspec.structs.replace(letter, replay=number, reason=Reason.WORKER_LOST)


def test_a_replay_takes_the_place_of_a_batch_that_was_never_recorded(
    flow: Flow, store: DeadLetters, posts: KnownPosts
) -> None:
    """Its other copies, if there are any, must not count a second time."""
    letter = make_letter(flow, reason=Reason.WORKER_LOST)
    store.keep(letter)
    replayer(flow, posts).replay(store.get(LETTER))
    store.keep(lost_again(letter, 1))
    assert replayer(flow, posts).replay(store.get(LETTER)).number == 2
    first, second = posts.published
    assert [record(flow, one) for one in (letter.original, first, second)] == [False, False, True]
    assert flow.ledger.occurrences() == 1
    assert flow.client.hlen(keys.JOURNAL) == 0


@pytest.mark.parametrize("reason", [Reason.WORKER_LOST, Reason.ATTEMPTS_EXHAUSTED])
def test_a_batch_that_was_recorded_before_its_message_died_is_settled(
    flow: Flow, store: DeadLetters, posts: KnownPosts, reason: Reason
) -> None:
    letter = make_letter(flow, reason=reason)
    record(flow, letter.original)
    store.keep(letter)
    assert replayer(flow, posts).foresee(store.get(LETTER)) is ReplayEnd.SETTLED
    assert replayer(flow, posts).replay(store.get(LETTER)).end is ReplayEnd.SETTLED
    assert posts.published == []
    assert flow.ledger.occurrences() == 1


def test_a_refused_event_whose_replay_killed_its_workers_can_be_replayed(
    flow: Flow, store: DeadLetters, posts: KnownPosts
) -> None:
    """The batch it once came in was recorded, without it."""
    letter = make_letter(flow)
    flow.client.set("paramedic:batch:first", "1")
    store.keep(letter)
    replayer(flow, posts).replay(store.get(LETTER))
    store.keep(lost_again(letter, 1))
    assert replayer(flow, posts).foresee(store.get(LETTER)) is ReplayEnd.REPLAYED
    assert replayer(flow, posts).replay(store.get(LETTER)).end is ReplayEnd.REPLAYED
    assert [record(flow, one) for one in posts.published] == [False, True]
    store.keep(lost_again(letter, 2))
    assert replayer(flow, posts).replay(store.get(LETTER)).end is ReplayEnd.SETTLED
    assert flow.ledger.occurrences() == 1


@pytest.mark.parametrize("body", [b"\xff\x00", b"[]", b"{}", b"[[1]]", b"[" * 100_000, b""])
def test_a_body_that_cannot_be_read_is_sent_as_it_was(
    flow: Flow, store: DeadLetters, posts: KnownPosts, body: bytes
) -> None:
    store.keep(make_letter(flow, original=Original(body=body, headers={})))
    replayer(flow, posts).replay(store.get(LETTER))
    (message,) = posts.published
    assert message.body == body
    assert message.headers["paramedic_replay"] == Lineage(letter=LETTER, number=1).task_id


def test_what_cannot_be_sent_is_not_counted_as_replayed(
    flow: Flow, store: DeadLetters, posts: KnownPosts
) -> None:
    raw = Original(body=b"junk", properties={"raw_item": True})
    store.keep(make_letter(flow, original=raw))
    store.keep(make_letter(flow, id="b2" * 16, queue="somewhere"))
    worker = replayer(flow, posts)
    for letter, end in ((LETTER, ReplayEnd.NO_MESSAGE), ("b2" * 16, ReplayEnd.NO_QUEUE)):
        found = store.get(letter)
        assert worker.foresee(found) is worker.replay(found).end is end
        assert store.get(letter).replays == ()
    gone = make_letter(flow, id="c3" * 16)
    assert worker.replay(gone).end is ReplayEnd.GONE


# --- deliveries


def refused(flow: Flow, store: DeadLetters) -> DeadLetter:
    """A healed incident whose result the sink `file` did not take, and given up."""
    flow.fail("test_a")
    (result,) = flow.healer.heal("shop", "1f" * 20).results
    flow.client.zrem(keys.outbox("file"), result.id)
    store.keep(
        make_letter(
            flow,
            reason=Reason.DELIVERY_FAILED,
            replay=None,
            queue="paramedic.results.file",
            sink="file",
            result=result.id,
            incident=result.incident,
        )
    )
    return store.get(LETTER)


def test_a_delivery_goes_back_into_the_outbox(
    flow: Flow, store: DeadLetters, posts: KnownPosts
) -> None:
    letter = refused(flow, store)
    flow.client.hset(keys.outbox_attempts("file"), letter.result, 8)
    assert replayer(flow, posts).foresee(letter) is ReplayEnd.REPLAYED
    assert replayer(flow, posts).replay(letter).end is ReplayEnd.REPLAYED
    assert flow.ledger.undelivered("file") == [letter.result]
    assert not flow.client.hexists(keys.outbox_attempts("file"), letter.result)
    assert posts.rung == [("file", letter.result)]
    assert replayer(flow, posts).replay(letter).end is ReplayEnd.ALREADY
    assert store.keep(failed_again(letter, None))
    assert len(store.get(LETTER).replays) == 1


@pytest.mark.parametrize("end", [ReplayEnd.SETTLED, ReplayEnd.LOST])
def test_a_delivery_with_nothing_left_to_do_is_not_made(
    flow: Flow, store: DeadLetters, posts: KnownPosts, end: ReplayEnd
) -> None:
    letter = refused(flow, store)
    if end is ReplayEnd.LOST:
        flow.client.delete(keys.result(letter.result))
    else:
        taken = Delivery(sink="file", outcome=DeliveryEnd.DELIVERED, attempts=1, at=flow.clock())
        flow.client.hset(keys.deliveries(letter.result), "file", msgspec.json.encode(taken))
    assert replayer(flow, posts).foresee(letter) is end
    assert replayer(flow, posts).replay(letter).end is end
    assert flow.ledger.undelivered("file") == []
    assert [one.id for one in store.letters()] == [LETTER]


# --- incidents


def failed_heal(flow: Flow, store: DeadLetters, *tests: str) -> DeadLetter:
    """Incidents that one result closed as `failed`, and the letter of the first."""
    flow.fail(*tests)
    flow.standin.act = lambda request: healed(request, Verdict.FAILED)
    (result,) = flow.healer.heal("shop", "1f" * 20).results
    for letter in list(store.letters()):
        store.drop(letter.id)
    store.keep(make_letter(flow, reason=Reason.ERROR, replay=None, incident=result.incident))
    flow.standin.act = None
    return store.get(LETTER)


def test_an_incident_is_healed_again_with_those_that_were_merged_into_it(
    flow: Flow, store: DeadLetters, posts: KnownPosts
) -> None:
    letter = failed_heal(flow, store, "test_a", "test_b")
    flow.clock.forward(10)
    assert replayer(flow, posts).foresee(letter) is ReplayEnd.REPLAYED
    assert replayer(flow, posts).replay(letter).end is ReplayEnd.REPLAYED
    incidents = flow.ledger.incidents()
    assert {(i.state, i.attempts) for i in incidents} == {(IncidentState.WAITING, 0)}
    assert len(incidents) == 2
    assert posts.rung == [("shop@" + "1f" * 20,)]
    assert flow.ledger.incident(letter.incident).letter == LETTER

    flow.healer.heal("shop", "1f" * 20)
    assert {i.verdict for i in flow.ledger.incidents()} == {Verdict.HEALED}
    assert store.get(LETTER).state is LetterState.REPLAYED
    assert store.count() == 0


def test_an_incident_that_fails_again_is_the_same_letter(
    flow: Flow, store: DeadLetters, posts: KnownPosts
) -> None:
    letter = failed_heal(flow, store, "test_a")
    replayer(flow, posts).replay(letter)
    flow.standin.act = lambda request: healed(request, Verdict.FAILED)
    flow.healer.heal("shop", "1f" * 20)
    (again,) = store.letters()
    assert (again.id, len(again.replays), again.state) == (LETTER, 1, LetterState.DEAD)


def test_an_incident_that_ended_otherwise_meanwhile_is_left_alone(
    flow: Flow, store: DeadLetters, posts: KnownPosts
) -> None:
    letter = failed_heal(flow, store, "test_a")
    flow.clock.forward(flow.settings.retry_after)
    flow.fail("test_a")
    flow.healer.heal("shop", "1f" * 20)
    assert replayer(flow, posts).foresee(letter) is ReplayEnd.SETTLED
    assert replayer(flow, posts).replay(letter).end is ReplayEnd.SETTLED
    assert flow.ledger.incident(letter.incident).state is IncidentState.CLOSED
    flow.client.delete(keys.incident(letter.incident))
    assert replayer(flow, posts).foresee(letter) is ReplayEnd.LOST
    assert replayer(flow, posts).replay(letter).end is ReplayEnd.LOST


def test_an_incident_that_waits_already_is_not_opened_twice(
    flow: Flow, store: DeadLetters, posts: KnownPosts
) -> None:
    letter = failed_heal(flow, store, "test_a")
    flow.clock.forward(flow.settings.retry_after)
    flow.fail("test_a")
    opened = flow.ledger.incident(letter.incident).opened_at
    flow.clock.forward(5)
    assert replayer(flow, posts).replay(letter).end is ReplayEnd.REPLAYED
    incident = flow.ledger.incident(letter.incident)
    assert (incident.state, incident.opened_at) == (IncidentState.WAITING, opened)
    assert opened < flow.clock() - timedelta(seconds=4)


# --- on both brokers


@pytest.fixture
def ledger(broker: Broker) -> Iterator[redis.Redis]:
    with state_client(ledger_url(broker.settings)) as client:
        yield client


def test_the_broker_gets_the_message_byte_for_byte(broker: Broker, ledger: redis.Redis) -> None:
    flow, body = Flow(ledger), bytes(range(256))
    original = Original(body=body, content_type="application/odd", headers={"id": "x", "n": [1]})
    store = DeadLetters(ledger)
    store.keep(make_letter(flow, original=original, reason=Reason.ATTEMPTS_EXHAUSTED))
    settings = msgspec.structs.replace(broker.settings, sinks={"file": {}})
    worker = Replayer(client=ledger, posts=BrokerPosts(settings), limit=3, by="ada@desk")
    assert worker.replay(store.get(LETTER)).end is ReplayEnd.REPLAYED
    with Connection(broker.url) as connection, connection.channel() as channel:
        message = topology.INTAKE.bind(channel).get(no_ack=True)
    assert (message.body, message.content_type) == (body, "application/odd")
    assert message.headers["n"] == [1]
    assert message.headers["id"] == Lineage(letter=LETTER, number=1).task_id


def test_what_the_broker_cannot_carry_stays(broker: Broker, ledger: redis.Redis) -> None:
    """AMQP has no number of that size; a Redis carries whatever is JSON."""
    flow, store = Flow(ledger), DeadLetters(ledger)
    original = Original(body=b"[]", content_type="application/json", headers={"n": 2**70})
    store.keep(make_letter(flow, original=original))
    worker = Replayer(client=ledger, posts=BrokerPosts(broker.settings), limit=3, by="ada@desk")
    done = worker.replay(store.get(LETTER))
    carried = broker.name == "redis"
    assert done.end is (ReplayEnd.REPLAYED if carried else ReplayEnd.NO_MESSAGE)
    assert store.count() == (0 if carried else 1)


def test_doorbells_are_rung_on_the_broker(broker: Broker) -> None:
    settings = msgspec.structs.replace(broker.settings, sinks={"file": {}})
    posts = BrokerPosts(settings)
    posts.ring_group("shop@" + "1f" * 20)
    posts.ring_delivery("file", "some-result")
    assert broker.depth(topology.HEAL_QUEUE) == 1
    assert broker.depth("paramedic.results.file") == 1
    assert posts.has_queue("paramedic.results.file")
    assert not posts.has_queue("paramedic.results.jira")
