"""Failures of the healer that end in epics, on a real ledger and the stand-in for Jira."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx

from paramedic_workers.sinks import SinkContext
from paramedic_workers.sinks.jira.client import JiraClient
from paramedic_workers.sinks.jira.settings import JiraKind
from paramedic_workers.sinks.jira.sink import JiraSink
from paramedic_workers.sinks.jira.tickets import Tickets
from paramedic_workers.systemic.model import Pattern
from paramedic_workers.systemic.patterns import Patterns
from tests.support.healer_failures import (
    breaking,
    fail_and_heal,
)
from tests.support.jira import StandInJira, StandInTicket
from tests.support.jira.model import words
from tests.support.jira.places import EPIC_LINK
from tests.support.jira_contract import judging
from tests.support.jira_flow import TOKENS, jira_settings
from tests.support.queueing import Flow, make_settings


@dataclass
class EpicFlow:
    """Failures of the healer that end in epics."""

    flow: Flow
    jira: StandInJira
    changes: dict[str, Any] = field(default_factory=dict)
    clients: list[JiraClient] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Let two be a pattern, and no breaker open first; tickets tell when it is over."""
        self.flow.settings = make_settings(
            breaker_failures=0, systemic_failures=2, sinks={"jira": {}}
        )

    @cached_property
    def sink(self) -> JiraSink:
        """The sink, as one worker has it."""
        return self.another_sink()

    def another_sink(self, *, judged: bool = False) -> JiraSink:
        """The sink, as another worker has it; Atlassian's documents may judge what it says."""
        settings = jira_settings(self.jira, **self.changes)
        judge = judging(httpx.HTTPTransport()) if judged else None
        client = JiraClient.open(settings, environ=TOKENS, transport=judge)
        self.clients.append(client)
        context = SinkContext(
            settings=self.flow.settings, client=self.flow.client, clock=self.flow.clock
        )
        return JiraSink.on(client, settings, context)

    def keep(self, sink: JiraSink | None = None) -> None:
        """Search for patterns, then keep their epics."""
        self.patterns.scan()
        (sink or self.sink).epics.keep(lambda _name: nullcontext())

    def deliver(self) -> None:
        """Deliver every result, the oldest first."""
        sink = self.sink
        for result in reversed(self.flow.ledger.results()):
            sink.deliver(result)

    @property
    def patterns(self) -> Patterns:
        """Those of the ledger."""
        return Patterns(self.flow.client, self.flow.settings, self.flow.clock)

    @property
    def pattern(self) -> Pattern:
        """The only one."""
        (found,) = self.patterns.all()
        return found

    @property
    def epic(self) -> StandInTicket:
        """The only one."""
        (found,) = self.epics
        return found

    @property
    def epics(self) -> list[StandInTicket]:
        """Tickets with the label of a pattern."""
        return [
            ticket
            for ticket in self.jira.tickets.values()
            if any(one.startswith("paramedic-pattern-") for one in ticket.fields["labels"])
        ]

    @property
    def children(self) -> list[StandInTicket]:
        """The tickets of incidents that are below the epic."""
        link = "parent" if self.jira.kind is JiraKind.CLOUD else EPIC_LINK
        found = self.jira.tickets.values()
        return [one for one in found if one.fields.get(link) in (self.epic.id, self.epic.key)]

    @property
    def text(self) -> str:
        """The words of the epic's description."""
        return words(self.epic.description)

    def ticket_of(self, incident: str) -> StandInTicket:
        """The ticket of an incident."""
        record = Tickets(self.flow.client).get(incident)
        assert record is not None
        return self.jira.tickets[record.key]

    def close(self) -> None:
        """Close all connections."""
        for client in self.clients:
            client.close()


def pair(epics: EpicFlow) -> None:
    """Two incidents in which a strategy breaks, with their tickets and their epic."""
    for number in range(2):
        fail_and_heal(epics.flow, f"tests/test_{number}.py::test_it", breaking("patch"))
    epics.deliver()
    epics.keep()


def again(epics: EpicFlow) -> None:
    """It comes again in two other incidents."""
    epics.flow.clock.forward(60)
    for number in range(2):
        fail_and_heal(epics.flow, f"test_again_{number}", breaking("patch"))
    epics.deliver()
    epics.keep()
