"""Whether Jira would take the fields of a request, and how it keeps them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from paramedic_workers.sinks.jira.settings import JiraKind
from tests.support.jira import places
from tests.support.jira.answers import Refused
from tests.support.jira.model import RESOLUTIONS, FieldSpec, FieldType, Json, Project

#: Characters of a text; for ADF the stand-in counts the whole JSON, which is stricter.
GREATEST_TEXT = 32_767
GREATEST_SUMMARY = 255
GREATEST_LABEL = 255
_LINE_END = re.compile(r"[\r\n]")
_SPACE = re.compile(r"\s")
_NOT_ON_SCREEN = "Field '{}' cannot be set. It is not on the appropriate screen, or unknown."


class Wrong(Exception):
    """A value that a field does not take; the text is Jira's."""


class Screen:
    """The fields that a request may set, and what they take.

    Args:
        kind: which Jira it is.
        project: of the ticket.
        fields: those that may be set.
        find: gives the id of the ticket with this key or id, or None.
    """

    def __init__(
        self,
        kind: JiraKind,
        project: Project,
        fields: Iterable[FieldSpec],
        find: Callable[[str], str | None],
    ) -> None:
        self._kind = kind
        self._project = project
        self._fields = {spec.id: spec for spec in fields}
        self._find = find

    def demand_required(self, values: Mapping[str, Any]) -> None:
        """All that a ticket must have is there.

        Raises:
            Refused: 400, something is missing.
        """
        errors = {
            spec.id: f"{spec.name} is required."
            for spec in self._fields.values()
            if spec.required and values.get(spec.id) in (None, "", [], {})
        }
        if errors:
            raise Refused(400, errors=errors)

    def taken(self, values: Mapping[str, Any]) -> Json:
        """The values, as they are kept.

        Raises:
            Refused: 400, with each field that is unknown or takes something else.
        """
        kept: Json = {}
        errors: dict[str, str] = {}
        for name, value in values.items():
            spec = self._fields.get(name)
            if spec is None or spec.type is FieldType.READ_ONLY:
                errors[name] = _NOT_ON_SCREEN.format(name)
                continue
            try:
                kept[name] = self._value(spec, value)
            except Wrong as wrong:
                errors[name] = str(wrong)
        if errors:
            raise Refused(400, errors=errors)
        return kept

    def changed(self, name: str, old: Any, operations: Sequence[Mapping[str, Any]]) -> Any:
        """The raw value of a field after the operations of `update`.

        Raises:
            Refused: 400, it does not take one of them.
        """
        value = old
        for operation in operations:
            ((verb, what),) = operation.items() or (("", None),)
            if verb == "set":
                value = what
            elif verb == "add" and isinstance(value, list | None):
                value = [*(value or []), *([] if what in (value or []) else [what])]
            elif verb == "remove" and isinstance(value, list | None):
                value = [one for one in value or [] if one != what]
            else:
                raise Refused(400, errors={name: f"Operation '{verb}' is not supported."})
        return value

    def _value(self, spec: FieldSpec, value: Any) -> Any:
        if value is None and not spec.required:
            return None
        takes = {
            FieldType.STRING: self._string,
            FieldType.TEXT: self._text,
            FieldType.NUMBER: self._number,
            FieldType.OPTION: self._option,
            FieldType.OPTIONS: lambda s, v: [self._option(s, one) for one in _array(v)],
            FieldType.LABELS: self._labels,
            FieldType.USER: self._user,
            FieldType.PRIORITY: self._named,
            FieldType.RESOLUTION: self._named,
            FieldType.COMPONENTS: self._components,
            FieldType.PARENT: self._parent,
            FieldType.EPIC_LINK: self._epic_link,
        }
        return takes[spec.type](spec, value) if spec.type in takes else value

    def _string(self, spec: FieldSpec, value: Any) -> str:
        if not isinstance(value, str):
            raise Wrong("Operation value must be a string")
        if spec.required and not value.strip():
            raise Wrong(f"You must specify a {spec.name.lower()} of the issue.")
        if _LINE_END.search(value):
            raise Wrong(
                f"The {spec.name.lower()} is invalid because it contains newline characters."
            )
        # Java counts UTF-16 units.
        if len(value.encode("utf-16-le")) // 2 > GREATEST_SUMMARY:
            raise Wrong(f"{spec.name} can't exceed {GREATEST_SUMMARY} characters.")
        return value

    def _text(self, _spec: FieldSpec, value: Any) -> Any:
        try:
            return taken_text(self._kind, value)
        except Refused as refused:
            raise Wrong(refused.answer.body["errorMessages"][0]) from refused

    def _number(self, _spec: FieldSpec, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Wrong("Operation value must be a number")
        return float(value)

    def _option(self, spec: FieldSpec, value: Any) -> Json:
        if not isinstance(value, Mapping) or not isinstance(value.get("value"), str):
            raise Wrong("Specify a valid 'id' or 'name' for the option")
        if spec.allowed and value["value"] not in spec.allowed:
            raise Wrong(f"Option value '{value['value']}' is not valid")
        return {"value": value["value"]}

    def _labels(self, _spec: FieldSpec, value: Any) -> list[str]:
        for label in _array(value):
            if not isinstance(label, str) or not label:
                raise Wrong("Operation value must be a string")
            if _SPACE.search(label):
                raise Wrong(f"The label '{label}' contains spaces which is invalid.")
            if len(label) > GREATEST_LABEL:
                raise Wrong(f"The label '{label[:20]}…' exceeds {GREATEST_LABEL} characters.")
        return sorted(set(value))

    def _user(self, _spec: FieldSpec, value: Any) -> str:
        member = "accountId" if self._kind is JiraKind.CLOUD else "name"
        given = value.get(member) if isinstance(value, Mapping) else None
        if given is None and isinstance(value, Mapping) and self._kind is JiraKind.CLOUD:
            given = value.get("id")
        for person in places.PEOPLE:
            if given in (person.account_id, person.name) and given is not None:
                if not person.assignable:
                    break
                return person.account_id
        raise Wrong(f"User '{given}' cannot be assigned issues.")

    def _named(self, spec: FieldSpec, value: Any) -> str:
        known = RESOLUTIONS if spec.type is FieldType.RESOLUTION else places.PRIORITIES
        allowed = spec.allowed or known
        given = value.get("name") if isinstance(value, Mapping) else None
        number = value.get("id") if isinstance(value, Mapping) else None
        if given is None and isinstance(number, str) and number.isdigit():
            position = int(number) - 1
            given = known[position] if 0 <= position < len(known) else None
        if given not in allowed:
            raise Wrong(f"{spec.name} name '{given}' is not valid")
        return str(given)

    def _components(self, _spec: FieldSpec, value: Any) -> list[str]:
        names = []
        for component in _array(value):
            name = component.get("name") if isinstance(component, Mapping) else None
            if name not in self._project.components:
                raise Wrong(f"Component name '{name}' is not valid")
            names.append(str(name))
        return names

    def _parent(self, _spec: FieldSpec, value: Any) -> str:
        name = (value.get("key") or value.get("id")) if isinstance(value, Mapping) else None
        found = self._find(str(name)) if name else None
        if found is None:
            raise Wrong("Could not find issue by id or key.")
        return found

    def _epic_link(self, _spec: FieldSpec, value: Any) -> str:
        found = self._find(value) if isinstance(value, str) else None
        if found is None:
            raise Wrong(f"The issue '{value}' is not an epic.")
        return found


def taken_text(kind: JiraKind, value: Any) -> Any:
    """A description or the body of a comment, as it is kept.

    Raises:
        Refused: 400, this Jira does not take it.
    """
    if kind is JiraKind.CLOUD:
        try:
            _check_adf(value)
        except Wrong as wrong:
            raise Refused(400, str(wrong)) from wrong
        length = len(json.dumps(value, ensure_ascii=False))
    elif isinstance(value, str):
        length = len(value)
    else:
        raise Refused(400, "Operation value must be a string")
    if length > GREATEST_TEXT:
        raise Refused(
            400,
            "The entered text is too long. It exceeds the allowed limit of "
            f"{GREATEST_TEXT:,} characters.",
        )
    return value


def _check_adf(value: Any) -> None:
    if not isinstance(value, Mapping) or (value.get("type"), value.get("version")) != ("doc", 1):
        why = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
        raise Refused(400, why)
    stack: list[Any] = list(_array(value.get("content")))
    while stack:
        node = stack.pop()
        if not isinstance(node, Mapping) or not isinstance(node.get("type"), str):
            raise Refused(400, "INVALID_INPUT")
        if node["type"] == "text" and not node.get("text"):
            raise Refused(400, "INVALID_INPUT")
        stack.extend(_array(node.get("content", [])))


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Wrong("data was not an array")
    return value
