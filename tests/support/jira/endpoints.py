"""What the stand-in answers to each request: the endpoints of Jira that Paramedic may use."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable

from paramedic_workers.sinks.jira.settings import JiraKind
from tests.support.jira import places
from tests.support.jira.answers import Answer, Refused
from tests.support.jira.files import Files
from tests.support.jira.hanging import Hanging
from tests.support.jira.limits import Limits
from tests.support.jira.request import Request
from tests.support.jira.searching import Searching
from tests.support.jira.site import Site
from tests.support.jira.state import JiraState
from tests.support.jira.ticketing import Ticketing

Handler = Callable[..., Answer]


class Endpoints:
    """Answers requests; the caller holds the lock of the state."""

    def __init__(self, state: JiraState, limits: Limits, url: str) -> None:
        self._limits = limits
        self._cloud = state.kind is JiraKind.CLOUD
        self._site = Site(state, limits, url)
        self._tickets = Ticketing(state, limits, url)
        self._hanging = Hanging(state, limits, url)
        self._files = Files(state, limits, url)
        self._searching = Searching(state, limits, url)
        self._routes = [
            (method, re.compile(pattern), handler) for method, pattern, handler in self._table()
        ]

    def _table(self) -> Iterable[tuple[str, str, Handler]]:
        issue = "/issue/([^/]+)"
        yield from (
            ("GET", "/myself", self._site.myself),
            ("GET", "/serverInfo", self._site.server_info),
            ("GET", "/field", self._site.all_fields),
            ("GET", "/priority", self._site.priorities),
            ("GET", "/mypermissions", self._site.permissions),
            ("GET", "/user/assignable/search", self._site.assignable),
            ("GET", "/project/([^/]+)", self._site.project),
            ("GET", "/project/([^/]+)/components", self._site.components),
            ("GET", "/project/([^/]+)/statuses", self._site.statuses),
            ("GET", "/issue/createmeta/([^/]+)/issuetypes", self._site.issue_types),
            ("GET", "/issue/createmeta/([^/]+)/issuetypes/([^/]+)", self._site.create_fields),
            ("POST", "/issue", self._tickets.create),
            ("GET", issue, self._tickets.issue),
            ("PUT", issue, self._tickets.edit),
            ("PUT", f"{issue}/assignee", self._tickets.assign),
            ("GET", f"{issue}/transitions", self._tickets.transitions),
            ("POST", f"{issue}/transitions", self._tickets.transition),
            ("GET", f"{issue}/comment", self._hanging.comments),
            ("POST", f"{issue}/comment", self._hanging.comment),
            ("PUT", f"{issue}/comment/([^/]+)", self._hanging.edit_comment),
            ("POST", f"{issue}/attachments", self._files.attach),
            ("GET", f"{issue}/remotelink", self._hanging.remote_links),
            ("POST", f"{issue}/remotelink", self._hanging.put_remote_link),
            ("GET", f"{issue}/properties/([^/]+)", self._hanging.property),
            ("PUT", f"{issue}/properties/([^/]+)", self._hanging.set_property),
            ("GET", "/issueLinkType", self._hanging.link_types),
            ("POST", "/issueLink", self._hanging.link),
        )
        if self._cloud:
            yield ("POST", "/search/jql", self._searching.search)
            yield ("GET", "/search/jql", self._searching.search)
            yield ("GET", "/search", self._searching.gone)
            yield ("POST", "/search", self._searching.gone)
            yield ("GET", "/attachment/content/([^/]+)", self._files.download)
        else:
            yield ("GET", "/search", self._searching.old_search)
            yield ("POST", "/search", self._searching.old_search)

    def answer(self, request: Request) -> Answer:
        """Do what is asked for.

        Raises:
            Refused: Jira would not.
        """
        if request.path.startswith("/media/"):
            return self._files.media(request, request.path.rpartition("/")[2])
        self._check_credentials(request)
        if request.path.startswith("/secure/attachment/") and not self._cloud:
            return self._files.content(request.path.split("/")[3])
        versions = ("3", "2", "latest") if self._cloud else ("2", "latest")
        match = re.fullmatch(r"/rest/api/([^/]+)(/.*)", request.path)
        if match is None or match[1] not in versions:
            raise Refused(404, "null for uri: " + request.path)
        found = [(m, p, h) for m, p, h in self._routes if p.fullmatch(match[2])]
        for method, pattern, handler in found:
            if method == request.method:
                self._limits.check_burst(method, pattern.pattern)
                arguments = pattern.fullmatch(match[2])
                assert arguments is not None
                return handler(request, *arguments.groups())
        if found:
            raise Refused(405, "Method Not Allowed")
        raise Refused(404, "null for uri: " + request.path)

    def _check_credentials(self, request: Request) -> None:
        pair = base64.b64encode(f"{places.EMAIL}:{places.TOKEN}".encode()).decode()
        right = f"Basic {pair}" if self._cloud else f"Bearer {places.TOKEN}"
        if request.headers.get("authorization") != right:
            why = "Client must be authenticated to access this resource."
            raise Refused(401, why, headers={"WWW-Authenticate": 'Basic realm="Jira"'})
