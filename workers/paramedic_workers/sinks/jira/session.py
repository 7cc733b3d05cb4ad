"""Requests to Jira, and how they end; knows nothing of tickets.

1. A request that could not be sent has done nothing: `SinkUnavailable`.
2. A read without an answer is asked again, twice; then Jira is away: `SinkUnavailable`.
3. A write without an answer may have been done: `UnclearDelivery`. It is never sent again
   here; who asked for it looks what became of it.
4. An answer that is no success is judged by `ends`. Where Jira breaks over one request (500),
   it is asked how it is: if it is well, only this delivery fails, else the whole sink rests.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import msgspec
import structlog

from paramedic.redaction import without_credentials
from paramedic_workers.errors import (
    DeliveryError,
    DeliveryPostponed,
    UnclearDelivery,
)
from paramedic_workers.resilience.backoff import pause_after
from paramedic_workers.sinks.hosts import is_loopback
from paramedic_workers.sinks.jira.address import HIDDEN, Address, basic_pair
from paramedic_workers.sinks.jira.answers import decode
from paramedic_workers.sinks.jira.ends import Answered, JiraAway, away, end_of, no_jira
from paramedic_workers.sinks.jira.exchange import Exchange, Lost, NotSent, Patience
from paramedic_workers.sinks.jira.limits import WritePace
from paramedic_workers.sinks.jira.refusals import JiraFailed, JiraRefused

A = TypeVar("A")

#: Bytes of the greatest answer that is read; a page of tickets has a few hundred thousand.
ANSWER_BYTES = 20_000_000
#: How often a read is asked in all.
READ_TRIES = 3
#: Seconds before a read is asked again, at first and at most.
READ_PAUSE = 0.3
GREATEST_READ_PAUSE = 2.0
#: Seconds that must be left of the time of a delivery for one more request.
LEAST_SECONDS = 4.0
#: Seconds until a delivery goes on whose time was over.
TIME_OVER_PAUSE = 1.0
#: What a Jira that is well answers at once.
PROBE = "/rest/api/2/serverInfo"
#: Redirects followed to where the bytes of an attachment are.
REDIRECTS = 3

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One request."""

    method: str
    #: Below the address of Jira, its segments quoted.
    path: str
    #: What it is for, in words that fit after "to": `create a ticket in SHOP`.
    act: str
    #: Parameters of the URL; the empty ones are left out.
    query: Mapping[str, str] = field(default_factory=dict)
    #: What is sent as JSON, unless it is None.
    json: Any = None
    #: Files that are sent: name, content, media type of each.
    files: tuple[tuple[str, bytes, str], ...] = ()
    #: Whether it changes nothing, though its method may be POST.
    reads: bool = False
    #: The ticket that is written, so that writes to it are paced; empty: none.
    ticket: str = ""
    #: The media type that is wanted.
    accept: str = "application/json"
    #: Bytes of the answer beyond which it is refused.
    limit: int = ANSWER_BYTES

    @property
    def repeatable(self) -> bool:
        """Whether doing it twice is the same as doing it once."""
        return self.reads or self.method == "PUT"


