"""What `paramedic backtest` shows in a pipe."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from paramedic_workers.backtest.campaign import Findings, Moment, Stage
from paramedic_workers.backtest.model import Bug, Reason, Skipped
from paramedic_workers.cli.backtest_show import show, watching
from tests.unit.backtest.samples import bug, change, outcome


def test_tables_stand_apart_and_changes_are_counted_in_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    skipped = Skipped(change=change("b"), reason=Reason.REPEATED)
    show(
        Findings(revision="r", bugs=(bug("a"),), skipped=(skipped,), outcomes=(outcome("a"),)), None
    )
    lines = capsys.readouterr().out.splitlines()
    blank = [number for number, line in enumerate(lines) if not line.strip()]
    assert [lines[number + 1].split()[0] for number in blank] == ["confidence", "1"]
    assert lines[-1].startswith("1 change looked at and no bug: 1 ")


def test_a_long_subject_ends_in_an_ellipsis(capsys: pytest.CaptureFixture[str]) -> None:
    long: Bug = replace(bug("a"), change=replace(change("a"), subject="Fix " + "this " * 30))
    show(Findings(revision="r", bugs=(long,), skipped=(), outcomes=()), None)
    assert " this…\n" in capsys.readouterr().out


def test_progress_never_counts_more_than_were_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    with watching("shop") as tell:
        tell(Moment(stage=Stage.FINDING, done=4, of=3, looked_at=1, message="Fix the price"))
    assert "finding bugs: 3 of 3; 1 change looked at; Fix the price" in capsys.readouterr().err
