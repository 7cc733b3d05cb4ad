"""The sink that docs/extend.md shows works as it stands there."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from paramedic_workers.errors import DeliveryError
from paramedic_workers.settings import Settings
from paramedic_workers.sinks import load_sinks
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
