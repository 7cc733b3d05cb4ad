"""Transitions: how a ticket gets where it should be, whatever its workflow is called.

Statuses are judged by their category, never by name alone: to open is to reach `new` or else
`indeterminate`, to end is to reach `done`. Where several ways lead to `done`, one that says
"won't do" is never taken: that would tell a lie.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from paramedic_workers.sinks.jira.answers import StatusCategory, Transition, TransitionField
from paramedic_workers.sinks.jira.client import JiraClient
from paramedic_workers.sinks.jira.plan import Goal
from paramedic_workers.sinks.jira.refusals import JiraRefused

#: Categories that are the goal, the best first.
_CATEGORIES: Mapping[Goal, tuple[StatusCategory, ...]] = {
    Goal.OPEN: (StatusCategory.NEW, StatusCategory.INDETERMINATE),
    Goal.DONE: (StatusCategory.DONE,),
}
#: Names of statuses and resolutions that say: it works again.
_GOOD_END = re.compile(r"\b(done|fixed|resolved?|closed?|completed?|finished)\b", re.IGNORECASE)
#: And of those that say: nobody will do it, or there was nothing to do.
_BAD_END = re.compile(
    r"won.?t|cannot|can.?t|not |reject|declin|cancel|duplicate|invalid|abandon|obsolete|"
    r"incomplete|unresolved|withdrawn",
    re.IGNORECASE,
)
_RESOLUTION = "resolution"
#: The rank of what leads elsewhere.
_NEVER = 9

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Way:
    """A transition that can be made."""

    transition: Transition
    #: What its screen is given.
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Blocked:
    """No transition can be made."""

    #: One sentence for a person.
    why: str
    #: What a person can do, one sentence.
    remedy: str


def way(
    transitions: Iterable[Transition],
    goal: Goal,
    filled: Mapping[str, Any],
    resolutions: Collection[str] = (),
) -> Way | Blocked:
    """The transition to the goal, with the fields that it needs.

    Args:
        transitions: those that the ticket has now.
        goal: where it should get.
        filled: values by field id that the settings give.
        resolutions: names that are preferred where a resolution is asked for, best first.
    """
    ranked = [(_rank(one, goal), one) for one in transitions]
    leading = [one for rank, one in sorted(ranked, key=lambda pair: pair[0]) if rank < _NEVER]
    if not leading:
        words = " or ".join(category.value for category in _CATEGORIES[goal])
        return Blocked(
            f"No transition leads from its status to one of the category {words}.",
            "Add one to the workflow, or move the ticket by hand; Paramedic goes on from there.",
        )
    lacking: list[str] = []
    for transition in leading:
        fields, missing = _fill(transition, goal, filled, resolutions)
        if not missing:
            return Way(transition=transition, fields=fields)
        lacking.append(f"{transition.name!r} needs {', '.join(missing)}")
    return Blocked(
        f"The transition {'; '.join(lacking)}.", "Set it in [sinks.jira.fields] by its id."
    )


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """Moves tickets."""

    client: JiraClient

    def move(
        self,
        key: str,
        goal: Goal,
        filled: Mapping[str, Any],
        resolutions: Collection[str] = (),
    ) -> Blocked | None:
        """Move a ticket, that is not there yet, to the goal; gives why it cannot be done.

        Args:
            key: of the ticket.
            goal: where it should get.
            filled: values by field id that the settings give.
            resolutions: names of resolutions that are preferred, best first.

        Raises:
            DeliveryError: Jira is away, or it cannot be told what it did.
        """
        found = way(self.client.transitions(key), goal, filled, resolutions)
        if isinstance(found, Way):
            try:
                self.client.transition(key, found.transition.id, found.fields)
            except JiraRefused as error:
                found = Blocked(error.message, error.remedy)
            else:
                _log.info("a ticket is moved", ticket=key, goal=goal, to=found.transition.to.name)
                return None
        _log.warning("a ticket cannot be moved", ticket=key, goal=goal, why=found.why)
        return found


def _rank(transition: Transition, goal: Goal) -> int:
    """How well it leads to the goal, the least first; `_NEVER` where it does not."""
    category = transition.to.category
    if category not in _CATEGORIES[goal]:
        return _NEVER
    if goal is Goal.OPEN:
        return _CATEGORIES[goal].index(category)
    names = f"{transition.to.name} {transition.name}"
    if _BAD_END.search(names):
        return _NEVER
    return 0 if _GOOD_END.search(names) else 1


def _fill(
    transition: Transition,
    goal: Goal,
    filled: Mapping[str, Any],
    resolutions: Collection[str],
) -> tuple[dict[str, Any], list[str]]:
    """What its screen is given, and in words what is missing."""
    given: dict[str, Any] = {}
    missing: list[str] = []
    for name, asked in transition.fields.items():
        if name == _RESOLUTION and goal is Goal.DONE:
            value = _resolution(asked, resolutions)
        else:
            value = filled.get(name) if asked.required else None
        if value is not None:
            given[name] = value
        elif asked.required and not asked.has_default_value:
            missing.append(f"{asked.name or name} ({name})")
    return given, missing


def _resolution(asked: TransitionField, preferred: Collection[str]) -> dict[str, str] | None:
    """The resolution that says best what happened."""
    names = [str(value.get("name", "")) for value in asked.allowed_values if _is_named(value)]
    by_name = {name.casefold(): name for name in names}
    wished = [by_name[name.casefold()] for name in preferred if name.casefold() in by_name]
    good = [name for name in names if _GOOD_END.search(name) and not _BAD_END.search(name)]
    chosen = [*wished, *good]
    return {"name": chosen[0]} if chosen else None


def _is_named(value: object) -> bool:
    return isinstance(value, dict) and bool(value.get("name"))
