"""The tickets below an epic: put there once, unless a person has given them another parent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from paramedic_workers.sinks.jira.client import JiraClient
from paramedic_workers.sinks.jira.epic_fields import EpicFields
from paramedic_workers.sinks.jira.linking import link, relation_type
from paramedic_workers.sinks.jira.refusals import JiraRefused

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class EpicChildren:
    """Puts tickets below epics."""

    client: JiraClient
    fields: EpicFields
    #: Whether a key is that of an epic that we made.
    is_ours: Callable[[str], bool]

    def adopt(self, epic: str, ticket: str, *, is_epic: bool) -> None:
        """Put a ticket below an epic, or link the two; again it changes nothing.

        Args:
            epic: its key.
            ticket: id of the ticket.
            is_epic: whether tickets can be put below it at all.
        """
        parent = self.fields.parent if is_epic else ""
        wanted = ("summary", parent) if parent else ("summary",)
        issue = self.client.issue(ticket, wanted)
        if issue is None:
            return  # somebody has deleted it
        above = self.fields.epic_of(issue) if parent else ""
        if above == epic:
            return
        if parent and (not above or self.is_ours(above)):
            try:
                self.client.update(ticket, self.fields.below(epic))
            except JiraRefused as error:
                _log.warning(
                    "a ticket cannot be put below its epic",
                    ticket=issue.key,
                    epic=epic,
                    error=str(error),
                )
            else:
                return
        link(self.client, relation_type(self.client.link_types()), issue.key, epic)
