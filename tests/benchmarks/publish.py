"""What publishing costs per event, beside a bare Celery `send_task` of the same event.

Both publish the same distinct events of 1.5 KB to the same private server: Celery one
task message each to a queue of its own, we in batches of 100.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import msgspec
from celery import Celery

from paramedic import FailureEvent, Frame, Publisher
from paramedic.event import MAX_BATCH_EVENTS, WIRE_VERSION, new_event_id, now
from tests.benchmarks.table import Row, cheaper, medians
from tests.support.valkey import private_valkey

#: Events of one measurement.
EVENTS = 1_000
ROUNDS = 5
#: Size of an event in bytes, about.
EVENT_BYTES = 1_500
#: The bound: at most a third.
REQUIRED = 1 / 3


def run() -> list[Row]:
    """Measure the whole process, since we work in the background."""
    events = [_event(number) for number in range(EVENTS)]
    with private_valkey() as socket, tempfile.TemporaryDirectory() as spool:
        url = f"redis+socket://{socket}"
        app = Celery("bare", broker=url)
        app.conf.task_ignore_result = True
        publisher = Publisher("shop", broker_url=url, spool=Path(spool))
        publisher.report(*events)  # both sides connect before the clock runs
        publisher.flush()
        app.send_task("bare.intake", args=[msgspec.to_builtins(events[0])])
        ours, bare = medians(
            ROUNDS, lambda: _publish(publisher, events), lambda: _send_tasks(app, events)
        )
        published = publisher.counts.published
        publisher.close()
        app.close()
    if published != EVENTS * (ROUNDS + 1):
        raise AssertionError(f"published {published} events instead of all")
    return [cheaper("publish an event of 1.5 KB, in batches", ours, bare, REQUIRED)]


def _publish(publisher: Publisher, events: list[FailureEvent]) -> float:
    start = time.process_time()
    for first in range(0, len(events), MAX_BATCH_EVENTS):
        publisher.report(*events[first : first + MAX_BATCH_EVENTS])
    publisher.flush()
    return (time.process_time() - start) / len(events)


def _send_tasks(app: Celery, events: list[FailureEvent]) -> float:
    plain = [msgspec.to_builtins(event) for event in events]
    start = time.process_time()
    for event in plain:
        app.send_task("bare.intake", args=[event])
    return (time.process_time() - start) / len(events)


def _event(number: int) -> FailureEvent:
    frames = tuple(
        Frame(file=f"shop/part_{n}.py", module=f"shop.part_{n}", function=f"f_{number}", line=n)
        for n in range(8)
    )
    event = FailureEvent(
        version=WIRE_VERSION,
        id=new_event_id(),
        target="shop",
        exception_type="ValueError",
        message="the order cannot be paid",
        frames=frames,
        occurred_at=now(),
    )
    missing = EVENT_BYTES - len(msgspec.json.encode(event))
    return msgspec.structs.replace(event, traceback="x" * missing)
