"""What an answer means that is no success: which error it is, and who must wait how long."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import structlog

from paramedic_workers.errors import (
    DeliveryError,
    DeliveryPostponed,
    SinkUnavailable,
    UnclearDelivery,
)
from paramedic_workers.sinks.jira.limits import (
    LimitReason,
    limit_pause,
    limit_reason,
)
from paramedic_workers.sinks.jira.refusals import JiraFailed, Said, read_said, refusal
from paramedic_workers.sinks.retry_after import retry_after

#: Seconds until a Jira that does not answer is asked again.
AWAY_SECONDS = 15.0
#: Seconds until a Jira is asked again that does not know us: only a person can change that.
LOGIN_SECONDS = 300.0
#: Seconds until a ticket is written again that somebody else was writing.
CONFLICT_SECONDS = 5.0
#: How Jira says in `X-Seraph-LoginReason` that the credentials are wrong, whatever the status.
#: With wrong ones some addresses answer as to a stranger, who finds nothing: no ticket exists.
_STRANGER = ("AUTHENTICATED_FAILED", "AUTHENTICATION_DENIED")
#: A gateway's answers for a Jira that is away.
_AWAY = (502, 503, 504)

_log = structlog.get_logger()


class JiraAway(SinkUnavailable):
    """Jira did not answer; for a read it is worth asking again at once."""


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What came back for one request."""

    status: int
    headers: httpx.Headers
    body: bytes
    #: Why the body is not whole, but empty; empty: it is whole.
    trouble: str = ""
    #: Whether the body is left out because of its length.
    too_long: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether Jira did what was asked, and did it for us."""
        return 200 <= self.status < 300 and not self.for_stranger

    @property
    def for_stranger(self) -> bool:
        """Whether Jira did not take our credentials, whatever it answers."""
        reason = self.headers.get("X-Seraph-LoginReason", "").upper()
        return self.status == 401 or any(word in reason for word in _STRANGER)

    @property
    def is_page(self) -> bool:
        """Whether it is a page for people: from what stands before Jira, or in its place."""
        return "html" in self.headers.get("Content-Type", "").lower()

    @property
    def elsewhere(self) -> str:
        """Where a redirect leads; empty: it is none."""
        return self.headers.get("Location", "") if 300 <= self.status < 400 else ""


def away(cause: str, *, pause: float = AWAY_SECONDS) -> JiraAway:
    """The error for a Jira that does not answer.

    Args:
        cause: one sentence, free of secrets.
        pause: seconds until it is worth asking again.
    """
    return JiraAway(cause, retry_after=pause, remedy="Deliveries wait until it is back.")


def end_of(
    act: str,
    answer: Answered,
    *,
    repeatable: bool,
    redact: Callable[[str], str],
    wall: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> DeliveryError:
    """The error for an answer that is no success.

    Args:
        act: what was asked, as in "create a ticket in SHOP".
        answer: what came back.
        repeatable: whether doing it twice would be the same as doing it once.
        redact: takes secrets out of what Jira says.
        wall: tells the time now.
    """
    said = _redacted(read_said(answer.body), redact)
    if answer.for_stranger:
        return _login(answer.status, said)
    if answer.status == 429:
        return _limit(answer.headers, wall())
    if answer.status == 409:
        return DeliveryPostponed(
            f"Somebody else was writing when we tried to {act} (409).",
            retry_after=CONFLICT_SECONDS,
        )
    if answer.status >= 500 or answer.status == 408:
        return _broken(act, answer, said, repeatable=repeatable, wall=wall())
    if 400 <= answer.status < 500:
        return refusal(act, answer.status, said)
    return _no_jira(answer, redact)


def _redacted(said: Said, redact: Callable[[str], str]) -> Said:
    return Said(
        messages=tuple(redact(one) for one in said.messages),
        fields={redact(name): redact(text) for name, text in said.fields.items()},
    )


def _login(status: int, said: Said) -> SinkUnavailable:
    _log.error("jira_login_refused", status=status, said=str(said))
    return SinkUnavailable(
        f"Jira does not know us ({status}): the token or the e-mail address is wrong, the token "
        "has expired, or Jira asks for a captcha.",
        retry_after=LOGIN_SECONDS,
        remedy="Make a new token, and run `paramedic jira check`; no result is lost meanwhile.",
    )


def _limit(headers: Mapping[str, str], wall: datetime) -> DeliveryError:
    reason, pause = limit_reason(headers), limit_pause(headers, wall)
    _log.warning("jira_limit", reason=reason.name.lower(), seconds=round(pause, 1))
    if reason is LimitReason.PER_ISSUE:
        return DeliveryPostponed("This ticket was written too often (429).", retry_after=pause)
    called = "" if reason is LimitReason.UNKNOWN else f": {reason.value}"
    return SinkUnavailable(f"Jira's limit of requests is reached (429{called}).", retry_after=pause)


def _broken(
    act: str, answer: Answered, said: Said, *, repeatable: bool, wall: datetime
) -> DeliveryError:
    told = f": {said}" if str(said) else ""
    cause = f"Jira broke when we tried to {act} ({answer.status}{told})."
    if not repeatable:
        return UnclearDelivery(cause, remedy="It may have been done all the same.")
    when = answer.headers.get("Retry-After")
    if when is not None:
        pause = retry_after(when, wall, AWAY_SECONDS)
        return SinkUnavailable(cause, retry_after=pause, remedy="Deliveries wait until then.")
    if answer.status in _AWAY:
        return away(cause)
    return JiraFailed(cause, remedy="Look into Jira's log.")


def _no_jira(answer: Answered, redact: Callable[[str], str]) -> SinkUnavailable:
    """Whatever answers there is no REST interface: a page to log in, a move of the site."""
    host = _host(answer.elsewhere)
    whither = f" It leads to {redact(host)}." if host else ""
    return SinkUnavailable(
        f"No Jira answers at `url` ({answer.status}).{whither}",
        retry_after=LOGIN_SECONDS,
        remedy="Correct `url` in [sinks.jira], and run `paramedic jira check`.",
    )


def no_jira(answer: Answered) -> SinkUnavailable:
    """The error for a success whose body is no JSON, but a page for people."""
    return _no_jira(answer, str)


def _host(location: str) -> str:
    try:
        return httpx.URL(location).host if location else ""
    except (httpx.InvalidURL, UnicodeError):
        return ""
