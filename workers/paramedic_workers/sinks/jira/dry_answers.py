"""What a Jira says in which all goes well: the answers of a dry run that need no ticket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from paramedic_workers.sinks.jira.dry_ticket import DryTicket
from paramedic_workers.sinks.jira.settings import JiraKind, JiraSettings

Json = Any

_OPEN: Final = {"id": "1", "name": "To Do", "statusCategory": {"id": 2, "key": "new"}}
_DONE: Final = {"id": "3", "name": "Done", "statusCategory": {"id": 3, "key": "done"}}
#: Ids of the transitions, and where they lead.
_WAYS: Final = {"11": _OPEN, "31": _DONE}
_LINK_TYPES: Final = [
    {"id": "1", "name": "Duplicate", "inward": "is duplicated by", "outward": "duplicates"},
    {"id": "2", "name": "Relates", "inward": "relates to", "outward": "relates to"},
]
_USUAL_FIELDS: Final = {
    "summary": "string",
    "description": "string",
    "labels": "array",
    "priority": "priority",
    "assignee": "user",
    "components": "array",
    "parent": "issuelink",
}


def standing_answer(settings: JiraSettings, path: str, query: Mapping[str, str]) -> Json | None:
    """The answer to a read that is about no ticket; None where the path is not known.

    Args:
        settings: their types and fields are all there.
        path: without what all paths begin with: `/myself`.
        query: the parameters.
    """
    answer: Json | None = None
    match path.strip("/").split("/"):
        case ["myself"]:
            answer = {"accountId": "dry-run", "name": "dry-run", "displayName": "Dry run"}
        case ["serverInfo"]:
            answer = {"baseUrl": "", "version": "dry run", "deploymentType": "Cloud"}
        case ["mypermissions"]:
            names = query.get("permissions", "").split(",")
            answer = {"permissions": {name: {"havePermission": True} for name in names if name}}
        case ["project", key]:
            answer = {"id": "10000", "key": key, "name": key}
        case ["issue", "createmeta", _, "issuetypes"]:
            answer = {"issueTypes": _types(settings), "values": _types(settings)}
        case ["issue", "createmeta", _, "issuetypes", _]:
            answer = {"fields": _create_fields(settings), "values": _create_fields(settings)}
        case ["field"]:
            answer = [{"id": name, "name": name, "custom": False} for name in _USUAL_FIELDS]
            if settings.resolved_kind() is JiraKind.DATA_CENTER:
                answer.append({"id": "customfield_10014", "name": "Epic Link", "custom": True})
        case ["issueLinkType"]:
            answer = {"issueLinkTypes": _LINK_TYPES}
    return answer


def created_issue(fields: Mapping[str, Any], at: str) -> dict[str, Any]:
    """The fields of a ticket that was just made of these, at a moment as Jira writes it."""
    return {"status": _OPEN, "resolution": None, "created": at, "updated": at, **fields}


def issue_of(ticket: DryTicket) -> Json:
    """The ticket as Jira gives it."""
    fields = {
        "priority": None,
        "assignee": None,
        "labels": [],
        **ticket.fields,
        "attachment": ticket.attachments,
        "issuelinks": ticket.issue_links,
    }
    return {
        "id": ticket.id,
        "key": ticket.key,
        "fields": fields,
        "properties": ticket.properties,
    }


def transitions_of(ticket: DryTicket) -> Json:
    """Where the ticket can go from where it stands."""
    here = ticket.fields.get("status", _OPEN)["id"]
    ways = ((id, to) for id, to in _WAYS.items() if to["id"] != here)
    return {
        "transitions": [{"id": id, "name": to["name"], "to": to, "fields": {}} for id, to in ways]
    }


def status_after(transition: str) -> dict[str, Any]:
    """Status and resolution after a transition."""
    status = _WAYS.get(transition, _OPEN)
    return {"status": status, "resolution": {"name": "Done"} if status is _DONE else None}


def _types(settings: JiraSettings) -> list[dict[str, Any]]:
    places = (place.issue_type for place in settings.targets.values())
    names = dict.fromkeys((settings.issue_type, settings.epic_type, *places))
    return [
        {"id": str(number), "name": name, "subtask": False, "hierarchyLevel": int(number == 2)}
        for number, name in enumerate((name for name in names if name), 1)
    ]


def _create_fields(settings: JiraSettings) -> list[dict[str, Any]]:
    places = (place.fields for place in settings.targets.values())
    custom = [name for fields in (settings.fields, *places) for name in fields]
    kinds = {**dict.fromkeys(custom, "any"), **_USUAL_FIELDS}
    return [
        {
            "fieldId": name,
            "key": name,
            "name": name,
            "operations": ["set"],
            "required": name == "summary",
            "schema": {"type": kind, "system": name},
        }
        for name, kind in kinds.items()
    ]
