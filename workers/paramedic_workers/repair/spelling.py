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
    near = (o for o in set(others) if o != name and _at_most(name, o) >= least)
    scored = sorted((-likeness(name, other), other) for other in near)
    return [other for score, other in scored if -score >= least][:most]


def _at_most(one: str, other: str) -> float:
    """A bound of their likeness that is quickly found: files can have thousands of texts."""
    one, other = _bare(one), _bare(other)
    both = len(one) + len(other)
    if not both:
        return 1.0
    if len(one) > 3 * len(other) or len(other) > 3 * len(one):
        return 2.0 * min(len(one), len(other)) / both
    common = sum(min(one.count(c), other.count(c)) for c in set(one))
    return 2.0 * common / both


def _bare(name: str) -> str:
    return name.lower().replace("_", "")
