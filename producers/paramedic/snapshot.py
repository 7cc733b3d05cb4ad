"""A snapshot: the little that is read of an exception in the thread that met it.

Taking one costs microseconds: type, message and bare frames, no source lines and no
local variables. Everything else (paths, the traceback's text, the event itself) is
made of it later, in the background, by the `EventSource` of the process.
"""

from __future__ import annotations

import linecache
import os
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from enum import Enum
from types import FrameType, TracebackType
from typing import NamedTuple

from msgspec.structs import replace

from paramedic.event import (
    MAX_FRAMES,
    MAX_MESSAGE,
    MAX_TRACEBACK,
    WIRE_VERSION,
    FailureEvent,
    Frame,
    frames_cut,
    new_event_id,
)
from paramedic.source import CodeRoot
from paramedic.text import counted, cut_middle
from paramedic.version import PRODUCER

#: Exceptions that are read of one chain or group, the raised one included.
MAX_EXCEPTIONS = 10


class Relation(Enum):
    """How an exception of a snapshot belongs to the one before it."""

    RAISED = ""
    CAUSE = "It was raised from:"
    CONTEXT = "It was raised while this was being handled:"
    MEMBER = "It holds this one:"


class BareFrame(NamedTuple):
    """One frame as the interpreter gives it; `line` alone is set for a number of cut frames."""

    filename: str
    function: str
    line: int
    module: str


class BareException(NamedTuple):
    """What was read of one exception."""

    type_name: str
    message: str
    notes: tuple[str, ...]
    frames: tuple[BareFrame, ...]
    relation: Relation


class Snapshot(NamedTuple):
    """What was read of a raised exception, with those it came from or holds."""

    exceptions: tuple[BareException, ...]
    #: Seconds since the epoch.
    taken_at: float
    tags: Mapping[str, str]

    def stack(self) -> tuple[object, ...]:
        """The same for every exception that was raised in the same way at the same lines."""
        return tuple([(one.type_name, one.frames, one.relation) for one in self.exceptions])

    def size(self) -> int:
        """About how many bytes of memory it holds."""
        return 500 + sum(200 + 2 * len(e.message) + 100 * len(e.frames) for e in self.exceptions)


def take_snapshot(error: BaseException, tags: Mapping[str, object]) -> Snapshot:
    """Read what is needed of an exception; holds on to none of its objects."""
    exceptions: list[BareException] = []
    todo = [(error, Relation.RAISED)]
    seen = {id(error)}
    while todo and len(exceptions) < MAX_EXCEPTIONS:
        current, relation = todo.pop()
        exceptions.append(_read(current, relation))
        for related in _related(current):
            if id(related[0]) not in seen:
                seen.add(id(related[0]))
                todo.append(related)
    if not exceptions[0].frames:
        exceptions[0] = exceptions[0]._replace(frames=_callers())
    texts = {name: safe_text(value) for name, value in tags.items()}
    return Snapshot(tuple(exceptions), time.time(), texts)


def _related(error: BaseException) -> Iterator[tuple[BaseException, Relation]]:
    if error.__cause__ is not None:
        yield error.__cause__, Relation.CAUSE
    elif error.__context__ is not None and not error.__suppress_context__:
        yield error.__context__, Relation.CONTEXT
    if isinstance(error, BaseExceptionGroup):
        for member in reversed(error.exceptions):  # the last one is taken first
            yield member, Relation.MEMBER


def _read(error: BaseException, relation: Relation) -> BareException:
    frames = _frames(error.__traceback__)
    if isinstance(error, SyntaxError) and isinstance(error.filename, str):
        broken = BareFrame(error.filename, "<module>", int(error.lineno or 0), "")
        frames = (*frames, broken)
    notes = getattr(error, "__notes__", None)
    return BareException(type_name(type(error)), safe_text(error), _notes(notes), frames, relation)


def type_name(kind: type[BaseException]) -> str:
    """The name of an exception type, with its module unless it is a builtin."""
    module = kind.__module__
    if module == "builtins" or not isinstance(module, str):
        return kind.__qualname__
    return f"{module}.{kind.__qualname__}"


def safe_text(value: object) -> str:
    """The `str()` of anything, cut to the bound of a message; never raises."""
    try:
        return cut_middle(str(value), MAX_MESSAGE)
    except BaseException as broken:  # noqa: BLE001 - str() of a foreign object is foreign code
        return f"(its text cannot be read: str() raised {type(broken).__name__})"


