"""The files of a ticket: what the description has no room for, whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from paramedic.redaction import without_credentials
from paramedic_workers.results import Result, encode_result
from paramedic_workers.sinks.jira.cleaning import clean
from paramedic_workers.sinks.jira.cutting import cut_inside, cut_middle
from paramedic_workers.sinks.report import render_report

LOG, PATCH, RESULT, REPORT = "heal.log", "fix.patch", "result.json", "report.html"
#: Bytes of one file: Jira's usual limit is 10 MB.
LIMIT: Final = 9_000_000
#: Characters of one text of a result, tried until its files are small enough: a character
#: takes up to six bytes in JSON, and more in a page.
_ROOMS: Final = (1_000_000, 100_000, 10_000, 1_000)
#: Alternatives and attempts that stay where even short texts are too much.
_FEWEST: Final = 20


@dataclass(frozen=True, kw_only=True)
class File:
    """A file to attach."""

    name: str
    content: bytes
    media_type: str


def names_of_files(result: Result) -> tuple[str, ...]:
    """The names of the files that a result has, in order."""
    return (LOG, PATCH, RESULT, REPORT) if result.patch else (LOG, RESULT, REPORT)


def ticket_files(result: Result) -> tuple[File, ...]:
    """The files of a result: without secrets, each of at most 9 MB, else cut in the middle."""
    safe = without_secrets(result)
    written: dict[str, tuple[str, Callable[[], bytes]]] = {
        LOG: ("text/plain", lambda: _bytes(heal_log(safe))),
        PATCH: ("text/x-patch", lambda: _bytes(_patch(result, safe))),
        RESULT: ("application/json", lambda: _bounded(safe, encode_result)),
        REPORT: ("text/html", lambda: _bounded(safe, _page)),
    }
    return tuple(
        File(name=name, content=content(), media_type=media_type)
        for name in names_of_files(result)
        for media_type, content in (written[name],)
    )


def heal_log(result: Result) -> str:
    """What the healer did, and all that the failure said."""
    cause = result.cause
    parts = {
        f"{result.target}: {result.verdict}: {result.summary}": result.log,
        f"Cause, in phase {cause.phase}": f"{cause.type}: {cause.message}",
        "Traceback": cause.traceback,
        "Output of the failing run": result.output,
    }
    return "\n\n".join(
        f"=== {title} ===\n{clean(text).rstrip()}" for title, text in parts.items() if text.strip()
    )


def without_secrets(result: Result) -> Result:
    """The result with the credentials taken out of all its texts."""
    return _changed(result, lambda _name, text: without_credentials(text))


def _patch(result: Result, safe: Result) -> str:
    patch = safe.patch or ""
    if patch == result.patch:
        return patch
    # git ignores what stands before the first file of a patch.
    return f"# Credentials are replaced in this patch: it may not apply. Take the branch.\n{patch}"


def _bounded(result: Result, write: Callable[[Result], bytes]) -> bytes:
    content = write(result)
    for room in _ROOMS:
        if len(content) <= LIMIT:
            return content
        content = write(_shortened(result, room))
    return content


def _shortened(result: Result, room: int) -> Result:
    def cut(name: str, text: str) -> str:
        return cut_inside(text, room) if name == "summary" else cut_middle(text, room)

    few = msgspec.structs.replace(
        result,
        alternatives=result.alternatives[:_FEWEST],
        attempts=result.attempts[:_FEWEST],
        proof=result.proof[:_FEWEST],
        failing_tests=result.failing_tests[: room // 10],
    )
    return _changed(few, cut)


def _page(result: Result) -> bytes:
    return render_report(result).encode("utf-8", "replace")


def _bytes(text: str) -> bytes:
    return cut_middle(text, LIMIT // 4).encode("utf-8", "replace")


def _changed(result: Result, change: Callable[[str, str], str]) -> Result:
    """The result with each of its texts changed; the change is given its member's name, too."""

    def walk(name: str, value: Any) -> Any:
        match value:
            case str():
                return change(name, value)
            case dict():
                return {key: walk(key, inner) for key, inner in value.items()}
            case list() | tuple():
                return [walk(name, inner) for inner in value]
        return value

    return msgspec.convert(walk("", msgspec.to_builtins(result)), Result)
