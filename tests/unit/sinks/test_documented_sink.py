"""The sink that docs/extend.md shows works as it stands there."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from paramedic_workers import testing
from paramedic_workers.errors import DeliveryError, Verdict
from paramedic_workers.results import decode_result, encode_result
from paramedic_workers.settings import Settings
from paramedic_workers.sinks import load_sinks
from paramedic_workers.sinks.file import FileSink
from paramedic_workers.testing import RecordingSink
from tests.support.documents import code_block, install
from tests.support.results import make_result, make_unhealed


def test_the_documented_sink_keeps_its_promises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = code_block("extend.md", "python", "class JournalSink")
    project = code_block("extend.md", "toml", "paramedic_journal:JournalSink")
    install(tmp_path / "site", "paramedic-journal", "paramedic_journal", source, project)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    tables = tomllib.loads(code_block("extend.md", "toml", "[sinks.journal]"))["sinks"]
    tables["journal"]["file"] = str(tmp_path / "journal.txt")

    try:
        sink = load_sinks(Settings(data=str(tmp_path), sinks=tables))["journal"]
        for result in (first := make_result(), make_unhealed(), first):
            sink.deliver(result)
        lines = (tmp_path / "journal.txt").read_text().splitlines()
        assert len(lines) == 2
        assert lines[0] == f"{first.id} shop healed: {first.summary}"
        (tmp_path / "journal.txt").unlink()
        (tmp_path / "journal.txt").mkdir()
        with pytest.raises(DeliveryError, match="journal"):
            sink.deliver(first)
    finally:
        sys.modules.pop("paramedic_journal", None)


def test_the_documented_test_of_it_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = code_block("extend.md", "python", "class JournalSink")
    (tmp_path / "paramedic_journal.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    names: dict[str, Any] = {}
    try:
        exec(code_block("extend.md", "python", "# test_paramedic_journal.py"), names)
        names["test_a_result_is_written_once"](tmp_path)
    finally:
        sys.modules.pop("paramedic_journal", None)


def test_the_documented_recording_works() -> None:
    names: dict[str, Any] = {}
    exec(code_block("extend.md", "python", "sink.refuse ="), names)
    sink = names["sink"]
    assert isinstance(sink, RecordingSink)
    with pytest.raises(DeliveryError, match="down for the night"):
        sink.deliver(make_result())


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_result_for_tests_is_whole_for_every_verdict(verdict: Verdict, tmp_path: Path) -> None:
    result = testing.make_result(verdict, target="api")
    assert decode_result(encode_result(result)) == result
    assert (result.verdict, result.target) == (verdict, "api")
    assert bool(result.patch) is (verdict in (Verdict.HEALED, Verdict.PROPOSED))
    assert result.id != testing.make_result(verdict).id
    FileSink(tmp_path).deliver(result)  # it can be shown whole
