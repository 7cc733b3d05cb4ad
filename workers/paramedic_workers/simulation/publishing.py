"""What conditions publish: failures as producers send them, and messages that nobody should."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
from kombu.connection import Connection
from msgspec import structs

from paramedic import wire
from paramedic.event import MAX_BATCH_EVENTS, MAX_EVENT_BYTES, WIRE_VERSION, new_event_id
from paramedic_workers.simulation.samples import FAILING
from paramedic_workers.simulation.scene import Scene

Publish = Callable[[Scene], None]
#: Makes a bad event of a good one; gives what takes its place.
Spoil = Callable[[dict[str, Any]], object]

#: Before anything of this simulation.
LONG_AGO = timedelta(hours=1)


def failures(tests: int = 1, *, age: timedelta = timedelta(0)) -> Publish:
    """So many failing tests of one CI run, in one batch."""

    def publish(scene: Scene) -> None:
        scene.send(wire.build_message([scene.event(test, age=age) for test in FAILING[:tests]]))

    return publish


def repeats(count: int) -> Publish:
    """The same failure so many times, each an event of its own."""

    def publish(scene: Scene) -> None:
        batches: list[wire.Message] = []
        for start in range(0, count, MAX_BATCH_EVENTS):
            size = min(MAX_BATCH_EVENTS, count - start)
            # Long ago: none of them says that it fails again after the heal.
            batches.append(wire.build_message([scene.event(age=LONG_AGO) for _ in range(size)]))
        scene.send(*batches)

    return publish


def same_batch(times: int) -> Publish:
    """One batch, delivered so many times."""

    def publish(scene: Scene) -> None:
        scene.send(*[wire.build_message([scene.event()])] * times)

    return publish


def nothing(_scene: Scene) -> None:
    """Nothing; the condition's act does."""


def beside(spoil: Spoil) -> Publish:
    """A batch of a bad event and a good one.

    Args:
        spoil: makes the bad event of a good one; gives what takes its place.
    """

    def publish(scene: Scene) -> None:
        # Long ago: what happened before the heal of a neighbour does not open it again.
        good = msgspec.to_builtins(scene.event(age=LONG_AGO))
        bad = spoil(msgspec.to_builtins(scene.event(FAILING[1], age=LONG_AGO)))
        right = wire.build_message([scene.event()])
        batch = {"version": WIRE_VERSION, "batch": right.id, "events": [bad, good]}
        scene.send(
            structs.replace(
                right,
                body=msgspec.json.encode([[batch], {}, {}]),
                batch=msgspec.json.encode(batch),
            )
        )

    return publish


def changed(**fields: object) -> Spoil:
    """An event with these fields changed."""
    return lambda event: {**event, **fields}


def missing(field: str) -> Spoil:
    """An event without this field."""
    return lambda event: {key: value for key, value in event.items() if key != field}


def too_large(event: dict[str, Any]) -> object:
    """An event larger than any may be."""
    return {**event, "producer": "", "tags": {**event["tags"], "all": "x" * (MAX_EVENT_BYTES + 1)}}


def plain_text(event: dict[str, Any]) -> object:
    """A text in place of an event."""
    return f"it broke again {event['tags']['condition']}"


def raw(
    body: str, *, content_type: str = wire.CONTENT_TYPE, task: str = wire.INTAKE_TASK
) -> Publish:
    """A message for intake with this body; `MARK` in it becomes the condition's mark."""

    def publish(scene: Scene) -> None:
        headers = {"task": task, "id": new_event_id(), "lang": "py", "argsrepr": "?"}
        with (
            Connection(scene.broker_url) as connection,  # type: ignore[no-untyped-call] # kombu
            connection.Producer() as producer,
        ):
            producer.publish(
                _marked(body, scene).encode("latin-1"),
                exchange="",
                routing_key=wire.INTAKE_QUEUE,
                content_type=content_type,
                content_encoding=wire.CONTENT_ENCODING,
                headers=headers,
                retry=True,
            )

    return publish


def no_message(text: str) -> Publish:
    """Something in the list that is the intake queue on Redis, but no message."""

    def publish(scene: Scene) -> None:
        scene.observer.client.lpush(wire.INTAKE_QUEUE, _marked(text, scene))

    return publish


def _marked(text: str, scene: Scene) -> str:
    return text.replace("MARK", scene.condition.mark)
