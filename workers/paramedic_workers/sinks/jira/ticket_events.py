"""What a ticket carries becomes events: its attachments, else its description.

Attachments come from anybody who may write to a ticket: whatever is in them is data, read
within bounds, and what cannot be read says why.

| what it is | what becomes an event |
| --- | --- |
| JSON of a failure event, of several, or of a batch; one a line too | each of them |
| JSON of a result (`result.json`, `paramedic heal --json`) | each of its failing tests |
| JUnit XML | each failing test |
| text of a run of pytest, or with Python tracebacks | each failing test, else each traceback |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from itertools import islice
from typing import Any

import msgspec

from paramedic.event import (
    WIRE_VERSION,
    FailureEvent,
    InvalidEvent,
    TargetName,
    decode_event,
    trimmed,
)
from paramedic.integrations.junit import JUnitError, events_from_junit_data
from paramedic.integrations.output import events_from_output
from paramedic.text import counted, one_line
from paramedic_workers.errors import Phase, Verdict
from paramedic_workers.incidents import IncidentRecord
from paramedic_workers.results import Result, decode_result
from paramedic_workers.sinks.jira.target_files import TargetFiles

#: Events taken of one attachment.
MAX_EVENTS = 500
#: The type of a failure whose own type the ticket does not tell.
UNSEEN_FAILURE = "TestFailure"
#: The target that a reading has while nobody knows it.
_NO_TARGET = "unknown"


class SourceKind(StrEnum):
    """What events were read from; the best first."""

    #: Failure events as JSON.
    EVENT = "event"
    #: A result as JSON.
    RESULT = "result"
    #: JUnit XML.
    JUNIT = "junit"
    #: The text that a run has printed.
    LOG = "log"

    @property
    def rank(self) -> int:
        """0 for the best."""
        return list(SourceKind).index(self)


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """What is known of a ticket before anything in it is read."""

    #: Names the ticket and the attachment, so that the same gets the same ids again.
    origin: str
    #: The target of what does not name one; empty: nobody knows.
    target: str
    #: When the ticket was made.
    at: datetime
    files: TargetFiles
    #: The incident of a fingerprint, where the ledger still has it.
    known: Callable[[str], IncidentRecord | None]
    #: Put on every event.
    tags: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one attachment or description gave."""

    name: str
    kind: SourceKind | None = None
    events: tuple[FailureEvent, ...] = ()
    #: Why there are no events, in words.
    why: str = ""


class _Unreadable(Exception):
    """It holds no event; its text says why."""


def read_source(name: str, data: bytes, occasion: Occasion) -> Reading:
    """The events in the content of one attachment.

    Args:
        name: of the file; only shown.
        data: its content, whatever that is.
        occasion: what is known of the ticket.
    """
    kind = SourceKind.LOG
    data = data.removeprefix(b"\xef\xbb\xbf")  # a byte order mark
    try:
        start = data[:4096].lstrip()
        if b"\0" in start:
            raise _Unreadable("it is no text")
        if start[:1] in (b"{", b"["):
            kind, events = _of_json(data, occasion)
        elif start[:1] == b"<":
            kind, events = SourceKind.JUNIT, _of_junit(data, occasion)
        else:
            events = _of_log(data, occasion)
        if not events:
            raise _Unreadable("it tells of no failing test and has no traceback")
        return _reading(name, kind, events, occasion)
    except (_Unreadable, InvalidEvent, JUnitError) as error:
        return Reading(name=name, kind=kind, why=one_line(str(error)))
    except RecursionError:
        return Reading(name=name, kind=kind, why="it is nested too deeply")


def _reading(
    name: str, kind: SourceKind, events: Sequence[FailureEvent], occasion: Occasion
) -> Reading:
    if any(event.target == _NO_TARGET for event in events):
        found = counted(len(events), "failure")
        return Reading(name=name, kind=kind, why=f"{found}, but of which target? Give --target")
    return Reading(
        name=name,
        kind=kind,
        events=tuple(
            _finished(event, number, kind, occasion)
            for number, event in enumerate(events[:MAX_EVENTS])
        ),
    )


def _finished(
    event: FailureEvent, number: int, kind: SourceKind, occasion: Occasion
) -> FailureEvent:
    """The event with an id that is the same each time, and where it comes from."""
    digest = blake2b(f"{occasion.origin}/{number}".encode(), digest_size=16).hexdigest()
    tags = {**dict(list(event.tags.items())[:40]), **occasion.tags}
    own = kind is SourceKind.EVENT
    located = event if own else occasion.files.located(event)
    return trimmed(msgspec.structs.replace(located, id=event.id if own else digest, tags=tags))


def _of_junit(data: bytes, occasion: Occasion) -> list[FailureEvent]:
    target = occasion.target or _NO_TARGET
    found = events_from_junit_data(data, target, root=occasion.files.root(target))
    # Where the file has no time of its own, it is not now that it happened.
    return [
        msgspec.structs.replace(event, occurred_at=min(event.occurred_at, occasion.at))
        for event in found
    ]


def _of_log(data: bytes, occasion: Occasion) -> list[FailureEvent]:
    target = occasion.target or _NO_TARGET
    return events_from_output(
        data.decode("utf-8", "replace"),
        target,
        root=occasion.files.root(target),
        occurred_at=occasion.at,
    )


