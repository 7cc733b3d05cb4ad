"""The token is in no error, no log, no `repr` and no traceback, whatever goes wrong."""

from __future__ import annotations

import base64
import logging
import traceback
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import structlog

from paramedic_workers.errors import ParamedicError, describe
from paramedic_workers.sinks.jira.address import JiraAuth, Secret, read_address
from paramedic_workers.sinks.jira.answers import Attachment
from paramedic_workers.sinks.jira.client import JiraClient
from paramedic_workers.sinks.jira.documents import Document
from paramedic_workers.sinks.jira.session import Session
from paramedic_workers.sinks.jira.settings import TOKEN_VARIABLE, JiraKind, JiraSettings
from paramedic_workers.telemetry.logs import CHATTY
from tests.support.jira_clients import CLOUD_URL, DATA_CENTER_URL, EMAIL

#: Has what a URL would quote.
TOKEN = "ATATT3x/FfGF0+secret=5e8f"
PAIR = base64.b64encode(f"{EMAIL}:{TOKEN}".encode()).decode()
FORMS = (TOKEN, PAIR, quote(TOKEN, safe=""))
EVERYTHING = f"{' '.join(FORMS)} https://ada:{TOKEN}@jira.shop.example/?token={TOKEN}"


def answered(status: int) -> Callable[[httpx.Request], httpx.Response]:
    """A Jira that says all secrets back, everywhere in its answer."""
    body = {
        "errorMessages": [EVERYTHING],
        "errors": {f"field {TOKEN}": EVERYTHING, PAIR: EVERYTHING},
        "message": EVERYTHING,
        "comments": EVERYTHING,
    }
    headers = {
        "Location": f"https://{TOKEN.lower().replace('/', '')}.example/{quote(TOKEN, safe='')}",
        "RateLimit-Reason": TOKEN,
        "Retry-After": TOKEN,
        "Set-Cookie": f"session={TOKEN}",
    }
    return lambda _: httpx.Response(status, json=body, headers=headers)


def broken(kind: type[httpx.TransportError]) -> Callable[[httpx.Request], httpx.Response]:
    """A network that says all secrets back."""

    def fail(request: httpx.Request) -> httpx.Response:
        raise kind(f"while sending {dict(request.headers)}: {EVERYTHING}")

    return fail


JIRAS: dict[str, Callable[[httpx.Request], httpx.Response]] = {
    **{
        str(status): answered(status)
        for status in (200, 204, 302, 400, 401, 403, 404, 409, 413, 429, 500, 503)
    },
    **{
        kind.__name__: broken(kind)
        for kind in (httpx.ConnectError, httpx.ReadTimeout, httpx.ProxyError)
    },
}
ACTS: list[Callable[[JiraClient], Any]] = [
    lambda jira: jira.create({"project": {"key": "SHOP"}}),
    lambda jira: jira.issue("SHOP-1"),
    lambda jira: list(jira.search("labels = x")),
    lambda jira: jira.comment("SHOP-1", Document(())),
    lambda jira: jira.comments("SHOP-1"),
    lambda jira: jira.attach("SHOP-1", [("heal.log", b"", "text/plain")]),
    lambda jira: jira.update("SHOP-1", {}),
    lambda jira: jira.download(Attachment(id="9", filename="a")),
]


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """Everything that is logged at every level, where logs are set up as they always are."""
    caplog.set_level(logging.DEBUG)
    for name in CHATTY:
        caplog.set_level(logging.WARNING, logger=name)
    with structlog.testing.capture_logs() as ours:
        yield lambda: f"{ours} {caplog.text}"


@pytest.mark.parametrize("kind", JiraKind)
@pytest.mark.parametrize("jira", JIRAS.values(), ids=JIRAS.keys())
def test_no_text_has_the_token(
    jira: Callable[[httpx.Request], httpx.Response], kind: JiraKind, logged: Callable[[], str]
) -> None:
    url = CLOUD_URL if kind is JiraKind.CLOUD else DATA_CENTER_URL
    settings = JiraSettings(url=url, kind=kind, email=EMAIL)
    session = Session(
        read_address(settings, {TOKEN_VARIABLE: TOKEN}),
        timeout=20,
        transport=httpx.MockTransport(jira),
        sleep=lambda _: None,
    )
    client = JiraClient(session)
    said = [repr(client), repr(session), str(vars(session)), repr(session.address)]
    for act in ACTS:
        try:
            act(client)
        except ParamedicError as error:
            said += [*describe(error), repr(error), str(vars(error)), str(error.__context__)]
            said += traceback.format_exception(error)
    assert len(said) > len(ACTS)
    for form in FORMS:
        assert form not in "".join(said)
        assert form not in logged()


def test_the_token_is_in_the_header_all_the_same() -> None:
    settings = JiraSettings(url=CLOUD_URL, email=EMAIL)
    auth = JiraAuth(read_address(settings, {TOKEN_VARIABLE: TOKEN}))
    request = next(auth.auth_flow(httpx.Request("GET", f"{CLOUD_URL}/rest/api/3/myself")))
    assert request.headers["Authorization"] == f"Basic {PAIR}"


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/",
        "http://shop.atlassian.net/",
        "https://shop.atlassian.net:8443/",
        "https://shop.atlassian.net.elsewhere.example/",
    ],
)
def test_the_token_goes_to_jira_and_nowhere_else(url: str) -> None:
    settings = JiraSettings(url=CLOUD_URL, email=EMAIL)
    auth = JiraAuth(read_address(settings, {TOKEN_VARIABLE: TOKEN}))
    assert "Authorization" not in next(auth.auth_flow(httpx.Request("GET", url))).headers


def test_libraries_that_log_every_url_are_kept_quiet() -> None:
    assert {"httpx", "httpcore"} <= set(CHATTY)


def test_a_secret_shows_itself_only_on_request() -> None:
    secret = Secret(TOKEN)
    assert f"{secret} {secret!r} {[secret]} {secret!s:>30}".count("***") == 4
    assert TOKEN not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == TOKEN
