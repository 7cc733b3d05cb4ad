"""The messages that letters hold: as they came, or as the ledger would send them again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from paramedic import wire
from paramedic_workers.dead_letters.foreign import body_bytes, plain_mapping, text_of, written
from paramedic_workers.dead_letters.model import Original

#: Bytes of a body that is kept whole: as base64 it still fits into a Redis string (512 MB),
#: and RabbitMQ takes no larger message either (128 MiB). Beyond it, the head is kept, the
#: size and the digest of the whole, and an error is told: it can be in no store we have.
MAX_BODY_BYTES = 256 * 1024 * 1024
#: Bytes kept of a body that is larger than that.
_HEAD_BYTES = 1024 * 1024
#: Digits of an id.
ID_LENGTH = 32
#: What Celery calls after a task: nothing.
EMBED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


def original_of(message: Any) -> Original:
    """The message as it came, as far as kombu has left it so."""
    headers = plain_mapping(getattr(message, "headers", None))
    if not getattr(message, "errors", None):
        headers.pop("compression", None)  # kombu has taken it apart already
    properties = plain_mapping(getattr(message, "properties", None))
    properties.pop("delivery_info", None)
    properties.pop("application_headers", None)  # AMQP has the headers here once more
    delivery = plain_mapping(getattr(message, "delivery_info", None))
    return Original(
        body=body_bytes(getattr(message, "body", None)),
        content_type=_text(getattr(message, "content_type", None)),
        content_encoding=_text(getattr(message, "content_encoding", None)),
        headers=headers,
        properties=properties,
        exchange=_text(delivery.get("exchange")),
        routing_key=_text(delivery.get("routing_key")),
    )


def call_of(task: str, arguments: Sequence[object], name: str, queue: str) -> Original:
    """The message that calls a task."""
    return Original(
        body=written([list(arguments), {}, EMBED]),
        content_type=wire.CONTENT_TYPE,
        content_encoding=wire.CONTENT_ENCODING,
        headers={"lang": "py", "task": task, "id": text_of(name), "root_id": text_of(name)},
        properties={"correlation_id": text_of(name)},
        routing_key=queue,
    )


def bounded(original: Original) -> tuple[Original, str]:
    """The original, and a sentence where not even its body can be kept whole."""
    size = len(original.body)
    if size <= MAX_BODY_BYTES:
        return original, ""
    digest = hashlib.sha256(original.body).hexdigest()
    note = (
        f"Of its {size} bytes (SHA-256 {digest}) only the first {_HEAD_BYTES} are kept:"
        " no broker takes so large a message again."
    )
    return msgspec.structs.replace(original, body=original.body[:_HEAD_BYTES]), note


def digest_of_message(queue: str, original: Original) -> str:
    """The identity of a message: all of it but what a second delivery changes."""
    changing = ("redelivered", "x-delivery-count", "x-death")
    headers = {name: value for name, value in original.headers.items() if name not in changing}
    frame = [headers, original.properties, original.content_type, original.content_encoding]
    place = [queue, original.exchange, original.routing_key]
    shape = hashlib.sha256(written([frame, place]))
    shape.update(original.body)
    return shape.hexdigest()[:ID_LENGTH]


def digest_of(*parts: str) -> str:
    """An id, made of these parts."""
    return hashlib.sha256(written(parts)).hexdigest()[:ID_LENGTH]


def _text(value: object) -> str:
    return "" if value is None else text_of(str(value))
