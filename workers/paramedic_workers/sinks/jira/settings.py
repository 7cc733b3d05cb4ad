"""`[sinks.jira]`: where tickets go, and how they look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from paramedic_workers.errors import Verdict

if TYPE_CHECKING:
    from paramedic_workers.settings import Settings
    from paramedic_workers.settings_rules import Problem

#: The environment variable with the token.
TOKEN_VARIABLE = "PARAMEDIC_JIRA_TOKEN"
#: Hosts of Jira Cloud, as they end.
_CLOUD_HOSTS = (".atlassian.net", ".jira.com", "api.atlassian.com")


class JiraKind(StrEnum):
    """Which Jira it is: they differ in paths, texts and names of people."""

    #: API v3, basic auth, Atlassian Document Format.
    CLOUD = "cloud"
    #: API v2, bearer token, wiki text.
    DATA_CENTER = "data_center"


class JiraPlace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sinks.jira.targets.NAME]`: what is otherwise for the tickets of one target."""

    #: Key of the project; empty: as for all.
    project: str = ""
    #: Name of the type of its tickets; empty: as for all.
    issue_type: str = ""
    #: Components, in place of those for all.
    components: tuple[str, ...] = ()
    #: Labels besides those for all.
    labels: tuple[str, ...] = ()
    #: Account id (Cloud) or user name (Data Center); empty: as for all.
    assignee: str = ""
    #: Further fields by id, over those for all.
    fields: Mapping[str, Any] = msgspec.field(default_factory=dict)


class JiraSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sinks.jira]`: one ticket per incident."""

    enabled: bool = True
    #: `https://NAME.atlassian.net`, or where your Data Center answers.
    url: str = ""
    #: `cloud` or `data_center`; left out: `cloud` where the URL is one of Atlassian's.
    kind: JiraKind | None = None
    #: Cloud: the e-mail address that the token belongs to.
    email: str = ""
    #: File with the token, its only line. `PARAMEDIC_JIRA_TOKEN` comes before it.
    token_file: str = ""
    #: Key of the project.
    project: str = ""
    #: Name of the type of tickets.
    issue_type: str = "Bug"
    #: Name of the type of the epic that systemic failures get.
    epic_type: str = "Epic"
    #: Send nothing: write what would be sent to the incident's folder and its page.
    dry_run: bool = False
    #: Verdicts that open a ticket; the others only change one that exists.
    verdicts: tuple[Verdict, ...] = (
        Verdict.HEALED,
        Verdict.PROPOSED,
        Verdict.UNHEALED,
        Verdict.FLAKY,
        Verdict.ENVIRONMENT,
        Verdict.FAILED,
    )
    #: Name of the priority by verdict; a verdict that is not here gets the project's default.
    priorities: Mapping[Verdict, str] = msgspec.field(default_factory=dict)
    #: Names of components that every ticket gets.
    components: tuple[str, ...] = ()
    #: Labels besides `paramedic` and `paramedic-<fingerprint>`.
    labels: tuple[str, ...] = ()
    #: Account id (Cloud) or user name (Data Center) of whoever gets what has no owner.
    assignee: str = ""
    #: The same by owner, as CODEOWNERS names them: `"@cart-team" = "5b10a2844c20165700ede21g"`.
    assignees: Mapping[str, str] = msgspec.field(default_factory=dict)
    #: Further fields by id, as Jira takes them: `customfield_10042 = {value = "CI"}`.
    fields: Mapping[str, Any] = msgspec.field(default_factory=dict)
    #: What is otherwise for single targets.
    targets: Mapping[str, JiraPlace] = msgspec.field(default_factory=dict)
    #: Folder with Jinja2 templates that take the place of those that come with Paramedic.
    templates: str = ""
    #: Where the reports can be read: `https://ci.example/reports/{incident}/report.html`.
    report_url: str = ""
    #: Resolutions with which a ticket is never opened again.
    final_resolutions: tuple[str, ...] = (
        "Won't Do",
        "Won't Fix",
        "Declined",
        "Duplicate",
        "Cannot Reproduce",
    )
    #: Seconds between two updates of one ticket that only tell of repeats.
    repeat_seconds: float = 600.0
    #: Seconds for which Jira's search may not know a ticket that was just made.
    search_lag: float = 150.0
    #: Seconds that one request may take.
    timeout: float = 20.0

    def problems(self, settings: Settings) -> Iterator[Problem]:
        """What is wrong in the table; see `rules`."""
        from paramedic_workers.sinks.jira.rules import jira_problems  # it builds on this module

        return jira_problems(self, settings)

    def resolved_kind(self) -> JiraKind:
        """Which Jira it is: as it is set, else by the host of the URL."""
        if self.kind is not None:
            return self.kind
        try:
            host = urlsplit(self.url).hostname or ""
        except ValueError:  # no URL: the rules say so
            host = ""
        return JiraKind.CLOUD if host.endswith(_CLOUD_HOSTS) else JiraKind.DATA_CENTER

    def place(self, target: str) -> JiraPlace:
        """What goes for the tickets of this target, the settings for all filled in."""
        own = self.targets.get(target, JiraPlace())
        return JiraPlace(
            project=own.project or self.project,
            issue_type=own.issue_type or self.issue_type,
            components=own.components or self.components,
            labels=(*self.labels, *own.labels),
            assignee=own.assignee or self.assignee,
            fields={**self.fields, **own.fields},
        )
