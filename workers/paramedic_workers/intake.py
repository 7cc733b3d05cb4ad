"""Intake: a batch of failure events becomes incidents, exactly once.

1. Each event is validated on its own: a bad one is kept whole with the reason, and
   never spoils its neighbours.
2. Good ones are fingerprinted, and repeats within the batch merged.
3. One script records the whole batch, once for each batch id: it opens incidents,
   counts repeats, and names the groups whose doorbell must be rung.

A message that is no batch at all is kept whole in the same way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

import msgspec
import redis
import structlog

from paramedic.event import MAX_BATCH_EVENTS, MAX_EVENT_BYTES, FailureEvent, now
from paramedic.fingerprint import fingerprint
from paramedic_workers import keys
from paramedic_workers.errors import describe
from paramedic_workers.incidents import milliseconds

#: The version of the batch that this intake reads.
BATCH_VERSION = 1
#: From this share of MAX_REJECTED on, every further rejection warns.
_NEARLY_FULL = 0.9

_log = structlog.get_logger()
_ENCODER = msgspec.json.Encoder()


class Occurrence(msgspec.Struct, kw_only=True):
    """All events of one batch with one fingerprint, as the script reads them."""

    fingerprint: str
    target: str
    revision: str
    test: str
    exception_type: str
    message: str
    #: JSON of the frames: the script keeps it as it is.
    frames: str
    count: int
    #: Milliseconds since the epoch.
    first: int
    last: int


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What became of a batch."""

    #: False where the same batch had been recorded before: nothing was changed.
    new: bool
    #: Groups with incidents that wait for a heal since this batch.
    groups: tuple[str, ...] = ()
    #: Incidents opened, or opened again.
    opened: int = 0
    #: Events accepted, repeats counted singly.
    accepted: int = 0
    #: Events refused.
    rejected: int = 0


class _Refused(Exception):
    """An event or a batch that is not accepted; its text is the reason."""


@dataclass(kw_only=True)
class _Sorted:
    """A batch while its events are sorted."""

    #: The present time.
    present: int
    occurrences: dict[str, Occurrence] = field(default_factory=dict)
    #: JSON of each `RejectedEvent`.
    rejected: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Intake:
    """Records batches in the ledger."""

    client: redis.Redis
    #: Names of the configured targets.
    targets: Collection[str]
    #: Seconds after which a repeat re-opens what did not end in `healed`.
    retry_after: float
    clock: Callable[[], datetime] = now

    def record(self, arguments: Sequence[object], message_id: str) -> Recorded:
        """Record the arguments of one intake message.

        Args:
            arguments: what the message carries; one batch, if it is right.
            message_id: of the Celery message; redelivered with the same.

        Raises:
            redis.RedisError: the ledger cannot be reached; nothing was recorded, or all.
        """
        sorted_events = _Sorted(present=milliseconds(self.clock()))
        batch_id = f"message:{message_id}"
        try:
            batch_id, events = _open_batch(arguments)
        except _Refused as refusal:
            self._reject(sorted_events, batch_id, arguments, str(refusal))
            events = []
        for content in events:
            try:
                self._sort(sorted_events, content)
            except _Refused as refusal:
                self._reject(sorted_events, batch_id, content, str(refusal))
            except Exception as error:  # noqa: BLE001 - one event never spoils its neighbours
                kind, message, _ = describe(error)
                self._reject(sorted_events, batch_id, content, f"Intake broke: {kind}: {message}")
        return self._write(batch_id, sorted_events)

    def _sort(self, into: _Sorted, content: object) -> None:
        """Validate one event and merge it with its repeats.

        Raises:
            _Refused: it is not accepted.
        """
        event = _validated(content)
        if event.target not in self.targets:
            raise _Refused(f"There is no target {event.target!r} in the settings.")
        name = fingerprint(event)
        # A clock that runs ahead must not re-open incidents that nobody met again.
        last = min(milliseconds(event.last_at or event.occurred_at), into.present)
        first = min(milliseconds(event.occurred_at), last)
        seen = into.occurrences.get(name)
        if seen is None:
            into.occurrences[name] = _occurrence(event, name, first, last)
            return
        seen.count += event.count
        seen.first = min(seen.first, first)
        if last >= seen.last:
            seen.last, seen.revision = last, event.revision or ""

    def _reject(self, into: _Sorted, batch_id: str, content: object, reason: str) -> None:
        into.rejected.append(rejection(self.clock(), reason, batch_id, content))
        _log.warning("an event was rejected", batch=batch_id, reason=reason)

    def _write(self, batch_id: str, events: _Sorted) -> Recorded:
        occurrences = list(events.occurrences.values())
        answer = self.client.eval(
            keys.RECORD_BATCH,
            0,
            batch_id,
            events.present,
            int(self.retry_after * 1000),
            keys.BATCH_MEMORY,
            keys.MAX_REJECTED,
            _ENCODER.encode(occurrences),
            *events.rejected,
        )
        new, groups, opened, kept, discarded = cast("tuple[int, list[str], int, int, int]", answer)
        if events.rejected:
            _warn_of_bound(kept, discarded)
        return Recorded(
            new=bool(new),
            groups=tuple(groups),
            opened=opened,
            accepted=sum(occurrence.count for occurrence in occurrences),
            rejected=len(events.rejected),
        )


