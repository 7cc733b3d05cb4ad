"""JSON as the workers read it from the broker: what the text says, and nothing else.

kombu's own reader also builds dates and other objects from whatever has a `__type__`, which
an event could carry.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
from kombu import serialization
from kombu.utils import json as kombu_json


def register() -> None:
    """Read every JSON message of this process in this way."""
    serialization.register(  # type: ignore[no-untyped-call] # kombu is typed only in part
        "json", kombu_json.dumps, read, "application/json", content_encoding="utf-8"
    )


def read(text: bytes | str) -> Any:
    """What a JSON text says.

    Raises:
        ValueError: it is no JSON, or nested beyond measure.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _read_leniently(text)


def _read_leniently(text: bytes | str) -> Any:
    """Python's reader also takes NaN and half surrogate pairs; intake refuses those alone."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError(f"it is nested beyond measure: {error}") from error
