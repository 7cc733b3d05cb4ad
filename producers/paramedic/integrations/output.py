"""The text that a failing run prints becomes events: pytest's output, or Python tracebacks.

For logs that were kept where no JUnit file was. Time stamps before each line and colours are
taken off first. Where pytest tells of failing tests, each becomes one event; else each
traceback does.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import islice

from paramedic.event import WIRE_VERSION, FailureEvent, Frame, new_event_id, now, trimmed
from paramedic.integrations.failing_text import TYPE_ALONE, TYPED, frames, raised, type_at_end
from paramedic.source import CodeRoot
from paramedic.version import PRODUCER

#: Characters of a text that are read, the last ones: a run says at its end what failed.
MAX_CHARACTERS = 4 * 1024 * 1024
#: Characters of one line that are read.
MAX_LINE = 2_000
#: Events made of one text.
MAX_EVENTS = 200

_COLOUR = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_STAMP = re.compile(
    r"^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\]?(?: |$)"
)
#: `FAILED tests/test_cart.py::test_total - ZeroDivisionError: division by zero`
_SUMMARY = re.compile(
    r"^(?:FAILED|ERROR) (?P<test>\S[^:]*?\.py(?:::[^\[]+?(?:\[.*?\])?)?)(?: - (?P<message>.*))?$"
)
#: `____ TestCart.test_total[1] ____`, `____ ERROR at setup of test_total ____`
_HEADING = re.compile(r"^_{3,} (?P<name>\S.*?) _{3,}$")
_IN_FIXTURE = re.compile(r"^ERROR at (?:setup|teardown) of (?P<name>.+)$")
_COLLECTING = re.compile(r"^ERROR collecting (?P<name>.+)$")
_SECTION_END = re.compile(r"^={3,}(?: .+ =+)?$")
_TRACEBACK = "Traceback (most recent call last):"
_CHAINED = ("During handling of the above", "The above exception was the direct cause")
#: Lines of a traceback below its heading that are read.
_TRACEBACK_LINES = 500
#: Tracebacks of a text that are looked at, the last ones.
_TRACEBACKS = 2_000


@dataclass(frozen=True, kw_only=True)
class _Failure:
    """What the text says of one failure."""

    #: pytest node id; empty for an exception without a test.
    test: str
    type: str
    message: str
    #: The part of the text that tells of it.
    text: str = ""


@dataclass(kw_only=True)
class _Section:
    """What pytest prints of one failing test, under its heading."""

    name: str
    lines: list[str] = field(default_factory=list)

    @cached_property
    def text(self) -> str:
        return "\n".join(self.lines).strip("\n")


def events_from_output(
    text: str,
    target: str,
    revision: str | None = None,
    *,
    root: str | os.PathLike[str] | None = None,
    occurred_at: datetime | None = None,
) -> list[FailureEvent]:
    """One event for each failure that the text tells of, in its order; at most `MAX_EVENTS`.

    Args:
        text: what a run has printed; its last `MAX_CHARACTERS` characters are read.
        target: name of the configured codebase that ran.
        revision: commit that ran, where known.
        root: top folder of the target's code; else the repository around the working
            directory. Files below it count as the target's own.
        occurred_at: when it happened; now where it is not known.

    Raises:
        InvalidEvent: `target` is no name of a target.
    """
    lines = _lines(text)
    found = _first(_of_pytest(lines)) or _first(_of_tracebacks(lines))
    code = CodeRoot(root)
    return [
        trimmed(
            FailureEvent(
                version=WIRE_VERSION,
                id=new_event_id(),
                target=target,
                test=failure.test or None,
                exception_type=failure.type,
                message=failure.message,
                frames=_frames(failure, code),
                revision=revision,
                occurred_at=occurred_at or now(),
                traceback=failure.text,
                producer=f"{PRODUCER} (output)",
            )
        )
        for failure in found
    ]


def _first(failures: Iterator[_Failure]) -> list[_Failure]:
    return list(islice(failures, MAX_EVENTS))


def _lines(text: str) -> list[str]:
    plain = _COLOUR.sub("", text[-MAX_CHARACTERS:])
    return [_STAMP.sub("", line[:MAX_LINE], count=1).rstrip() for line in plain.splitlines()]


def _frames(failure: _Failure, code: CodeRoot) -> tuple[Frame, ...]:
    return tuple(frames(failure.text, code))


def _of_pytest(lines: Sequence[str]) -> Iterator[_Failure]:
    """The failing tests that pytest names: in its summary, else by the headings of sections."""
    sections = list(_sections(lines))
    by_name: dict[str, list[_Section]] = defaultdict(list)
    for section in sections:
        by_name[section.name].append(section)
    summary = {
        found["test"]: found["message"] or "" for line in lines if (found := _SUMMARY.match(line))
    }
    if not summary:
        for section in sections:
            if test := _test_of(section):
                yield _failure(test, section.text, "")
        return
    for test, message in summary.items():
        file, _, inner = test.partition("::")
        same = by_name[inner.replace("::", ".") or file]
        own = next((one for one in same if file in one.text), None) or next(iter(same), None)
        yield _failure(test, own.text if own else "", message)


def _sections(lines: Sequence[str]) -> Iterator[_Section]:
    section: _Section | None = None
    for line in lines:
        heading = _HEADING.match(line)
        if not heading and not _SECTION_END.match(line):
            if section is not None:
                section.lines.append(line)
            continue
        if section is not None:
            yield section
        section = _Section(name=_plain_name(heading["name"])) if heading else None
    if section is not None:
        yield section


def _plain_name(heading: str) -> str:
    found = _IN_FIXTURE.match(heading) or _COLLECTING.match(heading)
    return found["name"] if found else heading


def _test_of(section: _Section) -> str:
    """The node id of a section; empty where it cannot be told: then it is no test's."""
    if section.name.endswith(".py"):
        return section.name
    file = next((frame.file for frame in frames(section.text, CodeRoot("/"))), "").lstrip("/")
    looks_like_test = re.fullmatch(r"[A-Za-z_][\w.]*(\[.*\])?", section.name)
    if not file or not looks_like_test:
        return ""
    name, bracket, parameters = section.name.partition("[")
    return "::".join([file, *name.split(".")]) + bracket + parameters


