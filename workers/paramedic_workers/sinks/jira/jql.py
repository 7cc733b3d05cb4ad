"""Searches in Jira's query language, with values that cannot break out of their quotes."""

from __future__ import annotations

import re
from collections.abc import Iterable

_ORDER = re.compile(r"^\s*order\s+by\b", re.IGNORECASE)


def quoted(value: str) -> str:
    """The value as a string of JQL: whatever it is, it stays one value.

    Raises:
        ValueError: it is empty: that would be no condition.
    """
    text = "".join(sign if sign.isprintable() else " " for sign in value)
    if not text.strip():
        raise ValueError("An empty value is no condition of a search.")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def one_of(field: str, values: Iterable[str]) -> str:
    """The condition that a field has one of these values.

    Raises:
        ValueError: there are none: that would be no condition.
    """
    each = [quoted(value) for value in values]
    if not each:
        raise ValueError(f"No value is given for {field}.")
    return f"{field} = {each[0]}" if len(each) == 1 else f"{field} IN ({', '.join(each)})"


def labelled(label: str) -> str:
    """Tickets of any project with this label, oldest first."""
    return f"labels = {quoted(label)} ORDER BY created ASC"


def bounded(jql: str) -> str:
    """The query itself, if it has a condition; Jira refuses to search everything.

    Raises:
        ValueError: it has none.
    """
    if not jql.strip() or _ORDER.match(jql):
        raise ValueError("The search has no condition: name at least a project or a label.")
    return jql.strip()
