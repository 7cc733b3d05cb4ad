"""The file sink: its folders, and what a repeated, late or broken delivery does to them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from paramedic_workers.errors import DeliveryError
from paramedic_workers.results import decode_result
from paramedic_workers.settings import FileSinkSettings
from paramedic_workers.sinks.file import FileSink
from tests.support.results import PATCH, make_result, make_unhealed


@pytest.fixture
def sink(tmp_path: Path) -> FileSink:
    return FileSink(tmp_path / "reports")


def contents(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def test_a_result_becomes_a_folder(sink: FileSink) -> None:
    result = make_result()
    sink.deliver(result)
    folder = sink.folder(result.incident)
    assert sorted(contents(folder)) == ["fix.patch", "heal.log", "report.html", "result.json"]
    assert decode_result((folder / "result.json").read_bytes()) == result
    assert (folder / "fix.patch").read_text() == PATCH
    assert (folder / "heal.log").read_text() == result.log


def test_a_repeated_delivery_changes_nothing(sink: FileSink) -> None:
    result = make_result()
    sink.deliver(result)
    before = contents(sink.directory)
    sink.deliver(result)
    assert contents(sink.directory) == before


def test_an_earlier_result_is_kept_and_its_patch_goes(sink: FileSink) -> None:
    first = make_result()
    second = make_unhealed(started_at=first.started_at + timedelta(minutes=1))
    sink.deliver(first)
    sink.deliver(second)
    folder = sink.folder(first.incident)
    assert not (folder / "fix.patch").exists()
    assert decode_result((folder / "result.json").read_bytes()).id == second.id
    (kept,) = (folder / "history").iterdir()
    assert decode_result(kept.read_bytes()) == first
    assert "1 earlier result" in (folder / "report.html").read_text()


def test_a_late_delivery_never_replaces_a_newer_result(sink: FileSink) -> None:
    older = make_result()
    newer = make_unhealed(started_at=older.started_at + timedelta(minutes=1))
    for result in (newer, older, older, newer):
        sink.deliver(result)
    folder = sink.folder(older.incident)
    assert decode_result((folder / "result.json").read_bytes()).id == newer.id
    assert len(list((folder / "history").iterdir())) == 1


def test_half_a_delivery_is_completed_by_the_next(sink: FileSink) -> None:
    result = make_result()
    sink.deliver(result)
    folder = sink.folder(result.incident)
    (folder / "result.json").write_bytes(b'{"id": ')
    (folder / "report.html").unlink()
    sink.deliver(result)
    assert decode_result((folder / "result.json").read_bytes()) == result
    assert (folder / "report.html").exists()


def test_an_incident_never_leads_out_of_the_directory(sink: FileSink) -> None:
    for name in ("../../etc/passwd", "..", "a/b", "", "x" * 500, "\0"):
        sink.deliver(make_result(incident=name))
        assert sink.folder(name).parent == sink.directory


def test_the_index_lists_incidents_newest_first(sink: FileSink) -> None:
    first = make_result(summary="the first one")
    later = first.started_at + timedelta(minutes=1)
    sink.deliver(make_unhealed(incident="other", summary="<b>the second</b>", started_at=later))
    sink.deliver(first)
    page = (sink.directory / "index.html").read_text()
    assert page.index("&lt;b&gt;the second") < page.index("the first one")
    assert 'href="other/report.html"' in page
    assert "2 incidents" in page


def test_a_directory_that_cannot_be_written_is_a_delivery_error(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file where the directory should be")
    with pytest.raises(DeliveryError, match="cannot be written") as caught:
        FileSink(tmp_path / "reports").deliver(make_result())
    assert caught.value.transient
    assert str(tmp_path) in caught.value.remedy


def test_reports_lie_in_the_data_directory_unless_configured(tmp_path: Path) -> None:
    assert FileSink.open(FileSinkSettings(), tmp_path).directory == tmp_path / "reports"
    elsewhere = FileSinkSettings(directory=str(tmp_path / "www"))
    assert FileSink.open(elsewhere, tmp_path).directory == tmp_path / "www"
