"""`[sinks.webhook]`: where results are posted, and the secrets they are signed with."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from paramedic.webhooks import secret_bytes
from paramedic_workers.errors import SettingsError, Verdict
from paramedic_workers.settings import Settings
from paramedic_workers.settings_rules import Problem
from paramedic_workers.sinks.hosts import is_loopback
from paramedic_workers.sinks.rules import unknown_targets

#: The variable with the signing secrets, white space between them.
SECRET_VARIABLE = "PARAMEDIC_WEBHOOK_SECRET"
_MAKE_A_SECRET = (
    "Make one with: python3 -c \"import base64, os; print('whsec_' + "
    'base64.b64encode(os.urandom(32)).decode())"'
)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
#: Headers that are the sink's own.
_OWN_HEADERS = re.compile(r"webhook-.*|content-.*|host|transfer-encoding|connection", re.I)


class WebhookSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sinks.webhook]`: each result as a signed POST."""

    enabled: bool = True
    #: Where results are posted: `https://…`, or `http://…` on this machine.
    url: str = ""
    #: File with the signing secrets, one a line: several while one is being replaced.
    #: `PARAMEDIC_WEBHOOK_SECRET` comes before it.
    secret_file: str = ""
    #: Further headers: `Authorization = "Bearer …"`.
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    #: Verdicts that are sent; empty: all.
    verdicts: tuple[Verdict, ...] = ()
    #: Targets whose results are sent; empty: all.
    targets: tuple[str, ...] = ()
    #: What stands as `source` in each event: a URI that tells this Paramedic from others.
    source: str = "/paramedic"
    #: Allow `http://…` to other machines: whoever is between can read the results.
    allow_http: bool = False
    #: Seconds that the receiver may take to answer.
    timeout: float = 20.0

    def problems(self, settings: Settings) -> Iterable[Problem]:
        """What is wrong beyond types.

        Args:
            settings: those of all.
        """
        yield from _url_problems(self)
        yield from _header_problems(self.headers)
        yield from unknown_targets("targets", self.targets, settings)
        if not 0 < self.timeout <= 60:
            yield Problem(
                key="timeout", problem=f"is {self.timeout}.", remedy="Use 1 to 60 (seconds)."
            )
        if not self.source or re.search(r"\s", self.source):
            yield Problem(
                key="source", problem="is no URI.", remedy='Write it like "/paramedic/berlin".'
            )
        try:
            signing_secrets(self)
        except SettingsError as error:
            yield Problem(key="secret_file", problem=error.message, remedy=error.remedy)


def signing_secrets(
    settings: WebhookSettings, environ: Mapping[str, str] = os.environ
) -> tuple[str, ...]:
    """The secrets that results are signed with, each by itself.

    Raises:
        SettingsError: there is none, or one is malformed; the message shows none of them.
    """
    source = f"{SECRET_VARIABLE} holds"
    text = environ.get(SECRET_VARIABLE, "")
    if not text.strip() and settings.secret_file:
        source = f"{settings.secret_file} holds"
        try:
            text = Path(settings.secret_file).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"cannot be read: {error}.", remedy="Make it a file that the workers can read."
            ) from error
    secrets = tuple(text.split())
    if not secrets:
        raise SettingsError(
            f"names no secret, nor does {SECRET_VARIABLE}.", remedy=f"{_MAKE_A_SECRET}."
        )
    for number, secret in enumerate(secrets, 1):
        try:
            secret_bytes(secret)
        except ValueError as error:
            problem = f"{source} as number {number} what is no secret: {error}."
            raise SettingsError(problem, remedy=f"{_MAKE_A_SECRET}.") from None
    return secrets


def _url_problems(settings: WebhookSettings) -> Iterator[Problem]:
    # The URL itself is not shown: its path may be a secret.
    remedy = "Write it like https://hooks.shop.example/paramedic."
    try:
        parts = urlsplit(settings.url)
        _ = parts.port
    except ValueError:
        yield Problem(key="url", problem="is no URL.", remedy=remedy)
        return
    if not settings.url:
        yield Problem(key="url", problem="is missing.", remedy=remedy)
    elif parts.scheme not in ("http", "https") or not parts.hostname:
        yield Problem(key="url", problem="is no address on the web.", remedy=remedy)
    elif parts.scheme == "http" and not (settings.allow_http or is_loopback(parts.hostname)):
        yield Problem(
            key="url",
            problem="is http:// to another machine: whoever is between could read the results.",
            remedy="Use https://, or set allow_http = true.",
        )


def _header_problems(headers: Mapping[str, str]) -> Iterator[Problem]:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            yield Problem(
                key="headers", problem=f"has {name!r}, which names no header.", remedy="Correct it."
            )
        elif _OWN_HEADERS.fullmatch(name):
            yield Problem(
                key=f"headers.{name}", problem="is set by the sink itself.", remedy="Remove it."
            )
        elif not value.isascii() or not value.isprintable():
            yield Problem(
                key=f"headers.{name}",
                problem="holds what no header can.",
                remedy="Use printable ASCII.",
            )
