"""The fields of a ticket, from the settings and what is known of the incident."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from paramedic_workers.results import Result
from paramedic_workers.sinks.jira.answers import Issue
from paramedic_workers.sinks.jira.documents import Document
from paramedic_workers.sinks.jira.plan import Found
from paramedic_workers.sinks.jira.settings import JiraSettings
from paramedic_workers.sinks.jira.tickets import Written

#: The label of every ticket of ours.
LABEL = "paramedic"
#: The name of the property in which a ticket, or a comment, says what it tells of.
PROPERTY = "paramedic"
#: Characters that Jira takes in a label.
_LABEL_LENGTH = 255
#: Fields of a ticket that stand in for its identity or its text: without them there is none.
_NEEDED = frozenset({"project", "issuetype", "summary", "description", "labels"})
#: What is read of a ticket before anything is changed in it.
READ_FIELDS = (
    "summary",
    "description",
    "status",
    "resolution",
    "priority",
    "assignee",
    "attachment",
)


@dataclass(frozen=True, kw_only=True)
class NewTicket:
    """A ticket to be made."""

    target: str
    #: As Jira takes them.
    fields: Mapping[str, Any]
    #: What it notes in the ticket for programs, by name.
    properties: Mapping[str, Any] = field(default_factory=dict)
    #: What of it people may change, to know their changes by.
    written: Written = field(default_factory=Written)

    @property
    def optional(self) -> frozenset[str]:
        """Fields that are left out rather than that there is no ticket."""
        return frozenset(self.fields) - _NEEDED


class Speaks(Protocol):
    """How a Jira wants texts and people."""

    def text(self, document: Document) -> Any:
        """A text as descriptions and comments take it."""
        ...

    def person(self, account: str) -> Mapping[str, Any]:
        """A person as a field takes one."""
        ...


def label(name: str) -> str:
    """The label by which the ticket of an incident is found."""
    return f"{LABEL}-{name}"


def texts_of(result: Result, settings: JiraSettings, summary: str, description: Any) -> Written:
    """What should stand in the fields that people may change too.

    Args:
        result: the newest one.
        settings: of the sink.
        summary: one line.
        description: as Jira takes it.
    """
    return Written(
        summary=" ".join(summary.split()),
        description=digest(description),
        priority=settings.priorities.get(result.verdict, ""),
        assignee=assignee(result, settings),
    )


def assignee(result: Result, settings: JiraSettings) -> str:
    """Who gets the ticket: the first owner that the settings know, else who they name."""
    known = (settings.assignees.get(owner, "") for owner in result.owners)
    return next(filter(None, known), settings.place(result.target).assignee)


def new_ticket(
    result: Result,
    settings: JiraSettings,
    written: Written,
    description: Any,
    jira: Speaks,
) -> NewTicket:
    """The ticket that an incident gets.

    Args:
        result: the newest one of the incident.
        settings: of the sink.
        written: its summary, priority and assignee.
        description: as Jira takes it.
        jira: how people are named.
    """
    place = settings.place(result.target)
    fields: dict[str, Any] = dict(place.fields)
    fields |= {
        "project": {"key": place.project},
        "issuetype": {"name": place.issue_type},
        "summary": written.summary,
        "description": description,
        "labels": labels(result.incident, place.labels),
    }
    if written.priority:
        fields["priority"] = {"name": written.priority}
    if written.assignee:
        fields["assignee"] = jira.person(written.assignee)
    if place.components:
        fields["components"] = [{"name": component} for component in place.components]
    mark = mark_of(result)
    return NewTicket(
        target=result.target, fields=fields, properties={PROPERTY: mark}, written=written
    )


def labels(name: str, more: tuple[str, ...]) -> list[str]:
    """The labels of a ticket, each once; Jira takes none with a space."""
    wanted = [LABEL, label(name), *("-".join(one.split()) for one in more)]
    return [one[:_LABEL_LENGTH] for one in dict.fromkeys(wanted) if one]


def mark_of(result: Result) -> dict[str, str]:
    """What a ticket notes for programs: which incident it is for, and which result it tells of."""
    return {
        "fingerprint": result.incident,
        "target": result.target,
        "result": result.id,
        "verdict": str(result.verdict),
    }


def update_of(
    parts: frozenset[str], written: Written, description: Any, jira: Speaks
) -> dict[str, Any]:
    """The fields of one write.

    Args:
        parts: the parts to be written.
        written: what should stand there.
        description: as Jira takes it.
        jira: how people are named.
    """
    values: dict[str, Any] = {
        "summary": written.summary,
        "description": description,
        "priority": {"name": written.priority},
        "assignee": jira.person(written.assignee) if written.assignee else None,
    }
    return {part: value for part, value in values.items() if part in parts}


def found_in(issue: Issue) -> Found:
    """How a ticket stands, as it was read."""
    return Found(
        texts=Written(
            summary=" ".join(issue.summary.split()),
            description=digest(issue.fields.get("description")),
            priority=issue.priority,
            assignee=issue.assignee,
        ),
        category=issue.status.category,
        resolution=issue.resolution,
    )


def digest(text: Any) -> str:
    """A digest of the words of a text, in either of Jira's forms.

    Jira may set a text otherwise than it was sent: it adds ids to nodes, and ends lines in
    its own way. The words stay.
    """
    words = "".join(" ".join(_words(text)).split())
    return hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _words(text: Any) -> list[str]:
    """The words of a text, in their order."""
    found: list[str] = []
    left = [text]
    while left:
        node = left.pop()
        if isinstance(node, str):
            found.append(node)
        elif isinstance(node, list | tuple):
            left.extend(reversed(node))
        elif isinstance(node, dict):
            left.append(node.get("content") or ())
            left.append(node.get("text") or ())
    return found
