"""Compares the settings with the Jira that they name; reads, and changes nothing.

1. Who we are, and which Jira it is.
2. For each project that gets tickets: whether it is visible, what we may do there, whether its
   types and statuses are those that are needed.
3. For each target: whether the project takes every field that its tickets would have.
4. In the ledger: whether the sink rests, what waits for it, and what went wrong of late.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

import msgspec
import redis

from paramedic.text import counted
from paramedic_workers import keys
from paramedic_workers.errors import SettingsError
from paramedic_workers.incidents import Ledger, moment
from paramedic_workers.settings import Settings
from paramedic_workers.sinks.jira.answers import IssueType, StatusCategory
from paramedic_workers.sinks.jira.check_fields import epic_findings, field_findings
from paramedic_workers.sinks.jira.client import JiraClient
from paramedic_workers.sinks.jira.epic_fields import EpicFields
from paramedic_workers.sinks.jira.linking import duplicate_type
from paramedic_workers.sinks.jira.refusals import JiraRefused
from paramedic_workers.sinks.jira.settings import JiraKind, JiraPlace, JiraSettings
from paramedic_workers.sinks.jira.texts import Texts
from paramedic_workers.sinks.jira.tickets import Tickets

#: What the account must be allowed to do in a project, in Jira's words for it.
PERMISSIONS = {
    "BROWSE_PROJECTS": "Browse Projects",
    "CREATE_ISSUES": "Create Issues",
    "EDIT_ISSUES": "Edit Issues",
    "TRANSITION_ISSUES": "Transition Issues",
    "ADD_COMMENTS": "Add Comments",
    "CREATE_ATTACHMENTS": "Create Attachments",
    "LINK_ISSUES": "Link Issues",
    # For transitions that ask for a resolution.
    "RESOLVE_ISSUES": "Resolve Issues",
}
#: What it needs besides where tickets are given to people.
_ASSIGN = {"ASSIGN_ISSUES": "Assign Issues"}
#: Subject of what is not about one project.
_JIRA, _LEDGER = "Jira", "ledger"
#: Tickets named in one line.
_NAMED = 5
#: Records looked at for what went wrong.
_RECORDS = 5_000


class Standing(StrEnum):
    """How something stands."""

    #: As it should be.
    GOOD = "good"
    #: Something is lacking: a ticket, or a part of it, would be missing.
    MISSING = "missing"
    #: Nothing is wrong, but somebody may want to know.
    NOTE = "note"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    #: `Jira`, the key of a project, the name of a target, or `ledger`.
    subject: str
    standing: Standing
    #: What was seen, in words.
    what: str
    #: What a person can do about it.
    remedy: str = ""


class JiraReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was looked at."""

    url: str
    kind: JiraKind
    findings: tuple[Finding, ...]

    @property
    def missing(self) -> int:
        """How much is lacking."""
        return sum(one.standing is Standing.MISSING for one in self.findings)


