"""Settings as TOML: nothing lost, no secret shown."""

from __future__ import annotations

import tomllib

import msgspec
import pytest

from paramedic_workers.cli.toml import settings_as_toml
from paramedic_workers.settings import Settings, TargetSettings

SETTINGS = Settings(
    broker_url="redis://worker:hunter2@broker:6379/0",
    data="/srv/paramedic",
    targets={
        "shop": TargetSettings(
            name="shop",
            repository="https://bot:hunter3@git.example/shop.git",
            pytest_args=("-m", 'not "slow"'),
            environment={"PGPASSWORD": "hunter4", "HARMLESS": "hunter5"},
        )
    },
    sinks={
        "file": {},
        "pager": {"api_token": "hunter6", "token_file": "/etc/token", "rooms": {"night watch": 7}},
    },
)


def test_it_is_toml_with_every_setting() -> None:
    shown = tomllib.loads(settings_as_toml(SETTINGS))
    assert shown["data"] == "/srv/paramedic"
    assert shown["targets"]["shop"]["pytest_args"] == ["-m", 'not "slow"']
    assert shown["sinks"]["pager"]["rooms"]["night watch"] == 7
    assert shown["sinks"]["pager"]["token_file"] == "/etc/token"
    expected = set(msgspec.to_builtins(SETTINGS)["targets"]["shop"]) - {"name"}
    assert set(shown["targets"]["shop"]) == expected


def test_no_secret_is_shown() -> None:
    text = settings_as_toml(SETTINGS)
    assert "hunter" not in text
    assert "broker:6379" in text
    assert "PGPASSWORD" in text


@pytest.mark.parametrize(
    "url", ["https://ada:s3cret@hooks.shop.example:8443/T0/s3cret?key=s3cret#s3cret", "s3cret"]
)
def test_the_path_of_a_webhook_is_not_shown(url: str) -> None:
    text = settings_as_toml(Settings(sinks={"webhook": {"url": url}}))
    assert "s3cret" not in text
    shown = tomllib.loads(text)["sinks"]["webhook"]["url"]
    assert shown == ("***" if url == "s3cret" else "https://hooks.shop.example:8443/***")
