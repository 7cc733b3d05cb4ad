"""Where a message came from, and which target it is about."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from paramedic import wire
from paramedic_workers.dead_letters.foreign import text_of
from paramedic_workers.dead_letters.model import Original

_FAILURE_KEY = wire.routing_key("")
#: The same as `paramedic.event.TargetName`; a key may also be the binding `failure.#`.
_TARGET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
#: Bytes of a body that is read for its target: more than any batch should have.
_READ_BYTES = 2 * 1024 * 1024


def queue_of(original: Original) -> str:
    """The queue that exchange and routing key lead to."""
    return wire.INTAKE_QUEUE if original.exchange == wire.FAILURE_EXCHANGE else original.routing_key


def target_of(original: Original) -> str:
    """The target that the routing key of an event's message names, else its first event."""
    key = original.routing_key
    name = key.removeprefix(_FAILURE_KEY) if key.startswith(_FAILURE_KEY) else ""
    if _TARGET_NAME.fullmatch(name):
        return name
    if queue_of(original) != wire.INTAKE_QUEUE or len(original.body) > _READ_BYTES:
        return ""
    try:
        call = json.loads(original.body)
    except (ValueError, RecursionError):
        return ""
    arguments = call[0] if isinstance(call, list) and call else None
    return batch_target(arguments) if isinstance(arguments, list) else ""


def batch_target(arguments: Sequence[object]) -> str:
    """The target of the first event of a batch."""
    batch = arguments[0] if arguments else None
    events = batch.get("events") if isinstance(batch, dict) else None
    event = events[0] if isinstance(events, list) and events else None
    target = event.get("target") if isinstance(event, dict) else None
    return text_of(target) if isinstance(target, str) else ""


def revision_of(content: object) -> str:
    """The revision that an event names."""
    revision = content.get("revision") if isinstance(content, dict) else None
    return text_of(revision) if isinstance(revision, str) else ""
