"""Replay: what a dead letter stands for is done again, once.

By what the letter is:

- a delivery: its result goes back into the outbox of the sink, and is rung for;
- a heal: its incident waits again, and its group is rung for;
- anything else: the original message is published again to its queue.

The first two are one step in the ledger. A message is published in three:

1. The replay is counted in the letter. From here on, running it again continues the same
   replay. Where the message holds a batch of events that was never recorded, the replay takes
   its place: no other copy of the batch counts any more.
2. The message is published under an id made of the letter and the number of the replay;
   however often that is done, it is recorded once.
3. The letter leaves the list. Should its message have failed meanwhile, it is dead again,
   and stays.

What fails again under such an id is the same letter, with its history.
"""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, cast

import msgspec
import redis
import structlog

from paramedic.event import now
from paramedic_workers import keys
from paramedic_workers.dead_letters.lineage import Lineage
from paramedic_workers.dead_letters.model import DeadLetter, LetterState, Original, Reason, Replay
from paramedic_workers.dead_letters.reissue import reissue
from paramedic_workers.errors import Verdict
from paramedic_workers.incidents import DeliveryEnd, IncidentState, Ledger, milliseconds

#: Property of an original that was no message at all, only an item in the broker's list.
RAW_ITEM = "raw_item"

_log = structlog.get_logger()


class ReplayEnd(StrEnum):
    """What came of the replay of one letter."""

    #: It is done again; the letter has left the list.
    REPLAYED = "replayed"
    #: It failed again before the replay had ended: the letter is dead again.
    DEAD_AGAIN = "dead_again"
    #: It had been replayed before, and has not failed since.
    ALREADY = "already"
    #: It was replayed as often as may be.
    SPENT = "spent"
    #: There is nothing left to do: the sink has the result, the incident ended otherwise, or
    #: the events were recorded before their message died.
    SETTLED = "settled"
    #: The result or the incident is not kept any more.
    LOST = "lost"
    #: No queue of these settings has its name.
    NO_QUEUE = "no_queue"
    #: It never was a message, or none that this broker takes.
    NO_MESSAGE = "no_message"
    #: There is no such letter any more.
    GONE = "gone"


