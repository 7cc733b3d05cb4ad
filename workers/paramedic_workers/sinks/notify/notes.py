"""What is told of a result: short enough for a telephone, and enough to act on.

A `Note` is what a channel keeps of a result until it has told of it; a `Message` is what is
sent. What comes from the target stands in code marks: nothing of it can mention anybody, be a
link, or be read as HTML.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from paramedic.redaction import without_credentials
from paramedic_workers.branch_links import branch_link
from paramedic_workers.errors import Verdict
from paramedic_workers.incidents import milliseconds
from paramedic_workers.results import Result
from paramedic_workers.settings import TargetSettings
from paramedic_workers.sinks.report import MEANING, plain

#: Characters of a title; beyond it a telephone shows no more.
TITLE_LENGTH = 160
#: Characters of what the cause says.
MESSAGE_LENGTH = 300
#: Failing tests that are named.
TESTS = 3
#: Results that a digest lists.
DIGEST_LINES = 40


class Tone(StrEnum):
    """How a message is meant; apprise's own names."""

    GOOD = "success"
    MILD = "info"
    WARNING = "warning"
    BAD = "failure"


_TONES = {
    Verdict.HEALED: Tone.GOOD,
    Verdict.ALREADY_FIXED: Tone.GOOD,
    Verdict.NOT_REPRODUCED: Tone.MILD,
    Verdict.PROPOSED: Tone.WARNING,
    Verdict.FLAKY: Tone.WARNING,
    Verdict.UNHEALED: Tone.BAD,
    Verdict.ENVIRONMENT: Tone.BAD,
    Verdict.FAILED: Tone.BAD,
}
#: What is told first where several are.
_WORST_FIRST = (Tone.BAD, Tone.WARNING, Tone.MILD, Tone.GOOD)


@dataclass(frozen=True, kw_only=True)
class Message:
    """What is sent: a line, and Markdown or plain text."""

    title: str
    markdown: str
    text: str
    tone: Tone


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel keeps of a result."""

    #: The result's id.
    id: str
    incident: str
    target: str
    verdict: Verdict
    #: When the channel got to know it, in milliseconds since 1970.
    at: int
    summary: str
    #: Type and message of the cause, one line.
    cause: str
    tests: tuple[str, ...] = ()
    #: How many failing tests there are.
    test_count: int = 0
    confidence: str = ""
    #: The command that takes the patch.
    take: str = ""
    #: Where the whole report can be read.
    report: str = ""
    #: Where the branch with the patch can be looked at.
    branch: str = ""
    #: Occurrences of the incident.
    count: int = 1

    @property
    def title(self) -> str:
        """Verdict, target and summary in one line."""
        name = self.verdict.replace("_", " ").upper()
        return _cut(f"[{name}] {self.target}: {self.summary}", TITLE_LENGTH)


def note_of(
    result: Result, at: datetime, targets: Mapping[str, TargetSettings], report_url: str
) -> Note:
    """What is told of this result.

    Args:
        result: of the delivery.
        at: the present time.
        targets: the configured ones.
        report_url: where reports can be read, with `{incident}`; may be empty.
    """
    return Note(
        id=result.id,
        incident=result.incident,
        target=result.target,
        verdict=result.verdict,
        at=milliseconds(at),
        summary=_line(result.summary),
        cause=_cut(f"{result.cause.type}: {_line(result.cause.message)}", MESSAGE_LENGTH),
        tests=tuple(_cut(_line(test), MESSAGE_LENGTH) for test in result.failing_tests[:TESTS]),
        test_count=len(result.failing_tests),
        confidence=result.confidence or "",
        take=_how_to_take(result, targets.get(result.target)),
        report=report_url.replace("{incident}", result.incident),
        branch=_branch(result, targets.get(result.target)),
        count=result.count,
    )


def sameness(result: Result) -> str:
    """The same for two results of an incident that say the same."""
    said = (result.verdict, result.cause.phase, result.cause.type, result.patch or "")
    return hashlib.sha256("\0".join(said).encode("utf-8", "replace")).hexdigest()[:32]


def message(note: Note) -> Message:
    """The message that tells of one result."""
    facts = [("Cause", note.cause), *(("Test", test) for test in note.tests)]
    more = note.test_count - len(note.tests)
    meaning = MEANING[note.verdict]
    if note.confidence:
        meaning += f" Confidence: {note.confidence}."
    closing = [f"and {more} more {'test' if more == 1 else 'tests'}"] if more else []
    if note.count > 1:
        closing.append(f"seen {note.count} times")
    if note.take:
        facts.append(("Take it", note.take))
    marked = [f"**{name}:** {_code(value)}" for name, value in facts]
    bare = [f"{name}: {value}" for name, value in facts]
    tail = [", ".join(closing).capitalize()] if closing else []
    links = [link for link in (note.branch, note.report) if link]
    links = links or [f"Incident {note.incident[:12]}"]
    return Message(
        title=note.title,
        # Two line breaks: one is no line end in Markdown.
        markdown="\n\n".join([meaning, *marked, *tail, *links]),
        text="\n".join([meaning, *bare, *tail, *links]),
        tone=_TONES[note.verdict],
    )


def digest(notes: Sequence[Note], unlisted: int = 0) -> Message:
    """The message that tells of several results.

    Args:
        notes: at least one, oldest first.
        unlisted: further results of which nothing is known any more.
    """
    if len(notes) == 1 and not unlisted:
        return message(notes[0])
    counts = Counter(note.verdict for note in notes)
    total = len(notes) + unlisted
    numbers = [f"{counts[v]} {v.replace('_', ' ')}" for v in Verdict if counts[v]]
    listed, more = notes[-DIGEST_LINES:], total - min(len(notes), DIGEST_LINES)
    tail = [f"and {more} earlier"] if more else []
    return Message(
        title=_cut(f"[PARAMEDIC] {total} results: {', '.join(numbers)}", TITLE_LENGTH),
        markdown="\n".join([*(f"- {_marked_line(note)}" for note in listed), *tail]),
        text="\n".join([*(f"- {_bare_line(note)}" for note in listed), *tail]),
        tone=min((_TONES[note.verdict] for note in notes), key=_WORST_FIRST.index),
    )


def _marked_line(note: Note) -> str:
    where = f" {note.report}" if note.report else ""
    return f"**{note.verdict.replace('_', ' ')}** {_code(f'{note.target}: {note.summary}')}{where}"


def _bare_line(note: Note) -> str:
    return f"{note.title} {note.report or note.incident[:12]}"


def _how_to_take(result: Result, target: TargetSettings | None) -> str:
    if result.branch:
        remote = without_credentials(target.remote) if target and target.remote else "REMOTE"
        return f"git fetch {remote} {result.branch} && git merge FETCH_HEAD"
    return f"paramedic incidents {result.incident[:12]}" if result.patch else ""


def _branch(result: Result, target: TargetSettings | None) -> str:
    return branch_link(target, result.branch) if target and result.branch else ""


def _line(text: str) -> str:
    return " ".join(plain(text).split())


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _code(text: str) -> str:
    """Text that stands for itself, whatever it holds."""
    return f"`{text.replace('`', chr(0x2019))}`"
