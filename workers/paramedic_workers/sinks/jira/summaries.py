"""The one line that a ticket is known by.

Whatever the result holds, the line says what failed: people search for these words, and the
healer that Paramedic replaces filed seven tickets whose line ended in a colon.
"""

from __future__ import annotations

import re
from typing import Final

from paramedic_workers.errors import Verdict
from paramedic_workers.healing.summary import first_line, subject_line
from paramedic_workers.results import Cause, Result
from paramedic_workers.sinks.jira.cleaning import clean_line
from paramedic_workers.sinks.jira.cutting import cut_end, cut_inside
from paramedic_workers.sinks.jira.view import TicketView

#: What Jira takes, in UTF-16 units.
SUMMARY_LENGTH: Final = 255
#: What begins the summary, by verdict. People and filters search for these words.
PREFIXES: Final = {
    Verdict.HEALED: "HEALED",
    Verdict.PROPOSED: "PROPOSED",
    Verdict.UNHEALED: "UNHEALED",
    Verdict.FLAKY: "FLAKY",
    Verdict.ENVIRONMENT: "ENVIRONMENT",
    Verdict.ALREADY_FIXED: "ALREADY-FIXED",
    Verdict.NOT_REPRODUCED: "NOT-REPRODUCED",
    Verdict.FAILED: "AUTO-HEAL-FAIL",
}
#: Words of a result's summary that its prefix says already.
_SAID: Final = {
    Verdict.PROPOSED: "proposal",
    Verdict.FLAKY: "flaky",
    Verdict.ALREADY_FIXED: "already fixed",
    Verdict.NOT_REPRODUCED: "not reproduced",
}
#: Characters of what failed: enough for a test with its file, and not the whole line.
_SUBJECT: Final = 120
#: Type names that say nothing.
_NAMELESS: Final = frozenset({"", "UNKNOWN", "NONE"})


def one_line(text: str) -> str:
    """The text as a summary: one line of at most 255 characters that does not end in a colon."""
    return cut_end(clean_line(text).rstrip(" :"), SUMMARY_LENGTH)


def subject(view: TicketView) -> str:
    """What failed, in a few words, never empty: a test, or where an exception came from."""
    result, incident = view.result, view.incident
    if result.failing_tests:
        return cut_inside(clean_line(subject_line(result.failing_tests)), _SUBJECT)
    if incident is None:
        return f"incident {clean_line(result.incident)[:12] or 'without a name'}"
    kind = clean_line(incident.exception_type) or "an exception"
    frame = next((f for f in reversed(incident.frames) if f.in_app), None)
    where = f" in {frame.module or frame.file}.{frame.function}" if frame is not None else ""
    return cut_inside(clean_line(incident.test or f"{kind}{where}"), _SUBJECT)


def story(view: TicketView) -> str:
    """The result's own summary, without what the prefix says; never empty."""
    result = view.result
    told = clean_line(result.summary).strip(" :")
    if said := _SAID.get(result.verdict):
        told = told.replace(f": {said}: ", ": ", 1).removesuffix(f": {said}")
    return told or f"{subject(view)}: {reason(result)}"


def reason(result: Result) -> str:
    """Type and message of the cause, in one line."""
    kind = clean_line(result.cause.type).rpartition(".")[2]
    return f"{kind}: {clean_line(first_line(result.cause.message))}".strip(" :")


def type_code(result: Result) -> str:
    """The type of the cause as people search for it: `ASSERTION_ERROR`; never `UNKNOWN`."""
    return type_code_of(result.cause)


def type_code_of(cause: Cause) -> str:
    """The same of a cause alone."""
    name = re.sub(r"\W+", "", cause.type.rpartition(".")[2], flags=re.ASCII)
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+", name)
    code = "_".join(words).upper()
    return f"{cause.phase.upper()}_FAILURE" if code in _NAMELESS else code[:60]