class Unsendable(ValueError):
    """The message has something in it that the broker's protocol cannot carry."""


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What came of the replay of one letter."""

    letter: str
    end: ReplayEnd
    #: Which replay of the letter it was, from 1; 0 where there was none.
    number: int = 0


class Posts(Protocol):
    """What is needed of the broker."""

    def has_queue(self, queue: str) -> bool:
        """Whether the settings know a queue of this name."""
        ...

    def publish(self, queue: str, message: Original) -> None:
        """Publish a message to a queue, as it is.

        Raises:
            BrokerError: the broker did not take it.
            Unsendable: it never will.
        """
        ...

    def ring_group(self, group: str) -> None:
        """Ring for a group that waits."""
        ...

    def ring_delivery(self, sink: str, result: str) -> None:
        """Ring for a delivery."""
        ...


@dataclass(frozen=True, kw_only=True)
class Replayer:
    """Replays letters, each at most `limit` times."""

    client: redis.Redis
    posts: Posts
    #: Replays that one letter may have.
    limit: int
    #: Who replays, for the history.
    by: str
    clock: Callable[[], datetime] = now

    def replay(self, letter: DeadLetter) -> Replayed:
        """Replay one letter.

        Raises:
            BrokerError: the broker did not take the message; the letter is in the list still,
                and running it again continues this replay.
            redis.RedisError: the ledger cannot be reached; likewise.
        """
        if letter.sink and letter.result:
            done = self._delivery(letter)
        elif letter.incident:
            done = self._incident(letter)
        else:
            done = self._message(letter)
        _log.info("a dead letter was replayed", letter=letter.id, end=done.end, by=self.by)
        return done

    def foresee(self, letter: DeadLetter) -> ReplayEnd:
        """What would come of a replay now; nothing is changed."""
        if letter.state is LetterState.REPLAYED:
            return ReplayEnd.ALREADY
        if letter.state is LetterState.DEAD and len(letter.replays) >= self.limit:
            return ReplayEnd.SPENT
        if letter.sink and letter.result:
            return self._foreseen_delivery(letter)
        if letter.incident:
            return self._foreseen_incident(letter)
        settled = ReplayEnd.SETTLED if self._was_recorded(letter) else ReplayEnd.REPLAYED
        return self._hindrance(letter) or settled

    def _foreseen_delivery(self, letter: DeadLetter) -> ReplayEnd:
        if not self.posts.has_queue(letter.queue):
            return ReplayEnd.NO_QUEUE
        ledger = Ledger(self.client)
        if ledger.result(letter.result) is None:
            return ReplayEnd.LOST
        taken = any(
            delivery.sink == letter.sink and delivery.outcome is DeliveryEnd.DELIVERED
            for delivery in ledger.deliveries_of(letter.result)
        )
        return ReplayEnd.SETTLED if taken else ReplayEnd.REPLAYED

    def _foreseen_incident(self, letter: DeadLetter) -> ReplayEnd:
        for incident in Ledger(self.client).members([letter.incident]):
            ended = incident.state is IncidentState.CLOSED
            settled = ended and incident.verdict is not Verdict.FAILED
            return ReplayEnd.SETTLED if settled else ReplayEnd.REPLAYED
        return ReplayEnd.LOST

    def _was_recorded(self, letter: DeadLetter) -> bool:
        """Whether the events of a message were recorded before it died; see `BEGIN_REPLAY`."""
        failed = reissue(letter, Lineage(letter=letter.id, number=1)).old_batch
        if letter.reason is Reason.INVALID or not failed:
            return False
        before = len(letter.replays) - (letter.state is LetterState.REPLAYING)
        if before:
            failed = Lineage(letter=letter.id, number=before).task_id
        return self.client.get(keys.batch(failed)) not in (None, letter.id)

    def _hindrance(self, letter: DeadLetter) -> ReplayEnd | None:
        """Why the message of a letter cannot be published."""
        if letter.original.properties.get(RAW_ITEM):
            return ReplayEnd.NO_MESSAGE
        return None if self.posts.has_queue(letter.queue) else ReplayEnd.NO_QUEUE

    def _delivery(self, letter: DeadLetter) -> Replayed:
        if not self.posts.has_queue(letter.queue):
            return Replayed(letter=letter.id, end=ReplayEnd.NO_QUEUE)
        arguments = (*self._arguments(letter), letter.sink, letter.result)
        answer = self.client.eval(keys.REPLAY_DELIVERY, 0, *arguments)
        end, number = cast("tuple[str, int]", answer)
        if end == ReplayEnd.REPLAYED:
            self.posts.ring_delivery(letter.sink, letter.result)
        return Replayed(letter=letter.id, end=ReplayEnd(end), number=number)

    def _incident(self, letter: DeadLetter) -> Replayed:
        arguments = (*self._arguments(letter), letter.incident)
        answer = self.client.eval(keys.REPLAY_INCIDENT, 0, *arguments)
        end, number, group = cast("tuple[str, int, str]", answer)
        if end == ReplayEnd.REPLAYED:
            self.posts.ring_group(group)
        return Replayed(letter=letter.id, end=ReplayEnd(end), number=number)

    def _message(self, letter: DeadLetter) -> Replayed:
        if hindrance := self._hindrance(letter):
            return Replayed(letter=letter.id, end=hindrance)
        old_batch = reissue(letter, Lineage(letter=letter.id, number=1)).old_batch
        arguments = (*self._arguments(letter), old_batch, keys.BATCH_MEMORY)
        answer = self.client.eval(keys.BEGIN_REPLAY, 0, *arguments)
        begun, number = cast("tuple[str, int]", answer)
        if begun != "begun":
            return Replayed(letter=letter.id, end=ReplayEnd(begun))
        try:
            self._publish(letter, Lineage(letter=letter.id, number=number))
        except Unsendable as error:
            _log.error("a dead letter cannot be sent", letter=letter.id, error=str(error))
            return Replayed(letter=letter.id, end=ReplayEnd.NO_MESSAGE, number=number)
        ended = self.client.eval(keys.END_REPLAY, 0, *self._arguments(letter), number)
        return Replayed(
            letter=letter.id,
            end=ReplayEnd.REPLAYED if ended else ReplayEnd.DEAD_AGAIN,
            number=number,
        )

    def _publish(self, letter: DeadLetter, lineage: Lineage) -> None:
        """Publish the message, and let the journal know of its events before, as producers do."""
        again = reissue(letter, lineage)
        if again.batch is not None:
            with self.client.pipeline() as pipe:
                pipe.hset(keys.JOURNAL, lineage.task_id, again.batch.decode())
                pipe.zadd(keys.JOURNAL_PUBLISHED, {lineage.task_id: milliseconds(self.clock())})
                pipe.execute()
        self.posts.publish(letter.queue, again.message)

    def _arguments(self, letter: DeadLetter) -> tuple[str | int, ...]:
        """What all scripts of a replay take first."""
        at = self.clock()
        entry = msgspec.json.encode(Replay(at=at, by=self.by)).decode()
        return letter.id, self.limit, milliseconds(at), entry


def this_person() -> str:
    """Who runs this process: `user@host`."""
    name = str(os.getuid())
    with suppress(KeyError, OSError):  # a user without a name
        name = getpass.getuser()
    return f"{name}@{socket.gethostname()}"