def _failure(test: str, text: str, message: str) -> _Failure:
    """A failing test; what its section says of the exception is fuller than the summary."""
    told = next((line[1:].strip() for line in text.splitlines() if line.startswith("E ")), "")
    kind, said = raised(type_at_end(text), told or message or "it failed", "TestFailure")
    return _Failure(test=test, type=kind, message=said, text=text)


def _of_tracebacks(lines: Sequence[str]) -> Iterator[_Failure]:
    """Each traceback; of a chain, the last: it is the exception that got out."""
    headings = [number for number, line in enumerate(lines) if line.endswith(_TRACEBACK)]
    for number in headings[-_TRACEBACKS:]:
        line = lines[number]
        indent = line[: len(line) - len(line.lstrip())]
        end = _end_of_traceback(lines, number + 1, indent)
        if end is not None and not _goes_on(lines, end + 1):
            yield _traceback(lines[number : end + 1], len(indent))


def _end_of_traceback(lines: Sequence[str], start: int, indent: str) -> int | None:
    """The line with the exception below a traceback's heading; None where it has none."""
    for number in range(start, min(len(lines), start + _TRACEBACK_LINES)):
        line = lines[number]
        if not line.startswith(indent) or not line.strip():
            return None
        rest = line[len(indent) :]
        if not rest[:1].isspace():
            return number if TYPED.match(rest) or TYPE_ALONE.match(rest) else None
    return None


def _goes_on(lines: Sequence[str], start: int) -> bool:
    """Whether a further traceback follows that this one has caused."""
    following = (line.strip() for line in lines[start : start + 3])
    return next((line for line in following if line), "").startswith(_CHAINED)


def _traceback(lines: Sequence[str], indent: int) -> _Failure:
    text = "\n".join(["Traceback (most recent call last):", *(line[indent:] for line in lines[1:])])
    kind, message = raised("", lines[-1][indent:], "Exception")
    return _Failure(test="", type=kind, message=message, text=text)
