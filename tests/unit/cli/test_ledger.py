"""A ledger that goes away under a command is told in one line, with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from paramedic_workers.cli import jira
from paramedic_workers.cli.ledger import ledger_errors
from paramedic_workers.errors import BrokerError


def test_a_ledger_that_breaks_off_is_a_clear_line() -> None:
    told = r"does not answer any more: gone\. Run the same command again"
    with pytest.raises(BrokerError, match=told), ledger_errors():
        raise redis.ConnectionError("gone.")


def test_also_while_tickets_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "paramedic.toml"
    file.write_text('[sinks.jira]\nurl = "https://jira.shop.example"\nproject = "SHOP"\n')
    monkeypatch.setenv("PARAMEDIC_CONFIG", str(file))
    monkeypatch.setenv("PARAMEDIC_JIRA_TOKEN", "t0ken")
    with pytest.raises(BrokerError), jira._opened():
        raise redis.ConnectionError("gone")