def keep_rejected(client: redis.Redis, reason: str, batch_id: str, content: object) -> None:
    """Keep something that never came as far as a batch."""
    kept = client.lpush(keys.REJECTED, rejection(now(), reason, batch_id, content))
    _warn_of_bound(kept, 0)
    client.ltrim(keys.REJECTED, 0, keys.MAX_REJECTED - 1)
    _log.warning("a message was rejected", batch=batch_id, reason=reason)


def rejection(at: datetime, reason: str, batch_id: str, content: object) -> str:
    """The JSON of a `RejectedEvent`.

    It is ASCII, because what is wrong with the content may be a character that UTF-8
    cannot hold.
    """
    kept = {"at": at.isoformat(), "reason": reason, "batch": batch_id, "content": content}
    try:
        return json.dumps(kept, default=repr)
    except (RecursionError, ValueError, TypeError) as error:
        return json.dumps({**kept, "content": f"(cannot be written as JSON: {error})"})


def _open_batch(arguments: Sequence[object]) -> tuple[str, list[object]]:
    """The id and the events of a batch.

    Raises:
        _Refused: the arguments are no batch.
    """
    if len(arguments) != 1 or not isinstance(arguments[0], dict):
        raise _Refused("The message carries no batch: its only argument must be an object.")
    batch = arguments[0]
    if "unreadable" in batch:
        raise _Refused(f"The message is no JSON: {batch.get('error')}.")
    version, batch_id, events = batch.get("version"), batch.get("batch"), batch.get("events")
    if version != BATCH_VERSION:
        raise _Refused(f"The batch has version {version!r}; this intake reads {BATCH_VERSION}.")
    if not isinstance(batch_id, str) or not 0 < len(batch_id) <= 200 or not batch_id.isascii():
        raise _Refused("The batch has no usable id: 1 to 200 ASCII characters.")
    if not isinstance(events, list) or not 0 < len(events) <= MAX_BATCH_EVENTS:
        raise _Refused(f"The batch must hold a list of 1 to {MAX_BATCH_EVENTS} events.")
    return batch_id, events


def _validated(content: object) -> FailureEvent:
    """The event that this content is.

    Raises:
        _Refused: it is none, or too large.
    """
    try:
        size = len(_ENCODER.encode(content))
        if size > MAX_EVENT_BYTES:
            raise _Refused(f"The event has {size} bytes; {MAX_EVENT_BYTES} are the limit.")
        return msgspec.convert(content, FailureEvent)
    except (msgspec.ValidationError, ValueError, TypeError, RecursionError) as error:
        raise _Refused(f"The event is invalid: {error}.") from error


def _occurrence(event: FailureEvent, name: str, first: int, last: int) -> Occurrence:
    return Occurrence(
        fingerprint=name,
        target=event.target,
        revision=event.revision or "",
        test=event.test or "",
        exception_type=event.exception_type,
        message=event.message,
        frames=_ENCODER.encode(event.frames).decode(),
        count=event.count,
        first=first,
        last=last,
    )


def _warn_of_bound(kept: int, discarded: int) -> None:
    if discarded:
        _log.error("the oldest rejected events were discarded", discarded=discarded, kept=kept)
    elif kept >= keys.MAX_REJECTED * _NEARLY_FULL:
        _log.warning(
            "rejected events fill up; the oldest will be discarded", kept=kept, of=keys.MAX_REJECTED
        )