def _of_json(data: bytes, occasion: Occasion) -> tuple[SourceKind, list[FailureEvent]]:
    documents = list(islice(_flat(_documents(data)), MAX_EVENTS))
    results = [one for one in documents if "verdict" in one and "cause" in one]
    if results:
        events = (event for one in results for event in _of_result(one, occasion))
        return SourceKind.RESULT, list(islice(events, MAX_EVENTS))
    found = [one for one in documents if "exception_type" in one]
    if not found:
        raise _Unreadable("it is JSON, but holds no event and no result")
    return SourceKind.EVENT, [_event(one, number, occasion) for number, one in enumerate(found)]


def _documents(data: bytes) -> list[Any]:
    """The documents of a JSON file: one, or one a line."""
    try:
        return [msgspec.json.decode(data)]
    except (msgspec.MsgspecError, UnicodeError):
        lines = [line for line in data.splitlines() if line.strip()]
    try:
        return [msgspec.json.decode(line) for line in lines[:MAX_EVENTS]]
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise _Unreadable(f"it looks like JSON and is none: {error}") from None


def _flat(documents: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """The objects in lists, in batches and in what `heal --json` prints."""
    for document in documents:
        for one in document if isinstance(document, list) else [document]:
            if not isinstance(one, dict):
                continue
            inner = one.get("events", one.get("results"))
            yield from (
                (each for each in inner if isinstance(each, dict))
                if isinstance(inner, list)
                else (one,)
            )


def _event(members: dict[str, Any], number: int, occasion: Occasion) -> FailureEvent:
    """The event that these members make, with what is missing filled in."""
    digest = blake2b(f"{occasion.origin}/{number}".encode(), digest_size=16).hexdigest()
    given: dict[str, Any] = {
        "version": WIRE_VERSION,
        "id": digest,
        "target": occasion.target or _NO_TARGET,
        "occurred_at": occasion.at.isoformat(),
        **members,
    }
    return decode_event(given)


def _of_result(members: dict[str, Any], occasion: Occasion) -> Iterator[FailureEvent]:
    """The events of a result: those of its incidents, where the ledger still has them."""
    try:
        result = decode_result(msgspec.json.encode(members))
        msgspec.convert(result.target, TargetName)
    except (msgspec.MsgspecError, ValueError) as error:
        raise _Unreadable(f"it looks like a result and is none: {error}") from None
    names = (result.fingerprint, *result.merged)[:MAX_EVENTS]
    records = [record for name in names if (record := occasion.known(name)) is not None]
    if len(records) == len(names):
        yield from (_of_record(record, result) for record in records)
        return
    root = occasion.files.root(result.target)
    told = events_from_output(
        _output_of(result), result.target, root=root, occurred_at=result.started_at
    )
    for test in result.failing_tests or (None,):
        seen = next((event for event in told if test in (None, event.test)), None)
        yield _of_test(test, result, seen)


def _of_record(record: IncidentRecord, result: Result) -> FailureEvent:
    """The incident's own event again: it has the same fingerprint."""
    return FailureEvent(
        version=WIRE_VERSION,
        id=result.id,
        target=record.target,
        test=record.test or None,
        exception_type=record.exception_type,
        message=record.message,
        frames=record.frames,
        revision=record.revision or None,
        occurred_at=result.started_at,
    )


def _output_of(result: Result) -> str:
    """What the failing tests have printed, as far as it is known."""
    return result.cause.traceback if _tells_of_the_test(result) else result.output


def _tells_of_the_test(result: Result) -> bool:
    """Whether its cause is that of the failing test; where the healer broke, it is not."""
    return result.cause.phase is Phase.REPRODUCE and result.verdict is not Verdict.FAILED


def _of_test(test: str | None, result: Result, seen: FailureEvent | None) -> FailureEvent:
    """An event of what the result tells.

    Args:
        test: the failing one; None: it names none.
        result: that was attached.
        seen: the event that its output tells of.
    """
    own = _tells_of_the_test(result)
    if seen is not None and not own:
        return msgspec.structs.replace(seen, test=test, revision=result.revision or None)
    if test is None and not own:
        raise _Unreadable("the healer broke, and the result names no failing test")
    return FailureEvent(
        version=WIRE_VERSION,
        id=result.id,
        target=result.target,
        test=test,
        exception_type=result.cause.type if own else UNSEEN_FAILURE,
        message=result.cause.message if own else "imported from a ticket",
        frames=seen.frames if seen is not None else (),
        revision=result.revision or None,
        occurred_at=result.started_at,
        traceback=_output_of(result),
    )


def merged_readings(readings: Sequence[Reading]) -> tuple[list[Reading], str]:
    """Those readings that are published, and why there are none, in words.

    Of the kinds that gave events only the best counts: log, JUnit file and result of one
    failure would else be three occurrences of it. Of several results, the last counts.
    """
    good = [one for one in readings if one.events and one.kind is not None]
    if not good:
        whys = [f"{one.name}: {one.why}" for one in readings if one.why]
        return [], "; ".join(whys) or "it has no attachment that can be read"
    best = min(one.kind.rank for one in good if one.kind is not None)
    taken = [one for one in good if one.kind is not None and one.kind.rank == best]
    if taken[0].kind is SourceKind.RESULT:
        taken = taken[-1:]
    return taken, ""
