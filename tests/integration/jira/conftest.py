"""A stand-in for Jira for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from paramedic_workers.connections import state_client
from paramedic_workers.sinks.jira.settings import JiraKind
from tests.support.epic_flow import EpicFlow
from tests.support.jira import StandInJira
from tests.support.jira_contract import judging_everything
from tests.support.jira_flow import TicketFlow
from tests.support.queueing import Flow


@pytest.fixture(autouse=True)
def judged(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is said to a Jira Cloud that breaks its contract, in any of these tests."""
    with judging_everything(monkeypatch):
        yield


@pytest.fixture
def jira() -> Iterator[StandInJira]:
    """An empty Jira Cloud."""
    with StandInJira.start() as opened:
        yield opened


@pytest.fixture
def data_center() -> Iterator[StandInJira]:
    """An empty Jira Data Center."""
    with StandInJira.start(JiraKind.DATA_CENTER) as opened:
        yield opened


@pytest.fixture(params=list(JiraKind))
def any_jira(request: pytest.FixtureRequest) -> Iterator[StandInJira]:
    """An empty Jira of each kind."""
    with StandInJira.start(request.param) as opened:
        yield opened


@pytest.fixture
def flow(broker_url: str) -> Iterator[Flow]:
    """The flow on an empty ledger."""
    with state_client(broker_url) as client:
        yield Flow(client)


@pytest.fixture
def tickets(flow: Flow, jira: StandInJira) -> Iterator[TicketFlow]:
    """Failures that end in tickets of Jira Cloud."""
    opened = TicketFlow(flow, jira)
    yield opened
    opened.close()


@pytest.fixture
def any_tickets(flow: Flow, any_jira: StandInJira) -> Iterator[TicketFlow]:
    """Failures that end in tickets of each kind of Jira."""
    opened = TicketFlow(flow, any_jira)
    yield opened
    opened.close()


@pytest.fixture
def epics(flow: Flow, jira: StandInJira) -> Iterator[EpicFlow]:
    """Failures of the healer that end in epics of Jira Cloud."""
    opened = EpicFlow(flow, jira)
    yield opened
    opened.close()


@pytest.fixture
def any_epics(flow: Flow, any_jira: StandInJira) -> Iterator[EpicFlow]:
    """Failures of the healer that end in epics of each kind of Jira."""
    opened = EpicFlow(flow, any_jira)
    yield opened
    opened.close()
