"""Exactly one ticket for each incident: found, or made.

1. The ledger knows it: that is the one, by its number, wherever it was moved.
2. Else it is searched for by its label, in all projects, open or not.
3. Else it is made. Before the request is sent, the ledger notes that it will be (the
   *intent*), by the server's clock and only for the holder of the lock. Afterwards the
   ticket's record takes the place of the intent, in one step.
4. Whoever meets an intent without a record does not know whether there is a ticket: the
   worker has died, or the answer was lost. Jira's search lags behind. So it is searched for
   until it is found, or until everything that was on its way must be visible; only then is
   one made again.
5. A worker that was frozen between intent and request sends nothing any more.

What is left: a worker that freezes exactly while the request leaves the process, for longer
than all of these times. Then the label finds two tickets some day; the older one is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from paramedic_workers.errors import DeliveryPostponed
from paramedic_workers.sinks.jira.answers import Created, Issue
from paramedic_workers.sinks.jira.client import JiraClient
from paramedic_workers.sinks.jira.fields import PROPERTY, READ_FIELDS, NewTicket, found_in, label
from paramedic_workers.sinks.jira.jql import labelled
from paramedic_workers.sinks.jira.linking import CERTAIN, Linking
from paramedic_workers.sinks.jira.refusals import JiraRefused
from paramedic_workers.sinks.jira.settings import JiraSettings
from paramedic_workers.sinks.jira.tickets import FRESH_SECONDS, Held, Ticket

#: Seconds between two searches for a ticket of which it is not known whether it was made.
SEARCH_PAUSE = 15.0
#: Tickets of one label that are looked at.
_MOST = 50
#: Times that a ticket is tried to be made with ever fewer optional fields.
_TRIES = 3

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Sought:
    """The ticket of an incident."""

    ticket: Ticket
    #: Whether it was made just now.
    made: bool = False


@dataclass(frozen=True, kw_only=True)
class Finder:
    """Finds tickets, and makes those that are missing."""

    client: JiraClient
    settings: JiraSettings

    def ticket(
        self,
        held: Held,
        new: Callable[[], NewTicket | None],
        *,
        without: str = "",
    ) -> Sought | None:
        """The one ticket of this record.

        Args:
            held: the record, under its lock.
            new: the ticket that is made where there is none; None: none is wanted.
            without: number of a ticket that does not count, because it was deleted.

        Raises:
            DeliveryPostponed: it is not known yet whether there is one.
            UnclearDelivery: it is not known whether one was made; the next call finds out.
            JiraRefused: Jira will not make it.
        """
        if held.ticket is not None:
            return Sought(ticket=self._tell_others(held, held.ticket))
        wanted = new()
        if wanted is None and held.intent is None:
            return None
        if found := self._search(held.name, without):
            ticket = self._adopt(held, found, wanted)
            return Sought(ticket=self._tell_others(held, ticket))
        self._demand_settled(held)
        if wanted is None:
            held.end_making()
            return None
        return Sought(ticket=self._make(held, wanted), made=True)

    def settle_seconds(self) -> float:
        """Seconds after which everything that was on its way must be visible to a search."""
        return self.settings.search_lag + self.request_seconds()

    def request_seconds(self) -> float:
        """Seconds after which a request that was announced is no longer on its way."""
        return FRESH_SECONDS + 2 * self.settings.timeout

    def _search(self, name: str, without: str) -> list[Issue]:
        """The tickets of this label, oldest first; the first one as it is now.

        A search tells what was a while ago: a ticket may have been changed since, or deleted.
        """
        wanted = label(name)
        found = self.client.search(labelled(wanted), fields=("labels",), limit=_MOST)
        ours = [one for one in found if wanted in one.labels and one.id != without]
        ours.sort(key=lambda one: int(one.id))
        for place, one in enumerate(ours):
            present = self.client.issue(one.id, READ_FIELDS, (PROPERTY,))
            if present is not None:
                return [present, *ours[place + 1 :]]
        return []

    def _adopt(self, held: Held, found: Sequence[Issue], wanted: NewTicket | None) -> Ticket:
        """Keep the oldest; what stands in it counts as ours."""
        kept = found[0]
        mark = kept.properties.get(PROPERTY)
        _log.info("a ticket is found by its label", incident=held.name, ticket=kept.key)
        return held.save(
            Ticket(
                name=held.name,
                key=kept.key,
                id=kept.id,
                url=self.client.browse_url(kept.key),
                target=wanted.target if wanted else "",
                written=found_in(kept).texts,
                adopted=True,
                untold=tuple(other.key for other in found[1:]),
                marked=str(mark.get("result", "")) if isinstance(mark, dict) else "",
            )
        )

    def _tell_others(self, held: Held, ticket: Ticket) -> Ticket:
        """Tell further tickets of the same label, once, that this one is kept."""
        linking = Linking(client=self.client, request_seconds=self.request_seconds())
        for other in ticket.untold:
            _log.error("an incident has two tickets", kept=ticket.key, duplicate=other)
            ticket = linking.tell_duplicate(held, ticket, other)
        return ticket

    def _demand_settled(self, held: Held) -> None:
        """Wait until a ticket that may have been made must be visible.

        Raises:
            DeliveryPostponed: it need not be yet.
        """
        if held.intent is None:
            return
        left = self.settle_seconds() - held.age(held.intent)
        if left > 0:
            raise DeliveryPostponed(
                f"It is not known yet whether Jira has made the ticket of {held.name}.",
                retry_after=min(left, SEARCH_PAUSE),
            )
        _log.warning("a ticket was not made after all; it is made now", incident=held.name)

    def _make(self, held: Held, wanted: NewTicket) -> Ticket:
        """Make it; optional fields that Jira refuses are left out."""
        fields, left_out = dict(wanted.fields), frozenset[str]()
        for _ in range(_TRIES):
            try:
                created = self._create(held, fields, wanted)
                break
            except JiraRefused as error:
                refused = _refused(error, wanted.optional & frozenset(fields))
                if not refused:
                    raise
                _log.error(
                    "a ticket is made without fields that Jira refuses",
                    incident=held.name,
                    fields=sorted(refused),
                    error=str(error),
                )
                left_out |= refused
                fields = {name: value for name, value in fields.items() if name not in refused}
        else:
            created = self._create(held, fields, wanted)
        _log.info("a ticket is made", incident=held.name, ticket=created.key)
        mark = wanted.properties.get(PROPERTY, {})
        return held.save(
            Ticket(
                name=held.name,
                key=created.key,
                id=created.id,
                url=self.client.browse_url(created.key),
                target=wanted.target,
                written=wanted.written,
                marked=str(mark.get("result", "")),
                left_out=tuple(sorted(left_out)),
                written_at=held.now(),
            )
        )

    def _create(self, held: Held, fields: dict[str, object], wanted: NewTicket) -> Created:
        """Send the one request that makes it, with an intent in the ledger while it runs."""
        stamp = held.begin_making()
        if not stamp.is_fresh():
            held.end_making()
            raise DeliveryPostponed("This worker was frozen for a while.", retry_after=1.0)
        try:
            return self.client.create(fields, wanted.properties)
        except CERTAIN:
            held.end_making()
            raise


def _refused(error: JiraRefused, optional: frozenset[str]) -> frozenset[str]:
    """The optional fields that are left out after this refusal; none: it does not help."""
    named = optional & frozenset(error.fields)
    if error.status != 400 or named:
        return named
    # It does not say which field it is, so that the rest has a chance without any of them.
    return frozenset() if error.fields else optional
