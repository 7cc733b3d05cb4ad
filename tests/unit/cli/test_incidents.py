"""`paramedic incidents` without a server."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from paramedic_workers.cli.incidents import _show_rejected


def test_a_pipe_gets_a_refused_event_whole(capsys: pytest.CaptureFixture[str]) -> None:
    content = {"message": "x" * 500, "last": "the end"}
    event = SimpleNamespace(at=datetime(2026, 1, 1, tzinfo=UTC), reason="bad", content=content)
    ledger: Any = SimpleNamespace(rejected=lambda _limit: [event])
    _show_rejected(ledger, 10, as_json=False)
    assert "the end" in capsys.readouterr().out
