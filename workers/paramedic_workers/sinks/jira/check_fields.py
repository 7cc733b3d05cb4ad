"""Compares the fields that a ticket would have with those that its project takes."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paramedic_workers.sinks.jira.answers import CreateField
from paramedic_workers.sinks.jira.settings import JiraPlace, JiraSettings

#: Fields that every ticket is made with, whatever the settings say.
_ALWAYS = ("project", "issuetype", "summary", "description", "labels")
#: Jira fills it with the account itself.
_FILLED_BY_JIRA = frozenset({"reporter"})
#: Allowed values that are named.
_NAMED = 6
#: Members by which an allowed value is told.
_TELLING = ("value", "name", "key", "id", "accountId")


@dataclass(frozen=True, kw_only=True)
class FieldFinding:
    """What is to be said of one field."""

    lacking: bool
    what: str
    remedy: str = ""


def field_findings(
    jira: JiraSettings, target: str, place: JiraPlace, fields: Sequence[CreateField]
) -> Iterator[FieldFinding]:
    """What a project says to the fields that the tickets of a target would have.

    Args:
        jira: the settings.
        target: whose tickets they are.
        place: what goes for them.
        fields: those that a new ticket can have.
    """
    known = {field.field_id: field for field in fields}
    wanted = dict(_wanted(jira, place))
    lacking = [
        *_unknown(wanted, known),
        *_refused(wanted, known),
        *_unfilled(wanted, known, target),
    ]
    yield from lacking
    if not lacking:
        names = ", ".join(known[name].name or name for name in (*_ALWAYS, *wanted) if name in known)
        yield FieldFinding(lacking=False, what=f"every field is taken: {names}")


def epic_findings(
    target: str, place: JiraPlace, fields: Sequence[CreateField], own: Collection[str]
) -> Iterator[FieldFinding]:
    """What an epic would lack: fields that the project requires and nothing fills.

    Args:
        target: one whose tickets the epic would have below it.
        place: what goes for them.
        fields: those that a new epic can have.
        own: fields that Paramedic itself fills in an epic.
    """
    wanted = {name: _Wanted(setting=f"fields.{name}") for name in (*place.fields, *own)}
    known = {field.field_id: field for field in fields}
    yield from _unfilled(wanted, known, target)


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """A field that the settings fill."""

    #: The setting, in the table `[sinks.jira]` or in that of the target.
    setting: str
    #: What it is filled with in one ticket or another; empty: not known here, as of people.
    values: tuple[Any, ...] = ()
    #: Whether the values are names, which Paramedic writes as Jira takes them.
    by_name: bool = False


def _wanted(jira: JiraSettings, place: JiraPlace) -> Iterator[tuple[str, _Wanted]]:
    if jira.priorities:
        names = tuple(dict.fromkeys(jira.priorities.values()))
        yield "priority", _Wanted(setting="priorities", values=names, by_name=True)
    if place.components:
        yield "components", _Wanted(setting="components", values=place.components, by_name=True)
    if place.assignee or jira.assignees:
        yield "assignee", _Wanted(setting="assignee")
    for name, value in place.fields.items():
        values = tuple(value) if isinstance(value, list | tuple) else (value,)
        yield name, _Wanted(setting=f"fields.{name}", values=values)


def _unknown(
    wanted: Mapping[str, _Wanted], known: Mapping[str, CreateField]
) -> Iterator[FieldFinding]:
    """Fields that a new ticket cannot have."""
    for name in _ALWAYS:
        if name not in known and name not in ("project", "issuetype"):
            yield FieldFinding(
                lacking=True,
                what=f"a new ticket cannot have the field {name}",
                remedy="Add it to the screen on which tickets are made.",
            )
    for name, one in wanted.items():
        if name not in known:
            yield FieldFinding(
                lacking=True,
                what=f"{one.setting}: a new ticket cannot have the field {name}",
                remedy="Add it to the screen on which tickets are made, or take the setting out.",
            )


def _refused(
    wanted: Mapping[str, _Wanted], known: Mapping[str, CreateField]
) -> Iterator[FieldFinding]:
    """Values that their field does not take."""
    for name, one in wanted.items():
        field = known.get(name)
        if field is None or not field.allowed_values:
            if name == "components" and field is not None and one.values:
                yield FieldFinding(
                    lacking=True,
                    what="components: the project has none",
                    remedy="Add them in the project's settings, or take the setting out.",
                )
            continue
        for value in one.values:
            if not _is_allowed(value, field.allowed_values):
                remedy = f"It takes: {_shown_values(field.allowed_values)}."
            elif not one.by_name and _is_bare(value, field.allowed_values):
                remedy = f"Write it as Jira takes it: {_example(field)}."
            else:
                continue
            yield FieldFinding(
                lacking=True,
                what=f"{one.setting}: {field.name or name} does not take {_shown(value)}",
                remedy=remedy,
            )


def _unfilled(
    wanted: Mapping[str, _Wanted], known: Mapping[str, CreateField], target: str
) -> Iterator[FieldFinding]:
    """Fields that the project requires and nothing fills."""
    filled = {*_ALWAYS, *wanted, *_FILLED_BY_JIRA}
    for name, field in known.items():
        if not field.required or field.has_default_value or name in filled:
            continue
        takes = _shown_values(field.allowed_values)
        yield FieldFinding(
            lacking=True,
            what=f"the project requires {field.name or name} ({name}), and nothing fills it",
            remedy=f"Set {_setting_for(name, field, target)}"
            + (f"; it takes: {takes}." if takes else "."),
        )


def _setting_for(name: str, field: CreateField, target: str) -> str:
    """The line of the settings that would fill a field."""
    if name == "components":
        return "components"
    if name == "priority":
        return "priorities, for every verdict"
    if name == "assignee":
        return "assignee"
    example = _example(field)
    return f"{name} = {example} in [sinks.jira.fields] or [sinks.jira.targets.{target}.fields]"


def _example(field: CreateField) -> str:
    """How a value of the field is written."""
    first = next(iter(field.allowed_values), None)
    if isinstance(first, Mapping):
        member = "value" if "value" in first else "name" if "name" in first else "id"
        text = f"{{{member} = {json.dumps(first.get(member, '…'), ensure_ascii=False)}}}"
    elif field.schema.type == "number" or field.schema.items == "number":
        text = "1"
    else:
        text = '"…"'
    return f"[{text}]" if field.schema.type == "array" else text


def _is_allowed(value: Any, allowed: Sequence[Any]) -> bool:
    """Whether one of the allowed values is the one that is meant."""
    if not isinstance(value, Mapping):
        return any(value == one or value in _tokens(one) for one in allowed)
    told = [(member, value[member]) for member in _TELLING if member in value]
    if not told:
        return True  # in a form of its own: Jira itself must judge
    return any(
        isinstance(one, Mapping) and all(one.get(member) == wish for member, wish in told)
        for one in allowed
    )


def _is_bare(value: Any, allowed: Sequence[Any]) -> bool:
    """Whether a plain text stands where Jira wants an object."""
    return not isinstance(value, Mapping) and all(isinstance(one, Mapping) for one in allowed)


def _tokens(value: Any) -> list[Any]:
    return [value.get(member) for member in _TELLING] if isinstance(value, Mapping) else [value]


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        member = next((value[m] for m in _TELLING if m in value), None)
        return repr(member) if member is not None else json.dumps(value, ensure_ascii=False)[:80]
    return repr(value)


def _shown_values(allowed: Sequence[Any]) -> str:
    names = [str(next((t for t in _tokens(one) if t), one)) for one in allowed]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
