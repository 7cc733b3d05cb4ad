"""FailureEvent: what a producer publishes, and the wire contract of it.

An event is one failing test or one unhandled exception, with where it came from.
It names a target, never a command, a URL or a path to run. Every bound on a field
is part of the contract; `trimmed` makes any event fit.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from paramedic.complaints import complaint
from paramedic.text import counted, cut_middle, one_line, writable

#: Version of the wire contract; a reader accepts its own and refuses greater ones.
WIRE_VERSION = 1
#: Greatest size of one encoded event in bytes, after trimming (DESIGN: 256 KiB).
MAX_EVENT_BYTES = 256 * 1024
#: Greatest number of events in one message (DESIGN: intake in batches).
MAX_BATCH_EVENTS = 100
#: Frames kept of a longer stack: this many outermost and innermost.
MAX_FRAMES = 50
#: Characters kept of a longer message or traceback, cut in the middle.
MAX_MESSAGE = 8_000
MAX_TRACEBACK = 32_000
#: Name of the file of a frame that only says how many frames were cut there.
CUT_FILE = "…"

TargetName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
ShortText = Annotated[str, msgspec.Meta(max_length=1_000)]
NodeId = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]
#: A time with its zone: without one, nobody knows when it was.
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """One frame of a stack."""

    #: Posix path; relative to the repository for code of the target.
    file: ShortText
    #: Dotted module name; may be empty where unknown.
    module: ShortText = ""
    #: Qualified name where known: `Cart.total`.
    function: ShortText
    line: Annotated[int, msgspec.Meta(ge=0)]
    #: Code of the target itself, rather than of a library or the interpreter.
    in_app: bool = True


class FailureEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One failing test or one unhandled exception."""

    #: Version of this contract.
    version: Annotated[int, msgspec.Meta(ge=1, le=WIRE_VERSION)]
    #: Unique for each event.
    id: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z_-]{8,64}$")]
    #: The configured codebase it belongs to.
    target: TargetName
    #: pytest node id of the failing test; null for an exception of a service.
    test: NodeId | None = None
    #: With its module unless it is a builtin: `ZeroDivisionError`, `shop.errors.Empty`.
    exception_type: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    #: May be empty: many exceptions have no message.
    message: Annotated[str, msgspec.Meta(max_length=MAX_MESSAGE)] = ""
    #: Outermost first, innermost last.
    frames: Annotated[tuple[Frame, ...], msgspec.Meta(max_length=2 * MAX_FRAMES)] = ()
    #: Full commit id, or a name that git resolves in the target's repository.
    revision: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    #: When it happened; for a merged repeat, the first time.
    occurred_at: Moment
    #: For a merged repeat, the last time.
    last_at: Moment | None = None
    #: How often it happened: repeats are merged before they are sent.
    count: Positive = 1
    #: Version of the interpreter it happened in: `3.11.9`.
    python: ShortText = ""
    #: The failing output as text, as short as is useful.
    traceback: Annotated[str, msgspec.Meta(max_length=MAX_TRACEBACK)] = ""
    #: Host name, or name of the CI run.
    origin: ShortText = ""
    #: Name and version of what published it.
    producer: ShortText = ""
    #: Anything else that helps a person; at most 50 entries.
    tags: Annotated[dict[str, str], msgspec.Meta(max_length=50)] = msgspec.field(
        default_factory=dict
    )


def new_event_id() -> str:
    """A fresh id: 32 hexadecimal digits."""
    return uuid.uuid4().hex


def now() -> datetime:
    """The present time in UTC."""
    return datetime.now(UTC)


class InvalidEvent(ValueError):
    """The event does not keep the wire contract; its text is one line with the reason."""


def encode_event(event: FailureEvent) -> bytes:
    """The event as JSON, trimmed where it is too large.

    Raises:
        InvalidEvent: a field is wrong in a way that trimming cannot mend.
    """
    return _fitted(event)[1]


def trimmed(event: FailureEvent) -> FailureEvent:
    """The event itself if it keeps every bound, else a copy that does.

    Texts and stacks are cut in the middle, with a note of how much was cut.

    Raises:
        InvalidEvent: a field is wrong in a way that trimming cannot mend.
    """
    return _fitted(event)[0]


def decode_event(data: bytes | Mapping[str, object]) -> FailureEvent:
    """The event in JSON bytes, or in the mapping that a JSON reader made of them.

    Fields that this version does not know are ignored.

    Raises:
        InvalidEvent: the data is no event, or one that breaks a bound.
    """
    try:
        if isinstance(data, bytes):
            event, size = _DECODER.decode(data), len(data)
        else:
            event = msgspec.convert(data, FailureEvent)
            size = len(_ENCODER.encode(event))
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InvalidEvent(complaint(error, data)) from None
    if size > MAX_EVENT_BYTES:
        raise InvalidEvent(f"The event has {size} bytes, the greatest size is {MAX_EVENT_BYTES}")
    return event


