"""Where Jira is, and who we are there: everything that must be right before the first request."""

from __future__ import annotations

import base64
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from paramedic_workers.errors import SettingsError
from paramedic_workers.sinks.hosts import is_loopback
from paramedic_workers.sinks.jira.settings import TOKEN_VARIABLE, JiraKind, JiraSettings

#: Stands for Jira and its token where nothing is sent.
_NOWHERE = "https://jira.invalid"
_NO_TOKEN = "dry-run"
#: Bytes read of a file with a token.
_TOKEN_BYTES = 10_000
#: What a URL should be.
URL_REMEDY = "Set it to https://NAME.atlassian.net, or to where your Data Center answers."
#: What takes the place of a secret.
HIDDEN = "***"


class Secret:
    """A text that is shown nowhere: not by `repr`, not by `str`, not in a traceback."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        """Keep the text."""
        self._value = value

    def reveal(self) -> str:
        """The text itself, for the header that it goes into."""
        return self._value

    def __repr__(self) -> str:
        """Nothing of the text."""
        return HIDDEN


@dataclass(frozen=True, kw_only=True)
class Address:
    """One Jira, and the account that talks to it."""

    #: Without a slash at its end.
    url: str
    kind: JiraKind
    #: Cloud: the e-mail address that the token belongs to.
    email: str
    token: Secret

    @property
    def origin(self) -> tuple[str, str, int | None]:
        """Scheme, host and port: what credentials may be sent to."""
        return origin(httpx.URL(self.url))

    @property
    def behind_gateway(self) -> bool:
        """Whether the address is that of Atlassian's gateway: people find the site elsewhere."""
        return httpx.URL(self.url).host == "api.atlassian.com"


class JiraAuth(httpx.Auth):
    """Puts the credentials on a request at the last moment, so that they are kept nowhere else."""

    def __init__(self, address: Address) -> None:
        """Speak for the account of this address."""
        self._address = address

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header, unless the request goes somewhere else."""
        if origin(request.url) == self._address.origin:
            request.headers["Authorization"] = self._header()
        yield request

    def _header(self) -> str:
        return f"Bearer {self._address.token.reveal()}" if self._bearer else f"Basic {self._pair()}"

    @property
    def _bearer(self) -> bool:
        return self._address.kind is JiraKind.DATA_CENTER

    def _pair(self) -> str:
        return basic_pair(self._address)


def basic_pair(address: Address) -> str:
    """The e-mail address and the token as basic authentication has them."""
    pair = f"{address.email}:{address.token.reveal()}"
    return base64.b64encode(pair.encode()).decode()


def read_address(settings: JiraSettings, environ: Mapping[str, str]) -> Address:
    """The address and the account of these settings.

    Args:
        settings: with `dry_run`, what is missing is made up: nothing will be sent.
        environ: `PARAMEDIC_JIRA_TOKEN` comes before the file of the settings.

    Raises:
        SettingsError: the URL, the e-mail address or the token is missing or wrong, or the
            token would go over the network unencrypted.
    """
    url = _checked_url(settings)
    kind = settings.resolved_kind() if settings.url else settings.kind or JiraKind.CLOUD
    token = read_token(settings, environ)
    if kind is JiraKind.CLOUD and not settings.email and not settings.dry_run:
        raise SettingsError(
            "[sinks.jira]: `email` is missing.",
            remedy="Jira Cloud wants the e-mail address of the account that made the token.",
        )
    return Address(url=url, kind=kind, email=settings.email or _NO_TOKEN, token=Secret(token))


def read_token(settings: JiraSettings, environ: Mapping[str, str]) -> str:
    """The token, from the environment or else from its file.

    Raises:
        SettingsError: there is none, or it cannot be one.
    """
    token, source = environ.get(TOKEN_VARIABLE, "").strip(), TOKEN_VARIABLE
    if not token and settings.token_file:
        token, source = _from_file(settings.token_file), "`token_file`"
    if not token and settings.dry_run:
        return _NO_TOKEN
    if not token:
        raise SettingsError(
            "[sinks.jira]: there is no token.",
            remedy=f"Set {TOKEN_VARIABLE}, or name a file that has it in `token_file`.",
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        raise SettingsError(
            f"[sinks.jira]: what {source} has is no token: it has blanks, or signs beyond ASCII.",
            remedy="It is one word in one line.",
        )
    return token


def url_fault(text: str) -> str:
    """Why this cannot be the URL of a Jira, in words that fit after its name; empty: it can.

    Args:
        text: as it stands in the settings; nothing of it is shown.
    """
    text = _trimmed(text)
    if not text:
        return "is missing"
    try:
        url, _ = httpx.URL(text), urlsplit(text)  # the one sees what the other does not
    except (httpx.InvalidURL, ValueError):
        return "is no URL"
    faults = {
        "is no URL of the web": url.scheme not in {"https", "http"} or not url.host,
        "has a user or a password in it; `email` and the token say who we are": url.userinfo,
        "has something after its path": url.query or url.fragment,
        "begins with http: the token would be sent for everyone to read": (
            url.scheme == "http" and not is_loopback(url.host)
        ),
    }
    return next((words for words, found in faults.items() if found), "")


def origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL, the usual port written out."""
    usual = {"https": 443, "http": 80}
    return url.scheme, url.host, url.port or usual.get(url.scheme)


def _checked_url(settings: JiraSettings) -> str:
    if not settings.url.strip() and settings.dry_run:
        return _NOWHERE
    if fault := url_fault(settings.url):
        raise SettingsError(f"[sinks.jira]: `url` {fault}.", remedy=URL_REMEDY)
    return _trimmed(settings.url)


def _trimmed(url: str) -> str:
    return url.strip().rstrip("/")


def _from_file(name: str) -> str:
    path = Path(name).expanduser()
    try:
        with path.open("rb") as file:
            return file.read(_TOKEN_BYTES).decode("utf-8", "replace").strip()
    except OSError as error:
        raise SettingsError(
            f"[sinks.jira]: `token_file` cannot be read: {path}: {error.strerror or error}.",
            remedy=f"Make it readable for the workers, or set {TOKEN_VARIABLE}.",
        ) from error
