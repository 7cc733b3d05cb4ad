"""No password and no token of a URL is shown, also where the URL is not a right one."""

from __future__ import annotations

import pytest

from paramedic.redaction import without_credentials, without_password


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("fatal: https://user:pa%40ss@host/x is gone", "fatal: https://host/x is gone"),
        ("ssh://git@host/y", "ssh://host/y"),
        ("https://user:p@ss@word@host/x.git", "https://host/x.git"),
        ("'https://user:pa/ss@host/x.git'", "'https://host/x.git'"),
        ("https://:1234@host:8080/x", "https://host:8080/x"),
        ("https://host/x?a=1&access_token=abc#top", "https://host/x?a=1&access_token=***#top"),
    ],
)
def test_credentials_are_left_out(text: str, shown: str) -> None:
    assert without_credentials(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://user:pa@ss@host:6379/0", "redis://user:***@host:6379/0"),
        ("redis://:pa/ss@host:6379/0", "redis://:***@host:6379/0"),
        ("rediss://host/0?password=abc&db=1", "rediss://host/0?password=***&db=1"),
    ],
)
def test_a_password_is_replaced(text: str, shown: str) -> None:
    assert without_password(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "/home/me@home and you:all@once",
        "https://host:8080/packages/@scope/name",
        "https://host/x.git@main",
        "see https://host:443, then mail a@b",
        "redis://host:6379/0?monkey=1",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert without_credentials(text) == text
    assert without_password(text) == text
