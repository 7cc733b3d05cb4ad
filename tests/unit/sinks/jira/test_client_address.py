"""Where Jira is and who we are: what is wrong is said before the first request."""

from __future__ import annotations

from pathlib import Path

import pytest

from paramedic_workers.errors import SettingsError
from paramedic_workers.sinks.jira.address import read_address, read_token
from paramedic_workers.sinks.jira.settings import JiraKind, JiraSettings

ENVIRON = {"PARAMEDIC_JIRA_TOKEN": "token-5e8f"}
CLOUD = "https://shop.atlassian.net"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "is missing"),
        ("shop.atlassian.net", "no URL of the web"),
        ("ftp://jira.shop.example", "no URL of the web"),
        ("https://", "no URL of the web"),
        ("https://jira.shop.example:port", "is no URL"),
        ("https://[oops", "is no URL"),
        ("https://ada:secret@jira.shop.example", "user or a password"),
        ("https://jira.shop.example?token=secret", "after its path"),
        ("https://jira.shop.example#top", "after its path"),
        ("http://jira.shop.example", "begins with http"),
        ("http://127.0.0.1.shop.example", "begins with http"),
        ("http://0.0.0.0", "begins with http"),
    ],
)
def test_a_wrong_url_is_named_without_its_secrets(url: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words) as raised:
        read_address(JiraSettings(url=url), ENVIRON)
    assert "secret" not in str(raised.value)
    assert raised.value.remedy


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "127.3.2.1"])
def test_this_machine_may_be_asked_without_encryption(host: str) -> None:
    settings = JiraSettings(url=f"http://{host}/jira/", kind=JiraKind.DATA_CENTER)
    assert read_address(settings, ENVIRON).url == f"http://{host}/jira"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        (CLOUD, JiraKind.CLOUD),
        ("https://api.atlassian.com/ex/jira/3a2b", JiraKind.CLOUD),
        ("https://jira.shop.example", JiraKind.DATA_CENTER),
        ("https://atlassian.net.shop.example", JiraKind.DATA_CENTER),
    ],
)
def test_the_kind_is_found_from_the_host(url: str, kind: JiraKind) -> None:
    settings = JiraSettings(url=url, email="ada@shop.example")
    assert read_address(settings, ENVIRON).kind is kind
    other = next(one for one in JiraKind if one is not kind)
    set_by_hand = JiraSettings(url=url, email="ada@shop.example", kind=other)
    assert read_address(set_by_hand, ENVIRON).kind is other


def test_cloud_wants_an_email_address_and_data_center_does_not() -> None:
    with pytest.raises(SettingsError, match="email"):
        read_address(JiraSettings(url=CLOUD), ENVIRON)
    read_address(JiraSettings(url="https://jira.shop.example"), ENVIRON)


def test_the_token_of_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("  token-of-the-file\n")
    settings = JiraSettings(url=CLOUD, email="ada@shop.example", token_file=str(file))
    assert read_token(settings, ENVIRON) == "token-5e8f"
    assert read_token(settings, {"PARAMEDIC_JIRA_TOKEN": " "}) == "token-of-the-file"


def test_a_missing_token_is_said_with_where_to_put_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no token") as raised:
        read_token(JiraSettings(url=CLOUD), {})
    assert "PARAMEDIC_JIRA_TOKEN" in raised.value.remedy
    with pytest.raises(SettingsError, match="cannot be read"):
        read_token(JiraSettings(token_file=str(tmp_path / "none")), {})


@pytest.mark.parametrize("token", ["two words", "two\nlines", "tökèn", "esc\x1bape"])
def test_what_cannot_be_a_token_is_refused_and_not_shown(token: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(token)
    for settings, environ in (
        (JiraSettings(token_file=str(file)), {}),
        (JiraSettings(), {"PARAMEDIC_JIRA_TOKEN": token}),
    ):
        with pytest.raises(SettingsError, match="is no token") as raised:
            read_token(settings, environ)
        assert token not in str(raised.value)


def test_an_empty_file_is_no_token(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.touch()
    with pytest.raises(SettingsError, match="no token"):
        read_token(JiraSettings(token_file=str(file)), {})
