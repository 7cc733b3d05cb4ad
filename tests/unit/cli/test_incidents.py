"""`paramedic incidents` without a server."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from paramedic_workers.cli.board import board_with_tally
from paramedic_workers.cli.incidents import _facts, _heals
from paramedic_workers.cli.screen import output
from paramedic_workers.dead_letters.model import Attempt
from paramedic_workers.incidents import IncidentRecord, IncidentState
from paramedic_workers.sinks.jira.tickets import Ticket

NOW = datetime(2026, 5, 1, 14, 5, tzinfo=UTC)


def record(**changes: object) -> IncidentRecord:
    values = {
        "fingerprint": "ab12",
        "target": "shop",
        "state": IncidentState.WAITING,
        "first_seen": NOW,
        "last_seen": NOW,
        "opened_at": NOW,
    }
    return IncidentRecord(**{**values, **changes})  # type: ignore[arg-type] # each field has its own type


def test_each_heal_is_told_with_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    ended = Attempt(at=NOW, host="here:7", phase="repair", end="killed by SIGKILL")
    runs = Attempt(at=NOW, host="there:8")
    console = output()
    console.print(_heals(console, record(attempts_log=(ended, runs))))
    shown = capsys.readouterr().out
    for words in ("here:7", "repair", "killed by SIGKILL", "there:8", "it runs"):
        assert words in shown


def test_what_is_held_back_says_until_when_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    console = output()
    console.print(_facts(record(not_before=NOW, held_for="5 heals in an hour"), None))
    assert "until 2026-05-01 14:05:00 UTC: 5 heals in an hour" in capsys.readouterr().out
    console.print(_facts(record(not_before=NOW, state=IncidentState.CLOSED), None))
    assert "until" not in capsys.readouterr().out


TICKET = Ticket(name="ab12", key="SHOP-7", id="1", url="https://jira.shop.example/browse/SHOP-7")


def test_the_ticket_is_shown_with_its_address(capsys: pytest.CaptureFixture[str]) -> None:
    console = output()
    console.print(_facts(record(), TICKET))
    assert "SHOP-7 https://jira.shop.example/browse/SHOP-7" in capsys.readouterr().out


def test_a_list_has_a_column_of_tickets_where_there_are_any(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console = output()
    records = [record(), record(fingerprint="cd34")]
    console.print(board_with_tally(console, records, tickets={"ab12": TICKET}))
    head, first, second, *_ = capsys.readouterr().out.splitlines()
    assert head.endswith("ticket")
    assert first.endswith("SHOP-7")
    assert second.endswith("–")
    console.print(board_with_tally(console, records))
    assert "ticket" not in capsys.readouterr().out
