"""What the epic of a systemic failure says: its summary and its description."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import structlog

from paramedic import __version__
from paramedic_workers.errors import SettingsError, Verdict
from paramedic_workers.sinks.jira.cutting import fit
from paramedic_workers.sinks.jira.documents import Document
from paramedic_workers.sinks.jira.epic_remedies import next_steps, remedies
from paramedic_workers.sinks.jira.epic_samples import sample_epics
from paramedic_workers.sinks.jira.epic_view import EpicView
from paramedic_workers.sinks.jira.settings import JiraSettings
from paramedic_workers.sinks.jira.summaries import PREFIXES, one_line, type_code_of
from paramedic_workers.sinks.jira.templating import TemplateName, Templates
from paramedic_workers.systemic.model import Pattern, PatternEnd

#: Why a pattern was closed, in words.
_WHY_CLOSED: Final = {
    PatternEnd.SETTLED: "all incidents are settled",
    PatternEnd.QUIET: "nothing of the kind came for a while",
    PatternEnd.PERSON: "a person has closed it",
}
_log = structlog.get_logger()


class EpicTexts:
    """Writes what epics say, each text within the size of its field."""

    def __init__(self, templates: Templates) -> None:
        """Write with these templates."""
        self._templates = templates
        self._fallback = Templates() if templates.own is not None else templates

    @classmethod
    def load(cls, settings: JiraSettings) -> EpicTexts:
        """The texts with the templates of the settings.

        Raises:
            SettingsError: the template of epics is broken.
        """
        if not settings.templates:
            return cls(Templates())
        texts = cls(Templates(Path(settings.templates).expanduser()))
        texts.check()
        return texts

    def check(self) -> None:
        """Write the text of sample epics.

        Raises:
            SettingsError: the template is broken.
        """
        for view in sample_epics():
            self._templates.document(TemplateName.EPIC, _context(view))

    def summary(self, pattern: Pattern) -> str:
        """The line that the epic is known by; the same as long as the pattern is."""
        prefix, code = PREFIXES[Verdict.FAILED], type_code_of(pattern.example)
        where = f"in phase {pattern.signature.phase}"
        if pattern.strategy:
            where = f"in the strategy {pattern.strategy}"
        message = pattern.example.message
        return one_line(f"[{prefix}] [{code}] Systemic: the healer fails {where}: {message}")

    def description(self, view: EpicView) -> Document:
        """All that the epic tells."""
        context = _context(view)
        try:
            document = self._templates.document(TemplateName.EPIC, context)
        except SettingsError as error:
            _log.error("a template failed, the one that comes with Paramedic is used", error=error)
            document = self._fallback.document(TemplateName.EPIC, context)
        return fit(document)


def without_counts(view: EpicView) -> EpicView:
    """The view without what changes with every repeat."""
    return replace(view, occurrences=0, until=view.since)


def _context(view: EpicView) -> dict[str, Any]:
    """The names that the template may use."""
    because = view.pattern.closed_because
    return {
        "pattern": view.pattern,
        "rows": view.rows,
        "left_out": view.left_out,
        "exceptions": view.exceptions,
        "targets": view.targets,
        "incidents": view.incidents,
        "settled": view.settled,
        "unsettled": view.incidents - view.settled,
        "occurrences": view.occurrences,
        "since": view.since,
        "until": view.until,
        "off_at": view.off_at,
        "is_epic": view.is_epic,
        "why_closed": _WHY_CLOSED[because] if because else "",
        "plan": remedies(view.pattern),
        "next_steps": next_steps(view.pattern),
        "version": __version__,
    }
