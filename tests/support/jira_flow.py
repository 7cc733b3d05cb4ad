"""The flow with the sink `jira` at its end, on a real ledger and the stand-in for Jira."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from paramedic_workers.errors import Verdict
from paramedic_workers.healing.model import HealReport, HealRequest
from paramedic_workers.results import Result
from paramedic_workers.sinks import SinkContext
from paramedic_workers.sinks.jira.client import JiraClient
from paramedic_workers.sinks.jira.settings import JiraKind, JiraSettings
from paramedic_workers.sinks.jira.sink import JiraSink
from paramedic_workers.sinks.jira.tickets import Ticket, Tickets
from tests.support.jira import StandInJira
from tests.support.jira.places import EMAIL, TOKEN
from tests.support.queueing import Flow, healed

#: The test that fails where no other is named.
TEST = "tests/test_cart.py::test_total"
TOKENS = {"PARAMEDIC_JIRA_TOKEN": TOKEN}


def jira_settings(jira: StandInJira, **changes: Any) -> JiraSettings:
    """Settings for the stand-in; its search does not lag."""
    values: dict[str, Any] = {
        "url": jira.url,
        "kind": jira.kind,
        "email": EMAIL if jira.kind is JiraKind.CLOUD else "",
        "project": "SHOP",
        "search_lag": 0.0,
        "timeout": 5.0,
        "repeat_seconds": 0.0,
    }
    return JiraSettings(**{**values, **changes})


@dataclass
class TicketFlow:
    """Failures that end in tickets."""

    flow: Flow
    jira: StandInJira
    settings: JiraSettings = field(default_factory=JiraSettings)
    _revisions: int = 0

    def __post_init__(self) -> None:
        """Settle on the settings for this stand-in, where none were given."""
        if not self.settings.url:
            self.settings = jira_settings(self.jira)
        self._sink: JiraSink | None = None
        self._clients: list[JiraClient] = []

    def close(self) -> None:
        """Close all connections to the stand-in."""
        for client in self._clients:
            client.close()

    def use(self, **changes: Any) -> None:
        """Change settings of the sink."""
        self.settings = msgspec.structs.replace(self.settings, **changes)
        self._sink = None

    @property
    def sink(self) -> JiraSink:
        """The sink, as one worker has it."""
        if self._sink is None:
            self._sink = self.another_sink()
        return self._sink

    def another_sink(self) -> JiraSink:
        """The sink, as another worker has it."""
        client = JiraClient.open(self.settings, environ=TOKENS)
        self._clients.append(client)
        context = SinkContext(settings=self.flow.settings, client=self.flow.client)
        return JiraSink.on(client, self.settings, context)

    @property
    def revision(self) -> str:
        """The one that was healed last."""
        return f"{self._revisions:040x}"

    def heal(
        self, verdict: Verdict = Verdict.HEALED, *tests: str, times: int = 1, **changes: Any
    ) -> Result:
        """These tests fail at a new revision, and the heal ends like this; not delivered."""
        self._revisions += 1
        revision = self.revision

        members = {**_usual(verdict), **changes}

        def act(request: HealRequest) -> HealReport:
            result = healed(request).results[0]
            tests = tuple(incident.test for incident in request.incidents)
            result = msgspec.structs.replace(result, **{"failing_tests": tests, **members})
            return HealReport(results=(result,), revision=revision)

        self.flow.clock.forward(60)
        for _ in range(times):
            self.flow.fail(*(tests or (TEST,)), revision=revision)
        self.flow.standin.act = act
        done = self.flow.healer.heal("shop", revision)
        return done.results[0]

    def deliver(self, result: Result) -> None:
        """Deliver a result."""
        self.sink.deliver(result)

    def ticket(self, result: Result) -> Ticket:
        """The record of the ticket of a result's incident."""
        found = Tickets(self.flow.client).get(result.incident)
        assert found is not None
        return found


def _usual(verdict: Verdict) -> dict[str, Any]:
    """What a result of this verdict has otherwise than one that is healed."""
    if verdict in (Verdict.HEALED, Verdict.PROPOSED):
        return {"verdict": verdict, "summary": "test_total in tests/test_cart.py: `-` for `+`"}
    without = {"patch": None, "confidence": None, "strategy": None, "branch": None}
    return {"verdict": verdict, "summary": f"it ends {verdict}", **without}
