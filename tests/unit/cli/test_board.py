"""The table of incidents: whole in a pipe, one line a row on a terminal of any width."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from paramedic.event import Frame, now
from paramedic_workers.cli.board import Watch, board_with_tally, change_line, subject
from paramedic_workers.cli.screen import THEME, console_on
from paramedic_workers.errors import Phase, Verdict
from paramedic_workers.incidents import IncidentRecord, IncidentState

LEAD = "3f9ac1d2e4b5a697c8d0"


def record(number: int = 0, **changes: Any) -> IncidentRecord:
    members: dict[str, Any] = {
        "fingerprint": f"{number:020x}",
        "target": "shop",
        "revision": "a" * 40,
        "test": f"tests/test_shipping.py::test_heavy_parcels_pay_half_as_much_again[{number}]",
        "state": IncidentState.WAITING,
        "first_seen": now(),
        "last_seen": now(),
        "opened_at": now(),
        "count": 1_000_000,
    }
    return IncidentRecord(**{**members, **changes})


RECORDS = [
    record(1),
    record(2, state=IncidentState.HEALING, phase=Phase.REPAIR, detail="trying", candidates=7),
    record(3, state=IncidentState.CLOSED, verdict=Verdict.NOT_REPRODUCED),
    record(4, state=IncidentState.CLOSED, verdict=Verdict.HEALED, lead=LEAD),
]


def test_a_pipe_gets_everything_in_one_line_each() -> None:
    stream = io.StringIO()
    console = console_on(stream)
    console.print(board_with_tally(console, RECORDS))
    lines = stream.getvalue().split("\n")
    assert all(line == line.rstrip() for line in lines)
    assert all(one.test in lines[1 + n] for n, one in enumerate(RECORDS))
    assert "1,000,000" in lines[1]
    assert "repair" in lines[2]
    assert "not reproduced" in lines[3]
    assert f"merged into {LEAD[:10]}" in lines[4]
    assert "1 waiting, 1 healing, 1 not reproduced, 1 healed" in stream.getvalue()


@pytest.mark.parametrize("width", [80, 100, 160])
@pytest.mark.parametrize("label", [None, ("what", lambda _: "off by one, five tests")])
def test_a_terminal_gets_one_line_a_row(width: int, label: Any) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=width, theme=THEME, no_color=True)
    console.print(board_with_tally(console, RECORDS, label))
    assert stream.getvalue().count("\n") == len(RECORDS) + 2 + 3
    assert "tests" in stream.getvalue()
    assert "7 candidates" in stream.getvalue()


def test_what_failed_is_the_test_or_the_exception_with_its_place() -> None:
    frame = Frame(file="shop/cart.py", function="Cart.total", line=3)
    assert subject(record(test="tests/a.py::b")) == "tests/a.py::b"
    service = record(test="", exception_type="KeyError", frames=(frame,))
    assert subject(service) == "KeyError in Cart.total"


def test_a_pipe_hears_of_each_change_once() -> None:
    waiting = record(1)
    healing = record(1, state=IncidentState.HEALING, phase=Phase.REPAIR)
    closed = record(1, state=IncidentState.CLOSED, verdict=Verdict.HEALED)
    looks = iter([[waiting], [waiting], [healing], [closed], [closed]])
    stream = io.StringIO()
    last = Watch(console_on(stream), lambda _: "").until(
        lambda: next(looks), lambda seen: seen == [closed]
    )
    assert last == [closed]
    assert stream.getvalue().splitlines() == [change_line(s) for s in (waiting, healing, closed)]
