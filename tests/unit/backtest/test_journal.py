"""What a backtest keeps survives interruptions."""

from __future__ import annotations

from pathlib import Path

import pytest

from paramedic_workers.backtest.journal import Journal, open_journal
from paramedic_workers.backtest.model import Reason, Skipped
from paramedic_workers.errors import UsageError, Verdict
from tests.unit.backtest.samples import bug, change, outcome


def test_every_line_is_there_the_next_time(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        journal.add(bug("a1", committed_at=1))
        journal.add(bug("b2", committed_at=2))
        journal.add(Skipped(change=change("c3"), reason=Reason.PASSES_BEFORE))
        journal.add(outcome("a1"))
    with open_journal(tmp_path) as journal:
        assert [one.commit for one in journal.bugs()] == ["b2", "a1"], "the newest first"
        assert [one.reason for one in journal.skipped()] == [Reason.PASSES_BEFORE]
        assert list(journal.outcomes) == [("a1", 60.0)]


def test_a_line_that_was_cut_off_is_passed_over(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        journal.add(bug("a1"))
        journal.add(bug("b2"))
    file = tmp_path / "journal.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    journal = Journal(file)
    assert [one.commit for one in journal.bugs()] == ["a1"]


def test_a_line_after_one_that_was_cut_off_is_kept(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        journal.add(bug("a1"))
    file = tmp_path / "journal.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    with open_journal(tmp_path) as journal:
        journal.add(bug("b2"))
    assert [one.commit for one in Journal(file).bugs()] == ["b2"]


def test_outcomes_alone_can_be_forgotten(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        journal.add(bug("a1"))
        journal.add(outcome("a1"))
        journal.forget_outcomes()
    with open_journal(tmp_path) as journal:
        assert not journal.outcomes
        assert len(journal.bugs()) == 1
        journal.forget()
    assert not Journal(tmp_path / "journal.jsonl").bugs()


def test_two_backtests_do_not_share_a_journal(tmp_path: Path) -> None:
    with (
        open_journal(tmp_path),
        pytest.raises(UsageError, match="another backtest"),
        open_journal(tmp_path),
    ):
        pass
    with open_journal(tmp_path):
        pass


def test_what_broke_is_tried_again(tmp_path: Path) -> None:
    with open_journal(tmp_path) as journal:
        journal.add(bug("a1"))
        journal.add(outcome("a1", verdict=Verdict.FAILED))
        journal.add(Skipped(change=change("b2"), reason=Reason.BROKE))
        assert len(journal.skipped()) == 1, "it is told this time"
    again = Journal(tmp_path / "journal.jsonl")
    assert (list(again.examined), list(again.outcomes)) == (["a1"], [])
