"""What a dead letter holds: the whole original message, and why it could not be processed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec


class Reason(StrEnum):
    """Why a message became a dead letter."""

    #: It breaks the contract: unreadable, of a wrong type, unknown, too large, or wrong inside.
    INVALID = "invalid"
    #: It was tried as often as it may be.
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    #: Each attempt lost its worker.
    WORKER_LOST = "worker_lost"
    #: It took longer than it may.
    TIMEOUT = "timeout"
    #: The healer itself raised.
    ERROR = "error"
    #: A sink did not take the result.
    DELIVERY_FAILED = "delivery_failed"


class Original(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it came, also where nobody could read it."""

    #: In JSON it is base64.
    body: bytes
    content_type: str = ""
    content_encoding: str = ""
    headers: Mapping[str, Any] = msgspec.field(default_factory=dict)
    properties: Mapping[str, Any] = msgspec.field(default_factory=dict)
    exchange: str = ""
    routing_key: str = ""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to process the message."""

    at: datetime
    #: `name:process`.
    host: str
    #: The phase of the heal it came to; empty outside of heals.
    phase: str = ""
    #: How it ended, for a person: `killed by SIGKILL`, `its lease expired`, `PhaseTimeout: …`.
    end: str = ""


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """One replay of the letter."""

    at: datetime
    #: `user@host`.
    by: str


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that could not be processed."""

    #: The same failure of the same message has the same id, and is kept once.
    id: str
    #: When it was kept.
    at: datetime
    reason: Reason
    #: The queue it came from.
    queue: str
    #: Empty where it could not be read.
    target: str = ""
    #: The fingerprint, where there is an incident.
    incident: str = ""
    #: The result that could not be delivered, and the sink that did not take it.
    result: str = ""
    sink: str = ""
    #: The full commit id, or the event's revision, where known.
    revision: str = ""
    error_type: str
    #: One sentence, never empty.
    message: str
    traceback: str = ""
    phase: str = ""
    attempts: tuple[Attempt, ...] = ()
    #: Of Python, Paramedic, Celery and kombu, by name.
    versions: Mapping[str, str] = msgspec.field(default_factory=dict)
    original: Original
    #: Oldest first.
    replays: tuple[Replay, ...] = ()
