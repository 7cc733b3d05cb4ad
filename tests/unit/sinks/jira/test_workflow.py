"""The transition to where a ticket should be, by category and not by name."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from paramedic_workers.sinks.jira.answers import Transition
from paramedic_workers.sinks.jira.plan import Goal
from paramedic_workers.sinks.jira.workflow import Blocked, Way, way


def transition(id: str, to: str, category: str, name: str = "", **fields: Any) -> Transition:
    """A transition as Jira tells it."""
    status = {"name": to, "statusCategory": {"key": category}}
    told = {"id": id, "name": name or to, "to": status, "fields": fields}
    return msgspec.convert(told, Transition)


def resolution(*names: str, required: bool = True) -> dict[str, Any]:
    """The field for the resolution."""
    values = [{"id": str(number), "name": name} for number, name in enumerate(names)]
    return {"required": required, "name": "Resolution", "allowedValues": values}


def chosen(found: Way | Blocked) -> str:
    """The id of the transition that was chosen."""
    assert isinstance(found, Way)
    return found.transition.id


OPEN = transition("1", "Backlog", "new")
WORK = transition("2", "In Arbeit", "indeterminate")
ODD = transition("3", "Limbo", "undefined")


@pytest.mark.parametrize(
    ("ways", "goal", "expected"),
    [
        ([WORK, OPEN], Goal.OPEN, "1"),
        ([WORK, ODD], Goal.OPEN, "2"),
        ([OPEN, transition("4", "Erledigt", "done")], Goal.DONE, "4"),
        ([transition("5", "Verified", "done"), transition("6", "Closed", "done")], Goal.DONE, "6"),
        ([transition("7", "Won't Do", "done"), transition("8", "Fertig", "done")], Goal.DONE, "8"),
        ([transition("9", "Z", "done", "Cancel"), transition("10", "Y", "done")], Goal.DONE, "10"),
    ],
)
def test_the_category_decides_and_the_name_only_among_equals(
    ways: list[Transition], goal: Goal, expected: str
) -> None:
    assert chosen(way(ways, goal, {})) == expected


@pytest.mark.parametrize(
    "ways",
    [
        [],
        [OPEN, WORK, ODD],
        [transition("1", "Cancelled", "done"), transition("2", "Won’t fix", "done")],
    ],
)
def test_where_nothing_leads_to_done_that_is_said(ways: list[Transition]) -> None:
    found = way(ways, Goal.DONE, {})
    assert isinstance(found, Blocked)
    assert "category done" in found.why
    assert found.remedy


@pytest.mark.parametrize(
    ("names", "preferred", "expected"),
    [
        (("Won't Do", "Duplicate", "Fixed"), (), "Fixed"),
        (("Unresolved", "Done"), (), "Done"),
        (("Done", "Duplicate"), ("Duplicate",), "Duplicate"),
        (("DONE", "Gelöst"), ("duplicate",), "DONE"),
    ],
)
def test_the_resolution_says_what_happened(
    names: tuple[str, ...], preferred: tuple[str, ...], expected: str
) -> None:
    end = transition("4", "Closed", "done", resolution=resolution(*names))
    found = way([end], Goal.DONE, {}, preferred)
    assert isinstance(found, Way)
    assert found.fields == {"resolution": {"name": expected}}


def test_a_resolution_that_would_lie_is_not_given() -> None:
    asked = transition("4", "Closed", "done", resolution=resolution("Won't Do", "Duplicate"))
    found = way([asked], Goal.DONE, {})
    assert isinstance(found, Blocked)
    assert "Resolution (resolution)" in found.why
    free = transition("4", "Closed", "done", resolution=resolution("Won't Do", required=False))
    assert way([free], Goal.DONE, {}) == Way(transition=free)


def test_required_fields_are_filled_from_the_settings_or_named() -> None:
    cause = {"required": True, "name": "Root cause"}
    note = {"required": False, "name": "Note"}
    given = {"required": True, "name": "Team", "hasDefaultValue": True}
    fields: dict[str, Any] = {"customfield_1": cause, "customfield_2": note, "customfield_3": given}
    end = transition("4", "Closed", "done", **fields)
    settings = {"customfield_1": "code", "customfield_2": "unasked"}
    found = way([end], Goal.DONE, settings)
    assert isinstance(found, Way)
    assert found.fields == {"customfield_1": "code"}
    blocked = way([end], Goal.DONE, {})
    assert isinstance(blocked, Blocked)
    assert "Root cause (customfield_1)" in blocked.why
    assert "Team" not in blocked.why


def test_another_way_is_taken_where_the_best_one_asks_for_too_much() -> None:
    best = transition("1", "Done", "done", customfield_1={"required": True, "name": "Cause"})
    other = transition("2", "Archived", "done")
    assert chosen(way([best, other], Goal.DONE, {})) == "2"
