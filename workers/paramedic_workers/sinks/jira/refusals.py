"""What Jira says against a request, in words and with what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from paramedic_workers.errors import DeliveryError

#: Characters kept of all that Jira says about one request.
SAID_LENGTH = 600

#: What a person can do about a status, where the fields do not say it better.
_REMEDIES = {
    400: "Run `paramedic jira check`: it compares the settings with what the project takes.",
    403: (
        "Give the account the project permissions Browse Projects, Create Issues, Edit Issues, "
        "Transition Issues, Add Comments, Create Attachments and Link Issues."
    ),
    404: "It does not exist, or the account may not see it: check the key and Browse Projects.",
    405: "Check `url`: it does not lead to the REST interface of a Jira.",
    410: "This Jira no longer has the address: a newer Paramedic is needed.",
    413: "It is greater than this Jira takes: raise its limit for attachments.",
    415: "Something between here and Jira changes requests: check the proxy.",
}
#: The setting that a field of a ticket comes from.
_SETTINGS = {
    "project": "project",
    "issuetype": "issue_type",
    "priority": "priorities",
    "assignee": "assignee or assignees",
    "components": "components",
    "labels": "labels",
    "summary": "templates",
    "description": "templates",
}


class JiraRefused(DeliveryError):
    """Jira understood the request, and refused it."""

    transient = False

    def __init__(
        self,
        message: str = "",
        *,
        status: int,
        messages: tuple[str, ...] = (),
        fields: Mapping[str, str] | None = None,
        remedy: str = "",
    ) -> None:
        """Describe the refusal.

        Args:
            message: one sentence with the cause.
            status: the HTTP status.
            messages: what Jira said of the whole request.
            fields: what it said of single fields, by the id of the field.
            remedy: what a person can do next.
        """
        super().__init__(message, remedy=remedy)
        self.status = status
        self.messages = messages
        self.fields = dict(fields or {})


class JiraFailed(DeliveryError):
    """Jira broke over this one request, and works otherwise."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What an answer says that is no success."""

    #: Of the whole request.
    messages: tuple[str, ...] = ()
    #: Of single fields, by their ids.
    fields: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """All of it in one line, cut to `SAID_LENGTH`."""
        parts = [*self.messages, *(f"{name}: {text}" for name, text in self.fields.items())]
        return _line("; ".join(parts), SAID_LENGTH)


def read_said(body: bytes) -> Said:
    """What Jira says in the body of an error; nothing where it is no error of Jira's.

    Jira answers with `errorMessages` and `errors`, what stands before it (proxies, gateways)
    with `message`, or with a page for people, which is left out.
    """
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Said()
    if not isinstance(answer, dict):
        return Said()
    messages = answer.get("errorMessages")
    fields = answer.get("errors")
    lines = list(messages) if isinstance(messages, list) else []
    lines += [answer[name] for name in ("message", "errorMessage") if answer.get(name)]
    return Said(
        messages=tuple(_line(_words(one), SAID_LENGTH) for one in lines[:10]),
        fields=_fields(fields) if isinstance(fields, dict) else {},
    )


def refusal(act: str, status: int, said: Said) -> JiraRefused:
    """The error for an answer 4xx that says no.

    Args:
        act: what was asked, as in "create a ticket in SHOP".
        status: of the answer.
        said: what Jira says, free of secrets.
    """
    cause = str(said) or _SHORT.get(status, f"HTTP status {status}")
    return JiraRefused(
        f"Jira refused to {act} ({status}): {cause.rstrip('.')}.",
        status=status,
        messages=said.messages,
        fields=said.fields,
        remedy=_of_fields(said.fields) or _REMEDIES.get(status, ""),
    )


_SHORT = {
    400: "bad request",
    403: "forbidden",
    404: "not found",
    410: "gone",
    413: "too large",
}


def _of_fields(fields: Mapping[str, str]) -> str:
    """Which settings have to do with the fields that were refused."""
    hints = [_hint(name) for name in sorted(fields)]
    return (
        f"{' '.join(hints)} `paramedic jira check` shows what the project takes." if hints else ""
    )


def _hint(name: str) -> str:
    known = _SETTINGS.get(name)
    if known:
        return f"{name} comes from `{known}` in [sinks.jira]."
    return f"{name} is set in [sinks.jira.fields]."


def _fields(errors: Mapping[Any, Any]) -> dict[str, str]:
    first = list(errors.items())[:20]
    return {_line(str(name), 100): _line(_words(text), SAID_LENGTH) for name, text in first}


def _words(said: Any) -> str:
    return said if isinstance(said, str) else msgspec.json.encode(said).decode()


def _line(text: str, length: int) -> str:
    """One printable line of at most this length."""
    flat = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return flat if len(flat) <= length else f"{flat[: length - 1]}…"
