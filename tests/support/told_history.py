"""Histories for cases that are made without a repository."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Told:
    """Tells these recent changes, whatever is asked."""

    changes: Mapping[str, frozenset[int]] = field(default_factory=dict)

    def recent_changes(self, _revision: str, _commits: int) -> dict[str, frozenset[int]]:
        return dict(self.changes)


#: A history in which nothing was changed.
NOTHING: Any = Told()
