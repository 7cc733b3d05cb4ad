"""Batches on disk."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from paramedic.outbox import Parcel
from paramedic.spool import Spool
from paramedic.transport import TransportError
from paramedic.wire import build_message
from tests.support.events import make_event


def make_parcel(number: int = 1) -> Parcel:
    return Parcel(build_message([make_event(message=str(number))]), number)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "data" / "spool", most_batches=5, most_bytes=100_000)


def test_what_was_put_in_comes_out_oldest_first_and_once(spool: Spool) -> None:
    parcels = [make_parcel(number) for number in range(1, 4)]
    assert all(spool.put(parcel) for parcel in parcels)
    sent: list[Parcel] = []
    assert spool.drain(sent.extend)
    assert sent == parcels
    assert spool.is_empty()
    assert spool.drain(sent.extend)
    assert len(sent) == 3


def test_only_the_owner_can_read_it(spool: Spool) -> None:
    spool.put(make_parcel())
    [file] = spool.folder.glob("*.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(spool.folder.stat().st_mode) == 0o700


def test_it_is_bounded_by_number_and_by_bytes(spool: Spool) -> None:
    assert [spool.put(make_parcel()) for _ in range(7)] == [True] * 5 + [False] * 2
    small = Spool(spool.folder, most_batches=100, most_bytes=5_000)
    assert not small.put(make_parcel())


def test_what_could_not_be_sent_stays(spool: Spool) -> None:
    spool.put(make_parcel())

    def refuse(parcels: Sequence[Parcel]) -> None:
        raise TransportError("away")

    with pytest.raises(TransportError):
        spool.drain(refuse)
    sent: list[Parcel] = []
    assert spool.drain(sent.extend)
    assert len(sent) == 1


def test_a_broken_file_is_set_aside_and_the_others_are_sent(spool: Spool) -> None:
    spool.put(make_parcel())
    (spool.folder / "0-broken.json").write_bytes(b'{"message": ')
    sent: list[Parcel] = []
    assert spool.drain(sent.extend)
    assert len(sent) == 1
    assert [file.name for file in spool.folder.glob("*.broken")] == ["0-broken.broken"]


def test_half_written_files_are_never_sent_and_removed_when_they_are_old(spool: Spool) -> None:
    spool.put(make_parcel())
    fresh, old = spool.folder / "1.part", spool.folder / "2.part"
    fresh.write_bytes(b"{")
    old.write_bytes(b"{")
    os.utime(old, (0, 0))
    sent: list[Parcel] = []
    assert spool.drain(sent.extend)
    assert len(sent) == 1
    assert fresh.exists()
    assert not old.exists()


def test_a_folder_that_cannot_be_made_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    spool = Spool(tmp_path / "file" / "spool", most_batches=5, most_bytes=100_000)
    assert not spool.put(make_parcel())
    assert spool.is_empty()


def test_two_drains_in_one_process_do_not_meet(spool: Spool) -> None:
    spool.put(make_parcel())
    inner: list[bool] = []

    def drain_meanwhile(parcels: Sequence[Parcel]) -> None:
        inner.append(spool.drain(lambda _: pytest.fail("sent twice")))

    assert spool.drain(drain_meanwhile)
    assert inner == [False]
