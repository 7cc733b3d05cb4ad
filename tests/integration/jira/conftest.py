"""A stand-in for Jira for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from paramedic_workers.sinks.jira.settings import JiraKind
from tests.support.jira import StandInJira


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
