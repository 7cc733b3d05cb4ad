"""Intake: a batch of failure events becomes incidents, exactly once.

1. Each event is validated on its own: a bad one becomes a dead letter with the reason,
   and never spoils its neighbours.
2. Good ones are fingerprinted, and repeats within the batch merged.
3. One script records the whole batch, once for each batch id: it opens incidents,
   counts repeats, and names the groups whose doorbell must be rung.

A message that carries no batch at all becomes a dead letter in the same way.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict, cast

import msgspec
import redis

from paramedic.event import MAX_BATCH_EVENTS, MAX_EVENT_BYTES, FailureEvent, now
from paramedic.fingerprint import fingerprint
from paramedic.redaction import without_credentials
from paramedic.text import one_line
from paramedic_workers import keys
from paramedic_workers.dead_letters.lineage import lineage_of
from paramedic_workers.dead_letters.messages import letter_of_arguments, letter_of_event
from paramedic_workers.dead_letters.model import DeadLetter
from paramedic_workers.dead_letters.store import encode_letter, note_letters
from paramedic_workers.errors import InvalidMessage, describe
from paramedic_workers.incidents import milliseconds

#: The version of the batch that this intake reads.
BATCH_VERSION = 1
#: Characters of the address and of the title of a link that is kept.
_LONGEST_URL, _LONGEST_TITLE = 1_000, 80

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
    #: Address by title: those tags that are web addresses.
    links: dict[str, str]


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


class Batch(TypedDict):
    """What an intake message carries."""

    version: int
    batch: str
    events: list[object]


class _Refused(Exception):
    """An event that is not accepted; its text is the reason."""


@dataclass(kw_only=True)
class _Sorted:
    """A batch while its events are sorted."""

    #: The present time.
    present: int
    occurrences: dict[str, Occurrence] = field(default_factory=dict)
    #: Of the events that are refused.
    letters: list[DeadLetter] = field(default_factory=list)


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
        into = _Sorted(present=milliseconds(self.clock()))
        try:
            batch = opened_batch(arguments)
        except InvalidMessage as error:
            into.letters.append(letter_of_arguments(arguments, error.message, message_id))
            return self._write(f"message:{message_id}", into)
        events = batch["events"]
        lineage = lineage_of(message_id) if len(events) == 1 else None
        for number, content in enumerate(events):
            if problem := self._problem_with(content, into):
                into.letters.append(
                    letter_of_event(content, problem, batch=batch, number=number, lineage=lineage)
                )
        return self._write(batch["batch"], into)

    def _problem_with(self, content: object, into: _Sorted) -> str:
        """Sort one event in; gives what is wrong with it, one sentence, or nothing."""
        try:
            self._sort(into, content)
        except _Refused as refusal:
            return str(refusal)
        except Exception as error:  # noqa: BLE001 - one event never spoils its neighbours
            kind, message, _ = describe(error)
            return f"Intake broke: {kind}: {message}"
        return ""

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
        seen.links |= _links(event)
        seen.first = min(seen.first, first)
        if last >= seen.last:
            seen.last, seen.revision = last, event.revision or ""

    def _write(self, batch_id: str, events: _Sorted) -> Recorded:
        occurrences = list(events.occurrences.values())
        letters = [msgspec.structs.replace(one, at=self.clock()) for one in events.letters]
        answer = self.client.eval(
            keys.RECORD_BATCH,
            0,
            batch_id,
            events.present,
            int(self.retry_after * 1000),
            keys.BATCH_MEMORY,
            _ENCODER.encode(occurrences),
            keys.MAX_LINKS,
            *(encode_letter(letter) for letter in letters),
        )
        new, groups, opened, discarded = cast("tuple[int, list[str], int, int]", answer)
        if new:
            note_letters(letters, discarded)
        return Recorded(
            new=bool(new),
            groups=tuple(groups),
            opened=opened,
            accepted=sum(occurrence.count for occurrence in occurrences),
            rejected=len(letters),
        )


def opened_batch(arguments: Sequence[object]) -> Batch:
    """The batch that an intake message carries; its events are not looked at.

    Raises:
        InvalidMessage: the arguments are no batch.
    """
    if len(arguments) != 1 or not isinstance(arguments[0], dict):
        raise InvalidMessage("The message carries no batch: its only argument must be an object.")
    batch = arguments[0]
    version, batch_id, events = batch.get("version"), batch.get("batch"), batch.get("events")
    if type(version) is not int or version != BATCH_VERSION:
        raise InvalidMessage(
            f"The batch has version {_short(version)}; this intake reads {BATCH_VERSION}."
        )
    if not isinstance(batch_id, str) or not 0 < len(batch_id) <= 200 or not batch_id.isascii():
        raise InvalidMessage("The batch has no usable id: 1 to 200 ASCII characters.")
    if not isinstance(events, list) or not 0 < len(events) <= MAX_BATCH_EVENTS:
        raise InvalidMessage(f"The batch must hold a list of 1 to {MAX_BATCH_EVENTS} events.")
    return cast("Batch", batch)


def _short(value: object) -> str:
    """The value as a message shows it."""
    return reprlib.repr(value)


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
        links=_links(event),
    )


def _links(event: FailureEvent) -> dict[str, str]:
    """The tags that lead somewhere else: to the Sentry issue, the CI run, the old ticket."""
    return {
        one_line(title, _LONGEST_TITLE): without_credentials(url)
        for title, url in event.tags.items()
        if url.startswith(("https://", "http://"))
        and len(url) <= _LONGEST_URL
        and url.isprintable()
        and " " not in url
        and title.strip()
    }
