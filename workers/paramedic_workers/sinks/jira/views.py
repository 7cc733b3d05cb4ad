"""What the ledger says of an incident now, as its ticket shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import redis

from paramedic_workers.incidents import Ledger
from paramedic_workers.results import Result
from paramedic_workers.sinks.jira.settings import JiraSettings
from paramedic_workers.sinks.jira.tickets import Ticket, Tickets
from paramedic_workers.sinks.jira.view import Link, TicketView


@dataclass(frozen=True, kw_only=True)
class Views:
    """Reads the ledger for tickets."""

    client: redis.Redis
    settings: JiraSettings
    tickets: Tickets
    #: Where the branch of a target can be seen; empty: nowhere.
    branch_link: Callable[[str, str], str]
    #: Since when the fix of an incident has landed and its test passes there.
    landed: Callable[[str], datetime | None]

    def newest(self, result: Result) -> Result:
        """The newest result of the same incident; itself where the ledger knows none."""
        return self.newest_of(result.incident) or result

    def newest_of(self, fingerprint: str) -> Result | None:
        """The newest result of an incident, or None."""
        return next(iter(Ledger(self.client).results_of(fingerprint, limit=1)), None)

    def result(self, result_id: str) -> Result | None:
        """One result, or None where it is not kept any more."""
        return Ledger(self.client).result(result_id)

    def of(self, result: Result, ticket: Ticket | None = None) -> TicketView:
        """The incident of a result, with everything that is known of it.

        Args:
            result: its newest.
            ticket: of the incident, where there is one.
        """
        records = Ledger(self.client).members([result.incident])
        merged = [self.tickets.get(name) for name in self.merged(result, ticket)]
        return TicketView(
            result=result,
            incident=records[0] if records else None,
            links=tuple(self._links(result)),
            fixed_since=self.landed(result.incident),
            merged_tickets=tuple(one.key for one in merged if one is not None),
        )

    def merged(self, result: Result, ticket: Ticket | None) -> tuple[str, ...]:
        """Incidents that were merged into this one, and that have, or may have, own tickets."""
        before = ticket.merged if ticket else ()
        records = Ledger(self.client).members([one for one in before if one not in result.merged])
        still = [record.fingerprint for record in records if record.lead == result.incident]
        return tuple(self.tickets.known([*result.merged, *still]))

    def _links(self, result: Result) -> list[Link]:
        links = []
        if result.branch and (url := self.branch_link(result.target, result.branch)):
            links.append(Link(title=f"Branch {result.branch}", url=url, kind="branch"))
        if self.settings.report_url:
            url = self.settings.report_url.format(incident=result.incident, target=result.target)
            links.append(Link(title="Paramedic's report", url=url, kind="report"))
        for title, url in Ledger(self.client).links_of(result.incident).items():
            links.append(Link(title=title, url=url, kind=f"tag:{title}"))
        return links
