"""What a Jira is, and what can be done in it: `paramedic jira check` asks most of this."""

from __future__ import annotations

from collections.abc import Sequence

from paramedic_workers.sinks.jira.answers import (
    CreateField,
    Field,
    FieldPage,
    IssueType,
    LinkType,
    LinkTypes,
    Permissions,
    Project,
    ServerInfo,
    TypePage,
    TypeStatuses,
    User,
)
from paramedic_workers.sinks.jira.asking import Asking
from paramedic_workers.sinks.jira.dialects import comma, segment
from paramedic_workers.sinks.jira.settings import JiraKind


class Site(Asking):
    """What this Jira is; every method can raise what `Session.ask` lists."""

    def myself(self) -> User:
        """The account whose token we have."""
        return self._get("/myself", "ask who we are", User)

    def server(self) -> ServerInfo:
        """What this Jira says of itself."""
        return self._get("/serverInfo", "ask what Jira this is", ServerInfo)

    def project(self, key: str) -> Project | None:
        """The project, or None where there is none that the account may see."""
        return self._found(lambda: self._get(f"/project/{segment(key)}", f"see {key}", Project))

    def permissions(self, project: str, names: Sequence[str]) -> dict[str, bool]:
        """Which of these permissions the account has in the project, as in `CREATE_ISSUES`."""
        query = {"projectKey": project, "permissions": comma(names)}
        act = f"see what we may do in {project}"
        answer = self._get("/mypermissions", act, Permissions, query)
        return {name: one.have_permission for name, one in answer.permissions.items()}

    def may_be_assigned(self, project: str, account: str) -> bool:
        """Whether tickets of the project can be given to this person."""
        who = "accountId" if self.kind is JiraKind.CLOUD else "username"
        query = {"project": project, who: account}
        act = f"see who can have tickets of {project}"
        found = self._get("/user/assignable/search", act, tuple[User, ...], query)
        return any(one.account == account for one in found)

    def issue_types(self, project: str) -> tuple[IssueType, ...]:
        """The types of tickets that can be made in the project."""
        path = f"/issue/createmeta/{segment(project)}/issuetypes"
        return self._listed(path, f"see the types of {project}", TypePage, lambda page: page.items)

    def create_fields(self, project: str, issue_type_id: str) -> tuple[CreateField, ...]:
        """The fields that a new ticket of this type can have in the project."""
        path = f"/issue/createmeta/{segment(project)}/issuetypes/{segment(issue_type_id)}"
        act = f"see the fields of {project}"
        return self._listed(path, act, FieldPage, lambda page: page.items)

    def statuses(self, project: str) -> tuple[TypeStatuses, ...]:
        """The statuses that tickets can have in the project, by type."""
        path = f"/project/{segment(project)}/statuses"
        return self._get(path, f"see the statuses of {project}", tuple[TypeStatuses, ...])

    def fields(self) -> tuple[Field, ...]:
        """All fields of this Jira."""
        return self._get("/field", "see the fields", tuple[Field, ...])

    def link_types(self) -> tuple[LinkType, ...]:
        """The ways in which two tickets can be linked."""
        answer = self._get("/issueLinkType", "see the types of links", LinkTypes)
        return tuple(answer.issue_link_types)
