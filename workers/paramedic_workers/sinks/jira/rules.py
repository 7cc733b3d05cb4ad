"""What must hold in `[sinks.jira]`, beyond the types: looked at before the sink is opened."""

from __future__ import annotations

import math
import os
import re
import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from paramedic_workers.errors import SettingsError
from paramedic_workers.settings import Settings
from paramedic_workers.settings_rules import Problem
from paramedic_workers.sinks.jira.address import URL_REMEDY, read_token, url_fault
from paramedic_workers.sinks.jira.settings import JiraKind, JiraPlace, JiraSettings

#: What Jira takes as the key of a project.
_PROJECT_KEY = re.compile(r"[A-Z][A-Z0-9_]{1,254}")
#: Greatest length of a label, in characters; Jira says so.
_LONGEST_LABEL = 255
#: What `report_url` may say of the incident.
PLACEHOLDERS = frozenset({"incident", "target"})
#: Fields that have a setting, or are ours alone, and where to set them instead.
_OUR_FIELDS: Mapping[str, str] = {
    "summary": "templates",
    "description": "templates",
    "project": "project",
    "issuetype": "issue_type",
    "labels": "labels",
    "priority": "priorities",
    "components": "components",
    "assignee": "assignee",
    "parent": "epic_type",
}


def jira_problems(
    jira: JiraSettings, settings: Settings, environ: Mapping[str, str] = os.environ
) -> Iterator[Problem]:
    """Every rule that the table breaks.

    Args:
        jira: the table.
        settings: those of all; they name the targets.
        environ: where the token is looked up.
    """
    if not jira.dry_run:
        yield from _address(jira)
        yield from _credentials(jira, environ)
        yield from _missing_project(jira, settings)
    yield from _places(jira, settings)
    yield from _texts(jira)
    yield from _people(jira)
    yield from _numbers(jira)


def _address(jira: JiraSettings) -> Iterator[Problem]:
    if fault := url_fault(jira.url):
        dry = "" if jira.url else " dry_run = true does without: nothing is sent."
        yield Problem(key="url", problem=f"{fault}.", remedy=f"{URL_REMEDY}{dry}")


def _credentials(jira: JiraSettings, environ: Mapping[str, str]) -> Iterator[Problem]:
    if jira.url and jira.resolved_kind() is JiraKind.CLOUD and "@" not in jira.email:
        yield Problem(
            key="email",
            problem=f"is {jira.email!r}." if jira.email else "is missing.",
            remedy="Jira Cloud wants the e-mail address of the account that the token belongs to.",
        )
    try:
        read_token(jira, environ)
    except SettingsError as error:
        problem = error.message.removeprefix("[sinks.jira]: ")
        yield Problem(key="token_file", problem=problem, remedy=error.remedy)


def _missing_project(jira: JiraSettings, settings: Settings) -> Iterator[Problem]:
    without = [name for name in settings.targets if not jira.place(name).project]
    if jira.project or (settings.targets and not without):
        return
    whom = f"for {', '.join(sorted(without))}" if without else "for all targets"
    yield Problem(
        key="project",
        problem=f"is missing {whom}.",
        remedy="Give the key of the project that gets the tickets: SHOP.",
    )


def _places(jira: JiraSettings, settings: Settings) -> Iterator[Problem]:
    tables: list[tuple[str, JiraSettings | JiraPlace]] = [("", jira)]
    for name, place in jira.targets.items():
        tables.append((f"targets.{name}.", place))
        if settings.targets and name not in settings.targets:
            yield Problem(
                key=f"targets.{name}",
                problem="is the name of no target.",
                remedy=f"Targets are: {', '.join(sorted(settings.targets))}.",
            )
    for prefix, table in tables:
        yield from _place(prefix, table)


def _place(prefix: str, place: JiraSettings | JiraPlace) -> Iterator[Problem]:
    """What is wrong in the keys that all targets and single ones have in common."""
    if place.project and not _PROJECT_KEY.fullmatch(place.project):
        upper = place.project.upper()
        right = _PROJECT_KEY.fullmatch(upper)
        yield Problem(
            key=f"{prefix}project",
            problem=f"is {place.project!r}, which is no key of a project.",
            remedy=f"Did you mean {upper}?" if right else "Give the key, not the name: SHOP.",
        )
    for label in place.labels:
        if not label or len(label) > _LONGEST_LABEL or label.split() != [label]:
            yield Problem(
                key=f"{prefix}labels",
                problem=f"has {label[:40]!r}, which Jira does not take.",
                remedy=f"A label has no spaces and 1 to {_LONGEST_LABEL} characters.",
            )
    if not all(name.strip() for name in place.components):
        yield Problem(
            key=f"{prefix}components", problem="has an empty name.", remedy="Take it out."
        )
    for field in sorted(_OUR_FIELDS.keys() & place.fields.keys()):
        yield Problem(
            key=f"{prefix}fields.{field}",
            problem="is filled by Paramedic.",
            remedy=f"Use the setting {_OUR_FIELDS[field]}.",
        )


def _texts(jira: JiraSettings) -> Iterator[Problem]:
    if jira.report_url:
        yield from _report_url(jira.report_url)
    if not jira.templates:
        return
    if not Path(jira.templates).expanduser().is_dir():
        yield Problem(
            key="templates",
            problem=f"{jira.templates} is no folder.",
            remedy="Name a folder with templates, or leave it out.",
        )
        return
    from paramedic_workers.sinks.jira.texts import Texts  # few settings pay for the templates

    try:
        Texts.load(jira)
    except SettingsError as error:
        problem = error.message.removeprefix("[sinks.jira] templates: ")
        yield Problem(key="templates", problem=problem, remedy=error.remedy)


def _report_url(url: str) -> Iterator[Problem]:
    example = "Write it like https://ci.example/reports/{incident}/report.html."
    try:
        named = {name for _, name, _, _ in string.Formatter().parse(url) if name is not None}
    except ValueError as error:
        yield Problem(key="report_url", problem=f"cannot be filled in: {error}.", remedy=example)
        return
    if unknown := sorted(named - PLACEHOLDERS):
        yield Problem(
            key="report_url",
            problem=f"has {{{unknown[0]}}}, which nothing fills in.",
            remedy=f"It may have {' and '.join(f'{{{n}}}' for n in sorted(PLACEHOLDERS))}.",
        )
    elif urlsplit(url).scheme not in ("https", "http"):
        yield Problem(key="report_url", problem="is no web address.", remedy=example)


def _people(jira: JiraSettings) -> Iterator[Problem]:
    for owner, person in jira.assignees.items():
        if "@" not in owner:
            yield Problem(
                key=f"assignees.{owner}",
                problem="is no owner as CODEOWNERS names them.",
                remedy="Write it like @name, @organisation/team or an address.",
            )
        if not person.strip():
            yield Problem(
                key=f"assignees.{owner}",
                problem="is empty.",
                remedy="Give the account id (Cloud) or the user name (Data Center).",
            )


def _numbers(jira: JiraSettings) -> Iterator[Problem]:
    for key in ("repeat_seconds", "search_lag", "timeout"):
        value = getattr(jira, key)
        if not 0 < value < math.inf:
            yield Problem(key=key, problem=f"is {value}.", remedy="Use a number above zero.")
    if not jira.verdicts:
        yield Problem(
            key="verdicts",
            problem="is empty, so that no ticket would ever be opened.",
            remedy="Name some, or set enabled = false.",
        )
