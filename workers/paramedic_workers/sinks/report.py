"""The report page: a result as one self-contained HTML file.

Everything a result carries is shown; whatever came from the target is escaped.
The page needs no network and no script.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from paramedic_workers.errors import Verdict
from paramedic_workers.results import AttemptOutcome, Confidence, PhaseTime, Result
from paramedic_workers.sinks.diff import parse_diff

if TYPE_CHECKING:
    from paramedic_workers.sinks.jira.dry_ticket import DryTicket

#: What each verdict means, in words for someone who meets it for the first time.
MEANING = {
    Verdict.HEALED: "A fix was found and proved.",
    Verdict.PROPOSED: "A fix was found and proved, but a person should decide.",
    Verdict.UNHEALED: "The failure is real, and no fix could be proved.",
    Verdict.FLAKY: "The same code sometimes passes and sometimes fails.",
    Verdict.ENVIRONMENT: "The target cannot be built or collected for reasons outside its code.",
    Verdict.ALREADY_FIXED: "It failed then, and passes at the newest revision.",
    Verdict.NOT_REPRODUCED: "It does not fail here.",
    Verdict.FAILED: "Paramedic itself broke; the cause is below.",
}

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class IndexEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What the index shows of one incident: some members of its result."""

    incident: str
    target: str
    verdict: Verdict
    summary: str
    started_at: datetime
    seconds: float = 0.0
    count: int = 1
    failing_tests: tuple[str, ...] = ()
    confidence: Confidence | None = None
    strategy: str | None = None
    #: Name of its folder, beside the index.
    folder: str = ""
    #: Whether the page of a ticket lies there, of a dry run.
    ticket: bool = False


@dataclass(frozen=True, kw_only=True)
class TimelineBar:
    """One phase on the timeline; start and width in per cent of the whole."""

    name: str
    seconds: float
    start: float
    width: float


def render_report(
    result: Result, earlier: Sequence[Result] = (), ticket: DryTicket | None = None
) -> str:
    """The page of a result.

    Args:
        result: the newest result of its incident.
        earlier: its earlier results, newest first.
        ticket: what it would get in Jira, where that makes a dry run.
    """
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            result=result,
            earlier=earlier,
            ticket=ticket,
            meaning=MEANING[result.verdict],
            diff=parse_diff(result.patch or ""),
            alternatives=[(a.confidence, parse_diff(a.patch)) for a in result.alternatives],
            timeline=timeline(result.phases),
            candidates=sum(attempt.candidates for attempt in result.attempts),
        )
    )


def render_index(entries: Sequence[IndexEntry]) -> str:
    """The page that lists incidents, in the order given."""
    counts = {verdict: sum(e.verdict is verdict for e in entries) for verdict in Verdict}
    return (
        _environment()
        .get_template("index.html.j2")
        .render(entries=entries, counts={v: n for v, n in counts.items() if n}, meaning=MEANING)
    )


def render_page(template: str, **context: Any) -> str:
    """A page of the same look, by a template in `templates/`."""
    return _environment().get_template(template).render(context)


def timeline(phases: Sequence[PhaseTime]) -> list[TimelineBar]:
    """The phases as bars, one after the other."""
    total = sum(phase.seconds for phase in phases) or 1.0
    bars, elapsed = [], 0.0
    for phase in phases:
        bars.append(
            TimelineBar(
                name=phase.name,
                seconds=phase.seconds,
                start=100 * elapsed / total,
                width=100 * phase.seconds / total,
            )
        )
        elapsed += phase.seconds
    return bars


def plain(text: str) -> str:
    """Terminal output as text: without colours, cursor movements and control characters."""
    unescaped = _ESCAPES.sub("", text).replace("\r\n", "\n")
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", unescaped)


def duration(seconds: float) -> str:
    """A span of time for a person: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def ticked(text: str) -> Markup:
    """Plain text with what stands between backticks set as code."""
    pieces = plain(text).split("`")
    if len(pieces) % 2 == 0:  # a lone backtick is not the start of anything
        return escape(plain(text))
    marked = (
        Markup("<code>{}</code>").format(p) if i % 2 else escape(p) for i, p in enumerate(pieces)
    )
    return Markup("").join(marked)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("paramedic_workers.sinks"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = {
        "plain": plain,
        "ticked": ticked,
        "duration": duration,
        "moment": moment,
        "words": lambda name: str(name).replace("_", " "),
        "tone": _tone,
    }
    environment.filters.update(filters)
    return environment


def moment(at: datetime) -> str:
    """A moment for a person, in UTC: `2026-03-01 12:00:00 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _tone(value: AttemptOutcome | Confidence) -> str:
    """The colour class of an outcome or a confidence."""
    good = (AttemptOutcome.PROVED, Confidence.HIGH)
    bad = (AttemptOutcome.BROKE, AttemptOutcome.REFUTED, Confidence.LOW)
    return "good" if value in good else "bad" if value in bad else "mild"
