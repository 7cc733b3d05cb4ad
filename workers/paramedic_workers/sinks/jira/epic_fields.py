"""The fields by which a Jira knows epics: the type, the parent, and what Data Center has for it.

Cloud puts a ticket below its epic by the field `parent`. Data Center has custom fields for
that, whose numbers differ from site to site: Epic Link at the ticket, and Epic Name, without
which it makes no epic.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from paramedic_workers.sinks.jira.answers import Issue, IssueType
from paramedic_workers.sinks.jira.client import JiraClient
from paramedic_workers.sinks.jira.settings import JiraKind, JiraSettings

#: The level of epics where Cloud tells it.
_EPIC_LEVEL = 1
#: Of the custom field, by its kind or, where a site has made its own, by its name.
_EPIC_LINK = ("com.pyxis.greenhopper.jira:gh-epic-link", "epic link")
_EPIC_NAME = ("com.pyxis.greenhopper.jira:gh-epic-label", "epic name")
_PARENT = "parent"


@dataclass(frozen=True)
class EpicFields:
    """Asks Jira once for what its epics look like."""

    client: JiraClient
    settings: JiraSettings

    def type_in(self, project: str) -> IssueType | None:
        """The type of epics in this project; None where it has none."""
        types = self.client.issue_types(project)
        named = self.settings.epic_type.casefold()
        by_name = (one for one in types if one.name.casefold() == named)
        by_level = (one for one in types if one.hierarchy_level == _EPIC_LEVEL)
        return next(by_name, None) or next(by_level, None)

    def named(self, project: str, kind: IssueType, name: str) -> dict[str, Any]:
        """The field Epic Name, where this type has it on its screen."""
        fields = self.client.create_fields(project, kind.id)
        known = ((field.field_id, field.name, field.schema.custom) for field in fields)
        return dict.fromkeys(_ids(known, _EPIC_NAME)[:1], name)

    def is_epic(self, issue: Issue) -> bool:
        """Whether tickets can be put below this one."""
        kind = issue.fields.get("issuetype") or {}
        if kind.get("hierarchyLevel") is not None:
            return bool(kind["hierarchyLevel"] == _EPIC_LEVEL)
        return str(kind.get("name", "")).casefold() == self.settings.epic_type.casefold()

    @cached_property
    def parent(self) -> str:
        """The field of a ticket that names its epic; empty: this Jira has none."""
        if self.client.kind is JiraKind.CLOUD:
            return _PARENT
        known = ((field.id, field.name, field.schema.custom) for field in self.client.fields())
        return next(iter(_ids(known, _EPIC_LINK)), "")

    def below(self, key: str) -> dict[str, Any]:
        """The fields that put a ticket below the epic of this key."""
        return {self.parent: {"key": key} if self.parent == _PARENT else key}

    def epic_of(self, issue: Issue) -> str:
        """The key of the epic that a ticket is below; empty: none."""
        if self.parent == _PARENT:
            return issue.parent
        return str(issue.fields.get(self.parent) or "")


def _ids(known: Iterable[tuple[str, str, str]], wanted: tuple[str, str]) -> list[str]:
    """The ids of the fields of this kind, else of this name."""
    fields = list(known)
    of_kind = [field for field, _, custom in fields if custom == wanted[0]]
    return of_kind or [field for field, name, _ in fields if name.casefold() == wanted[1]]
