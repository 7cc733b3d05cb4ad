"""Dead letters are kept once, found again, and bounded, never without a warning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from paramedic_workers import keys
from paramedic_workers.dead_letters.criteria import Criteria
from paramedic_workers.dead_letters.model import (
    Attempt,
    DeadLetter,
    LetterState,
    Original,
    Reason,
    Replay,
)
from paramedic_workers.dead_letters.store import DeadLetters
from paramedic_workers.errors import UsageError
from tests.support.queueing import Flow

BODY = bytes(range(256))


@pytest.fixture
def letters(flow: Flow) -> DeadLetters:
    return DeadLetters(flow.client)


@pytest.fixture
def make(flow: Flow) -> Callable[..., DeadLetter]:
    """Makes letters with ids in a row."""

    def made(number: int = 1, **changes: Any) -> DeadLetter:
        values: dict[str, Any] = {
            "id": f"{number:032x}",
            "at": flow.clock(),
            "reason": Reason.INVALID,
            "queue": "paramedic.intake",
            "error_type": "paramedic_workers.errors.InvalidMessage",
            "message": "It is no JSON.",
            "original": Original(body=BODY, headers={"id": "x", "deep": [{"a": None}]}),
        }
        return DeadLetter(**{**values, **changes})

    return made


def mark_replayed(flow: Flow, letter: DeadLetter, state: LetterState, *, times: int = 1) -> None:
    """What a replay writes."""
    replays = [Replay(at=flow.clock(), by="somebody@host")] * times
    key = keys.dead_letter(letter.id)
    flow.client.hset(key, "state", state)
    flow.client.hset(key, "replays", msgspec.json.encode(replays))
    if state is LetterState.REPLAYED:
        flow.client.zrem(keys.DEAD, letter.id)
        flow.client.zadd(keys.DEAD_REPLAYED, {letter.id: 1})
        flow.client.hincrby(keys.DEAD_REASONS, letter.reason, -1)


def test_a_letter_is_kept_whole_and_once(letters: DeadLetters, make: Any, flow: Flow) -> None:
    attempt = Attempt(at=flow.clock(), host="here:7", phase="repair", end="killed by SIGKILL")
    letter = make(attempts=(attempt,), versions={"python": "3.11"}, traceback="a\nb")
    assert letters.keep(letter)
    assert not letters.keep(letter)
    assert letters.get(letter.id[:31]) == letter
    assert list(letters.letters()) == [letter]
    assert (letters.count(), letters.counts()) == (1, {"invalid": 1})


def test_a_letter_is_found_by_a_unique_beginning(letters: DeadLetters, make: Any) -> None:
    for number in (1, 2):
        letters.keep(make(number))
    for prefix, words in (("0", "2 dead letters begin"), ("f", "No dead"), ("", "No dead")):
        with pytest.raises(UsageError, match=words):
            letters.get(prefix)


def test_the_newest_come_first_and_filters_hold_together(
    letters: DeadLetters, make: Any, flow: Flow
) -> None:
    start = flow.clock()
    differences: list[dict[str, Any]] = [
        {"reason": Reason.TIMEOUT},
        {"target": "shop"},
        {"queue": "paramedic.heal"},
        {"error_type": "requests.exceptions.HTTPError"},
        {"sink": "jira"},
    ]
    for number, changes in enumerate(differences):
        letters.keep(make(number, at=start + timedelta(seconds=number), **changes))

    def found(**criteria: Any) -> list[int]:
        return [int(letter.id, 16) for letter in letters.letters(Criteria(**criteria))]

    assert found() == [4, 3, 2, 1, 0]
    assert found(limit=2) == [4, 3]
    assert found(limit=0) == []
    assert found(reason=Reason.TIMEOUT) == [0]
    assert found(target="shop") == [1]
    assert found(queue="paramedic.heal") == [2]
    assert found(error_type="HTTPError") == [3]
    assert found(error_type="requests.exceptions.HTTPError") == [3]
    assert found(sink="jira") == [4]
    assert found(older_than=start + timedelta(seconds=2)) == [1, 0]
    assert found(newer_than=start + timedelta(seconds=2)) == [4, 3, 2]
    assert found(target="shop", reason=Reason.TIMEOUT) == []
    assert found(queue="paramedic.intake", limit=3, newer_than=start) == [4, 3, 1]


def test_a_dropped_letter_is_gone(letters: DeadLetters, make: Any, flow: Flow) -> None:
    letters.keep(make(1))
    letters.keep(make(2))
    assert letters.drop(make(1).id)
    assert not letters.drop(make(1).id)
    assert [letter.id for letter in letters.letters()] == [make(2).id]
    assert letters.counts() == {"invalid": 1}
    assert not flow.client.exists(keys.dead_letter(make(1).id))


def test_beyond_the_count_the_oldest_go_with_a_warning_before(
    flow: Flow, letters: DeadLetters, make: Any
) -> None:
    bounded = replace(letters, limit=10)
    with capture_logs() as logs:
        for number in range(8):
            bounded.keep(make(number, at=flow.clock() + timedelta(seconds=number)))
        assert not [line for line in logs if "fill up" in line["event"]]
        bounded.keep(make(8, at=flow.clock() + timedelta(seconds=8)))
        assert [line["kept"] for line in logs if "fill up" in line["event"]] == [9]
        for number in (9, 10):
            bounded.keep(make(number, at=flow.clock() + timedelta(seconds=number)))
    assert [line["discarded"] for line in logs if line["log_level"] == "error"] == [1]
    assert [int(letter.id, 16) for letter in bounded.letters()] == list(range(10, 0, -1))
    assert (bounded.discarded(), bounded.counts()) == (1, {"invalid": 10})


def test_what_was_replayed_goes_before_what_waits(
    flow: Flow, letters: DeadLetters, make: Any
) -> None:
    bounded = replace(letters, limit=2)
    bounded.keep(make(1))
    bounded.keep(make(2))
    mark_replayed(flow, make(2), LetterState.REPLAYED)
    bounded.keep(make(3))
    assert {int(letter.id, 16) for letter in bounded.letters()} == {1, 3}
    assert list(bounded.letters(replayed=True)) == []
    assert bounded.discarded() == 0


def test_letters_die_of_age_after_a_days_notice(
    flow: Flow, letters: DeadLetters, make: Any
) -> None:
    letters.keep(make(1))
    flow.clock.forward(28.5 * 86_400)
    with capture_logs() as logs:
        assert letters.tidy(flow.clock()).by_age == 0
        assert logs == []
        flow.clock.forward(86_400)
        for _ in range(2):  # it warns once an hour, not at each sweep
            assert letters.tidy(flow.clock()).by_age == 0
    assert ["within a day" in line["event"] for line in logs] == [True]
    assert letters.count() == 1
    flow.clock.forward(86_400)
    with capture_logs() as logs:
        assert letters.tidy(flow.clock()).by_age == 1
    assert [line["discarded"] for line in logs] == [1]
    assert (letters.count(), letters.counts(), letters.discarded()) == (0, {}, 1)


def test_a_smaller_bound_holds_from_the_next_sweep_on(
    flow: Flow, letters: DeadLetters, make: Any
) -> None:
    for number in range(5):
        letters.keep(make(number, at=flow.clock() + timedelta(seconds=number)))
    assert replace(letters, limit=3).tidy(flow.clock()).by_count == 2
    assert letters.count() == 3


@pytest.mark.parametrize("state", [LetterState.REPLAYED, LetterState.REPLAYING])
@pytest.mark.parametrize("replay", [1, None])
def test_a_replay_that_fails_makes_the_same_letter_dead_again(
    flow: Flow, letters: DeadLetters, make: Any, state: LetterState, replay: int | None
) -> None:
    letters.keep(make(1, replay=0))
    mark_replayed(flow, make(1), state)
    assert not letters.keep(make(1, replay=0))  # an old duplicate of the first failure
    again = make(1, replay=replay, reason=Reason.ERROR, original=Original(body=b"another"))
    assert letters.keep(again)
    assert not letters.keep(again)
    (kept,) = letters.letters()
    assert (kept.state, kept.reason) == (LetterState.DEAD, Reason.ERROR)
    assert kept.original.body == BODY
    assert len(kept.replays) == 1
    assert list(letters.letters(replayed=True)) == []
    assert letters.counts() == {"error": 1}


@pytest.mark.parametrize("name", ["", "reasons", "replayed", "limit", "f" * 32, "zz", "*"])
def test_what_names_no_letter_is_a_mistake(letters: DeadLetters, make: Any, name: str) -> None:
    """Also where a key of the store has such a name."""
    letters.keep(make())
    with pytest.raises(UsageError, match="No dead letters"):
        letters.get(name)
