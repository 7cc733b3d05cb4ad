"""What tickets need beside deliveries: repeats are shown, landed fixes noticed.

An incident that is known already is not healed again each time it happens, so no result
comes, and still its ticket must show how often it was seen. That is done here, in place and
without a comment, for each ticket at most once in `repeat_seconds`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice

import redis
import structlog

from paramedic_workers.errors import DeliveryError, DeliveryPostponed, SinkUnavailable
from paramedic_workers.incidents import IncidentRecord, Ledger
from paramedic_workers.sinks.jira.keeping import Keeper
from paramedic_workers.sinks.jira.tickets import Ticket

#: Tickets that are looked at in one call, and brought up to date.
MOST_TICKETS = 100
#: Tickets whose incidents are read in one round trip.
_PAGE = 200
#: Milliseconds by which the time of a record may be ahead: it was counted on by the worker.
_CLOCKS_APART = 1_000

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Tending:
    """Keeps tickets while nothing is delivered."""

    keeper: Keeper
    client: redis.Redis

    def tend(self, about: Callable[[str], AbstractContextManager[None]]) -> int:
        """Bring the tickets up to date that are due, those first that have waited longest.

        Args:
            about: what goes around the upkeep of one incident's ticket.

        Returns:
            How many were looked at.

        Raises:
            SinkUnavailable: Jira is away; the rest follows when it is back.
        """
        looked_at = 0
        for ticket in islice(self._due(), MOST_TICKETS):
            with about(ticket.name):
                self._keep(ticket)
            looked_at += 1
        return looked_at

    def _keep(self, ticket: Ticket) -> None:
        newest = self.keeper.views.newest_of(ticket.name)
        if newest is None or newest.incident != ticket.name:
            return
        try:
            self.keeper.keep(newest)
        except SinkUnavailable:
            raise
        except DeliveryPostponed:
            return  # another worker has it, or it is not clear yet how it stands
        except DeliveryError as error:
            _log.error("a ticket is not brought up to date", ticket=ticket.key, error=str(error))

    def _due(self) -> Iterator[Ticket]:
        """Tickets that show something else than the ledger, the longest not written first."""
        seconds, micros = self.client.time()
        now = seconds * 1000 + micros // 1000
        repeat = self.keeper.tools.settings.repeat_seconds * 1000 - _CLOCKS_APART
        rested = (
            ticket
            for ticket in self.keeper.tools.tickets.all()
            if ticket.kept and not ticket.gone and now - ticket.written_at >= repeat
        )
        while page := list(islice(rested, _PAGE)):
            records = Ledger(self.client).members([ticket.name for ticket in page])
            by_name = {record.fingerprint: record for record in records}
            for ticket in page:
                if (record := by_name.get(ticket.name)) and self._differs(ticket, record):
                    yield ticket

    def _differs(self, ticket: Ticket, record: IncidentRecord) -> bool:
        if record.lead not in ("", ticket.name):
            return False
        if ticket.blocked or ticket.count < record.count:
            return True
        waits = ticket.told is not None and ticket.told.patch is not None and not ticket.landed
        return waits and self.keeper.views.landed(ticket.name) is not None
