"""The endpoints that make tickets, change them, and move them on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.jira import places
from tests.support.jira.answers import Answer, Refused
from tests.support.jira.area import Area, taken_properties
from tests.support.jira.fields import Screen
from tests.support.jira.model import (
    Json,
    Project,
    StandInTicket,
    Transition,
)
from tests.support.jira.request import Request


class Ticketing(Area):
    """Tickets and their life."""

    def create(self, request: Request) -> Answer:
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
        properties = taken_properties(body.get("properties"))
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

    def issue(self, request: Request, name: str) -> Answer:
        ticket = self._state.ticket(name)
        fields = request.words("fields") or ["*all"]
        return Answer(200, self._shows.ticket(ticket, fields, request.words("properties")))

    def edit(self, request: Request, name: str) -> Answer:
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
        ticket.properties |= taken_properties(body.get("properties"))
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

    def assign(self, request: Request, name: str) -> Answer:
        ticket = self._to_write(name)
        ticket.fields |= self._edit_screen(ticket).taken({"assignee": request.json()})
        self._changed(ticket)
        return Answer(204)

    def transitions(self, request: Request, name: str) -> Answer:
        ticket = self._state.ticket(name)
        project = self._state.projects[ticket.project]
        with_fields = "transitions.fields" in request.words("expand")
        ways = project.workflow.ways(ticket.status)
        shown = [self._shows.transition(way, project, with_fields) for way in ways]
        return Answer(200, {"expand": "transitions", "transitions": shown})

    def transition(self, request: Request, name: str) -> Answer:
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
