"""What must be done to a ticket: what the ledger says, compared with what stands in Jira.

A pure function, so that its table of cases can be read, and tested, without a Jira. The acts
that it gives are done one after the other, and each is noted in the ticket's record when it
is done. After a partial success the same function gives what is left.

The rules, in their order:

1. A ticket that is done with a final resolution ("Won't Do") is left alone: silence.
2. A failure opens a ticket that is done, once for each result; a landed fix, and the verdict
   `already_fixed`, move it to done, once as well. So a person's move in between stands.
3. Summary, description, priority and assignee follow the ledger in one write, each only
   while it is as we wrote it last: what a person has changed is theirs.
4. Files, the ticket's property and a comment are for results that change the verdict, the
   patch or the cause.
5. The tickets of merged incidents are told where things go on, and end with their lead's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from msgspec.structs import replace

from paramedic_workers.errors import Verdict
from paramedic_workers.results import Result
from paramedic_workers.sinks.jira.answers import StatusCategory
from paramedic_workers.sinks.jira.changes import changes_between
from paramedic_workers.sinks.jira.tickets import Ticket, Written
from paramedic_workers.sinks.jira.view import Link


class Goal(StrEnum):
    """Where a ticket should be."""

    #: Somebody has something to do.
    OPEN = "open"
    #: Nothing is left to do.
    DONE = "done"


#: What each verdict means for a ticket that exists; those that are not here leave it as it is.
_MEANING: Mapping[Verdict, Goal] = {
    Verdict.HEALED: Goal.OPEN,
    Verdict.PROPOSED: Goal.OPEN,
    Verdict.UNHEALED: Goal.OPEN,
    Verdict.FLAKY: Goal.OPEN,
    Verdict.ENVIRONMENT: Goal.OPEN,
    Verdict.FAILED: Goal.OPEN,
    Verdict.ALREADY_FIXED: Goal.DONE,
}


class Part(StrEnum):
    """A field that we keep up to date, and that people may change."""

    SUMMARY = "summary"
    DESCRIPTION = "description"
    PRIORITY = "priority"
    ASSIGNEE = "assignee"


@dataclass(frozen=True, kw_only=True)
class Found:
    """How a ticket stands in Jira."""

    texts: Written
    category: StatusCategory
    #: Name; empty: unresolved.
    resolution: str = ""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the ledger says of the incident."""

    result: Result
    texts: Written
    #: Since when its fix has landed; empty: it has not.
    landed: str = ""
    links: tuple[Link, ...] = ()
    #: The names of the files of this result.
    files: tuple[str, ...] = ()
    #: Merged incidents that have a ticket of their own.
    merged: tuple[str, ...] = ()


@dataclass(frozen=True)
class Move:
    """Move it through its workflow."""

    goal: Goal


@dataclass(frozen=True)
class Write:
    """Write these parts, all in one request."""

    parts: frozenset[Part]
    #: Note in the ticket's property which result it tells of.
    mark: bool = False


@dataclass(frozen=True)
class Attach:
    """Attach these files."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class PutLink:
    """Put down a remote link, or renew it."""

    link: Link


@dataclass(frozen=True)
class Merge:
    """Tell the ticket of a merged incident where things go on."""

    name: str


@dataclass(frozen=True)
class Tell:
    """Comment on what has changed, unless the ticket is new; from now on it is told."""

    reopened: bool = False


@dataclass(frozen=True)
class TellLanded:
    """Comment that the fix has landed, though the verdict is the same."""


@dataclass(frozen=True)
class CloseMerged:
    """Move the ticket of a merged incident to done as well."""

    name: str


Act = Move | Write | Attach | PutLink | Merge | Tell | TellLanded | CloseMerged


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the settings say about the life of tickets."""

    final_resolutions: Collection[str] = field(default_factory=tuple)


