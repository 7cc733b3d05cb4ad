"""The whole life of two tickets, and what stands in Jira at its end, to be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from paramedic_workers import keys
from paramedic_workers.errors import DeliveryError, Verdict
from paramedic_workers.results import Result
from paramedic_workers.sinks.jira.tickets import Tickets
from tests.support.jira import RequestRecord
from tests.support.jira.model import RESOLVING_WORKFLOW, StandInTicket
from tests.support.jira_flow import TicketFlow

#: How often something is tried: far more often than any one fault can ask for.
TRIES = 12
_TESTS = ("tests/test_a.py::test_a", "tests/test_b.py::test_b")


class WorkerDied(BaseException):
    """Stands for SIGKILL: nothing after it is done."""


@dataclass
class TicketLife:
    """Two incidents with tickets: they fail, are merged, closed, opened, and land."""

    tickets: TicketFlow
    #: Whatever a delivery or a look at tickets ended with, oldest first.
    errors: list[DeliveryError | WorkerDied] = field(default_factory=list)
    #: The results in the order of their making, to tell them by number.
    _results: list[Result] = field(default_factory=list)

    def live(self) -> None:
        """All of it, from the first failure to the landing."""
        self.tickets.jira.projects["SHOP"].workflow = RESOLVING_WORKFLOW
        for step in self._steps():
            self.until_done(step)

    def until_done(self, step: Callable[[], None]) -> None:
        """Do it as the outbox does: again and again, whatever it ended with."""
        for _ in range(TRIES):
            try:
                return step()
            except (DeliveryError, WorkerDied) as error:
                self.errors.append(error)
                self.let_time_pass()
        raise AssertionError(f"it does not end: {self.errors[-1]!r}")

    def let_time_pass(self, seconds: float = 3600) -> None:
        """Let whatever was begun have begun long ago: nothing of it is on its way any more."""
        client, records = self.tickets.flow.client, Tickets(self.tickets.flow.client)
        for ticket in records.all():
            begun = {
                step: msgspec.structs.replace(one, at=one.at - int(seconds * 1000))
                for step, one in ticket.begun.items()
            }
            older = msgspec.json.encode(msgspec.structs.replace(ticket, begun=begun))
            client.hset(keys.ticket(ticket.name), "ticket", older)
        for name in records.unclear():
            client.hincrby(keys.ticket(name), "intent", -int(seconds * 1000))

    @property
    def requests(self) -> list[RequestRecord]:
        """All that Jira was asked."""
        return self.tickets.jira.requests

    def state(self) -> list[dict[str, Any]]:
        """What people see in Jira, the same for two lives that went the same way."""
        return [self._shown(ticket) for ticket in self.tickets.jira.tickets.values()]

    def _steps(self) -> Iterator[Callable[[], None]]:
        tickets = self.tickets
        first, second = (self._heal(Verdict.UNHEALED, name) for name in _TESTS)
        yield lambda: tickets.deliver(second)
        yield lambda: tickets.deliver(first)
        both = self._heal(
            Verdict.HEALED,
            *_TESTS,
            incident=first.incident,
            fingerprint=first.incident,
            merged=(second.incident,),
            branch="paramedic/1",
        )
        yield lambda: tickets.deliver(both)
        tickets.jira.resolve(tickets.ticket(first).key, "Done")
        again = self._heal(Verdict.FLAKY, _TESTS[0])
        yield lambda: tickets.deliver(again)
        fixed = self._heal(Verdict.HEALED, _TESTS[0], patch="--- a/x.py\n+++ b/x.py\n+other\n")
        yield lambda: tickets.deliver(fixed)
        tickets.flow.fail(_TESTS[0], revision=tickets.revision)
        yield self._tend
        self._land(fixed)
        yield self._tend

    def _tend(self) -> None:
        """Look at the tickets as often as one fault can need."""
        for _ in range(3):
            self.tickets.sink.tend()
            self.let_time_pass()

    def _heal(self, verdict: Verdict, *tests: str, **changes: Any) -> Result:
        result = self.tickets.heal(verdict, *tests, **changes)
        self._results.append(result)
        return result

    def _land(self, result: Result) -> None:
        at = str(int(datetime(2026, 5, 2, tzinfo=UTC).timestamp() * 1000))
        facts = ("result", result.id, "how", "our_commit", "at", at, "checked_at", at)
        self.tickets.flow.client.hset(keys.landing(result.incident), items=list(facts))

    def _shown(self, ticket: StandInTicket) -> dict[str, Any]:
        return {
            "summary": ticket.summary,
            "text": self._without_ids(ticket.text),
            "labels": ticket.labels,
            "status": ticket.status,
            "resolution": ticket.resolution,
            "history": ticket.history,
            "files": sorted(one.name for one in ticket.attachments),
            "comments": [self._without_ids(str(one.properties)) for one in ticket.comments],
            "remote links": sorted((one.global_id, str(one.object)) for one in ticket.remote_links),
            "links": [(one.type, one.inward) for one in ticket.links],
            "properties": self._without_ids(str(ticket.properties)),
        }

    def _without_ids(self, text: str) -> str:
        for number, result in enumerate(self._results):
            text = text.replace(result.id, f"<result {number}>")
        return text
