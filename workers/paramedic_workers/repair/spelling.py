"""How alike two names are."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def likeness(one: str, other: str) -> float:
    """From 0 (nothing in common) to 1 (the same but for case and underscores)."""
    one, other = _bare(one), _bare(other)
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()


def closest(name: str, others: Iterable[str], *, least: float = 0.6, most: int = 5) -> list[str]:
    """The names most like this one, the most alike first; never the name itself."""
    scored = sorted((-likeness(name, other), other) for other in set(others) if other != name)
    return [other for score, other in scored if -score >= least][:most]


def _bare(name: str) -> str:
    return name.lower().replace("_", "")
