"""The flow on a real, empty ledger."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from paramedic_workers.connections import state_client
from tests.support.queueing import Flow


@pytest.fixture
def flow(broker_url: str) -> Iterator[Flow]:
    """Intake, healer and ledger with a clock that stands still."""
    with state_client(broker_url) as client:
        yield Flow(client)