def _notes(notes: object) -> tuple[str, ...]:
    if not isinstance(notes, list):
        return ()
    return tuple(cut_middle(note, MAX_MESSAGE) for note in notes[:20] if isinstance(note, str))


def _frames(traceback: TracebackType | None) -> tuple[BareFrame, ...]:
    links = []
    while traceback is not None:
        links.append(traceback)
        traceback = traceback.tb_next
    cut = len(links) - 2 * MAX_FRAMES
    if cut <= 0:
        return tuple([_bare(link.tb_frame, link.tb_lineno) for link in links])
    outer = [_bare(link.tb_frame, link.tb_lineno) for link in links[: MAX_FRAMES - 1]]
    inner = [_bare(link.tb_frame, link.tb_lineno) for link in links[-MAX_FRAMES:]]
    return (*outer, BareFrame("", "", cut + 1, ""), *inner)


def _bare(frame: FrameType, line: int | None) -> BareFrame:
    code = frame.f_code
    module = frame.f_globals.get("__name__")
    name = module if type(module) is str else ""
    return BareFrame(code.co_filename, code.co_qualname, line or 0, name)


def _callers() -> tuple[BareFrame, ...]:
    """Where an exception that was never raised is reported from, outermost first."""
    frames: list[BareFrame] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and len(frames) < MAX_FRAMES:
        bare = _bare(frame, frame.f_lineno)
        if frames or not bare.module.startswith("paramedic."):
            frames.append(bare)
        frame = frame.f_back
    return tuple(reversed(frames))


class EventSource:
    """What all events of one process have in common; makes events of snapshots."""

    def __init__(
        self,
        target: str,
        *,
        root: str | os.PathLike[str] | None = None,
        revision: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Describe the process; see `event_from_exception` for the arguments."""
        self.target = target
        self.revision = revision
        self.code = CodeRoot(root)
        self.tags = dict(tags or {})
        self.origin = os.uname().nodename
        self.python = ".".join(map(str, sys.version_info[:3]))

    def event(self, snapshot: Snapshot) -> FailureEvent:
        """The event of a snapshot, still without the traceback's text."""
        raised = snapshot.exceptions[0]
        return FailureEvent(
            version=WIRE_VERSION,
            id=new_event_id(),
            target=self.target,
            exception_type=raised.type_name or "Exception",
            message=raised.message,
            frames=tuple([self._frame(bare) for bare in _whole_stack(snapshot)]),
            revision=self.revision,
            occurred_at=datetime.fromtimestamp(snapshot.taken_at, UTC),
            python=self.python,
            origin=self.origin,
            producer=PRODUCER,
            tags={**self.tags, **snapshot.tags},
        )

    def whole_event(self, snapshot: Snapshot) -> FailureEvent:
        """The event of a snapshot with the traceback's text."""
        return replace(self.event(snapshot), traceback=traceback_text(snapshot))

    def _frame(self, bare: BareFrame) -> Frame:
        if not bare.filename:
            return frames_cut(bare.line)
        file, in_app = self.code.locate(bare.filename)
        return Frame(
            file=file, module=bare.module, function=bare.function, line=bare.line, in_app=in_app
        )


def _whole_stack(snapshot: Snapshot) -> tuple[BareFrame, ...]:
    """The frames of the raised exception; those of a group go on into its first member."""
    raised, *others = snapshot.exceptions
    if others and others[0].relation is Relation.MEMBER:
        return raised.frames + others[0].frames
    return raised.frames


def traceback_text(snapshot: Snapshot) -> str:
    """The snapshot for a person to read, in the manner of a Python traceback.

    The raised exception comes first, those that it came from after it.
    """
    parts = []
    for exception in snapshot.exceptions:
        heading = exception.relation.value
        parts.append(f"\n{heading}\n" if heading else "")
        parts.append("Traceback (most recent call last):\n")
        parts += [_frame_text(frame) for frame in exception.frames]
        parts.append("\n".join([_title(exception), *exception.notes]) + "\n")
    return cut_middle("".join(parts), MAX_TRACEBACK)


def _frame_text(frame: BareFrame) -> str:
    if not frame.filename:
        return f"  [{counted(frame.line, 'frame')} cut]\n"
    source = linecache.getline(frame.filename, frame.line).strip()
    place = f'  File "{frame.filename}", line {frame.line}, in {frame.function}\n'
    return f"{place}    {source}\n" if source else place


def _title(exception: BareException) -> str:
    return f"{exception.type_name}: {exception.message}".removesuffix(": ")
