"""Where the data, the broker and the state are."""

from __future__ import annotations

from pathlib import Path

import pytest

from paramedic.location import NoBroker, broker_url, data_directory, state_url


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PARAMEDIC_DATA", str(tmp_path))
    monkeypatch.delenv("PARAMEDIC_BROKER_URL", raising=False)
    return tmp_path


def test_the_data_directory_is_named_or_in_the_state_folder(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert data_directory() == data
    monkeypatch.delenv("PARAMEDIC_DATA")
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert data_directory() == Path("/state/paramedic")
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert data_directory() == Path("/home/me/.local/state/paramedic")


def test_the_broker_is_named_or_configured_or_the_bundled_one(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "embedded.json").write_text('{"url": "redis+socket:///tmp/s", "pid": 7}')
    assert broker_url() == "redis+socket:///tmp/s"
    monkeypatch.setenv("PARAMEDIC_BROKER_URL", "redis://configured/1")
    assert broker_url() == "redis://configured/1"
    assert broker_url("redis://named/2") == "redis://named/2"


def test_without_a_broker_the_error_says_what_to_do(data: Path) -> None:
    with pytest.raises(NoBroker, match="paramedic up"):
        broker_url()
    (data / "embedded.json").write_text('{"url": 7')
    with pytest.raises(NoBroker, match="cannot be read"):
        broker_url()


@pytest.mark.parametrize(
    ("broker", "state"),
    [
        ("redis://host:1/2", "redis://host:1/2"),
        ("rediss://:secret@host/0", "rediss://:secret@host/0"),
        ("redis+socket:///run/s", "unix:///run/s?db=0"),
        ("redis+socket:///run/s?virtual_host=3", "unix:///run/s?db=3"),
        ("redis+socket://:secret@/run/s?virtual_host=/3", "unix://:secret@/run/s?db=3"),
    ],
)
def test_the_state_is_on_the_same_server(broker: str, state: str) -> None:
    assert state_url(broker) == state