class Session:
    """Sends requests to one Jira; thread-safe, and safe when its process forks."""

    def __init__(
        self,
        address: Address,
        *,
        timeout: float,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open no connection yet.

        Args:
            address: of Jira, and who we are there.
            timeout: seconds for which each step of a request may wait for the other side.
            transport: in place of the network.
            sleep: waits so many seconds.
            clock: seconds that only go forward.
        """
        self.address = address
        self._timeout = timeout
        self._sleep = sleep
        self._clock = clock
        self._pace = WritePace(clock)
        self._exchange = Exchange(address, transport=transport, clock=clock)
        self._times = threading.local()

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        self._exchange.close()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Let all requests of the block, in this thread, end within so many seconds.

        One that would begin too late is not sent: `DeliveryPostponed`. Inside another such
        block the shorter time goes.
        """
        earlier: float | None = getattr(self._times, "until", None)
        own = self._clock() + seconds
        self._times.until = own if earlier is None else min(own, earlier)
        try:
            yield
        finally:
            self._times.until = earlier

    def ask(self, ask: Ask, kind: type[A]) -> A:
        """The answer to a request that succeeded.

        Raises:
            SinkUnavailable: Jira cannot be reached, takes nothing from us, or is at its limits.
            DeliveryPostponed: this ticket must not be written now, or the time is over.
            UnclearDelivery: it cannot be told whether a write was done, or what it made.
            JiraRefused: Jira says no.
            DeliveryError: Jira breaks over this request alone, or answers what is not known.
        """
        answer = self._succeed(ask)
        try:
            return decode(answer.body, kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._unreadable(ask, answer, error) from None

    def do(self, ask: Ask) -> None:
        """Make a request whose answer says nothing more than that it succeeded.

        Raises:
            DeliveryError: as `ask`.
        """
        self._succeed(ask)

    def download(self, ask: Ask) -> bytes:
        """The bytes of a file, also where Jira leads to another host: without credentials there.

        Raises:
            DeliveryError: as `ask`.
        """
        return self._read(ask, follow=REDIRECTS).body

    def redact(self, text: str) -> str:
        """The text without the token, in any of the forms in which it is sent."""
        token = self.address.token.reveal()
        for secret in (basic_pair(self.address), token, quote(token, safe="")):
            text = text.replace(secret, HIDDEN)
        return without_credentials(text)

    def _succeed(self, ask: Ask) -> Answered:
        if ask.reads:
            return self._read(ask)
        if ask.ticket:
            self._rest(self._pace.book(ask.ticket))
        answer = self._once(ask, self._request(ask))
        if answer.succeeded:
            return answer
        error = self._end(ask, answer)
        raise self._looked_into(error) if isinstance(error, JiraFailed) else error

    def _read(self, ask: Ask, follow: int = 0) -> Answered:
        """A whole answer to a read, asked for at most `READ_TRIES` times."""
        for attempt in range(1, READ_TRIES):
            try:
                return self._read_once(ask, follow)
            except (JiraAway, JiraFailed):
                _log.debug("jira_read_again", path=ask.path, attempt=attempt)
            self._rest(
                pause_after(attempt, first=READ_PAUSE, factor=4, greatest=GREATEST_READ_PAUSE)
            )
        try:
            return self._read_once(ask, follow)
        except JiraFailed as error:
            raise self._looked_into(error) from None

    def _read_once(self, ask: Ask, follow: int) -> Answered:
        answer = self._once(ask, self._request(ask))
        for _ in range(follow):
            if not answer.elsewhere:
                break
            answer = self._once(ask, self._elsewhere(ask, answer))
        if not answer.succeeded:
            raise self._end(ask, answer)
        if answer.too_long:
            raise _final(f"Jira's answer is too long to {ask.act}.")
        if answer.trouble:
            raise away(f"Jira's answer broke off: {self.redact(answer.trouble)}.")
        return answer

    def _once(self, ask: Ask, request: httpx.Request) -> Answered:
        """What comes back for one request that is sent once."""
        patience, began = self._patience(), self._clock()
        failure: DeliveryError
        try:
            answer = self._exchange.send(request, patience, limit=ask.limit)
        except NotSent as error:
            failure = away(f"Jira cannot be reached: {self.redact(str(error))}.")
        except Lost as error:
            failure = self._lost(ask, self.redact(str(error)))
        else:
            taken = round(self._clock() - began, 3)
            told = {"path": ask.path, "status": answer.status, "seconds": taken}
            _log.debug("jira_request", method=ask.method, **told)
            return answer
        raise failure  # here, so that it does not carry the library's error, secrets and all

    def _request(self, ask: Ask) -> httpx.Request:
        query = {name: value for name, value in ask.query.items() if value}
        # None: empty parameters would take away those of the path.
        parts: dict[str, Any] = {"params": query or None}
        headers = {"Accept": ask.accept}
        if ask.json is not None:
            parts["content"] = _json(ask.json)
            headers["Content-Type"] = "application/json"
        if ask.files:
            parts["files"] = [("file", file) for file in ask.files]
            headers["X-Atlassian-Token"] = "no-check"
        return self._exchange.request(ask.method, ask.path, headers=headers, **parts)

    def _elsewhere(self, ask: Ask, answer: Answered) -> httpx.Request:
        """The request for where a redirect leads; it carries credentials only to Jira itself."""
        try:
            url = httpx.URL(self.address.url).join(answer.elsewhere)
        except (httpx.InvalidURL, UnicodeError):
            raise self._end(ask, answer) from None
        home = httpx.URL(self.address.url)
        own_machine = url.scheme == "http" == home.scheme and is_loopback(url.host)
        if url.scheme != "https" and not own_machine:
            raise self._end(ask, answer)
        return self._exchange.request("GET", str(url), headers={"Accept": ask.accept})

    def _end(self, ask: Ask, answer: Answered) -> DeliveryError:
        error = end_of(ask.act, answer, repeatable=ask.repeatable, redact=self.redact)
        # While a Data Center starts, its server says of every ticket that there is none.
        is_no_word_of_jira = isinstance(error, JiraRefused) and answer.is_page
        return no_jira(answer) if is_no_word_of_jira and not self._is_well() else error

    def _lost(self, ask: Ask, why: str) -> DeliveryError:
        if ask.reads:
            return away(f"Jira did not answer: {why}.")
        return UnclearDelivery(
            f"Jira did not answer when we tried to {ask.act}: {why}.",
            remedy="It may have been done all the same.",
        )

    def _unreadable(self, ask: Ask, answer: Answered, error: Exception) -> DeliveryError:
        """The error for a success whose body is not what it should be."""
        if not ask.reads:
            return UnclearDelivery(
                f"Jira did {ask.act}, and its answer cannot be read.",
                remedy="What it made is looked for.",
            )
        if "json" not in answer.headers.get("Content-Type", "json").lower():
            return no_jira(answer)
        return _final(f"Jira answers in an unknown form when we try to {ask.act}: {error}.")

    def _looked_into(self, error: JiraFailed) -> DeliveryError:
        """The same error where Jira is well otherwise, else that it is away."""
        return error if self._is_well() else away(error.message)

    def _is_well(self) -> bool:
        """Whether Jira answers what it always can; also where there is no time to ask."""
        ask = Ask(method="GET", path=PROBE, act="see how it is", reads=True)
        try:
            answer = self._once(ask, self._request(ask))
        except DeliveryPostponed:
            return True
        except DeliveryError:
            return False
        return answer.status < 500 and not answer.is_page

    def _patience(self) -> Patience:
        """How long one more request may take, all its steps together, in the time that is left.

        Its steps are four: to connect, to write, to wait for the answer, and the last bytes.
        """
        left = self._left()
        if left < LEAST_SECONDS:
            raise _time_over()
        return Patience(
            step=min(self._timeout, left / 4), whole=min(2 * self._timeout, left * 3 / 4)
        )

    def _rest(self, seconds: float) -> None:
        """Wait, where that is needed and there is time for it."""
        if seconds <= 0:
            return
        if self._left() < seconds + LEAST_SECONDS:
            raise _time_over(seconds)
        self._sleep(seconds)

    def _left(self) -> float:
        until: float | None = getattr(self._times, "until", None)
        return math.inf if until is None else until - self._clock()


def _time_over(seconds: float = 0.0) -> DeliveryPostponed:
    return DeliveryPostponed(
        "The time of this delivery is over; it goes on where it stopped.",
        retry_after=max(seconds, TIME_OVER_PAUSE),
    )


def _final(message: str) -> DeliveryError:
    error = DeliveryError(message)
    error.transient = False
    return error


def _json(value: Any) -> bytes:
    """The value as JSON; half characters, which no encoding has, become question marks."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8", "replace")
