"""Keeping a ticket: it is brought up to what the ledger says of its incident now.

A delivery is no message that is passed on, it is an occasion: whichever result it is for, the
ticket is compared with the incident's newest, and what differs is done, act by act, under the
ticket's lock. So deliveries may come twice, late, or in any order, several results that wait
together cost one update, and a retry after a partial success goes on where that stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog
from msgspec.structs import replace

from paramedic_workers.results import Result
from paramedic_workers.sinks.jira.acts import Acts, Tools
from paramedic_workers.sinks.jira.answers import Issue, StatusCategory
from paramedic_workers.sinks.jira.attachments import names_of_files
from paramedic_workers.sinks.jira.fields import (
    READ_FIELDS,
    NewTicket,
    found_in,
    new_ticket,
    texts_of,
)
from paramedic_workers.sinks.jira.finding import Sought
from paramedic_workers.sinks.jira.plan import Found, Rules, Wanted, is_final, plan, settled, slim
from paramedic_workers.sinks.jira.tickets import Held, Ticket, Written
from paramedic_workers.sinks.jira.view import TicketView
from paramedic_workers.sinks.jira.views import Views

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Keeper:
    """Keeps the tickets of incidents."""

    tools: Tools
    views: Views

    def deliver(self, result: Result) -> None:
        """Bring the ticket of this result's incident up to date.

        Raises:
            DeliveryError: it could not be done; a repeat goes on where it stopped.
        """
        newest = self.views.newest(result)
        if newest.incident != result.incident:
            return  # merged since: the result of its lead tells of it
        ticket = self.tools.tickets.get(result.incident)
        if ticket is not None and (ticket.gone or ticket.kept == newest.id):
            return
        self.keep(newest)

    def keep(self, newest: Result) -> None:
        """Bring the ticket of an incident up to its newest result.

        Raises:
            DeliveryError: it could not be done; a repeat goes on where it stopped.
        """
        with self.tools.tickets.held(newest.incident) as held:
            self._keep(held, self.views.newest(newest))

    def _keep(self, held: Held, newest: Result) -> None:
        sought = self._sought(held, newest)
        if sought is None:
            return
        issue = None if sought.made else self._read(sought.ticket)
        if issue is None and not sought.made:
            sought = self._made_anew(held, sought.ticket, newest)
            if sought is None:
                return
            issue = None if sought.made else self._read(sought.ticket)
        self._carry_out(held, sought.ticket, newest, issue)

    def _sought(self, held: Held, newest: Result, without: str = "") -> Sought | None:
        if held.ticket is not None and held.ticket.gone:
            return None
        view = self.views.of(newest, held.ticket)
        wanted = newest.verdict in self.tools.settings.verdicts
        return self.tools.finder.ticket(
            held,
            (lambda: self._new(view)) if wanted else (lambda: None),
            without=without,
        )

    def _new(self, view: TicketView) -> NewTicket:
        description, written = self._texts(view)
        tools = self.tools
        return new_ticket(view.result, tools.settings, written, description, tools.client)

    def _texts(self, view: TicketView) -> tuple[Any, Written]:
        """The description as Jira takes it, and what people may change too."""
        description = self.tools.client.text(self.tools.texts.description(view))
        summary = self.tools.texts.summary(view)
        return description, texts_of(view.result, self.tools.settings, summary, description)

    def _read(self, ticket: Ticket) -> Issue | None:
        """The ticket as it stands; None only where Jira says twice that it has none."""
        found = (self.tools.client.issue(name, READ_FIELDS) for name in (ticket.id, ticket.key))
        return next(filter(None, found), None)

    def _made_anew(self, held: Held, ticket: Ticket, newest: Result) -> Sought | None:
        """A ticket that somebody has deleted is made anew, once."""
        if ticket.remade:
            _log.warning("a ticket is deleted again, and stays so", ticket=ticket.key)
            held.save(replace(ticket, gone=True))
            return None
        _log.warning("a ticket is gone from Jira; it is made anew", ticket=ticket.key)
        held.forget()
        sought = self._sought(held, newest, without=ticket.id)
        if sought is None:
            return None
        return Sought(ticket=held.save(replace(sought.ticket, remade=1)), made=sought.made)

    def _carry_out(self, held: Held, ticket: Ticket, newest: Result, issue: Issue | None) -> None:
        view = self.views.of(newest, ticket)
        description, written = self._texts(view)
        wanted = Wanted(
            result=newest,
            texts=written,
            landed=view.fixed_since.isoformat() if view.fixed_since else "",
            links=view.links,
            files=names_of_files(newest),
            merged=self.views.merged(newest, ticket),
        )
        found = found_in(issue) if issue else _as_made(ticket)
        rules = Rules(final_resolutions=self.tools.settings.final_resolutions)
        acts = Acts(
            tools=self.tools,
            held=held,
            ticket=settled(self._followed(held, ticket, issue), found),
            view=view,
            wanted=wanted,
            found=found,
            description=description,
            attachments=issue.attachments if issue else (),
        )
        if is_final(ticket, found, rules):
            _log.info("a ticket is left as somebody has closed it", ticket=ticket.key)
        for act in plan(acts.ticket, found, wanted, rules):
            acts.do(act)
        acts.end()

    def _followed(self, held: Held, ticket: Ticket, issue: Issue | None) -> Ticket:
        """The record, with the key that the ticket has now."""
        known = self._known_before(ticket)
        if issue is None or issue.key == ticket.key:
            return known
        _log.info("a ticket was moved", before=ticket.key, now=issue.key)
        url = self.tools.client.browse_url(issue.key)
        return held.save(replace(known, key=issue.key, url=url))

    def _known_before(self, ticket: Ticket) -> Ticket:
        """The record of a ticket that was found, with the result that its property names."""
        if not ticket.adopted or ticket.told is not None or not ticket.marked:
            return ticket
        told = self.views.result(ticket.marked)
        newest = self.views.newest_of(ticket.name)
        if told is None or (newest is not None and newest.id == told.id):
            return ticket  # of the newest one, it is not known how much was told
        return replace(ticket, told=slim(told))


def _as_made(ticket: Ticket) -> Found:
    """How a ticket stands that was made a moment ago."""
    return Found(texts=ticket.written, category=StatusCategory.NEW)
