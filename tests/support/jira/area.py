"""What all endpoints of the stand-in work with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from paramedic_workers.sinks.jira.settings import JiraKind
from tests.support.jira.answers import Refused
from tests.support.jira.limits import Limits
from tests.support.jira.model import (
    Json,
    StandInTicket,
)
from tests.support.jira.shown import Shows
from tests.support.jira.state import JiraState

GREATEST_PROPERTY = 32_768


class Area:
    """Some of the endpoints; the caller holds the lock of the state."""

    def __init__(self, state: JiraState, limits: Limits, url: str) -> None:
        self._state = state
        self._limits = limits
        self._url = url
        self._shows = Shows(state, url)
        self._cloud = state.kind is JiraKind.CLOUD

    def _to_write(self, name: str) -> StandInTicket:
        ticket = self._state.ticket(name)
        self._limits.check_write(ticket.id)
        return ticket

    def _changed(self, ticket: StandInTicket) -> None:
        ticket.writes += 1
        self._state.note(ticket)


def taken_properties(given: Any) -> Json:
    """The properties of a request, by name.

    Raises:
        Refused: 400, Jira does not take one of them.
    """
    properties: Json = {}
    for one in given or []:
        if not isinstance(one, Mapping) or not one.get("key") or "value" not in one:
            raise Refused(400, "A property needs a key and a value.")
        if len(str(one["key"])) > 255:
            raise Refused(400, "The property key length must not exceed 255 characters.")
        if len(json.dumps(one["value"])) > GREATEST_PROPERTY:
            raise Refused(400, f"The property value exceeds {GREATEST_PROPERTY} characters.")
        properties[str(one["key"])] = one["value"]
    return properties
