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


class LetterState(StrEnum):
    """Where a dead letter stands."""

    #: It waits for a person.
    DEAD = "dead"
    #: Its replay has begun, and is not recorded yet.
    REPLAYING = "replaying"
    #: It was replayed, and did not fail again so far; kept for its history.
    REPLAYED = "replayed"


class LostBy(StrEnum):
    """How it is known that an attempt has lost its worker."""

    #: Its lease expired: the machine is gone, frozen or cut off.
    EXPIRY = "expiry"
    #: Its process died.
    DEATH = "death"
    #: It hung, and its process was killed.
    TIME_LIMIT = "time_limit"
    #: Its worker was stopped on purpose: the attempt does not count.
    STOP = "stop"


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
    #: How its worker was lost; None where it ended by itself, or runs.
    lost_by: LostBy | None = None


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """One replay of the letter."""

    at: datetime
    #: `user@host`.
    by: str


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that could not be processed.

    The script that keeps it reads the first four fields from the beginning of its JSON:
    their order is part of the contract.
    """

    #: The same failure of the same message has the same id, and is kept once. Letters and
    #: digits only.
    id: str
    #: When it was kept.
    at: datetime
    reason: Reason
    #: Number of the replay that failed in this way, 0 for the message itself; None where a
    #: replay cannot fail twice, as with incidents and deliveries.
    replay: int | None = None
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
    #: Oldest first. Kept beside the letter, like its state.
    replays: tuple[Replay, ...] = ()
    state: LetterState = LetterState.DEAD
