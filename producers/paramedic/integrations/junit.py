"""JUnit XML files become events: those that pytest writes, and those of others.

1. The file is read with the standard library's expat; anything with a document type,
   and so every trick with entities, is refused.
2. Each test case that holds a `failure` or an `error` becomes one event.
3. Its node id, exception and frames are read from what the file says: frames from
   Python tracebacks and from pytest's own style.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree
from xml.parsers import expat

from paramedic.event import WIRE_VERSION, FailureEvent, new_event_id, now, trimmed
from paramedic.integrations.failing_text import frames, last_error_line, raised, type_at_end
from paramedic.source import CodeRoot
from paramedic.version import PRODUCER

#: Greatest size of a file that is read, in bytes.
MAX_FILE_BYTES = 64 * 1024 * 1024

_SETUP = re.compile(r'^failed on (?P<when>setup|teardown) with "(?P<message>.*)"$', re.DOTALL)


class JUnitError(ValueError):
    """The file is no JUnit XML that can be read; its text is one line with the reason."""


def events_from_junit(
    path: str | os.PathLike[str],
    target: str,
    revision: str | None = None,
    *,
    root: str | os.PathLike[str] | None = None,
) -> list[FailureEvent]:
    """One event for each failing test case in a JUnit XML file, in the file's order.

    Args:
        path: the file.
        target: name of the configured codebase that was tested.
        revision: commit that was tested, where known.
        root: top folder of the target's code; else the repository around the working
            directory. It is used to find the test files that class names stand for.

    Raises:
        JUnitError: the file cannot be read, is no XML, or holds a document type.
        InvalidEvent: `target` is no name of a target.
    """
    try:
        file = Path(path)
        if file.stat().st_size > MAX_FILE_BYTES:
            raise JUnitError(f"it is larger than {MAX_FILE_BYTES // 1024**2} MiB")
        data = file.read_bytes()
    except OSError as error:
        raise JUnitError(f"{path} cannot be read: {error.strerror}") from None
    return events_from_junit_data(data, target, revision, root=root, name=str(path))


def events_from_junit_data(
    data: bytes,
    target: str,
    revision: str | None = None,
    *,
    root: str | os.PathLike[str] | None = None,
    name: str = "it",
) -> list[FailureEvent]:
    """The same for what has been read already.

    Args:
        data: the whole file.
        target: as for `events_from_junit`.
        revision: as there.
        root: as there.
        name: what errors call the file.

    Raises:
        JUnitError: the data is no JUnit XML, or holds a document type.
        InvalidEvent: `target` is no name of a target.
    """
    run = _Run(target, revision, CodeRoot(root))
    tree = _parse(data, name)
    if tree.tag not in {"testsuite", "testsuites"}:
        raise JUnitError(f"{name} is no JUnit XML: its root is <{tree.tag}>")
    return [
        _event(run, suite, case, outcome)
        for suite in tree.iter("testsuite")
        for case in suite.findall("testcase")
        if (outcome := _outcome(case)) is not None
    ]


def _parse(data: bytes, name: str) -> ElementTree.Element:
    """The root of the document, built with expat's own hooks so that a DTD can be refused."""
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _refuse_document_type
    try:
        parser.Parse(data, True)
        return builder.close()
    except (expat.ExpatError, AssertionError, LookupError, ValueError) as error:
        raise JUnitError(f"{name} is no JUnit XML: {error}") from None


def _refuse_document_type(*_: object) -> None:
    raise JUnitError("a document type is not accepted")


def _outcome(case: ElementTree.Element) -> ElementTree.Element | None:
    failure = case.find("failure")
    return failure if failure is not None else case.find("error")


class _Run(NamedTuple):
    """What all events of one file have in common."""

    target: str
    revision: str | None
    code: CodeRoot


def _event(
    run: _Run,
    suite: ElementTree.Element,
    case: ElementTree.Element,
    outcome: ElementTree.Element,
) -> FailureEvent:
    text = (outcome.text or "").strip("\n")
    error = _raised(outcome, text)
    return trimmed(
        FailureEvent(
            version=WIRE_VERSION,
            id=new_event_id(),
            target=run.target,
            test=_node_id(case, run.code) or None,
            exception_type=error.type,
            message=error.message,
            frames=tuple(frames(text, run.code)),
            revision=run.revision,
            occurred_at=_moment(suite.get("timestamp", "")),
            traceback=text,
            origin=suite.get("hostname", ""),
            producer=f"{PRODUCER} (junit)",
            tags={"when": error.when},
        )
    )


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return now()


class _Raised(NamedTuple):
    type: str
    message: str
    when: str


def _raised(outcome: ElementTree.Element, text: str) -> _Raised:
    """The exception, out of whichever attribute or line names it."""
    when, message = "call", outcome.get("message", "")
    if message == "collection failure":
        when, message = "collect", last_error_line(text)
    if in_fixture := _SETUP.match(message):
        when, message = in_fixture["when"], in_fixture["message"]
    named = outcome.get("type") or type_at_end(text)
    return _Raised(*raised(named, message, outcome.tag.capitalize()), when)


def _node_id(case: ElementTree.Element, code: CodeRoot) -> str:
    """pytest's node id of a test case; as near as can be for what others wrote."""
    name, names = case.get("name", ""), case.get("classname", "").split(".")
    file = case.get("file", "").replace("\\", "/")
    if not names[0] and not file:  # pytest gives a file that cannot be collected like this
        return _module_file(name.split("."), code)[0]
    if file:
        stem = file.removesuffix(".py").split("/")
        classes = names[len(stem) :] if names[: len(stem)] == stem else _classes(names)
    else:
        file, classes = _module_file(names, code)
    return "::".join([file, *classes, name])


def _module_file(names: list[str], code: CodeRoot) -> tuple[str, list[str]]:
    """The file that a dotted name begins with, and what is left of the name.

    Where no such file exists here, the classes are told by their capital letter.
    """
    for length in range(len(names), 0, -1):
        file = "/".join(names[:length]) + ".py"
        if (code.path / file).is_file():
            return file, names[length:]
    classes = _classes(names)
    return "/".join(names[: len(names) - len(classes)]) + ".py", classes


def _classes(names: list[str]) -> list[str]:
    """The trailing parts of a dotted name that look like classes."""
    first = next((n for n, name in enumerate(names) if n and name[:1].isupper()), len(names))
    return names[first:]
