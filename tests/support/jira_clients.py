"""Clients for tests: they never wait, and talk to whatever the test puts there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from paramedic_workers.sinks.jira.address import read_address
from paramedic_workers.sinks.jira.client import JiraClient
from paramedic_workers.sinks.jira.documents import Document, Paragraph, Text
from paramedic_workers.sinks.jira.session import Session
from paramedic_workers.sinks.jira.settings import TOKEN_VARIABLE, JiraKind, JiraSettings

CLOUD_URL = "https://shop.atlassian.net"
DATA_CENTER_URL = "https://jira.shop.example/jira"
#: Opens nothing.
TOKEN = "token-of-nobody-5e8f"
EMAIL = "ada@shop.example"

#: Of a ticket, and what is said at it.
FIELDS = {"project": {"key": "SHOP"}, "issuetype": {"name": "Bug"}, "summary": "It fails"}
TEXT = Document((Paragraph((Text("It fails."),)),))

#: What a test's own Jira answers.
Answers = Callable[[httpx.Request], httpx.Response]
#: What a test asks of a client.
Act = Callable[[JiraClient], Any]


class Jira:
    """Answers in the given order, the last one for ever, and remembers what was asked."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.asked: list[httpx.Request] = []
        self._answers = list(answers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def paths(self) -> list[str]:
        """Method and path of each request."""
        return [f"{one.method} {one.url.path}" for one in self.asked]

    def body(self, number: int = -1) -> Any:
        """What a request said; the last one's, unless another is named."""
        return json.loads(self.asked[number].content)


def says(body: Any, status: int = 200, **headers: str) -> httpx.Response:
    """An answer in JSON."""
    return httpx.Response(status, json=body, headers=headers)


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
