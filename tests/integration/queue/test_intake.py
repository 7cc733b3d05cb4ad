"""What a batch of events does to the ledger."""

from __future__ import annotations

import json

import msgspec
import pytest
from structlog.testing import capture_logs

from paramedic import wire
from paramedic_workers import keys, plain_json
from paramedic_workers.dead_letters.lineage import Lineage
from paramedic_workers.dead_letters.model import DeadLetter, LetterState, Reason, Replay
from paramedic_workers.dead_letters.store import DeadLetters
from paramedic_workers.errors import UsageError
from paramedic_workers.incidents import IncidentState, group_name
from tests.support.queueing import REVISION, Flow, as_json, make_batch, make_event


def kept(flow: Flow) -> list[DeadLetter]:
    """The dead letters, newest first."""
    return list(DeadLetters(flow.client).letters())


def event_of(letter: DeadLetter) -> object:
    """The only event of the batch that a letter holds."""
    (event,) = json.loads(letter.original.body)[0][0]["events"]
    return event


GROUP = group_name("shop", REVISION)


def test_a_first_event_opens_an_incident_and_rings_for_its_group(flow: Flow) -> None:
    recorded = flow.fail("test_a")
    assert (recorded.opened, recorded.groups) == (1, (GROUP,))
    (incident,) = flow.ledger.incidents()
    assert incident.state is IncidentState.WAITING
    assert (incident.test, incident.revision, incident.count) == ("test_a", REVISION, 1)
    assert incident.first_seen == incident.opened_at == flow.clock()


def test_repeats_only_count(flow: Flow) -> None:
    flow.fail("test_a", "test_a")
    flow.clock.forward(5)
    again = flow.fail("test_a", count=40)
    assert (again.opened, again.groups) == (0, ())
    (incident,) = flow.ledger.incidents()
    assert incident.count == 42
    assert (incident.last_seen - incident.first_seen).total_seconds() == 5


def test_a_redelivered_batch_changes_nothing(flow: Flow) -> None:
    batch = make_batch(make_event(flow.clock()), {"not": "an event"})
    assert flow.intake.record([batch], "message").new
    again = flow.intake.record([batch], "message")
    assert not again.new
    assert again.groups == ()
    assert flow.ledger.occurrences() == 1
    assert len(kept(flow)) == 1


def test_a_bad_event_is_kept_whole_and_spoils_no_neighbour(flow: Flow) -> None:
    bad = {**as_json(make_event(flow.clock())), "count": -3}
    unknown = make_event(flow.clock(), target="elsewhere")
    large = {**as_json(make_event(flow.clock())), "tags": {"dump": "x" * 300_000}}
    surrogate = {**as_json(make_event(flow.clock())), "message": "\ud800"}
    batch = make_batch(bad, make_event(flow.clock()), unknown, large, surrogate, 7)
    recorded = flow.intake.record([batch], "message")
    assert (recorded.accepted, recorded.rejected) == (1, 5)
    letters = kept(flow)
    contents = [event_of(letter) for letter in letters]
    for content in (7, surrogate, large, as_json(unknown), bad):
        assert content in contents
    reasons = " ".join(letter.message for letter in letters)
    for words in ("$.count", "no target 'elsewhere'", "262144 are the limit", "invalid"):
        assert words in reasons
    assert sorted(letter.target for letter in letters) == ["", "elsewhere", "shop", "shop", "shop"]
    assert {letter.reason for letter in letters} == {Reason.INVALID}
    assert {letter.original.headers["task"] for letter in letters} == {wire.INTAKE_TASK}


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["text"],
        [{}, {}],
        [{"version": 2, "batch": "b", "events": [{}]}],
        [{"version": 1, "events": [{}]}],
        [{"version": 1, "batch": "é", "events": [{}]}],
        [{"version": 1, "batch": "b", "events": {}}],
        [{"version": 1, "batch": "b", "events": [{}] * 101}],
    ],
)
def test_a_message_that_is_no_batch_is_kept_whole_once(flow: Flow, arguments: list[object]) -> None:
    for _ in range(2):
        assert flow.intake.record(arguments, "the-message").rejected == 1
    (letter,) = kept(flow)
    assert json.loads(letter.original.body)[0] == arguments
    assert letter.message
    assert flow.ledger.incidents() == []


def test_letters_of_events_are_bounded_and_the_oldest_go(flow: Flow) -> None:
    DeadLetters(flow.client, limit=3).tidy(flow.clock())
    with capture_logs() as logs:
        flow.intake.record([make_batch(*range(5))], "message")
    assert len(kept(flow)) == 3
    assert [line["discarded"] for line in logs if line["log_level"] == "error"] == [2]


def test_a_replayed_event_that_fails_again_is_the_same_letter(flow: Flow) -> None:
    flow.intake.record([make_batch(7, 8)], "message")
    first, other = kept(flow)
    flow.client.hset(keys.dead_letter(first.id), "state", "replaying")
    replay = [Replay(at=flow.clock(), by="somebody@host")]
    flow.client.hset(keys.dead_letter(first.id), "replays", msgspec.json.encode(replay))
    name = Lineage(letter=first.id, number=1).task_id
    flow.intake.record([make_batch(event_of(first), batch=name)], name)
    again = {letter.id: letter for letter in kept(flow)}
    assert set(again) == {first.id, other.id}
    assert (len(again[first.id].replays), again[first.id].state) == (1, LetterState.DEAD)


def test_an_event_nested_as_deep_as_can_be_read_is_kept_whole(flow: Flow) -> None:
    deep = plain_json.read(b'{"a":' + b"[" * 800 + b"]" * 800 + b"}")
    flow.intake.record([make_batch(deep)], "message")
    (letter,) = kept(flow)
    assert b"[" * 800 in letter.original.body


def test_a_clock_that_runs_ahead_is_not_believed(flow: Flow) -> None:
    ahead = make_event(flow.clock.present.replace(year=2099))
    flow.intake.record([make_batch(ahead)], "message")
    assert flow.ledger.incidents()[0].last_seen == flow.clock()


def test_an_incident_is_found_by_a_unique_beginning_of_its_id(flow: Flow) -> None:
    flow.fail("test_a", "test_b")
    names = [incident.fingerprint for incident in flow.ledger.incidents()]
    assert flow.ledger.incident(names[0][:12]).fingerprint == names[0]
    for prefix in ("zzz", ""):
        with pytest.raises(UsageError, match="No incidents begin"):
            flow.ledger.incident(prefix)


def test_incidents_are_filtered_and_the_last_seen_comes_first(flow: Flow) -> None:
    flow.fail("test_a")
    flow.clock.forward(1)
    flow.fail("test_b")
    assert [i.test for i in flow.ledger.incidents()] == ["test_b", "test_a"]
    assert [i.test for i in flow.ledger.incidents(limit=1)] == ["test_b"]
    assert flow.ledger.incidents(state=IncidentState.CLOSED) == []
    assert flow.ledger.incidents(target="elsewhere") == []
    assert flow.ledger.counts() == {"waiting": 2}
