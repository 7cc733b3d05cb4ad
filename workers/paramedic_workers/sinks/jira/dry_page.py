"""A ticket of a dry run as a page that looks as the ticket would."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from paramedic_workers.sinks.jira.adf_html import adf_to_html
from paramedic_workers.sinks.jira.cleaning import clean_link
from paramedic_workers.sinks.jira.dry_ticket import DryTicket
from paramedic_workers.sinks.report import render_page


@dataclass(frozen=True, kw_only=True)
class _Comment:
    created: str
    html: Markup


@dataclass(frozen=True, kw_only=True)
class _Link:
    title: str
    url: str


@dataclass(frozen=True, kw_only=True)
class _Request:
    at: datetime
    method: str
    path: str
    text: str


def render_ticket(ticket: DryTicket) -> str:
    """The page of a ticket: all that would stand in Jira, and what would be sent."""
    return render_page(
        "jira.html.j2",
        ticket=ticket,
        description=_html(ticket.fields.get("description")),
        details=_details(ticket.fields),
        comments=[
            _Comment(created=comment["created"][:19].replace("T", " "), html=_html(comment["body"]))
            for comment in ticket.comments
        ],
        links=[_link(link.get("object", {})) for link in ticket.remote_links.values()],
        requests=[
            _Request(
                at=request.at,
                method=request.method,
                path=request.path,
                text=json.dumps(request.body, indent=2, ensure_ascii=False),
            )
            for request in ticket.requests
        ],
    )


def _html(body: Any) -> Markup:
    """A text of a ticket: ADF as HTML, wiki text as it is."""
    if isinstance(body, Mapping):
        return adf_to_html(body)
    return Markup("<pre>{}</pre>").format(body or "")


def _link(linked: Mapping[str, Any]) -> _Link:
    return _Link(title=str(linked.get("title", "")), url=clean_link(str(linked.get("url", ""))))


def _details(fields: Mapping[str, Any]) -> dict[str, str]:
    """What a ticket shows at its side, by the name a reader knows."""
    known = {
        "Type": _named(fields.get("issuetype")),
        "Priority": _named(fields.get("priority")),
        "Assignee": _named(fields.get("assignee")),
        "Components": ", ".join(map(_named, fields.get("components") or ())),
        "Labels": ", ".join(fields.get("labels") or ()),
        "Parent": _named(fields.get("parent")),
    }
    custom = {
        name: json.dumps(value, ensure_ascii=False)
        for name, value in fields.items()
        if name.startswith("customfield_")
    }
    return {name: value for name, value in {**known, **custom}.items() if value}


def _named(value: Any) -> str:
    """Whatever Jira knows a thing by."""
    if not isinstance(value, Mapping):
        return str(value or "")
    return next((str(value[n]) for n in ("name", "key", "accountId", "id") if value.get(n)), "")
