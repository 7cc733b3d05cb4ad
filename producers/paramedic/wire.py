"""The wire: names on the broker, and the Celery message that carries a batch of events.

A message is a plain Celery task message, protocol 2, in JSON: any Celery client in
any language can send the same. docs/wire.md shows the bytes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import msgspec

from paramedic.event import (
    MAX_BATCH_EVENTS,
    WIRE_VERSION,
    FailureEvent,
    decode_event,
    encode_event,
    new_event_id,
)

#: Topic exchange, durable, to which every event is published.
FAILURE_EXCHANGE = "paramedic.failures"
#: Durable queue from which intake reads.
INTAKE_QUEUE = "paramedic.intake"
#: What of the exchange goes into that queue: everything.
INTAKE_BINDING = "failure.#"
#: Exchange (fanout, durable) to which RabbitMQ sends what it takes out of a queue unread.
DEAD_EXCHANGE = "paramedic.dead"
#: Times that RabbitMQ delivers a message again before it gives it up; the same as the default
#: of RabbitMQ 4. It counts what never ran, too (a lost connection gives back all that a worker
#: holds), so it is far above the three runs that the ledger of attempts allows a message, and
#: only ends what kills workers before those can count.
DELIVERY_LIMIT = 20
#: Arguments of the queue, for RabbitMQ; Redis ignores them. Everyone who declares the queue
#: must use the same.
INTAKE_QUEUE_ARGUMENTS: Mapping[str, object] = {
    # On disk, and on several machines of a cluster, before the publisher gets its confirm.
    "x-queue-type": "quorum",
    "x-delivery-limit": DELIVERY_LIMIT,
    "x-dead-letter-exchange": DEAD_EXCHANGE,
    # Keep a message until its dead letter has arrived; works with this overflow only.
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
}
#: Name of the Celery task that a message calls.
INTAKE_TASK = "paramedic.intake"
#: Greatest size of the events of one message in bytes; at least one event always fits.
MAX_BATCH_BYTES = 1024 * 1024

#: Hash on a Redis broker: batch id to the JSON of the batch, written before the message
#: and removed once intake has recorded it. What a lost message carried is found here.
JOURNAL = "paramedic:journal"
#: Sorted set: batch id by the time it was published, in milliseconds since the epoch.
JOURNAL_PUBLISHED = "paramedic:journal:published"

CONTENT_TYPE = "application/json"
CONTENT_ENCODING = "utf-8"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it is handed to the broker."""

    #: JSON: `[args, kwargs, embed]` of Celery's protocol 2.
    body: bytes
    headers: dict[str, object]
    properties: dict[str, object]
    routing_key: str
    #: JSON of the batch alone, the task's only argument.
    batch: bytes

    @property
    def id(self) -> str:
        """The id of the message, of its task and of its batch."""
        return str(self.headers["id"])


class EncodedEvent(msgspec.Struct, frozen=True):
    """An event that has been trimmed and encoded once."""

    target: str
    count: int
    data: bytes


def routing_key(target: str) -> str:
    """The routing key of the target's events."""
    return f"failure.{target}"


def encoded(event: FailureEvent) -> EncodedEvent:
    """The event, ready to be put into a message.

    Raises:
        InvalidEvent: it breaks the contract in a way that trimming cannot mend.
    """
    return EncodedEvent(event.target, event.count, encode_event(event))


def build_message(events: Sequence[FailureEvent], batch: str = "") -> Message:
    """The message that carries these events of one target.

    Args:
        events: 1 to 100 events of the same target.
        batch: id of the batch, a fresh one where empty. Sending the same batch again
            under the same id is harmless: intake records each id once.

    Raises:
        ValueError: there are no events, too many, or of several targets.
        InvalidEvent: one of them breaks the contract in a way that trimming cannot mend.
    """
    return assemble([encoded(event) for event in events], batch)


def assemble(events: Sequence[EncodedEvent], batch: str = "") -> Message:
    """`build_message` for events that have been encoded already."""
    targets = {event.target for event in events}
    if len(targets) != 1 or len(events) > MAX_BATCH_EVENTS:
        raise ValueError(f"A message carries 1 to {MAX_BATCH_EVENTS} events of one target")
    target = targets.pop()
    batch = batch or new_event_id()
    payload = msgspec.json.encode(
        {
            "version": WIRE_VERSION,
            "batch": batch,
            "events": [msgspec.Raw(event.data) for event in events],
        }
    )
    embed = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    return Message(
        body=msgspec.json.encode([[msgspec.Raw(payload)], {}, embed]),
        headers=_headers(batch, _summary(len(events), target)),
        properties={"correlation_id": batch, "reply_to": ""},
        routing_key=routing_key(target),
        batch=payload,
    )


def events_of(message: Message) -> list[FailureEvent]:
    """The events in a message, for tests and tools.

    Raises:
        InvalidEvent: one of them is invalid.
    """
    arguments = msgspec.json.decode(message.body)[0]
    return [decode_event(event) for event in arguments[0]["events"]]


def _summary(number: int, target: str) -> str:
    """What Celery's log and Flower show as the arguments: `3 events of shop`."""
    return f"{number} {'event' if number == 1 else 'events'} of {target}"


def _headers(batch: str, arguments: str) -> dict[str, object]:
    return {
        "lang": "py",
        "task": INTAKE_TASK,
        "id": batch,
        "root_id": batch,
        "parent_id": None,
        "group": None,
        "shadow": None,
        "eta": None,
        "expires": None,
        "retries": 0,
        "timelimit": [None, None],
        "argsrepr": arguments,
        "kwargsrepr": "{}",
        "origin": f"{os.getpid()}@{os.uname().nodename}",
        "ignore_result": True,
    }
