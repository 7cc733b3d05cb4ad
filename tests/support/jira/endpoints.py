"""What the stand-in answers to each request: the endpoints of Jira that Paramedic may use."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from paramedic_workers.sinks.jira.settings import JiraKind
from tests.support.jira import places
from tests.support.jira.answers import Answer, Refused, missing
from tests.support.jira.fields import Screen, taken_text
from tests.support.jira.limits import Limits
from tests.support.jira.model import (
    FieldSpec,
    Json,
    Project,
    StandInAttachment,
    StandInComment,
    StandInRemoteLink,
    StandInTicket,
    Transition,
)
from tests.support.jira.multipart import parts_of
from tests.support.jira.shown import Shows
from tests.support.jira.state import JiraState

GREATEST_PROPERTY = 32_768
GREATEST_ATTACHMENT = 10 * 1024 * 1024
#: Issues that a search may be asked to know as they are.
GREATEST_RECONCILED = 50
#: Tickets on one page of a search that shows more than ids.
GREATEST_PAGE = 100


@dataclass(frozen=True)
class Request:
    """What came."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    def words(self, name: str) -> list[str]:
        """A list in the query, with commas or as several values."""
        return [word for value in self.query.get(name, []) for word in value.split(",") if word]

    def number(self, name: str, default: int) -> int:
        """A number in the query."""
        return int(self.query.get(name, [str(default)])[0])

    def json(self) -> Any:
        """The body.

        Raises:
            Refused: 415 or 400, it is no JSON.
        """
        if not self.headers.get("content-type", "").startswith("application/json"):
            raise Refused(415, "Unsupported Media Type")
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Refused(400, "There was an error parsing JSON.") from error

    def members(self) -> Json:
        """The body, which must be an object.

        Raises:
            Refused: 415 or 400, it is none.
        """
        body = self.json()
        if not isinstance(body, dict):
            raise Refused(400, "Invalid request payload. Refer to the REST API documentation.")
        return body


Handler = Callable[..., Answer]


