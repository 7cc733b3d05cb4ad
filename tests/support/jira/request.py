"""A request, as the endpoints of the stand-in read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.jira.answers import Refused
from tests.support.jira.model import (
    Json,
)


@dataclass(frozen=True)
class Request:
    """What came."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    def words(self, name: str) -> list[str]:
        """A list in the query, with commas or as several values."""
        return [word for value in self.query.get(name, []) for word in value.split(",") if word]

    def number(self, name: str, default: int) -> int:
        """A number in the query."""
        return int(self.query.get(name, [str(default)])[0])

    def json(self) -> Any:
        """The body.

        Raises:
            Refused: 415 or 400, it is no JSON.
        """
        if not self.headers.get("content-type", "").startswith("application/json"):
            raise Refused(415, "Unsupported Media Type")
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise Refused(400, "There was an error parsing JSON.") from error

    def members(self) -> Json:
        """The body, which must be an object.

        Raises:
            Refused: 415 or 400, it is none.
        """
        body = self.json()
        if not isinstance(body, dict):
            raise Refused(400, "Invalid request payload. Refer to the REST API documentation.")
        return body
