"""How `paramedic jira` shows what it found."""

from __future__ import annotations

import pytest

from paramedic_workers.cli.jira_show import show_imported, show_report
from paramedic_workers.cli.screen import output
from paramedic_workers.sinks.jira.check import Finding, JiraReport, Standing
from paramedic_workers.sinks.jira.importing import ImportedTicket, ImportOutcome
from paramedic_workers.sinks.jira.settings import JiraKind


def finding(standing: Standing, what: str, remedy: str = "") -> Finding:
    return Finding(subject="SHOP", standing=standing, what=what, remedy=remedy)


def report(*findings: Finding) -> JiraReport:
    return JiraReport(url="https://jira.shop.example", kind=JiraKind.CLOUD, findings=findings)


def test_what_is_missing_comes_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    good = finding(Standing.GOOD, "has the type Bug", "never shown")
    show_report(output(), report(good, finding(Standing.MISSING, "has no Epic", "Add it.")))
    shown = capsys.readouterr().out
    assert "✓  SHOP  has the type Bug\n" in shown
    assert "✗  SHOP  has no Epic. Add it.\n" in shown
    assert shown.endswith("✗ 1 thing missing\n")


def test_where_nothing_is_missing_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    show_report(output(), report(finding(Standing.NOTE, "is odd \x1b[31m")))
    shown = capsys.readouterr().out
    assert "!  SHOP  is odd" in shown
    assert "\x1b" not in shown
    assert "✓ tickets can be made" in shown


def ticket(outcome: ImportOutcome, **more: object) -> ImportedTicket:
    usual = {"key": "SHOP-1", "url": "https://jira.shop.example/browse/SHOP-1", "summary": "x"}
    return ImportedTicket(**{**usual, "outcome": outcome, **more})  # type: ignore[arg-type]


def test_each_ticket_is_a_line_and_each_cause_counts_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = {"targets": ("shop",), "sources": ("heal.log",), "incidents": ("ab" * 10,)}
    tickets = [
        ticket(ImportOutcome.PUBLISHED, occurrences=3, **found),
        ticket(ImportOutcome.KNOWN, why="it was imported before", **found),
        ticket(ImportOutcome.NOTHING, why="heal.log: \x1b[31mred"),
    ]
    show_imported(output(), tickets)
    _, first, second, third, last = capsys.readouterr().out.splitlines()
    assert first.split() == ["SHOP-1", "published", "shop", "heal.log", "3", "ababababab"]
    assert "it was imported before" in second
    assert "\x1b" not in third
    assert last == (
        "3 tickets: 1 published, 1 imported before, 1 without a failure that can be read; 1 cause"
    )


def test_a_query_that_finds_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    show_imported(output(), [])
    assert capsys.readouterr().out == "the query finds no ticket\n"