@dataclass(frozen=True, kw_only=True)
class JiraCheck:
    """Looks at one Jira with the eyes of the account."""

    client: JiraClient
    jira: JiraSettings
    settings: Settings
    #: Of the ledger; None where it is not reachable.
    ledger: redis.Redis | None = None

    def report(self) -> JiraReport:
        """Look at everything.

        Raises:
            DeliveryError: Jira does not answer, or not to this account.
        """
        found = [*self._jira(), *self._projects(), *self._templates()]
        if self.ledger is not None:
            found += ledger_findings(self.ledger)
        else:
            found.append(_note(_LEDGER, "is not reachable: what waits for Jira is not known"))
        return JiraReport(url=self.jira.url, kind=self.client.kind, findings=tuple(found))

    def _jira(self) -> Iterator[Finding]:
        account, server = self.client.myself(), self.client.server()
        yield _good(_JIRA, f"we are {account.display_name or account.account} ({account.account})")
        version = f"{server.server_title or 'Jira'} {server.version}".strip()
        yield _good(_JIRA, f"it is {version}, {server.deployment_type or self.client.kind}")
        told = server.deployment_type.casefold()
        if told and (told == "cloud") is not (self.client.kind is JiraKind.CLOUD):
            right = "cloud" if told == "cloud" else "data_center"
            yield _missing(_JIRA, f"it is no {self.client.kind}", f'Set kind = "{right}".')
        if duplicate_type(self.client.link_types()) is None:
            yield _note(
                _JIRA,
                "has no link type for duplicates: such tickets are only told so by a comment",
                "An administrator can add a link type Duplicate.",
            )

    def _templates(self) -> Iterator[Finding]:
        try:
            Texts.load(self.jira).check()
        except SettingsError as error:
            yield _missing("templates", error.message, error.remedy)
        else:
            own = f"those in {self.jira.templates}" if self.jira.templates else "Paramedic's own"
            yield _good("templates", f"{own} write every text")

    # Projects and their targets

    def _projects(self) -> Iterator[Finding]:
        places = self._places()
        for key in dict.fromkeys(place.project for place in places.values()):
            targets = {name: place for name, place in places.items() if place.project == key}
            yield from self._project(key, targets)

    def _places(self) -> dict[str, JiraPlace]:
        """Where the tickets of each target go; of all, where no target is configured."""
        names = sorted(self.settings.targets) or ["(all targets)"]
        return {name: self.jira.place(name) for name in names}

    def _project(self, key: str, targets: dict[str, JiraPlace]) -> Iterator[Finding]:
        project = self.client.project(key)
        if project is None:
            yield _missing(
                key,
                "does not exist, or the account may not see it",
                "Correct `project`, or give the account the permission Browse Projects.",
            )
            return
        yield _good(key, f"is {project.name}, for {', '.join(targets)}")
        yield from self._permissions(key)
        types = self.client.issue_types(key)
        yield from self._epics(key, types, targets)
        for name in dict.fromkeys(place.issue_type for place in targets.values()):
            yield from self._type(key, name, types)
        for target, place in targets.items():
            own = _named(types, place.issue_type)
            if own is not None:
                fields = self.client.create_fields(key, own.id)
                yield from (
                    Finding(
                        subject=target,
                        standing=Standing.MISSING if one.lacking else Standing.GOOD,
                        what=one.what,
                        remedy=one.remedy,
                    )
                    for one in field_findings(self.jira, target, place, fields)
                )
        yield from self._people(key, targets)

    def _permissions(self, key: str) -> Iterator[Finding]:
        assigns = bool(self.jira.assignees or self.jira.assignee) or any(
            place.assignee for place in self.jira.targets.values()
        )
        wanted = {**PERMISSIONS, **(_ASSIGN if assigns else {})}
        try:
            given = self.client.permissions(key, tuple(wanted))
        except JiraRefused:
            yield _note(key, "does not tell what the account may do there")
            return
        lacking = [words for name, words in wanted.items() if not given.get(name, False)]
        if lacking:
            remedy = "A project administrator can add them to a role of the account."
            yield _missing(key, f"the account lacks: {', '.join(lacking)}", remedy)
        else:
            yield _good(key, f"the account may do what is needed: {', '.join(wanted.values())}")

    def _people(self, key: str, targets: dict[str, JiraPlace]) -> Iterator[Finding]:
        """Those who cannot have the tickets that the settings would give them."""
        people = {place.assignee: f"assignee of {name}" for name, place in targets.items()}
        people |= {person: f"assignees.{owner}" for owner, person in self.jira.assignees.items()}
        for person, setting in people.items():
            if not person:
                continue
            try:
                if self.client.may_be_assigned(key, person):
                    continue
            except JiraRefused:
                yield _note(key, "does not tell who can have tickets there")
                return
            account = "account id" if self.client.kind is JiraKind.CLOUD else "user name"
            remedy = f"Correct the {account}, or give them the permission Assignable User."
            yield _missing(key, f"{setting}: {person} cannot have tickets there", remedy)

    def _epics(
        self, key: str, types: Sequence[IssueType], targets: dict[str, JiraPlace]
    ) -> Iterator[Finding]:
        epics = EpicFields(self.client, self.jira)
        kind = epics.type_in(key)
        if kind is None:
            yield _note(
                key,
                f"has no type {self.jira.epic_type}: tickets of a systemic failure are only linked",
                f"Set epic_type to one of {_names(types)}, or add the type to the project.",
            )
            return
        target, place = next(iter(targets.items()))
        fields = self.client.create_fields(key, kind.id)
        lacking = list(epic_findings(target, place, fields, epics.named(key, kind, "")))
        for one in lacking:
            yield _missing(key, f"{kind.name}: {one.what}", one.remedy)
        if not lacking:
            yield _good(key, f"has the type {kind.name}, for systemic failures")

    def _type(self, key: str, name: str, types: Sequence[IssueType]) -> Iterator[Finding]:
        found = _named(types, name)
        if found is None:
            yield _missing(
                key,
                f"has no type {name} that we may make",
                f"Set issue_type to one of {_names(types)}."
                if types
                else "Give the account the permission Create Issues.",
            )
            return
        yield _good(key, f"has the type {name}")
        yield from self._statuses(key, found)

    def _statuses(self, key: str, kind: IssueType) -> Iterator[Finding]:
        every = self.client.statuses(key)
        own = next((one for one in every if one.id == kind.id or one.name == kind.name), None)
        if own is None:
            yield _note(key, f"does not tell the statuses of {kind.name}")
            return
        categories = {status.category for status in own.statuses}
        if StatusCategory.DONE not in categories:
            yield _missing(
                key,
                f"{kind.name} has no status of the category Done: tickets stay open",
                "Add one to the workflow.",
            )
        if not categories & {StatusCategory.NEW, StatusCategory.INDETERMINATE}:
            yield _missing(
                key,
                f"{kind.name} has no status that is open: nothing can be opened again",
                "Add one to the workflow.",
            )
        done = [one.name for one in own.statuses if one.category is StatusCategory.DONE]
        if done:
            yield _good(key, f"{kind.name} ends in {' or '.join(done)}")


