"""Faults strike as often as they were told to, whoever comes to their place."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from paramedic_workers.simulation.acts import EXCEPTIONS, Striker
from paramedic_workers.simulation.faults import Fault, FaultBook, Kind, Place


@pytest.fixture
def book(tmp_path: Path) -> FaultBook:
    return FaultBook(folder=tmp_path / "faults")


def test_a_fault_strikes_as_often_as_it_was_told_to(book: FaultBook) -> None:
    book.write("shop", [Fault(kind=Kind.PAUSE, place=Place.REPAIR, times=2)])
    struck = [book.next_strike("shop", Place.REPAIR) is not None for _ in range(4)]
    assert struck == [True, True, False, False]
    assert book.strikes("shop") == 2


def test_it_strikes_so_often_also_where_many_come_at_once(book: FaultBook) -> None:
    book.write("shop", [Fault(kind=Kind.PAUSE, place=Place.REPAIR, times=5)])
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: book.next_strike("shop", Place.REPAIR), range(40)))
    assert len([fault for fault in found if fault]) == 5


def test_it_strikes_nobody_else_and_nowhere_else(book: FaultBook) -> None:
    book.write("shop", [Fault(kind=Kind.HANG, place=Place.REPAIR)])
    assert book.next_strike("other", Place.REPAIR) is None
    assert book.next_strike("shop", Place.VERIFY) is None
    assert book.strikes("shop") == 0


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_each_exception_is_raised_as_itself(book: FaultBook, tmp_path: Path, name: str) -> None:
    book.write("shop", [Fault(kind=Kind.RAISE, place=Place.PREPARE, exception=name)])
    striker = Striker(book=book, data=tmp_path, lease_seconds=1.0)
    with pytest.raises(BaseException) as raised:
        striker.strike("shop", Place.PREPARE)
    assert type(raised.value) is type(EXCEPTIONS[name]())
    striker.strike("shop", Place.PREPARE)


def test_memory_runs_out_within_bounds(book: FaultBook, tmp_path: Path) -> None:
    book.write("shop", [Fault(kind=Kind.EAT_MEMORY, place=Place.REPRODUCE)])
    with pytest.raises(MemoryError):
        Striker(book=book, data=tmp_path, lease_seconds=1.0).strike("shop", Place.REPRODUCE)
    assert len(bytearray(64 * 1024 * 1024)) > 0
