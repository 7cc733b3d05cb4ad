"""The settings that docs/sinks.md shows have no mistake."""

from __future__ import annotations

import base64
import tomllib
from pathlib import Path

import pytest

from paramedic_workers.settings import Settings, TargetSettings
from paramedic_workers.sinks import check_sinks
from tests.support.documents import code_block

TARGETS = {"shop": TargetSettings(repository="/srv/git/shop.git")}


@pytest.mark.parametrize("table", ["[sinks.webhook]", "[sinks.notify]"])
def test_they_are_right(table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = tomllib.loads(code_block("sinks.md", "toml", table))["sinks"]
    secret = tmp_path / "secret"
    secret.write_text("whsec_" + base64.b64encode(b"k" * 32).decode())
    urls = tmp_path / "urls"
    urls.write_text(code_block("sinks.md", "sh", "notify-urls").replace("\u2026", "1234567890"))
    for name, file in (("webhook", ("secret_file", secret)), ("notify", ("urls_file", urls))):
        if name in tables:
            tables[name][file[0]] = str(file[1])
    for variable in ("PARAMEDIC_WEBHOOK_SECRET", "PARAMEDIC_NOTIFY_URLS"):
        monkeypatch.delenv(variable, raising=False)
    assert check_sinks(Settings(targets=TARGETS, sinks=tables)) == []


def test_the_command_makes_a_secret_that_is_one() -> None:
    from paramedic.webhooks import secret_bytes

    code = code_block("sinks.md", "sh", "whsec_").partition('"')[2].rpartition('"')[0]
    printed: list[str] = []
    exec(code, {"print": printed.append})
    assert len(secret_bytes(printed[0])) == 32
