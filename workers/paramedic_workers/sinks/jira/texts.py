"""What a ticket says: its summary, its description, its comments and its attachments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog

from paramedic import __version__
from paramedic_workers.errors import SettingsError, Verdict
from paramedic_workers.results import Result
from paramedic_workers.sinks.jira.attachments import File, names_of_files, ticket_files
from paramedic_workers.sinks.jira.changes import changes_between
from paramedic_workers.sinks.jira.cutting import fit
from paramedic_workers.sinks.jira.documents import Document, Tone
from paramedic_workers.sinks.jira.epic_texts import EpicTexts
from paramedic_workers.sinks.jira.samples import sample_views
from paramedic_workers.sinks.jira.settings import JiraSettings
from paramedic_workers.sinks.jira.summaries import PREFIXES, one_line, story, subject, type_code
from paramedic_workers.sinks.jira.templating import TemplateName, Templates
from paramedic_workers.sinks.jira.view import TicketView
from paramedic_workers.sinks.report import MEANING

_log = structlog.get_logger(__name__)
_Written = TypeVar("_Written")

#: The colour of the panel that tells the verdict.
TONES: Final = {
    Verdict.HEALED: Tone.SUCCESS,
    Verdict.PROPOSED: Tone.NOTE,
    Verdict.UNHEALED: Tone.WARNING,
    Verdict.FLAKY: Tone.WARNING,
    Verdict.ENVIRONMENT: Tone.WARNING,
    Verdict.ALREADY_FIXED: Tone.INFO,
    Verdict.NOT_REPRODUCED: Tone.INFO,
    Verdict.FAILED: Tone.ERROR,
}


class Texts:
    """Writes what a ticket says.

    Each text fits into its field and carries no secret, whatever the result holds. A template
    of somebody's own that fails on a result is logged, and Paramedic's own is used: a ticket
    that looks otherwise is better than none.
    """

    def __init__(self, templates: Templates) -> None:
        """Write with these templates."""
        self._templates = templates
        self._fallback = Templates() if templates.own is not None else templates

    @classmethod
    def load(cls, settings: JiraSettings) -> Texts:
        """The texts with the templates of the settings.

        Raises:
            SettingsError: a template is broken; it names the file and, where known, the line.
        """
        if not settings.templates:
            return cls(Templates())
        templates = Templates(Path(settings.templates).expanduser())
        texts = cls(templates)
        texts.check()
        EpicTexts(templates).check()
        return texts

    def check(self) -> None:
        """Write every text of every sample ticket.

        Raises:
            SettingsError: a template is broken.
        """
        for view in sample_views():
            context = context_of(view)
            self._templates.line(TemplateName.SUMMARY, context)
            for name, more in _samples_of_more(view).items():
                self._templates.document(name, {**context, **more})

    def summary(self, view: TicketView) -> str:
        """The line that the ticket is known by: at most 255 characters, never without subject."""
        context = context_of(view)
        line = one_line(self._try(lambda t: t.line(TemplateName.SUMMARY, context)))
        return line or one_line(self._fallback.line(TemplateName.SUMMARY, context))

    def description(self, view: TicketView) -> Document:
        """All that the ticket tells of its incident, within the size of the field."""
        return self._document(TemplateName.DESCRIPTION, view)

    def comment(self, before: Result, view: TicketView, *, reopened: bool = False) -> Document:
        """What has changed since an earlier result.

        Args:
            before: what the ticket has told last.
            view: the incident with its newest result.
            reopened: the ticket is opened again with this.
        """
        changes = changes_between(before, view.result)
        more = {"before": before, "changes": changes, "reopened": reopened}
        return self._document(TemplateName.COMMENT, view, **more)

    def landed(self, view: TicketView) -> Document:
        """That the fix is on the main branch, and the test passes there."""
        return self._document(TemplateName.LANDED, view)

    def attachments(self, view: TicketView) -> tuple[File, ...]:
        """The files that belong to the result, each within Jira's usual limit."""
        return ticket_files(view.result)

    def _document(self, name: TemplateName, view: TicketView, **more: Any) -> Document:
        context = {**context_of(view), **more}
        return fit(self._try(lambda templates: templates.document(name, context)))

    def _try(self, write: Callable[[Templates], _Written]) -> _Written:
        try:
            return write(self._templates)
        except SettingsError as error:
            _log.error("a template failed, the one that comes with Paramedic is used", error=error)
            return write(self._fallback)


def context_of(view: TicketView) -> dict[str, Any]:
    """The names that templates may use."""
    result, incident = view.result, view.incident
    return {
        "result": result,
        "incident": incident,
        "count": view.count,
        "links": view.links,
        "fixed_since": view.fixed_since,
        "merged_tickets": view.merged_tickets,
        "first_seen": incident.first_seen if incident else result.started_at,
        "last_seen": incident.last_seen if incident else result.started_at,
        "prefix": PREFIXES[result.verdict],
        "type_code": type_code(result),
        "subject": subject(view),
        "story": story(view),
        "title": story(view).removeprefix(f"{subject(view)}: "),
        "meaning": MEANING[result.verdict],
        "tone": TONES[result.verdict],
        "branch_link": next((link for link in view.links if link.kind == "branch"), None),
        "attached": names_of_files(result),
        "version": __version__,
    }


def _samples_of_more(view: TicketView) -> dict[TemplateName, dict[str, Any]]:
    """What each template is given beside the names that all have."""
    before = next(sample.result for sample in sample_views())
    changes = changes_between(before, view.result)
    return {
        TemplateName.DESCRIPTION: {},
        TemplateName.COMMENT: {"before": before, "changes": changes, "reopened": True},
        TemplateName.LANDED: {},
    }
