"""The endpoints that search."""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.support.jira.answers import Answer, Refused
from tests.support.jira.area import Area
from tests.support.jira.model import (
    Json,
    StandInTicket,
)
from tests.support.jira.request import Request

#: Issues that a search may be asked to know as they are.
GREATEST_RECONCILED = 50
#: Tickets on one page of a search that shows more than ids.
GREATEST_PAGE = 100


class Searching(Area):
    """Searches."""

    def search(self, request: Request) -> Answer:
        asked = self._asked(request)
        if not asked.get("jql"):
            raise Refused(400, "Unbounded JQL queries are not allowed here.")
        reconciled = asked.get("reconcileIssues") or []
        if len(reconciled) > GREATEST_RECONCILED or not all(_is_number(r) for r in reconciled):
            raise Refused(400, "reconcileIssues: at most 50 numeric ids.")
        found = self._state.search(asked["jql"], frozenset(str(one) for one in reconciled))
        fields = asked.get("fields") or ["id"]
        most = min(int(asked.get("maxResults") or 50), GREATEST_PAGE if fields != ["id"] else 5000)
        start = _token_start(asked.get("nextPageToken"), asked["jql"])
        page: Json = {"isLast": start + most >= len(found)}
        if not page["isLast"]:
            page["nextPageToken"] = _token(start + most, asked["jql"])
        return Answer(
            200, {**page, "issues": self._found(found[start : start + most], asked, fields)}
        )

    def _asked(self, request: Request) -> Json:
        if request.method == "POST":
            asked = request.members()
            known = {"jql", "fields", "fieldsByKeys", "maxResults", "nextPageToken"}
            known |= {"properties", "reconcileIssues", "expand"}
            known |= set() if self._cloud else {"startAt", "validateQuery"}
            if unknown := set(asked) - known:
                raise Refused(400, f'Unrecognized field "{min(unknown)}".')
            return asked
        asked = {name: values[0] for name, values in request.query.items()}
        asked["fields"] = request.words("fields")
        asked["properties"] = request.words("properties")
        asked["reconcileIssues"] = [int(one) for one in request.words("reconcileIssues")]
        return asked

    def _found(self, tickets: list[StandInTicket], asked: Json, fields: list[str]) -> list[Json]:
        properties = asked.get("properties") or []
        return [self._shows.ticket(ticket, fields, properties) for ticket in tickets]

    def old_search(self, request: Request) -> Answer:
        asked = self._asked(request)
        found = self._state.search(asked.get("jql") or "")
        start, most = int(asked.get("startAt") or 0), int(asked.get("maxResults") or 50)
        shown = self._found(
            found[start : start + most], asked, asked.get("fields") or ["*navigable"]
        )
        page = {"startAt": start, "maxResults": most, "total": len(found)}
        return Answer(200, {**page, "issues": shown})

    def gone(self, _request: Request) -> Answer:
        why = (
            "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API."
        )
        raise Refused(410, why)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _token(start: int, jql: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([start, jql]).encode()).decode()


def _token_start(token: Any, jql: str) -> int:
    if not token:
        return 0
    try:
        start, asked = json.loads(base64.urlsafe_b64decode(str(token)))
    except ValueError as error:
        raise Refused(400, "The provided next page token is invalid or expired.") from error
    if asked != jql:
        raise Refused(400, "The provided next page token belongs to another query.")
    return int(start)