def event_from_exception(
    error: BaseException,
    *,
    target: str,
    root: str | os.PathLike[str] | None = None,
    revision: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> FailureEvent:
    """A valid event of any exception, also of one whose `str()` raises.

    Args:
        error: the exception; its traceback gives the frames.
        target: name of the configured codebase.
        root: top folder of the target's code; the repository around the working directory
            where it is not given. Files below it are named relative to it.
        revision: commit that runs here, where known.
        tags: anything else that helps a person.

    Raises:
        InvalidEvent: `target` is no name of a target.
    """
    from paramedic.snapshot import EventSource, take_snapshot  # builds on this module

    source = EventSource(target, root=root, revision=revision)
    return trimmed(source.whole_event(take_snapshot(error, tags or {})))


def json_schema() -> dict[str, object]:
    """The JSON Schema of an event, kept in docs/event.schema.json."""
    schema = msgspec.json.schema(FailureEvent)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Paramedic failure event, version {WIRE_VERSION}",
        **schema,
    }


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(FailureEvent)


def _fitted(event: FailureEvent) -> tuple[FailureEvent, bytes]:
    """The event, mended if needed, and its JSON: first as it is, then cut ever harder."""
    try:
        encoded = _checked(event)
    except InvalidEvent:
        event = _bounded(event)
        encoded = _checked(event)
    for cut in (_cut_tags, _cut_frame_texts, _cut_texts, _cut_frames, _drop_tags):
        if len(encoded) <= MAX_EVENT_BYTES:
            break
        event = cut(event)
        encoded = _checked(event)
    return event, encoded


def _checked(event: FailureEvent) -> bytes:
    """The event's JSON, once reading it back has shown that each field keeps the contract."""
    try:
        encoded = _ENCODER.encode(event)
        _DECODER.decode(encoded)
    except (msgspec.MsgspecError, UnicodeError, TypeError) as error:
        raise InvalidEvent(one_line(str(error))) from None
    return encoded


def _bounded(event: FailureEvent) -> FailureEvent:
    try:
        return _bounded_copy(event)
    except (TypeError, ValueError, AttributeError) as error:
        raise InvalidEvent(f"A field has the wrong type: {one_line(str(error))}") from None


def _bounded_copy(event: FailureEvent) -> FailureEvent:
    return FailureEvent(
        version=event.version,
        id=event.id,
        target=event.target,
        test=_text(event.test, 2_000) or None,
        exception_type=_text(event.exception_type, 500) or "Exception",
        message=_text(event.message, MAX_MESSAGE),
        frames=_fewer(tuple(_bounded_frame(frame) for frame in event.frames), MAX_FRAMES),
        revision=_text(event.revision, 200) or None,
        occurred_at=_with_zone(event.occurred_at),
        last_at=_with_zone(event.last_at) if event.last_at else None,
        count=min(max(1, event.count), 1_000_000_000),
        python=_text(event.python, 1_000),
        traceback=_text(event.traceback, MAX_TRACEBACK),
        origin=_text(event.origin, 1_000),
        producer=_text(event.producer, 1_000),
        tags={_text(k, 1_000): _text(v, 1_000) for k, v in list(event.tags.items())[:50]},
    )


def _bounded_frame(frame: Frame, limit: int = 1_000) -> Frame:
    return Frame(
        file=_text(frame.file, limit),
        module=_text(frame.module, limit),
        function=_text(frame.function, limit),
        line=max(0, frame.line),
        in_app=frame.in_app,
    )


def _text(value: object, limit: int) -> str:
    return cut_middle(writable("" if value is None else str(value)), limit)


def _with_zone(moment: datetime) -> datetime:
    """A naive time is local time, as everywhere in Python."""
    return moment if moment.tzinfo else moment.astimezone(UTC)


def _fewer(frames: tuple[Frame, ...], each: int) -> tuple[Frame, ...]:
    """At most twice `each` frames: the outermost, a note of how many were cut, the innermost."""
    if len(frames) <= 2 * each:
        return frames
    return (*frames[: each - 1], frames_cut(len(frames) - 2 * each + 1), *frames[-each:])


def frames_cut(number: int) -> Frame:
    """The frame that stands for `number` frames that were cut."""
    return Frame(file=CUT_FILE, function=f"[{counted(number, 'frame')} cut]", line=0, in_app=False)


def _cut_tags(event: FailureEvent) -> FailureEvent:
    tags = {_text(key, 100): _text(value, 200) for key, value in event.tags.items()}
    return msgspec.structs.replace(event, tags=tags)


def _cut_frame_texts(event: FailureEvent) -> FailureEvent:
    frames = tuple(_bounded_frame(frame, 200) for frame in event.frames)
    return msgspec.structs.replace(event, frames=frames)


def _cut_texts(event: FailureEvent) -> FailureEvent:
    return msgspec.structs.replace(
        event,
        message=_text(event.message, MAX_MESSAGE // 4),
        traceback=_text(event.traceback, MAX_TRACEBACK // 4),
    )


def _cut_frames(event: FailureEvent) -> FailureEvent:
    return msgspec.structs.replace(event, frames=_fewer(event.frames, MAX_FRAMES // 5))


def _drop_tags(event: FailureEvent) -> FailureEvent:
    return msgspec.structs.replace(event, tags={})
