"""What a ticket is told once: that another one is kept in its place, or that it is stuck."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from msgspec.structs import replace

from paramedic_workers.errors import DeliveryPostponed, SinkUnavailable
from paramedic_workers.sinks.jira.answers import LinkType
from paramedic_workers.sinks.jira.client import JiraClient
from paramedic_workers.sinks.jira.documents import Document
from paramedic_workers.sinks.jira.fields import PROPERTY
from paramedic_workers.sinks.jira.notes import duplicate_note
from paramedic_workers.sinks.jira.refusals import JiraRefused
from paramedic_workers.sinks.jira.tickets import Begun, Held, Stamp, Ticket

#: After these it is certain that Jira has done nothing.
CERTAIN = (JiraRefused, SinkUnavailable, DeliveryPostponed)

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Linking:
    """Comments exactly once, and links tickets."""

    client: JiraClient
    #: Seconds after which a request that was announced is no longer on its way.
    request_seconds: float

    def tell_duplicate(self, held: Held, ticket: Ticket, other: str) -> Ticket:
        """Tell a ticket of the same label that this one is kept, and link the two; once.

        Args:
            held: the record of the one that is kept, under its lock.
            ticket: the same.
            other: key of the one that is told.
        """
        self.link_duplicate(other, ticket.key)
        note, mark = duplicate_note(ticket.key, ticket.url), {"duplicate_of": ticket.key}
        noted = {
            "untold": tuple(one for one in ticket.untold if one != other),
            "duplicates": (*ticket.duplicates, other),
        }
        step = f"duplicate:{other}"
        return self.comment(held, ticket, step, note, mark, on=other, noted=noted)

    def link_duplicate(self, other: str, kept: str) -> None:
        """Link two tickets: the one duplicates the other, in whatever words this Jira has."""
        # Jira reads it from the inward end: that one "duplicates" the outward one.
        link(self.client, duplicate_type(self.client.link_types()), other, kept)

    def comment(
        self,
        held: Held,
        ticket: Ticket,
        step: str,
        text: Document,
        mark: Mapping[str, str],
        *,
        on: str = "",
        noted: Mapping[str, Any] = {},
    ) -> Ticket:
        """Comment on a ticket, once for this step.

        A comment whose request ended unclear is looked for before it is written again: its
        property says what it is for.

        Args:
            held: a record, under its lock.
            ticket: the same.
            step: names the comment in the record.
            text: the comment.
            mark: what the comment's property says.
            on: key of another ticket that is commented on.
            noted: what the record says from then on, by member; written in the same step, so
                that a worker that dies then leaves no comment that is written again.
        """
        where = on or ticket.id
        if step in ticket.begun:
            if self._is_there(where, mark):
                return held.save(replace(without_begun(ticket, step), **noted))
            demand_over(held, ticket.begun[step], self.request_seconds)
        stamp = Stamp()
        ticket = held.save(with_begun(ticket, step, Begun(at=held.now())))
        demand_fresh(stamp)
        try:
            self.client.comment(where, text, {PROPERTY: dict(mark)})
        except CERTAIN:
            held.save(without_begun(ticket, step))
            raise
        return held.save(replace(without_begun(ticket, step), **noted))

    def _is_there(self, key: str, mark: Mapping[str, str]) -> bool:
        return any(one.properties.get(PROPERTY) == mark for one in self.client.comments(key))


def duplicate_type(known: tuple[LinkType, ...]) -> LinkType | None:
    """The type of links that says "duplicates", else one that says "relates"; else None."""
    for word in ("duplicat", "relate"):
        for kind in known:
            if word in f"{kind.name} {kind.outward}".casefold():
                return kind
    return None


def relation_type(known: tuple[LinkType, ...]) -> LinkType | None:
    """The type of links that says no more than that two tickets belong together; else None."""
    return next((kind for kind in known if "relate" in kind.name.casefold()), None)


def link(client: JiraClient, kind: LinkType | None, inward: str, outward: str) -> None:
    """Link two tickets, where this Jira has such links and takes this one; else the log says so.

    Args:
        client: of the Jira.
        kind: of the link; None: there is none.
        inward: key of the ticket from which the link reads as its outward words.
        outward: key of the other one.
    """
    if kind is None:
        _log.warning("this Jira has no such link", ticket=inward, other=outward)
        return
    try:
        client.link(kind.name, inward, outward)
    except JiraRefused as error:
        _log.warning("tickets cannot be linked", ticket=inward, other=outward, error=str(error))


def demand_over(held: Held, begun: Begun, seconds: float) -> None:
    """Wait until a request whose end is not known is no longer on its way.

    Raises:
        DeliveryPostponed: it may still arrive.
    """
    left = seconds - held.age(begun.at)
    if left > 0:
        raise DeliveryPostponed(
            f"It is not known yet what became of a request about {held.name}.",
            retry_after=min(left, 15.0),
        )


def demand_fresh(stamp: Stamp) -> None:
    """Send nothing that was announced too long ago: others may count on its end.

    Raises:
        DeliveryPostponed: this process was frozen meanwhile.
    """
    if not stamp.is_fresh():
        raise DeliveryPostponed("This worker was frozen for a while.", retry_after=1.0)


def with_begun(ticket: Ticket, step: str, begun: Begun) -> Ticket:
    """The record with a request that is about to be sent."""
    return replace(ticket, begun={**ticket.begun, step: begun})


def without_begun(ticket: Ticket, step: str) -> Ticket:
    """The record with a request that has ended."""
    left = {name: begun for name, begun in ticket.begun.items() if name != step}
    return replace(ticket, begun=left)
