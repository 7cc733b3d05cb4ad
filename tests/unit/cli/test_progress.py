"""What a person sees of a heal that runs."""

from __future__ import annotations

import io
import re
import sys

import pytest

from paramedic_workers.cli.progress import watching
from paramedic_workers.errors import Phase
from paramedic_workers.healing.model import Progress

FIRST = Progress(
    phase=Phase.REPAIR,
    cause="test_total in tests/test_cart.py",
    message="best so far: `<` in place of `<=`",
    candidates=120,
    seconds_left=41.6,
)
PROVED = Progress(phase=Phase.VERIFY, cause=FIRST.cause, message="the patch is proved")
SECOND = Progress(
    phase=Phase.REPAIR, cause="test_tax in tests/test_tax.py", message="looking", candidates=1
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def seen(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the stream got of a heal of two causes, without escape sequences."""
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "xterm-256color")
    with watching("shop") as show:
        show(Progress(phase=Phase.REPRODUCE, message="running 2 tests"))
        for progress in (FIRST, PROVED, SECOND):
            show(progress)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())


def test_a_terminal_shows_a_line_per_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    text = seen(Terminal(), monkeypatch)
    (kept,) = [line for line in text.splitlines() if line.startswith("test_total")]
    assert kept.rstrip() == "test_total in tests/test_cart.py  verify  the patch is proved"
    live = [line for line in text.splitlines() if "test_tax" in line]
    assert "1 candidate" in live[-1]


def test_the_live_line_has_candidates_best_so_far_and_time_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "xterm-256color")
    with watching("shop") as show:
        show(FIRST)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    for part in (FIRST.cause, "repair", FIRST.message, "120 candidates", "42 s left"):
        assert part in text


def test_a_pipe_gets_a_line_per_phase_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen(io.StringIO(), monkeypatch).splitlines() == [
        "paramedic: reproduce: running 2 tests",
        "paramedic: repair: best so far: `<` in place of `<=`",
        "paramedic: verify: the patch is proved",
        "paramedic: repair: looking",
    ]