def plan(ticket: Ticket, found: Found, wanted: Wanted, rules: Rules) -> tuple[Act, ...]:
    """What is to be done to a ticket, in this order; nothing where it is as it should be."""
    if is_final(ticket, found, rules):
        return ()
    goal = goal_of(ticket, found, wanted)
    # A ticket that is done may refuse to be edited: it is opened first, and closed last.
    return (
        *([Move(goal)] if goal is Goal.OPEN else []),
        *_writes(ticket, found, wanted),
        *_news(ticket, wanted, goal),
        *(PutLink(link) for link in wanted.links if ticket.links.get(link.kind) != link.url),
        *(Merge(name) for name in wanted.merged if name not in ticket.merged),
        *([Move(goal)] if goal is Goal.DONE else []),
        *_closed_with_it(ticket, found, wanted, goal),
    )


def is_final(ticket: Ticket, found: Found, rules: Rules) -> bool:
    """Whether somebody has decided that nothing more is to be said."""
    if found.category is not StatusCategory.DONE or ticket.merged_into:
        return False
    finals = {name.casefold().strip() for name in rules.final_resolutions}
    return found.resolution.casefold().strip() in finals


def goal_of(ticket: Ticket, found: Found, wanted: Wanted) -> Goal | None:
    """Where it should be moved; None: it stays where it is."""
    if wanted.landed:
        goal, known = Goal.DONE, ticket.landed == wanted.landed
    elif wanted.result.verdict in _MEANING:
        goal, known = _MEANING[wanted.result.verdict], ticket.lived == wanted.result.id
    else:
        return None
    is_there = (found.category is StatusCategory.DONE) == (goal is Goal.DONE)
    return None if is_there or (known and ticket.blocked != goal) else goal


def settled(ticket: Ticket, found: Found) -> Ticket:
    """The record, with those parts of a write without an answer that have arrived.

    Else they would be taken for a person's as soon as something else is written.
    """
    if ticket.writing is None:
        return ticket
    arrived = {
        part: getattr(ticket.writing, part)
        for part in Part
        if getattr(found.texts, part) == getattr(ticket.writing, part)
    }
    return replace(ticket, written=replace(ticket.written, **arrived))


def changes(before: Result | None, result: Result) -> bool:
    """Whether a result says something that the one before did not."""
    return before is None or bool(changes_between(before, result))


def slim(result: Result) -> Result:
    """The result without its long parts: what the next one is compared with."""
    cause = replace(result.cause, traceback="")
    none: dict[str, tuple[object, ...]] = dict.fromkeys(
        ("alternatives", "attempts", "proof", "phases"), ()
    )
    return replace(result, cause=cause, output="", log="", **none)


def _writes(ticket: Ticket, found: Found, wanted: Wanted) -> tuple[Act, ...]:
    due = frozenset(part for part in Part if _is_due(part, ticket, found.texts, wanted.texts))
    mark = _has_news(ticket, wanted) and ticket.marked != wanted.result.id
    return (Write(due, mark),) if due or mark else ()


def _is_due(part: Part, ticket: Ticket, found: Written, wanted: Written) -> bool:
    """Whether a part is to be written: it is ours, and not as it should be."""
    stands, should = getattr(found, part), getattr(wanted, part)
    if not should or stands == should:
        return False
    return stands in {getattr(texts, part) for texts in (ticket.written, ticket.writing) if texts}


def _has_news(ticket: Ticket, wanted: Wanted) -> bool:
    """Whether the newest result changes something that the ticket has told."""
    return changes(ticket.told, wanted.result)


def _news(ticket: Ticket, wanted: Wanted, goal: Goal | None) -> tuple[Act, ...]:
    """What a result brings that changes something."""
    if not _has_news(ticket, wanted):
        is_new = wanted.landed not in ("", ticket.landed, ticket.landing_told)
        return (TellLanded(),) if is_new and goal is Goal.DONE else ()
    done = ticket.attached
    files = tuple(name for name in wanted.files if f"{wanted.result.id}/{name}" not in done)
    return (*([Attach(files)] if files else []), Tell(reopened=goal is Goal.OPEN))


def _closed_with_it(
    ticket: Ticket, found: Found, wanted: Wanted, goal: Goal | None
) -> tuple[Act, ...]:
    """The tickets of merged incidents end when the one of their lead does."""
    done = found.category is StatusCategory.DONE and goal is not Goal.OPEN
    if not done and goal is not Goal.DONE:
        return ()
    return tuple(CloseMerged(name) for name in wanted.merged if name not in ticket.closed)
