"""A ticket of a dry run: what would stand in Jira, and every request that would have made it.

It lies in its incident's folder, as `jira.json`, and is read by people: hence the indent.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from paramedic.redaction import without_credentials
from paramedic_workers.sinks.folders import write_whole

#: The ticket and its requests, for scripts and for the next request.
FILE: Final = "jira.json"
#: The ticket as a page.
PAGE: Final = "jira.html"
#: Requests that are kept, the newest.
_REQUESTS: Final = 60
#: Characters of one text in a request, and in the ticket. A description has up to 30,000.
_TEXT: Final = 40_000


class SentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request that would have been sent; reads are not kept."""

    at: datetime
    method: str
    path: str
    #: JSON, or the name and size of a file.
    body: Any = None


class DryTicket(msgspec.Struct, kw_only=True):
    """What would stand in Jira."""

    #: The incident or pattern it is about.
    about: str
    #: Empty: nothing would have been made yet.
    key: str = ""
    id: str = ""
    #: As Jira takes and gives them.
    fields: dict[str, Any] = msgspec.field(default_factory=dict)
    comments: list[dict[str, Any]] = msgspec.field(default_factory=list)
    attachments: list[dict[str, Any]] = msgspec.field(default_factory=list)
    #: To somewhere else, by their global ids.
    remote_links: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    #: To other tickets.
    issue_links: list[dict[str, Any]] = msgspec.field(default_factory=list)
    properties: dict[str, Any] = msgspec.field(default_factory=dict)
    #: The newest, oldest first.
    requests: list[SentRequest] = msgspec.field(default_factory=list)
    #: Earlier requests that are not kept.
    forgotten: int = 0

    def note(self, request: SentRequest) -> None:
        """Keep a request, and forget the oldest where there are too many."""
        self.requests.append(msgspec.structs.replace(request, body=_short(request.body)))
        surplus = len(self.requests) - _REQUESTS
        if surplus > 0:
            del self.requests[:surplus]
            self.forgotten += surplus


def read_dry_ticket(folder: Path) -> DryTicket | None:
    """The ticket in an incident's folder; None where there is none that can be read."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=DryTicket)
    except (OSError, msgspec.MsgspecError, ValueError):
        return None


def write_dry_ticket(folder: Path, ticket: DryTicket) -> None:
    """Write the ticket into the folder.

    Raises:
        OSError: it cannot be written.
    """
    write_whole(folder / FILE, msgspec.json.format(msgspec.json.encode(ticket), indent=2) + b"\n")


def _short(value: Any) -> Any:
    match value:
        case str():
            safe = without_credentials(value)
            return safe if len(safe) <= _TEXT else f"{safe[:_TEXT]}…"
        case dict():
            return {name: _short(inner) for name, inner in value.items()}
        case list():
            return [_short(inner) for inner in value]
    return value