class Endpoints:
    """Answers requests; the caller holds the lock of the state."""

    def __init__(self, state: JiraState, limits: Limits, url: str) -> None:
        self._state = state
        self._limits = limits
        self._url = url
        self._shows = Shows(state, url)
        self._cloud = state.kind is JiraKind.CLOUD
        self.attachment_limit = GREATEST_ATTACHMENT
        self._routes = [
            (method, re.compile(pattern), handler) for method, pattern, handler in self._table()
        ]

    def _table(self) -> Iterable[tuple[str, str, Handler]]:
        issue = "/issue/([^/]+)"
        yield from (
            ("GET", "/myself", self._myself),
            ("GET", "/serverInfo", self._server_info),
            ("GET", "/field", self._all_fields),
            ("GET", "/priority", self._priorities),
            ("GET", "/mypermissions", self._permissions),
            ("GET", "/user/assignable/search", self._assignable),
            ("GET", "/project/([^/]+)", self._project),
            ("GET", "/project/([^/]+)/components", self._components),
            ("GET", "/project/([^/]+)/statuses", self._statuses),
            ("GET", "/issue/createmeta/([^/]+)/issuetypes", self._issue_types),
            ("GET", "/issue/createmeta/([^/]+)/issuetypes/([^/]+)", self._create_fields),
            ("POST", "/issue", self._create),
            ("GET", issue, self._issue),
            ("PUT", issue, self._edit),
            ("PUT", f"{issue}/assignee", self._assign),
            ("GET", f"{issue}/transitions", self._transitions),
            ("POST", f"{issue}/transitions", self._transition),
            ("GET", f"{issue}/comment", self._comments),
            ("POST", f"{issue}/comment", self._comment),
            ("PUT", f"{issue}/comment/([^/]+)", self._edit_comment),
            ("POST", f"{issue}/attachments", self._attach),
            ("GET", f"{issue}/remotelink", self._remote_links),
            ("POST", f"{issue}/remotelink", self._put_remote_link),
            ("GET", f"{issue}/properties/([^/]+)", self._property),
            ("PUT", f"{issue}/properties/([^/]+)", self._set_property),
            ("GET", "/issueLinkType", self._link_types),
            ("POST", "/issueLink", self._link),
        )
        if self._cloud:
            yield ("POST", "/search/jql", self._search)
            yield ("GET", "/search/jql", self._search)
            yield ("GET", "/search", self._gone)
            yield ("POST", "/search", self._gone)
            yield ("GET", "/attachment/content/([^/]+)", self._download)
        else:
            yield ("GET", "/search", self._old_search)
            yield ("POST", "/search", self._old_search)

    def answer(self, request: Request) -> Answer:
        """Do what is asked for.

        Raises:
            Refused: Jira would not.
        """
        if request.path.startswith("/media/"):
            return self._media(request, request.path.rpartition("/")[2])
        self._check_credentials(request)
        if request.path.startswith("/secure/attachment/") and not self._cloud:
            return self._content(request.path.split("/")[3])
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

    # Who and what there is

    def _myself(self, _request: Request) -> Answer:
        address = {"emailAddress": places.EMAIL}
        return Answer(200, {**self._shows.person(places.HEALER), **address})

    def _server_info(self, _request: Request) -> Answer:
        version = "1001.0.0-SNAPSHOT" if self._cloud else "9.12.5"
        numbers = [int(n) for n in re.findall(r"\d+", version)][:3]
        about: Json = {"baseUrl": self._url, "version": version, "versionNumbers": numbers}
        kind = "Cloud" if self._cloud else "Server"
        about |= {"deploymentType": kind, "buildNumber": 100_200, "serverTitle": "Jira"}
        return Answer(200, {**about, "serverTime": self._shows.time(self._state.clock())})

    def _all_fields(self, _request: Request) -> Answer:
        known: dict[str, FieldSpec] = {}
        for project in self._state.projects.values():
            known |= {spec.id: spec for spec in project.fields}
        return Answer(200, [self._shows.field(spec) for spec in known.values()])

    def _priorities(self, _request: Request) -> Answer:
        listed = enumerate(places.PRIORITIES, start=1)
        return Answer(200, [{"id": str(number), "name": name} for number, name in listed])

    def _permissions(self, request: Request) -> Answer:
        if self._cloud and not request.words("permissions"):
            raise Refused(400, "The 'permissions' query parameter is required.")
        shown = {
            name: {"id": name, "key": name, "name": name, "havePermission": True}
            for name in request.words("permissions")
        }
        return Answer(200, {"permissions": shown})

    def _assignable(self, _request: Request) -> Answer:
        return Answer(200, [self._shows.person(p) for p in places.PEOPLE if p.assignable])

    def _project(self, _request: Request, name: str) -> Answer:
        return Answer(200, self._shows.project(self._demand_project(name), whole=True))

    def _components(self, _request: Request, name: str) -> Answer:
        project = self._demand_project(name)
        return Answer(200, self._shows.components(project, project.components))

    def _statuses(self, _request: Request, name: str) -> Answer:
        project = self._demand_project(name)
        names = [status.name for status in project.workflow.statuses]
        statuses = [self._shows.status_named(project, one) for one in names]
        shown = [self._shows.issue_type(one) for one in project.issue_types]
        known = ("self", "id", "name", "subtask")
        kept = [{name: one[name] for name in known} for one in shown]
        return Answer(200, [{**one, "statuses": statuses} for one in kept])

    def _demand_project(self, name: str) -> Project:
        project = self._state.project(name)
        if project is None:
            raise Refused(404, f"No project could be found with key '{name}'.")
        return project

    def _issue_types(self, request: Request, name: str) -> Answer:
        project = self._demand_project(name)
        shown = [self._shows.issue_type(one) for one in project.issue_types]
        return self._page(request, shown, "issueTypes")

    def _create_fields(self, request: Request, name: str, type_id: str) -> Answer:
        project = self._demand_project(name)
        if type_id not in {one.id for one in project.issue_types}:
            raise Refused(404, f"Issue type '{type_id}' does not exist in project '{name}'.")
        fields = project.fields
        shown = [{**self._shows.field_meta(s, project), "fieldId": s.id} for s in fields]
        return self._page(request, shown, "fields")

    def _page(self, request: Request, shown: list[Json], member: str) -> Answer:
        start, most = request.number("startAt", 0), min(request.number("maxResults", 50), 200)
        page: Json = {"startAt": start, "maxResults": most, "total": len(shown)}
        values = shown[start : start + most]
        if self._cloud:
            return Answer(200, {**page, member: values})
        return Answer(200, {**page, "isLast": start + most >= len(shown), "values": values})

    # Tickets

    def _create(self, request: Request) -> Answer:
        body = request.members()
        values = dict(body.get("fields") or {})
        project = self._project_of(values)
        issue_type = self._type_of(project, values)
        screen = Screen(self._state.kind, project, project.fields, self._state.find)
        for name, operations in (body.get("update") or {}).items():
            values[name] = screen.changed(name, values.get(name), operations)
        screen.demand_required(values)
        taken = screen.taken(values)
        if not self._cloud and issue_type.level == 1 and not taken.get(places.EPIC_NAME):
            raise Refused(400, errors={places.EPIC_NAME: "Epic Name is required."})
        self._check_parent(taken, issue_type.level)
        properties = _properties(body.get("properties"))
        kept = {name: v for name, v in taken.items() if name not in ("project", "issuetype")}
        ticket = self._state.create(project, issue_type, kept)
        ticket.properties = properties
        self._changed(ticket)
        own = f"{self._url}/rest/api/{'3' if self._cloud else '2'}/issue/{ticket.id}"
        return Answer(201, {"id": ticket.id, "key": ticket.key, "self": own})

    def _project_of(self, values: Json) -> Project:
        given = values.get("project")
        name = (given.get("key") or given.get("id")) if isinstance(given, Mapping) else None
        project = self._state.project(str(name)) if name else None
        if project is None:
            raise Refused(400, errors={"project": "valid project is required"})
        return project

    def _type_of(self, project: Project, values: Json) -> Any:
        given = values.get("issuetype")
        wanted = given if isinstance(given, Mapping) else {}
        for one in project.issue_types:
            if wanted.get("id") == one.id or (
                "id" not in wanted and wanted.get("name") == one.name
            ):
                return one
        raise Refused(400, errors={"issuetype": "Specify a valid issue type"})

    def _check_parent(self, taken: Json, level: int) -> None:
        for name in ("parent", places.EPIC_LINK):
            above = self._state.by_id.get(str(taken.get(name)))
            if above is not None and self._state.issue_type(above).level != level + 1:
                raise Refused(
                    400, errors={name: "Given parent issue does not belong to hierarchy."}
                )

    def _issue(self, request: Request, name: str) -> Answer:
        ticket = self._state.ticket(name)
        fields = request.words("fields") or ["*all"]
        return Answer(200, self._shows.ticket(ticket, fields, request.words("properties")))

    def _edit(self, request: Request, name: str) -> Answer:
        ticket, body = self._to_write(name), request.members()
        screen = self._edit_screen(ticket)
        values, updates = dict(body.get("fields") or {}), dict(body.get("update") or {})
        if twice := set(values) & set(updates):
            why = "Field must be in 'fields' or in 'update', not in both."
            raise Refused(400, errors=dict.fromkeys(twice, why))
        for field, operations in updates.items():
            values[field] = screen.changed(field, self._raw(ticket, field), operations)
        taken = screen.taken(values)
        screen.demand_required({**ticket.fields, "project": 1, "issuetype": 1, **taken})
        self._check_parent(taken, self._state.issue_type(ticket).level)
        ticket.properties |= _properties(body.get("properties"))
        ticket.fields |= taken
        self._changed(ticket)
        return Answer(204)

    def _raw(self, ticket: StandInTicket, field: str) -> Any:
        value = ticket.fields.get(field)
        if field == "components":
            return [{"name": name} for name in value or []]
        return value

    def _edit_screen(self, ticket: StandInTicket) -> Screen:
        project = self._state.projects[ticket.project]
        fixed = ("project", "issuetype")
        fields = [spec for spec in project.fields if spec.id not in fixed]
        return Screen(self._state.kind, project, fields, self._state.find)

    def _assign(self, request: Request, name: str) -> Answer:
        ticket = self._to_write(name)
        ticket.fields |= self._edit_screen(ticket).taken({"assignee": request.json()})
        self._changed(ticket)
        return Answer(204)

    def _to_write(self, name: str) -> StandInTicket:
        ticket = self._state.ticket(name)
        self._limits.check_write(ticket.id)
        return ticket

    def _changed(self, ticket: StandInTicket) -> None:
        ticket.writes += 1
        self._state.note(ticket)

    # Their life

    def _transitions(self, request: Request, name: str) -> Answer:
        ticket = self._state.ticket(name)
        project = self._state.projects[ticket.project]
        with_fields = "transitions.fields" in request.words("expand")
        ways = project.workflow.ways(ticket.status)
        shown = [self._shows.transition(way, project, with_fields) for way in ways]
        return Answer(200, {"expand": "transitions", "transitions": shown})

    def _transition(self, request: Request, name: str) -> Answer:
        ticket, body = self._to_write(name), request.members()
        given = body.get("transition")
        way = self._way(ticket, given.get("id") if isinstance(given, Mapping) else None)
        project = self._state.projects[ticket.project]
        screen = Screen(self._state.kind, project, way.fields, self._state.find)
        values = dict(body.get("fields") or {})
        screen.demand_required(values)
        taken = screen.taken(values)
        resolution = taken.pop("resolution", None) or way.resolution
        done = project.workflow.status(way.to).category.value == "done"
        ticket.fields |= taken
        ticket.writes += 1
        self._state.stand(ticket, way.to, resolution or None if done else None)
        return Answer(204)

    def _way(self, ticket: StandInTicket, identity: Any) -> Transition:
        workflow = self._state.projects[ticket.project].workflow
        for way in workflow.ways(ticket.status):
            if way.id == identity:
                return way
        if any(way.id == identity for way in workflow.transitions):
            raise Refused(
                400,
                "It seems that you have tried to perform a workflow operation that is not valid "
                f"for the current state of this issue ({ticket.key}).",
            )
        raise Refused(400, f"Transition id '{identity}' is not valid for this issue.")

    # What hangs on them

    def _comments(self, request: Request, name: str) -> Answer:
        ticket = self._state.ticket(name)
        start, most = request.number("startAt", 0), min(request.number("maxResults", 50), 100)
        properties = "properties" in request.words("expand")
        ordered = list(ticket.comments)
        if request.words("orderBy") == ["-created"]:
            ordered.reverse()
        chosen = ordered[start : start + most]
        shown = [self._shows.comment(ticket, one, properties) for one in chosen]
        page = {"startAt": start, "maxResults": most, "total": len(ordered)}
        return Answer(200, {**page, "comments": shown})

    def _comment(self, request: Request, name: str) -> Answer:
        ticket, body = self._to_write(name), request.members()
        text = self._text(body)
        comment = StandInComment(
            id=self._state.next_id(),
            body=text,
            created=self._state.clock(),
            properties=_properties(body.get("properties")),
        )
        ticket.comments.append(comment)
        self._changed(ticket)
        return Answer(201, self._shows.comment(ticket, comment, False))

    def _edit_comment(self, request: Request, name: str, identity: str) -> Answer:
        ticket = self._to_write(name)
        for comment in ticket.comments:
            if comment.id == identity:
                comment.body = self._text(request.members())
                self._changed(ticket)
                return Answer(200, self._shows.comment(ticket, comment, False))
        raise Refused(404, f"Can not find a comment for the id: {identity}.")

    def _text(self, body: Json) -> Any:
        if not body.get("body"):
            raise Refused(400, errors={"comment": "Comment body can not be empty!"})
        return taken_text(self._state.kind, body["body"])

    def _attach(self, request: Request, name: str) -> Answer:
        ticket = self._to_write(name)
        if request.headers.get("x-atlassian-token") != "no-check":
            raise Refused(403, "XSRF check failed")
        parts = parts_of(request.headers.get("content-type", ""), request.body)
        if any(part.field != "file" or not part.filename for part in parts) or not parts:
            raise Refused(400, "No attachment was found in the part 'file'.")
        if any(not part.media_type for part in parts):
            raise Refused(400, "The stand-in wants a Content-Type for each part.")
        if any(len(part.content) > self.attachment_limit for part in parts):
            raise Refused(413, "The attachment is too large.")
        added = []
        for part in parts:
            identity, size, now = self._state.next_id(), len(part.content), self._state.clock()
            added.append(StandInAttachment(identity, part.filename, part.media_type, size, now))
            self._state.keep(identity, part.content)
        ticket.attachments.extend(added)
        self._changed(ticket)
        return Answer(200, [self._shows.attachment(one) for one in added])

    def _download(self, request: Request, identity: str) -> Answer:
        if request.query.get("redirect") == ["false"]:
            return self._content(identity)
        if identity not in self._state.contents:
            raise Refused(404, f"The attachment with id '{identity}' does not exist.")
        # As Cloud does it: the file lies at another host, by an address that is its own key.
        elsewhere = self._url.replace("127.0.0.1", "localhost")
        return Answer(303, None, {"Location": f"{elsewhere}/media/{identity}"})

    def _media(self, request: Request, identity: str) -> Answer:
        if "authorization" in request.headers:
            raise Refused(400, "Credentials of Jira do not belong here.")
        return self._content(identity)

    def _content(self, identity: str) -> Answer:
        if identity not in self._state.contents:
            raise Refused(404, f"The attachment with id '{identity}' does not exist.")
        return Answer(200, self._state.contents[identity])

    def _remote_links(self, request: Request, name: str) -> Answer:
        ticket = self._state.ticket(name)
        wanted = request.query.get("globalId")
        if not wanted:
            links = ticket.remote_links
            return Answer(200, [self._shows.remote_link(ticket, link) for link in links])
        for link in ticket.remote_links:
            if link.global_id == wanted[0]:
                return Answer(200, self._shows.remote_link(ticket, link))
        raise Refused(404, f"No remote link with global id '{wanted[0]}'.")

    def _put_remote_link(self, request: Request, name: str) -> Answer:
        ticket, body = self._to_write(name), request.members()
        target = body.get("object")
        if not isinstance(target, Mapping) or not target.get("url") or not target.get("title"):
            raise Refused(400, errors={"title": "'title' and 'url' are required."})
        global_id = str(body.get("globalId") or "")
        if len(global_id) > 255 or len(str(target["title"])) > 255:
            raise Refused(400, errors={"globalId": "'globalId' and 'title': at most 255."})
        known = {link.global_id: link for link in ticket.remote_links if link.global_id}
        link = known.get(global_id)
        status = 200 if link else 201
        if link is None:
            identity = int(self._state.next_id())
            link = StandInRemoteLink(identity, global_id, {})
            ticket.remote_links.append(link)
        link.object = dict(target)
        link.relationship = str(body.get("relationship") or "")
        self._changed(ticket)
        shown = self._shows.remote_link(ticket, link)
        return Answer(status, {"id": shown["id"], "self": shown["self"]})

    def _property(self, _request: Request, name: str, key: str) -> Answer:
        ticket = self._state.ticket(name)
        if key not in ticket.properties:
            raise Refused(404, f"The property with key: {key} does not exist.")
        return Answer(200, {"key": key, "value": ticket.properties[key]})

    def _set_property(self, request: Request, name: str, key: str) -> Answer:
        ticket = self._to_write(name)
        value = _properties([{"key": key, "value": request.json()}])
        status = 200 if key in ticket.properties else 201
        ticket.properties |= value
        self._changed(ticket)
        return Answer(status)

    def _link_types(self, _request: Request) -> Answer:
        names = ("id", "name", "inward", "outward")
        types = [dict(zip(names, one, strict=True)) for one in places.LINK_TYPES]
        return Answer(200, {"issueLinkTypes": types})

    def _link(self, request: Request) -> Answer:
        body = request.members()
        given = body.get("type") or {}
        for identity, name, *_ in places.LINK_TYPES:
            if given.get("name") == name or given.get("id") == identity:
                ends = [self._end(body.get(side)) for side in ("inwardIssue", "outwardIssue")]
                for ticket in ends:
                    self._limits.check_write(ticket.id)
                self._state.link(name, *ends)
                for ticket in ends:
                    self._changed(ticket)
                return Answer(201)
        raise Refused(404, f"No issue link type with name '{given.get('name')}' found.")

    def _end(self, given: Any) -> StandInTicket:
        name = (given.get("key") or given.get("id")) if isinstance(given, Mapping) else None
        if not name:
            raise missing()
        return self._state.ticket(str(name))

    # Searching

    def _search(self, request: Request) -> Answer:
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

    def _old_search(self, request: Request) -> Answer:
        asked = self._asked(request)
        found = self._state.search(asked.get("jql") or "")
        start, most = int(asked.get("startAt") or 0), int(asked.get("maxResults") or 50)
        shown = self._found(
            found[start : start + most], asked, asked.get("fields") or ["*navigable"]
        )
        page = {"startAt": start, "maxResults": most, "total": len(found)}
        return Answer(200, {**page, "issues": shown})

    def _gone(self, _request: Request) -> Answer:
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


def _properties(given: Any) -> Json:
    properties: Json = {}
    for one in given or []:
        if not isinstance(one, Mapping) or not one.get("key") or "value" not in one:
            raise Refused(400, "A property needs a key and a value.")
        if len(str(one["key"])) > 255:
            raise Refused(400, "The property key length must not exceed 255 characters.")
        if len(json.dumps(one["value"])) > GREATEST_PROPERTY:
            raise Refused(400, f"The property value exceeds {GREATEST_PROPERTY} characters.")
        properties[str(one["key"])] = one["value"]
    return properties
