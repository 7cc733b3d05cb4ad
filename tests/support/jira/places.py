"""The projects and people of the stand-in, before a test changes them."""

from __future__ import annotations

from dataclasses import dataclass

from paramedic_workers.sinks.jira.settings import JiraKind
from tests.support.jira.model import FieldSpec, FieldType, IssueType, Project

#: Who asks, and with what; no other may.
EMAIL = "ada@shop.example"
TOKEN = "stand-in-token-7d1c"  # it opens nothing

EPIC_NAME = "customfield_10011"
EPIC_LINK = "customfield_10014"

BUG = IssueType("10004", "Bug")
TASK = IssueType("10002", "Task")
EPIC = IssueType("10000", "Epic", level=1)
SUBTASK = IssueType("10003", "Sub-task", level=-1, subtask=True)
ISSUE_TYPES = (BUG, TASK, EPIC, SUBTASK)

PRIORITIES = ("Highest", "High", "Medium", "Low", "Lowest")
LINK_TYPES = (
    ("10000", "Blocks", "is blocked by", "blocks"),
    ("10002", "Duplicate", "is duplicated by", "duplicates"),
    ("10003", "Relates", "relates to", "relates to"),
)


@dataclass(frozen=True)
class Person:
    """Somebody who can have tickets."""

    #: Of Cloud.
    account_id: str
    #: Of Data Center.
    name: str
    display_name: str
    #: May tickets be given to them?
    assignable: bool = True


HEALER = Person("5b10a2844c20165700ede21g", "paramedic", "Paramedic")
ADA = Person("5b10ac8d82e05b22cc7d4ef5", "ada", "Ada")
GUEST = Person("5b10a0effa615349cb016cd8", "guest", "Guest", assignable=False)
PEOPLE = (HEALER, ADA, GUEST)

COMMON_FIELDS = (
    FieldSpec("summary", "Summary", FieldType.STRING, required=True),
    FieldSpec("project", "Project", FieldType.PROJECT, required=True),
    FieldSpec("issuetype", "Issue Type", FieldType.ISSUE_TYPE, required=True),
    FieldSpec("description", "Description", FieldType.TEXT),
    FieldSpec("labels", "Labels", FieldType.LABELS),
    FieldSpec("priority", "Priority", FieldType.PRIORITY, allowed=PRIORITIES),
    FieldSpec("assignee", "Assignee", FieldType.USER),
    FieldSpec("components", "Components", FieldType.COMPONENTS),
    FieldSpec("environment", "Environment", FieldType.TEXT),
    FieldSpec("customfield_10042", "Found by", FieldType.OPTION, allowed=("CI", "Production")),
    FieldSpec("customfield_10043", "Team", FieldType.STRING),
    FieldSpec("customfield_10044", "Cost", FieldType.NUMBER),
)
CLOUD_FIELDS = (*COMMON_FIELDS, FieldSpec("parent", "Parent", FieldType.PARENT))
DATA_CENTER_FIELDS = (
    *COMMON_FIELDS,
    FieldSpec(EPIC_NAME, "Epic Name", FieldType.STRING),
    FieldSpec(EPIC_LINK, "Epic Link", FieldType.EPIC_LINK),
)


def usual_projects(kind: JiraKind) -> dict[str, Project]:
    """Projects SHOP and OPS, by key."""
    fields = CLOUD_FIELDS if kind is JiraKind.CLOUD else DATA_CENTER_FIELDS
    return {
        key: Project(id=identity, key=key, name=name, issue_types=ISSUE_TYPES, fields=fields)
        for identity, key, name in (("10100", "SHOP", "Shop"), ("10101", "OPS", "Operations"))
    }
