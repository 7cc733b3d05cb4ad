"""The message of a replay: the original as it was, under an id of its own.

A task id that a worker has seen may be remembered, and a batch id that intake has recorded
is: what failed under them must come under others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from paramedic import wire
from paramedic_workers.dead_letters.lineage import Lineage
from paramedic_workers.dead_letters.model import DeadLetter, Original

#: Says which replay a message is, also where it has no task id in its headers.
REPLAY_HEADER = "paramedic_replay"
#: Headers that tell of the deliveries of the message that failed, or end this one early.
_SPENT_HEADERS = frozenset({"eta", "expires", "redelivered"})
#: RabbitMQ's own tales: `x-death`, `x-delivery-count`, …
_BROKER_PREFIX = "x-"


@dataclass(frozen=True, kw_only=True)
class Reissue:
    """A message that is ready to be published again."""

    message: Original
    #: JSON of the batch of events in it, under the id of the replay; None where it holds none.
    batch: bytes | None = None
    #: The id that the batch had.
    old_batch: str = ""


def reissue(letter: DeadLetter, lineage: Lineage) -> Reissue:
    """The original message of a letter under the id of this replay."""
    body, batch, old = letter.original.body, None, ""
    if letter.queue == wire.INTAKE_QUEUE:
        body, batch, old = _under_new_batch(body, lineage.task_id)
    properties = {"correlation_id": lineage.task_id}
    if isinstance(letter.original.properties.get("priority"), int):
        properties["priority"] = letter.original.properties["priority"]
    message = msgspec.structs.replace(
        letter.original,
        body=body,
        headers=_headers(letter.original.headers, lineage.task_id),
        properties=properties,
    )
    return Reissue(message=message, batch=batch, old_batch=old)


def _headers(headers: Mapping[str, Any], task_id: str) -> dict[str, Any]:
    kept = {
        name: value
        for name, value in headers.items()
        if name not in _SPENT_HEADERS and not name.startswith(_BROKER_PREFIX)
    }
    for name in ("id", "root_id"):
        if name in kept:
            kept[name] = task_id
    if "retries" in kept:
        kept["retries"] = 0
    return {**kept, REPLAY_HEADER: task_id}


def _under_new_batch(body: bytes, batch_id: str) -> tuple[bytes, bytes | None, str]:
    """The body with another batch id, the batch, and the id it had; else the body as it is."""
    try:
        content = json.loads(body)
        batch = content[0][0]
        old = batch["batch"]
        if not isinstance(old, str):
            return body, None, ""
        batch["batch"] = batch_id
    except (ValueError, TypeError, LookupError, RecursionError):
        return body, None, ""
    # In ASCII: what is wrong with it may be a character that UTF-8 cannot hold.
    return json.dumps(content).encode(), json.dumps(batch).encode(), old
