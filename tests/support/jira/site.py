"""The endpoints that tell who asks, and what there is: projects, types, fields."""

from __future__ import annotations

import re

from tests.support.jira import places
from tests.support.jira.answers import Answer, Refused
from tests.support.jira.area import Area
from tests.support.jira.model import (
    FieldSpec,
    Json,
    Project,
)
from tests.support.jira.request import Request


class Site(Area):
    """Who asks, and what there is."""

    def myself(self, _request: Request) -> Answer:
        address = {"emailAddress": places.EMAIL}
        return Answer(200, {**self._shows.person(places.HEALER), **address})

    def server_info(self, _request: Request) -> Answer:
        version = "1001.0.0-SNAPSHOT" if self._cloud else "9.12.5"
        numbers = [int(n) for n in re.findall(r"\d+", version)][:3]
        about: Json = {"baseUrl": self._url, "version": version, "versionNumbers": numbers}
        kind = "Cloud" if self._cloud else "Server"
        about |= {"deploymentType": kind, "buildNumber": 100_200, "serverTitle": "Jira"}
        return Answer(200, {**about, "serverTime": self._shows.time(self._state.clock())})

    def all_fields(self, _request: Request) -> Answer:
        known: dict[str, FieldSpec] = {}
        for project in self._state.projects.values():
            known |= {spec.id: spec for spec in project.fields}
        return Answer(200, [self._shows.field(spec) for spec in known.values()])

    def priorities(self, _request: Request) -> Answer:
        listed = enumerate(places.PRIORITIES, start=1)
        return Answer(200, [{"id": str(number), "name": name} for number, name in listed])

    def permissions(self, request: Request) -> Answer:
        if self._cloud and not request.words("permissions"):
            raise Refused(400, "The 'permissions' query parameter is required.")
        shown = {
            name: {"id": name, "key": name, "name": name, "havePermission": True}
            for name in request.words("permissions")
        }
        return Answer(200, {"permissions": shown})

    def assignable(self, _request: Request) -> Answer:
        return Answer(200, [self._shows.person(p) for p in places.PEOPLE if p.assignable])

    def project(self, _request: Request, name: str) -> Answer:
        return Answer(200, self._shows.project(self._demand_project(name), whole=True))

    def components(self, _request: Request, name: str) -> Answer:
        project = self._demand_project(name)
        return Answer(200, self._shows.components(project, project.components))

    def statuses(self, _request: Request, name: str) -> Answer:
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

    def issue_types(self, request: Request, name: str) -> Answer:
        project = self._demand_project(name)
        shown = [self._shows.issue_type(one) for one in project.issue_types]
        return self._page(request, shown, "issueTypes")

    def create_fields(self, request: Request, name: str, type_id: str) -> Answer:
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
