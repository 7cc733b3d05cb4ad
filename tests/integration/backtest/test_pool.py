"""Work in processes of its own."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from paramedic_workers.backtest.pool import run_all
from tests.support.waiting import wait_for


def double(number: int) -> int:
    if number == 13:
        raise ValueError("unlucky")
    if number == 99:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


def leave_a_note_and_wait(folder: Path) -> None:
    try:
        (folder / str(os.getpid())).touch()
        time.sleep(600)
    finally:
        (folder / "cleaned-up").touch()


def test_every_item_is_answered() -> None:
    found = {done.item: done.value for done in run_all(double, [1, 2, 3], jobs=2)}
    assert found == {1: 2, 2: 4, 3: 6}


def test_what_breaks_takes_nothing_with_it() -> None:
    found = {done.item: done for done in run_all(double, [13, 99, 4], jobs=2)}
    assert found[4].value == 8
    assert found[13].error == "ValueError: unlucky"
    assert "ended with status -9" in found[99].error


def test_nothing_new_is_begun_when_there_is_enough() -> None:
    found: list[int] = []
    for done in run_all(double, iter(range(1_000)), jobs=1, enough=lambda: len(found) >= 2):
        found.append(done.item)
    assert found == [0, 1]


def test_an_exception_ends_the_processes_and_lets_them_clean_up(tmp_path: Path) -> None:
    def interrupted() -> None:
        for _ in run_all(leave_a_note_and_wait, [tmp_path, tmp_path / "missing"], jobs=2):
            wait_for("the other process to be at work", lambda: any(tmp_path.iterdir()))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (tmp_path / "cleaned-up").exists()
    (process,) = (file.name for file in tmp_path.iterdir() if file.name.isdigit())
    assert not Path("/proc", process).exists()