def ledger_findings(client: redis.Redis) -> Iterator[Finding]:
    """What the ledger tells of the sink."""
    resting = cast("dict[str, str]", client.hgetall(keys.resting("jira")))
    if resting:
        until = f"{moment(resting['until']):%Y-%m-%d %H:%M:%S} UTC" if "until" in resting else "?"
        yield _note(
            _LEDGER,
            f"the sink rests until {until}: {resting.get('why') or 'Jira takes nothing'}",
            "It goes on by itself.",
        )
    waiting = len(Ledger(client).undelivered("jira"))
    yield _good(_LEDGER, f"{counted(waiting, 'result')} waiting for Jira")
    tickets = Tickets(client)
    refused: dict[str, list[str]] = {}
    stuck: list[str] = []
    for number, ticket in enumerate(tickets.all()):
        if number == _RECORDS:
            break
        for name in ticket.left_out:
            refused.setdefault(name, []).append(ticket.key)
        if ticket.blocked:
            stuck.append(f"{ticket.key} ({ticket.blocked})")
    for name, of in sorted(refused.items()):
        what = f"Jira refused the field {name} of {_some(of)}: they were made without it"
        yield _missing(_LEDGER, what, "Correct its setting; see what is said of the target.")
    if stuck:
        yield _missing(
            _LEDGER,
            f"no transition leads where they should be from {_some(stuck)}",
            "The tickets say what is missing.",
        )
    if unclear := tickets.unclear():
        yield _note(
            _LEDGER,
            f"it is not known yet whether Jira has made {counted(len(unclear), 'ticket')}: "
            f"for {_some(unclear)}",
            "It is searched for until it is certain.",
        )


def _named(types: Sequence[IssueType], name: str) -> IssueType | None:
    return next((one for one in types if one.name.casefold() == name.casefold()), None)


def _names(types: Sequence[IssueType]) -> str:
    return ", ".join(one.name for one in types if not one.subtask) or "none"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _good(subject: str, what: str) -> Finding:
    return Finding(subject=subject, standing=Standing.GOOD, what=what)


def _missing(subject: str, what: str, remedy: str) -> Finding:
    return Finding(subject=subject, standing=Standing.MISSING, what=what, remedy=remedy)


def _note(subject: str, what: str, remedy: str = "") -> Finding:
    return Finding(subject=subject, standing=Standing.NOTE, what=what, remedy=remedy)
