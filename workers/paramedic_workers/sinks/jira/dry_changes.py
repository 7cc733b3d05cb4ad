"""What requests do to a ticket of a dry run, and what Jira says to them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import httpx
import msgspec

from paramedic_workers.sinks.jira.dry_answers import Json, issue_of, status_after, transitions_of
from paramedic_workers.sinks.jira.dry_ticket import DryTicket

_FILE_NAME: Final = re.compile(rb'name="file"; filename="([^"]*)"')
_MEDIA_TYPE: Final = re.compile(rb"^Content-Type: *([^\r\n]+)", re.MULTILINE | re.IGNORECASE)


def told(ticket: DryTicket, rest: list[str]) -> Json | None:
    """The answer to a read about this ticket; None where nothing of that is known.

    Args:
        ticket: as it stands.
        rest: the segments of the path after its key, quoted.
    """
    match rest:
        case []:
            return issue_of(ticket)
        case ["transitions"]:
            return transitions_of(ticket)
        case ["comment"]:
            newest_first = ticket.comments[::-1]
            return {"comments": newest_first, "maxResults": 5_000, "startAt": 0}
    return None


def change(
    ticket: DryTicket, request: httpx.Request, rest: list[str], at: str
) -> tuple[int, Json | None]:
    """Do what the request asks for; gives the status and the answer.

    Args:
        ticket: is changed.
        request: that writes to it.
        rest: the segments of the path after its key, quoted.
        at: the moment as Jira writes it.
    """
    status = 204
    answer: Json | None = None
    match rest:
        case ["comment"]:
            status, answer = 201, _commented(ticket, body_of(request), at)
        case ["attachments"]:
            status, answer = 200, _attached(ticket, request, at)
        case ["remotelink"]:
            link = body_of(request)
            ticket.remote_links[str(link.get("globalId", len(ticket.remote_links)))] = link
            status, answer = 201, {"id": len(ticket.remote_links), "self": ""}
        case ["issueLink"]:
            ticket.issue_links.append(body_of(request))
            status = 201
        case ["transitions"]:
            body = body_of(request)
            after = status_after(str(body["transition"]["id"]))
            ticket.fields.update({**after, **body.get("fields", {})})
        case []:
            _updated(ticket, body_of(request))
    ticket.fields["updated"] = at
    return status, answer


def noted(body: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that a body sets, by name."""
    return {entry["key"]: entry["value"] for entry in body.get("properties", ())}


def body_of(request: httpx.Request) -> dict[str, Any]:
    """The JSON object that is sent; empty where nothing is."""
    return msgspec.json.decode(request.content or b"{}", type=dict[str, Any])


def shown(request: httpx.Request) -> Any:
    """What a person is shown of a body: JSON as it is, files by their names, types and sizes."""
    if request.headers.get("Content-Type", "").startswith("multipart/"):
        return _files_of(request.content)
    return msgspec.json.decode(request.content) if request.content else None


def _files_of(content: bytes) -> list[dict[str, Any]]:
    """The files of a multipart body: between boundaries, a head, an empty line, the file."""
    boundary = content.partition(b"\r\n")[0]
    return [_file_of(part) for part in (b"\r\n" + content).split(b"\r\n" + boundary)[1:-1]]


def _file_of(part: bytes) -> dict[str, Any]:
    head, _, file = part.partition(b"\r\n\r\n")
    name, media_type = _FILE_NAME.search(head), _MEDIA_TYPE.search(head)
    return {
        "filename": name[1].decode("utf-8", "replace") if name else "",
        "mimeType": media_type[1].decode("ascii", "replace") if media_type else "",
        "size": len(file),
    }


def _commented(ticket: DryTicket, body: dict[str, Any], at: str) -> dict[str, Any]:
    comment = {"id": str(len(ticket.comments) + 1), "created": at, **body}
    ticket.comments.append(comment)
    return comment


def _attached(ticket: DryTicket, request: httpx.Request, at: str) -> list[dict[str, Any]]:
    first = len(ticket.attachments) + 1
    files = enumerate(shown(request), first)
    added = [{"id": str(number), "created": at, **file} for number, file in files]
    ticket.attachments += added
    return added


def _updated(ticket: DryTicket, body: dict[str, Any]) -> None:
    ticket.fields.update(body.get("fields", {}))
    ticket.properties.update(noted(body))
    for name, operations in body.get("update", {}).items():
        values = list(ticket.fields.get(name) or ())
        for operation in operations:
            values = _operated(values, operation)
        ticket.fields[name] = values


def _operated(values: list[Any], operation: Mapping[str, Any]) -> list[Any]:
    match operation:
        case {"set": new}:
            return list(new)
        case {"add": new} if new not in values:
            return [*values, new]
        case {"remove": old}:
            return [value for value in values if value != old]
    return values
