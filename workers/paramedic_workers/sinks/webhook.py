"""The webhook sink: posts each result as a CloudEvent, signed, to one address.

The event is in the structured JSON mode of CloudEvents 1.0; the signature follows Standard
Webhooks, see `paramedic.webhooks`. Both carry the result's id, and are the same for each
repeat but for the time of sending, so that a receiver can tell a repeat.

| answer | means |
| --- | --- |
| 2xx | delivered |
| 429, 502, 503, 504, no connection | the receiver is away: all deliveries rest, none counts |
| 408, 425, 500 and above, a connection lost, no answer in time | tried again, and counted |
| all else, redirects too | refused: a dead letter at once |

What may be the fault of one result is counted, so that it ends some day, and never keeps the
others waiting for ever.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Literal

import httpx
import msgspec

from paramedic.event import now
from paramedic.webhooks import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from paramedic_workers.errors import DeliveryError, SinkUnavailable
from paramedic_workers.results import Result
from paramedic_workers.sinks.retry_after import retry_after
from paramedic_workers.sinks.webhook_settings import WebhookSettings, signing_secrets

#: Seconds for which a receiver that is away is left alone, unless it says for how long.
REST_SECONDS = 30.0
#: Bytes of an answer that are looked at.
ANSWER_BYTES = 4_096
#: Connections kept, as many as deliveries to one sink that run at once, and one more.
_CONNECTIONS = 3
_AWAY = frozenset({429, 502, 503, 504})
_WORTH_A_RETRY = frozenset({408, 425})
_CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A result as an event: https://github.com/cloudevents/spec, version 1.0."""

    specversion: Literal["1.0"] = "1.0"
    #: The result's id.
    id: str
    #: Which Paramedic it comes from.
    source: str
    #: `paramedic.result.` and the verdict.
    type: str
    #: Target and incident: `shop/3f9ac1d2e4b5`.
    subject: str
    #: When the heal began.
    time: datetime
    datacontenttype: Literal["application/json"] = "application/json"
    #: As `paramedic heal --json` prints it.
    data: Result


def cloud_event(result: Result, source: str) -> CloudEvent:
    """The event that tells of a result."""
    return CloudEvent(
        id=result.id,
        source=source,
        type=f"paramedic.result.{result.verdict}",
        subject=f"{result.target}/{result.incident}",
        time=result.started_at,
        data=result,
    )


class WebhookSink:
    """Posts results; one instance may be used by several threads."""

    name = "webhook"
    settings_type = WebhookSettings

    def __init__(
        self,
        settings: WebhookSettings,
        secrets: tuple[str, ...],
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        """Post to the settings' URL.

        Args:
            settings: without problems.
            secrets: each request is signed with each of them.
            transport: in place of the network.
            clock: gives the time of sending.
        """
        self._settings = settings
        self._secrets = secrets
        self._clock = clock
        self._client = httpx.Client(
            timeout=settings.timeout,
            # Of a packed answer nobody knows how long it is.
            headers={"user-agent": "paramedic", "accept-encoding": "identity", **settings.headers},
            limits=httpx.Limits(max_connections=_CONNECTIONS),
            follow_redirects=False,
            transport=transport,
        )

    @classmethod
    def open(cls, settings: WebhookSettings, data: Path) -> WebhookSink:
        """The sink, with the secrets of the environment or the file.

        Raises:
            SettingsError: there is no secret.
        """
        del data
        return cls(settings, signing_secrets(settings))

    def deliver(self, result: Result) -> None:
        """Post the result, if the settings ask for its verdict and target.

        Raises:
            SinkUnavailable: the receiver is away, or at its limits.
            DeliveryError: it refused; `transient` says whether a retry is worth it.
        """
        wanted = self._settings
        if wanted.verdicts and result.verdict not in wanted.verdicts:
            return
        if wanted.targets and result.target not in wanted.targets:
            return
        body = msgspec.json.encode(cloud_event(result, wanted.source))
        status, headers, said = self._post(body, self._signed(result.id, body))
        self._judge(status, headers, said)

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def _signed(self, message_id: str, body: bytes) -> dict[str, str]:
        stamp = int(self._clock().timestamp())
        signatures = (sign(secret, message_id, stamp, body) for secret in self._secrets)
        return {
            "content-type": _CONTENT_TYPE,
            ID_HEADER: message_id,
            TIMESTAMP_HEADER: str(stamp),
            SIGNATURE_HEADER: " ".join(signatures),
        }

    def _post(self, body: bytes, headers: dict[str, str]) -> tuple[int, httpx.Headers, str]:
        """Status, headers and beginning of the answer; errors never name the URL's path."""
        try:
            with self._client.stream(
                "POST", self._settings.url, content=body, headers=headers
            ) as answer:
                said = b"" if answer.is_success else self._beginning(answer)
                return answer.status_code, answer.headers, said.decode("utf-8", "replace")
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise SinkUnavailable(
                f"{self._receiver} cannot be reached: {_words(error)}.", retry_after=REST_SECONDS
            ) from error
        except httpx.HTTPError as error:
            raise DeliveryError(f"{self._receiver} did not answer: {_words(error)}.") from error

    def _beginning(self, answer: httpx.Response) -> bytes:
        """The first bytes of an answer, as far as they come in time."""
        deadline, found = time.monotonic() + self._settings.timeout, b""
        for part in answer.iter_raw(ANSWER_BYTES):
            found += part
            if len(found) >= ANSWER_BYTES or time.monotonic() > deadline:
                break
        return found[:ANSWER_BYTES]

    def _judge(self, status: int, headers: httpx.Headers, said: str) -> None:
        if 200 <= status < 300:
            return
        message = f"{self._receiver} answered {status}{self._quoted(said)}."
        if status in _AWAY:
            wait = retry_after(headers.get("retry-after"), self._clock(), REST_SECONDS)
            raise SinkUnavailable(message, retry_after=wait)
        if 300 <= status < 400:
            remedy = "Set url to where it leads: redirects are not followed."
            raise DeliveryError(message, transient=False, remedy=remedy)
        raise DeliveryError(message, transient=status >= 500 or status in _WORTH_A_RETRY)

    def _quoted(self, said: str) -> str:
        """What the receiver says, in one short line, without what is secret here."""
        text = " ".join(said.split())
        address = httpx.URL(self._settings.url)
        place = address.raw_path.decode("ascii").strip("/")
        for secret in (*self._secrets, *self._settings.headers.values(), address.password, place):
            text = text.replace(secret, "***") if secret else text
        text = text[:200]
        return f": {text.rstrip('.')}" if text else ""

    @property
    def _receiver(self) -> str:
        """Scheme and host: the path may be a secret."""
        url = httpx.URL(self._settings.url)
        return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _words(error: httpx.HTTPError) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": .")
