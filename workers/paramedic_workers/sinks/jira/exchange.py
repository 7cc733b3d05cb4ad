"""One request over the network, and its answer: bounded in time and size.

What goes wrong is one of two things: the request could not be sent (`NotSent`), or it was
sent and nobody knows what became of it (`Lost`).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from paramedic_workers.sinks.jira.address import Address, JiraAuth
from paramedic_workers.sinks.jira.ends import Answered

#: Seconds that a connection may take to stand.
CONNECT_SECONDS = 10.0
#: Connections that are kept, and seconds for which an idle one is: shorter than any proxy
#: waits, because a connection that is closed while we write makes the write unclear.
_LIMITS = httpx.Limits(max_connections=10, max_keepalive_connections=4, keepalive_expiry=3.0)
#: Errors before anything of the request has been sent.
_BEFORE = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


class NotSent(Exception):
    """The request never reached Jira."""


class Lost(Exception):
    """The request was sent, and no answer came."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a request may take, in seconds."""

    #: Each of its steps: to connect, to write, to wait for the next bytes of the answer.
    step: float
    #: From its begin until the last bytes are waited for.
    whole: float


class Exchange:
    """The connections to one Jira; thread-safe, and each process has its own."""

    def __init__(
        self,
        address: Address,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open no connection yet.

        Args:
            address: of Jira, and who we are there.
            transport: in place of the network.
            clock: seconds that only go forward.
        """
        self._address = address
        self._transport = transport
        self._clock = clock
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None
        self._process = 0

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def __del__(self) -> None:
        """Let no connection outlive whoever used it; one from before a fork is not ours."""
        if self._process == os.getpid():
            self.close()

    def request(self, method: str, url: str, **parts: object) -> httpx.Request:
        """A request to Jira, not sent yet: for parts, see `httpx.Client.build_request`."""
        return self._own_client().build_request(method, url, **parts)  # type: ignore[arg-type]

    def send(self, request: httpx.Request, patience: Patience, *, limit: int) -> Answered:
        """What comes back.

        Args:
            request: from `request`.
            patience: how long it may take.
            limit: bytes beyond which the body is not read.

        Raises:
            NotSent: nothing has happened in Jira.
            Lost: it may have.
        """
        request.extensions["timeout"] = httpx.Timeout(
            patience.step, connect=min(CONNECT_SECONDS, patience.step)
        ).as_dict()
        until = self._clock() + patience.whole
        try:
            response = self._own_client().send(request, stream=True)
        except _BEFORE as error:
            raise NotSent(_reason(error)) from error
        except httpx.TransportError as error:
            raise Lost(_reason(error)) from error
        try:
            return self._read(response, until, limit)
        finally:
            response.close()

    def _read(self, response: httpx.Response, until: float, limit: int) -> Answered:
        """The answer with its body, or without it where it is too long or does not end."""
        body = bytearray()
        trouble = ""
        try:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > limit or self._clock() > until:
                    trouble = "it is too long" if len(body) > limit else "it takes too long"
                    break
        except (httpx.TransportError, httpx.DecodingError) as error:
            trouble = _reason(error)
        return Answered(
            status=response.status_code,
            headers=response.headers,
            body=b"" if trouble else bytes(body),
            trouble=trouble,
            too_long=len(body) > limit,
        )

    def _own_client(self) -> httpx.Client:
        """The client of this process: connections must not be shared after a fork."""
        with self._lock:
            if self._client is None or self._process != os.getpid():
                self._client, self._process = self._new_client(), os.getpid()
            return self._client

    def _new_client(self) -> httpx.Client:
        return httpx.Client(
            base_url=self._address.url,
            auth=JiraAuth(self._address),
            transport=self._transport,
            # A cookie would keep a session that the token no longer allows.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            # Redirects are never followed by themselves: a POST would become a GET.
            follow_redirects=False,
            limits=_LIMITS,
            headers={
                # A small answer cannot become a huge one.
                "Accept-Encoding": "identity",
                "User-Agent": "paramedic",
            },
        )


def _reason(error: Exception) -> str:
    """Why, in a few words; never empty."""
    text = " ".join(str(error).split())
    return text[:200] or type(error).__name__
