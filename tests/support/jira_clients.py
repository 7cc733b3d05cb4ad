"""Clients for tests: they never wait, and talk to whatever the test puts there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from paramedic_workers.sinks.jira.address import read_address
from paramedic_workers.sinks.jira.client import JiraClient
from paramedic_workers.sinks.jira.session import Session
from paramedic_workers.sinks.jira.settings import TOKEN_VARIABLE, JiraKind, JiraSettings

CLOUD_URL = "https://shop.atlassian.net"
DATA_CENTER_URL = "https://jira.shop.example/jira"
#: Opens nothing.
TOKEN = "token-of-nobody-5e8f"
EMAIL = "ada@shop.example"

#: What a test's own Jira answers.
Answers = Callable[[httpx.Request], httpx.Response]


@dataclass
class Watch:
    """A clock that only moves when somebody waits for it."""

    now: float = 1_000.0
    #: How long was waited, each time.
    waits: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        """Seconds that only go forward."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.waits.append(seconds)
        self.now += seconds


def mocked(
    answers: Answers | httpx.BaseTransport,
    kind: JiraKind = JiraKind.CLOUD,
    watch: Watch | None = None,
) -> JiraClient:
    """A client whose requests go to a function of the test."""
    url = CLOUD_URL if kind is JiraKind.CLOUD else DATA_CENTER_URL
    wired = answers if isinstance(answers, httpx.BaseTransport) else httpx.MockTransport(answers)
    return JiraClient(_session(JiraSettings(url=url, email=EMAIL), TOKEN, wired, watch or Watch()))


@contextmanager
def connected(
    url: str,
    kind: JiraKind,
    token: str,
    *,
    transport: httpx.BaseTransport | None = None,
    timeout: float = 20.0,
) -> Iterator[JiraClient]:
    """A client on real sockets that does not pause between its tries."""
    settings = JiraSettings(url=url, kind=kind, email=EMAIL, timeout=timeout)
    address = read_address(settings, {TOKEN_VARIABLE: token})
    with JiraClient(
        Session(address, timeout=timeout, transport=transport, sleep=lambda _: None)
    ) as client:
        yield client


def _session(
    settings: JiraSettings, token: str, transport: httpx.BaseTransport, watch: Watch
) -> Session:
    address = read_address(settings, {TOKEN_VARIABLE: token})
    return Session(
        address, timeout=settings.timeout, transport=transport, sleep=watch.sleep, clock=watch
    )
