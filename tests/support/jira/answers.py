"""Answers of the stand-in, and its refusals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What goes back: JSON, bytes or nothing."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """Jira does not take it.

    Args:
        status: of the answer.
        message: one of `errorMessages`; empty: none.
        errors: by field id.
        headers: of the answer.
    """

    def __init__(
        self,
        status: int,
        message: str = "",
        errors: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status}: {message or errors}")
        messages = [message] if message else []
        body = {"errorMessages": messages, "errors": dict(errors or {})}
        self.answer = Answer(status, body, dict(headers or {}))


def missing() -> Refused:
    """A ticket that is not there, or that one may not see: Jira does not say which."""
    return Refused(404, "Issue does not exist or you do not have permission to see it.")
