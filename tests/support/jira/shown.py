"""How the stand-in shows its tickets and projects: the JSON of Jira's answers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from paramedic_workers.sinks.jira.settings import JiraKind
from tests.support.jira import places
from tests.support.jira.model import (
    RESOLUTIONS,
    Category,
    FieldSpec,
    FieldType,
    IssueType,
    Json,
    Project,
    StandInAttachment,
    StandInComment,
    StandInLink,
    StandInRemoteLink,
    StandInTicket,
    Transition,
)
from tests.support.jira.places import Person
from tests.support.jira.state import JiraState

#: Id, name and colour by key.
_CATEGORIES = {
    Category.NEW: (2, "To Do", "blue-gray"),
    Category.INDETERMINATE: (4, "In Progress", "yellow"),
    Category.DONE: (3, "Done", "green"),
}
#: `schema` by type: its type, and what its items are.
_SCHEMAS = {
    FieldType.STRING: ("string", None),
    FieldType.TEXT: ("string", None),
    FieldType.NUMBER: ("number", None),
    FieldType.OPTION: ("option", None),
    FieldType.OPTIONS: ("array", "option"),
    FieldType.LABELS: ("array", "string"),
    FieldType.USER: ("user", None),
    FieldType.PRIORITY: ("priority", None),
    FieldType.COMPONENTS: ("array", "component"),
    FieldType.RESOLUTION: ("resolution", None),
    FieldType.PROJECT: ("project", None),
    FieldType.ISSUE_TYPE: ("issuetype", None),
    FieldType.PARENT: ("issuelink", None),
    FieldType.EPIC_LINK: ("any", None),
    FieldType.READ_ONLY: ("any", None),
}
_CUSTOM = {
    FieldType.STRING: "com.atlassian.jira.plugin.system.customfieldtypes:textfield",
    FieldType.NUMBER: "com.atlassian.jira.plugin.system.customfieldtypes:float",
    FieldType.OPTION: "com.atlassian.jira.plugin.system.customfieldtypes:select",
    FieldType.EPIC_LINK: "com.pyxis.greenhopper.jira:gh-epic-link",
}


class Shows:
    """Writes answers for one Jira.

    Args:
        state: what there is.
        url: where it answers.
    """

    def __init__(self, state: JiraState, url: str) -> None:
        self._state = state
        self._url = url
        cloud = state.kind is JiraKind.CLOUD
        self._api = f"{url}/rest/api/{3 if cloud else 2}"
        self._cloud = cloud

    def time(self, seconds: float) -> str:
        """A point in time, as Jira writes it."""
        moment = datetime.fromtimestamp(seconds, UTC)
        if self._cloud:
            return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"
        return moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000")

    def person(self, person: Person) -> Json:
        """Somebody."""
        common = {"displayName": person.display_name, "active": True, "timeZone": "Etc/UTC"}
        if self._cloud:
            own = f"{self._api}/user?accountId={person.account_id}"
            identity = {"accountId": person.account_id, "accountType": "atlassian"}
        else:
            own = f"{self._api}/user?username={person.name}"
            identity = {"name": person.name, "key": f"JIRAUSER{person.account_id[-5:]}"}
        return {"self": own, **identity, **common}

    def issue_type(self, issue_type: IssueType) -> Json:
        """A type of tickets."""
        return {
            "self": f"{self._api}/issuetype/{issue_type.id}",
            "id": issue_type.id,
            "name": issue_type.name,
            "description": "",
            "subtask": issue_type.subtask,
            **({"hierarchyLevel": issue_type.level} if self._cloud else {}),
        }

    def project(self, project: Project, whole: bool = False) -> Json:
        """A project."""
        shown: Json = {
            "self": f"{self._api}/project/{project.id}",
            "id": project.id,
            "key": project.key,
            "name": project.name,
            "projectTypeKey": "software",
        }
        if whole:
            shown["issueTypes"] = [self.issue_type(one) for one in project.issue_types]
            shown["components"] = self.components(project, project.components)
        return shown

    def components(self, project: Project, names: Iterable[str]) -> list[Json]:
        """Components of a project."""
        numbers = {name: str(20_000 + at) for at, name in enumerate(project.components)}
        return [{"id": numbers.get(name, "20999"), "name": name} for name in names]

    def field(self, spec: FieldSpec) -> Json:
        """A field, as the list of all shows it."""
        return {
            "id": spec.id,
            "key": spec.id,
            "name": spec.name,
            "custom": spec.custom,
            "orderable": True,
            "navigable": True,
            "searchable": True,
            "clauseNames": [f"cf[{spec.id.rpartition('_')[2]}]" if spec.custom else spec.id],
            "schema": self._schema(spec),
        }

    def field_meta(self, spec: FieldSpec, project: Project) -> Json:
        """A field, as create metadata and the screens of transitions show it."""
        shown = {
            "required": spec.required,
            "schema": self._schema(spec),
            "name": spec.name,
            "key": spec.id,
            "hasDefaultValue": False,
            "operations": ["add", "set", "remove"] if _is_array(spec) else ["set"],
        }
        allowed = self._allowed(spec, project)
        if allowed is not None:
            shown["allowedValues"] = allowed
        return shown

    def status(self, ticket: StandInTicket) -> Json:
        """Where a ticket stands."""
        return self.status_named(self._state.projects[ticket.project], ticket.status)

    def status_named(self, project: Project, name: str) -> Json:
        """A status of a project's workflow."""
        status = project.workflow.status(name)
        number, shown, colour = _CATEGORIES[status.category]
        category = {
            "self": f"{self._api}/statuscategory/{number}",
            "id": number,
            "key": status.category.value,
            "name": shown,
            "colorName": colour,
        }
        own = {"self": f"{self._api}/status/{status.id}", "id": status.id, "name": status.name}
        return {**own, "description": "", "statusCategory": category}

    def transition(self, way: Transition, project: Project, with_fields: bool) -> Json:
        """A transition, with the fields of its screen where they are asked for."""
        shown: Json = {
            "id": way.id,
            "name": way.name,
            "to": self.status_named(project, way.to),
            "hasScreen": bool(way.fields),
            "isGlobal": not way.begins,
            "isInitial": False,
            "isAvailable": True,
            "isConditional": False,
        }
        if with_fields:
            fields = {spec.id: self.field_meta(spec, project) for spec in way.fields}
            shown["fields"] = fields
        return shown

    def comment(self, ticket: StandInTicket, comment: StandInComment, properties: bool) -> Json:
        """A comment."""
        shown: Json = {
            "self": f"{self._api}/issue/{ticket.id}/comment/{comment.id}",
            "id": comment.id,
            "author": self.person(places.HEALER),
            "body": comment.body,
            "created": self.time(comment.created),
            "updated": self.time(comment.created),
        }
        if properties:
            pairs = comment.properties.items()
            shown["properties"] = [{"key": key, "value": value} for key, value in pairs]
        return shown

    def attachment(self, attachment: StandInAttachment) -> Json:
        """A file, without its content."""
        path = (
            f"/rest/api/3/attachment/content/{attachment.id}"
            if self._cloud
            else f"/secure/attachment/{attachment.id}/{attachment.name}"
        )
        return {
            "self": f"{self._api}/attachment/{attachment.id}",
            "id": attachment.id,
            "filename": attachment.name,
            "author": self.person(places.HEALER),
            "created": self.time(attachment.created),
            "size": attachment.size,
            "mimeType": attachment.media_type,
            "content": self._url + path,
        }

    def remote_link(self, ticket: StandInTicket, link: StandInRemoteLink) -> Json:
        """A link to somewhere else."""
        return {
            "id": link.id,
            "self": f"{self._api}/issue/{ticket.key}/remotelink/{link.id}",
            "globalId": link.global_id,
            "object": link.object,
            **({"relationship": link.relationship} if link.relationship else {}),
        }

    def ticket(
        self, ticket: StandInTicket, fields: Iterable[str], properties: Iterable[str] = ()
    ) -> Json:
        """A ticket.

        Args:
            ticket: which.
            fields: what is asked for: names, `*all`, `*navigable`, `-name`.
            properties: names, or `*all`.
        """
        asked = set(fields)
        values = self._fields(ticket)
        everything = bool(asked & {"*all", "*navigable"})
        left_out = {name[1:] for name in asked if name.startswith("-")}
        everything = everything or (bool(asked) and all(n.startswith("-") for n in asked))
        shown: Json = {"id": ticket.id}
        if asked != {"id"}:
            shown |= {"self": f"{self._api}/issue/{ticket.id}", "key": ticket.key}
            chosen = {n: v for n, v in values.items() if everything or n in asked}
            shown["fields"] = {n: v for n, v in chosen.items() if n not in left_out}
        wanted = set(properties)
        if wanted:
            kept = ticket.properties.items()
            shown["properties"] = {k: v for k, v in kept if k in wanted or "*all" in wanted}
        return shown

    def _fields(self, ticket: StandInTicket) -> Json:
        project = self._state.projects[ticket.project]
        specs = {spec.id: spec for spec in project.fields}
        shown = {
            name: self._value(specs[name], project, ticket.fields.get(name))
            for name in specs
            if name not in ("project", "issuetype", "parent")
        }
        resolution = ticket.resolution
        return {
            **shown,
            "labels": ticket.labels,
            "components": shown.get("components") or [],
            "project": self.project(project),
            "issuetype": self.issue_type(self._state.issue_type(ticket)),
            "status": self.status(ticket),
            "resolution": _numbered(RESOLUTIONS, resolution) if resolution else None,
            "created": self.time(ticket.created),
            "updated": self.time(ticket.updated),
            "reporter": self.person(places.HEALER),
            "creator": self.person(places.HEALER),
            "comment": {
                "comments": [self.comment(ticket, one, False) for one in ticket.comments],
                "maxResults": len(ticket.comments),
                "total": len(ticket.comments),
                "startAt": 0,
            },
            "attachment": [self.attachment(one) for one in ticket.attachments],
            "issuelinks": [
                self._link(one) for one in ticket.links if one.other in self._state.by_id
            ],
            **self._parent(ticket),
        }

    def _value(self, spec: FieldSpec, project: Project, value: Any) -> Any:
        if value is None:
            return None
        if spec.type is FieldType.USER:
            return next(self.person(one) for one in places.PEOPLE if one.account_id == value)
        if spec.type is FieldType.PRIORITY:
            return _numbered(places.PRIORITIES, value)
        if spec.type is FieldType.COMPONENTS:
            return self.components(project, value)
        if spec.type is FieldType.EPIC_LINK:
            above = self._state.by_id.get(value)
            return above.key if above else None
        return value

    def _parent(self, ticket: StandInTicket) -> Json:
        above = self._state.by_id.get(str(ticket.parent))
        if above is None:
            return {}
        inner = {"summary": above.summary, "status": self.status(above)}
        inner["issuetype"] = self.issue_type(self._state.issue_type(above))
        own = f"{self._api}/issue/{above.id}"
        return {"parent": {"id": above.id, "key": above.key, "self": own, "fields": inner}}

    def _link(self, link: StandInLink) -> Json:
        other = self._state.by_id[link.other]
        identity, name, inward, outward = next(
            one for one in places.LINK_TYPES if one[1] == link.type
        )
        side = "inwardIssue" if link.inward else "outwardIssue"
        summary = {"summary": other.summary, "status": self.status(other)}
        return {
            "id": link.id,
            "self": f"{self._api}/issueLink/{link.id}",
            "type": {"id": identity, "name": name, "inward": inward, "outward": outward},
            side: {"id": other.id, "key": other.key, "fields": summary},
        }

    def _schema(self, spec: FieldSpec) -> Json:
        kind, items = _SCHEMAS[spec.type]
        shown: Json = {"type": kind}
        if items:
            shown["items"] = items
        if not spec.custom:
            return {**shown, "system": spec.id}
        custom = _CUSTOM.get(spec.type, _CUSTOM[FieldType.STRING])
        if spec.id == places.EPIC_NAME:
            custom = "com.pyxis.greenhopper.jira:gh-epic-label"
        return {**shown, "custom": custom, "customId": int(spec.id.rpartition("_")[2])}

    def _allowed(self, spec: FieldSpec, project: Project) -> list[Json] | None:
        if spec.type is FieldType.PRIORITY:
            return [_numbered(places.PRIORITIES, name) for name in spec.allowed]
        if spec.type is FieldType.RESOLUTION:
            return [_numbered(RESOLUTIONS, name) for name in spec.allowed or RESOLUTIONS]
        if spec.type is FieldType.COMPONENTS:
            return self.components(project, project.components)
        if spec.type in (FieldType.OPTION, FieldType.OPTIONS):
            return [{"id": str(30_000 + at), "value": v} for at, v in enumerate(spec.allowed)]
        if spec.type is FieldType.PROJECT:
            return [self.project(project)]
        return None


def _is_array(spec: FieldSpec) -> bool:
    return _SCHEMAS[spec.type][0] == "array"


def _numbered(names: tuple[str, ...], name: str) -> Json:
    return {"id": str(names.index(name) + 1), "name": name}
