"""Mistakes in `[sinks.notify]` are named at start, and no address is shown."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from paramedic_workers.cli.toml import settings_as_toml
from paramedic_workers.errors import DeliveryError, SettingsError
from paramedic_workers.settings import Settings, TargetSettings
from paramedic_workers.sinks import check_sinks
from paramedic_workers.sinks.notify.notes import Message, Tone
from paramedic_workers.sinks.notify.services import Service
from paramedic_workers.sinks.notify.settings import ChannelSettings, NotifySettings, channel_urls

URL = "json://ada:hushword@127.0.0.1/hushpath"


def complaints(channel: dict[str, object], name: str = "team", **table: object) -> str:
    targets = {"shop": TargetSettings(repository="/srv/git/shop.git")}
    channels = {name: {"url": URL, **channel}}
    settings = Settings(targets=targets, sinks={"notify": {"channels": channels, **table}})
    return "\n".join(f"{p.key}: {p.problem} {p.remedy}" for p in check_sinks(settings))


@pytest.mark.parametrize(
    ("channel", "complaint"),
    [
        ({"url": ""}, "channels.team.url: is set nowhere"),
        ({"url": "hush://x"}, "channels.team.url: is no address that apprise takes"),
        ({"url": "slack://hush"}, "channels.team.url: is no address that apprise takes"),
        ({"verdicts": ["heald"]}, "verdicts"),
        ({"targets": ["shpo"]}, "'shpo', which is no target"),
        ({"quiet": "22-7"}, "channels.team.quiet: '22-7' is no span"),
        ({"quiet_days": ["caturday"]}, "quiet_days"),
        ({"digest_at": "25:00"}, "channels.team.digest_at: '25:00' is no time of day"),
        ({"digest_at": "17:30", "digest_seconds": 60}, "Set one of them"),
        ({"digest_seconds": -1}, "digest_seconds: is below zero"),
        ({"per_hour": -1}, "per_hour: is below zero"),
        ({"repeat_seconds": -1}, "repeat_seconds: is below zero"),
        ({"quite": "22:00-07:00"}, "quite"),
    ],
)
def test_mistakes_of_a_channel_are_named(channel: dict[str, object], complaint: str) -> None:
    found = complaints(channel)
    assert complaint in found
    assert "hush" not in found


def test_mistakes_of_the_sink_are_named() -> None:
    assert "zone: 'Europe/Vienn' is no time zone" in complaints({}, zone="Europe/Vienn")
    assert "no name for a channel" in complaints({}, name="The Team")
    assert "channels: is empty" in "".join(
        f"{p.key}: {p.problem}" for p in check_sinks(Settings(sinks={"notify": {}}))
    )
    assert complaints({}, zone="Europe/Vienna") == ""
    assert complaints({"enabled": False, "url": ""}) == ""


def test_addresses_come_from_the_variable_then_the_file_then_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "urls"
    file.write_text("# those of the shop\nmail = json://b/?x=1\n\nchat=json://c\n")
    channels = {name: ChannelSettings(url="json://a") for name in ("team", "mail", "chat")}
    settings = NotifySettings(channels=channels, urls_file=str(file))
    environ = {"PARAMEDIC_NOTIFY_URLS": "chat=json://d\n"}
    assert channel_urls(settings, environ) == {
        "team": "json://a",
        "mail": "json://b/?x=1",
        "chat": "json://d",
    }


@pytest.mark.parametrize("line", ["mial = json://hush", "json://hush", "team ="])
def test_a_line_that_names_no_channel_is_refused_and_not_shown(line: str, tmp_path: Path) -> None:
    file = tmp_path / "urls"
    file.write_text(f"team=json://a\n{line}\n")
    settings = NotifySettings(channels={"team": ChannelSettings()}, urls_file=str(file))
    with pytest.raises(SettingsError, match="as number 2") as caught:
        channel_urls(settings, {})
    assert "hush" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    found = complaints({}, urls_file=str(tmp_path / "none"))
    assert "sinks.notify.urls_file: cannot be read" in found


def test_what_is_shown_of_the_settings_holds_no_address_and_no_header() -> None:
    channels = {"team": {"url": URL}}
    webhook = {"url": "https://hooks.shop.example", "headers": {"X-Key": "hushword"}}
    shown = settings_as_toml(Settings(sinks={"notify": {"channels": channels}, "webhook": webhook}))
    assert "hush" not in shown
    assert 'url = "https://hooks.shop.example"' in shown


def test_a_refusal_shows_no_part_of_the_address() -> None:
    service = Service.open("json://ada:hushword@127.0.0.1:9/hushpath?+X-Key=hushkey")
    assert service is not None
    assert "hush" not in repr(service)
    with pytest.raises(DeliveryError, match="JSON did not take the message") as caught:
        service.send(Message(title="t", text="x", markdown="x", tone=Tone.MILD))
    assert "Connection error occurred sending JSON notification to ***." in str(caught.value)
    assert "hush" not in str(caught.value)


def test_what_apprise_logs_reaches_no_log_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Service.open("json://a") is not None  # its first use loads it, and says so
    root, lines = logging.getLogger(), io.StringIO()
    handler = logging.StreamHandler(lines)
    monkeypatch.setattr(root, "handlers", [handler])
    monkeypatch.setattr(root, "level", 1)
    assert Service.open("hush://hushword") is None
    assert lines.getvalue() == ""


def test_apprise_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, paramedic_workers.sinks.notify.sink; sys.exit('apprise' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
