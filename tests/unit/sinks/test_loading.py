"""Sinks are found by entry point, and their settings are checked."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from paramedic_workers.errors import DeliveryError, SettingsError
from paramedic_workers.settings import Settings
from paramedic_workers.sinks import load_sinks
from paramedic_workers.sinks.console import ConsoleSink, describe_result
from paramedic_workers.sinks.recording import RecordingSink
from tests.support.results import make_result, make_unhealed


def test_the_default_sinks_are_file_and_console(tmp_path: Path) -> None:
    sinks = load_sinks(Settings(data=str(tmp_path)))
    assert {name: sink.name for name, sink in sinks.items()} == {
        "console": "console",
        "file": "file",
    }


def test_a_sink_that_is_switched_off_is_not_opened(tmp_path: Path) -> None:
    settings = Settings(data=str(tmp_path), sinks={"file": {"enabled": False}, "console": {}})
    assert list(load_sinks(settings)) == ["console"]


@pytest.mark.parametrize(
    ("sinks", "complaint"),
    [
        ({"pager": {}}, r"sinks.pager: there is no sink of this name.*console.*file"),
        ({"file": {"directry": "x"}}, r"sinks.file.directry: .*directory"),
        ({"file": {"enabled": "maybe"}}, r"sinks.file.enabled: .*true or false"),
    ],
)
def test_a_mistake_names_the_table_and_the_remedy(
    sinks: dict[str, dict[str, object]], complaint: str
) -> None:
    with pytest.raises(SettingsError, match=complaint):
        load_sinks(Settings(data="/nowhere", sinks=sinks))


def install_sink(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """Make an installed distribution with one sink, `pager`, defined by this source."""
    info = folder / "pager_sink-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pager-sink\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[paramedic.sinks]\npager = pager_sink:PagerSink\n")
    (folder / "pager_sink.py").write_text(source)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "pager_sink", raising=False)


def test_a_third_party_sink_is_found_and_gets_its_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = """
import msgspec
class PagerSettings(msgspec.Struct):
    number: str
class PagerSink:
    name = "pager"
    settings_type = PagerSettings
    @classmethod
    def open(cls, settings, data):
        sink = cls(); sink.number = settings.number; return sink
    def deliver(self, result): ...
"""
    install_sink(tmp_path, monkeypatch, source)
    sinks = load_sinks(Settings(data=str(tmp_path), sinks={"pager": {"number": "112"}}))
    assert sinks["pager"].number == "112"  # type: ignore[attr-defined]  # only known at run time


@pytest.mark.parametrize(
    ("source", "complaint"),
    [("raise RuntimeError('no modem')", "RuntimeError: no modem"), ("PagerSink = 3", "is no sink")],
)
def test_a_broken_third_party_sink_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, complaint: str
) -> None:
    install_sink(tmp_path, monkeypatch, source)
    with pytest.raises(SettingsError, match=rf"sinks.pager: .*{complaint}"):
        load_sinks(Settings(data=str(tmp_path), sinks={"pager": {}}))


def test_the_console_sink_writes_one_line() -> None:
    stream = io.StringIO()
    ConsoleSink(stream).deliver(make_result(failing_tests=("a", "b")))
    line = stream.getvalue()
    assert line.count("\n") == 1
    for part in (
        "shop 3f9ac1d2e4b5",
        "healed",
        "in place of",
        "confidence high",
        "2 tests",
        "4.0 s",
    ):
        assert part in line
    assert "confidence" not in describe_result(make_unhealed())


def test_a_closed_console_is_a_delivery_error() -> None:
    stream = io.StringIO()
    stream.close()
    with pytest.raises(DeliveryError):
        ConsoleSink(stream).deliver(make_result())


def test_the_recording_sink_keeps_each_result_once() -> None:
    sink = RecordingSink()
    first, second = make_result(), make_unhealed()
    for result in (first, second, first):
        sink.deliver(result)
    assert sink.results == (first, second)
    assert sink.calls == 3


def test_the_recording_sink_refuses_on_demand() -> None:
    sink = RecordingSink()
    sink.refuse = DeliveryError("down for the night")
    with pytest.raises(DeliveryError, match="down for the night"):
        sink.deliver(make_result())
    assert sink.results == ()
