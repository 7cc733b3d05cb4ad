"""What a new result changes for those who read the ticket."""

from __future__ import annotations

import re
from dataclasses import dataclass

from paramedic_workers.healing.summary import first_line
from paramedic_workers.results import Cause, Result


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What is worth a comment; all False: nothing is."""

    verdict: bool = False
    patch: bool = False
    cause: bool = False

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return self.verdict or self.patch or self.cause


def changes_between(before: Result, after: Result) -> Changes:
    """What `after` changes against `before`; a repeat of the same changes nothing.

    Numbers and addresses in a message come and go with each run: they are no other cause.
    """
    return Changes(
        verdict=before.verdict is not after.verdict,
        patch=_code(before.patch) != _code(after.patch),
        cause=_same(before.cause) != _same(after.cause),
    )


def _code(patch: str | None) -> list[str]:
    """What a patch changes, whatever lines it stands at."""
    lines = (patch or "").split("\n")
    return [line for line in lines if line.startswith(("+", "-"))]


def _same(cause: Cause) -> tuple[str, str, str]:
    message = re.sub(r"0x[0-9a-fA-F]+|\d+", "0", first_line(cause.message))
    return cause.phase, cause.type, message
