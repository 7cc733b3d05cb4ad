"""A real heal whose remote is away is made again when it is back, and its incident is not lost."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from paramedic.event import now
from paramedic_workers.errors import Verdict
from paramedic_workers.groups import GroupHealer, RoundEnd
from paramedic_workers.healing.healer import Healer
from paramedic_workers.incidents import IncidentState
from paramedic_workers.settings import SandboxMode, TargetSettings
from tests.support.flaky import flaky_server
from tests.support.queueing import Flow, make_settings
from tests.support.repositories import Repository, make_repository
from tests.support.waiting import wait_for

_FILES = {
    "sums.py": "def add(a, b):\n    return a - b\n",
    "test_sums.py": "from sums import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n",
}


def test_a_heal_whose_remote_is_away_is_made_again(
    flow: Flow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paramedic_workers.resilience.backoff.time.sleep", lambda _seconds: None)
    repository = make_repository(tmp_path / "shop", _FILES)
    served = tmp_path / "served"
    repository.git("clone", "--quiet", "--bare", ".", str(served / "shop.git"))
    Repository(served / "shop.git").git("update-server-info")
    with flaky_server(served, failures=1_000) as server:
        target = TargetSettings(
            name="shop",
            repository=f"{server.url}/shop.git",
            python=sys.executable,
            sandbox=SandboxMode.OFF,
            strategies=("revert",),
            runs=1,
        )
        settings = make_settings(tmp_path / "data", targets={"shop": target}, retry_pause=0.2)
        healer = GroupHealer(
            client=flow.client,
            settings=settings,
            healer=lambda progress: Healer(data=settings.data_directory(), progress=progress),
            sinks=("file",),
            quiet_seconds=0.0,
        )
        flow.clock.present = now()
        flow.fail("test_sums.py::test_add", revision=repository.git("rev-parse", "HEAD"))
        (group,) = flow.ledger.incidents()
        assert healer.heal("shop", group.revision).end is RoundEnd.CLOSED
        (waiting,) = flow.ledger.incidents()
        assert (waiting.state, waiting.retries) == (IncidentState.WAITING, 1)
        assert "503" in waiting.held_for
        server.failures = 0
        wait_for(
            "the second heal", lambda: healer.heal("shop", group.revision).end is RoundEnd.CLOSED
        )
    (result,) = flow.ledger.results()
    assert result.verdict is Verdict.UNHEALED
    assert not result.transient
