"""How a message that was replayed finds its letter again, should it fail once more.

The replay of a message is a message of its own, whose task id says which letter it comes
from and which replay it is. What fails under such an id is the same letter, dead again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_REPLAY_ID = re.compile(r"replay-(?P<letter>[0-9a-f]{32})-(?P<number>[1-9][0-9]{0,8})")


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """Where a replayed message comes from."""

    #: The id of the letter.
    letter: str
    #: Which replay of it, from 1.
    number: int

    @property
    def task_id(self) -> str:
        """The task id of this replay; the same however often it is published."""
        return f"replay-{self.letter}-{self.number}"


def lineage_of(task_id: object) -> Lineage | None:
    """The letter that a message with this task id was replayed from; None for any other id."""
    found = _REPLAY_ID.fullmatch(task_id) if isinstance(task_id, str) else None
    if found is None:
        return None
    return Lineage(letter=found["letter"], number=int(found["number"]))
