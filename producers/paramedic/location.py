"""Where things are: the data directory, the broker, and the state that lies beside it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import msgspec

#: Written by `paramedic up` into the data directory: where the bundled server listens.
EMBEDDED_FILE = "embedded.json"
_SOCKET_SCHEMES = frozenset({"redis+socket", "unix"})
_AMQP_SCHEMES = frozenset({"amqp", "amqps", "pyamqp"})


class NoBroker(LookupError):
    """No broker is configured, and the bundled one is not running."""


class EmbeddedServer(msgspec.Struct, frozen=True):
    """What `embedded.json` says of the bundled server."""

    #: kombu URL: `redis+socket:///…` or `redis://127.0.0.1:…`.
    url: str
    #: Process id of the server.
    pid: int = 0


def data_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder for all that is kept: `PARAMEDIC_DATA`, else one in the XDG state folder.

    It may not exist yet; whoever makes it, makes it with mode 0700.
    """
    named = environ.get("PARAMEDIC_DATA")
    if named:
        return Path(named).expanduser().absolute()
    state = environ.get("XDG_STATE_HOME")
    home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    base = Path(state) if state else home / ".local" / "state"
    return base / "paramedic"


def broker_url(url: str | None = None) -> str:
    """The kombu URL of the broker.

    Args:
        url: used as it is, where given; else `PARAMEDIC_BROKER_URL`, else the bundled server.

    Raises:
        NoBroker: there is none; the message says what to do.
    """
    return url or os.environ.get("PARAMEDIC_BROKER_URL") or _embedded_url()


def _embedded_url() -> str:
    file = data_directory() / EMBEDDED_FILE
    try:
        return msgspec.json.decode(file.read_bytes(), type=EmbeddedServer).url
    except FileNotFoundError:
        raise NoBroker(
            "No broker is configured and none is running here: set PARAMEDIC_BROKER_URL, "
            "or start one with `paramedic up`"
        ) from None
    except (OSError, msgspec.MsgspecError, UnicodeError) as error:
        raise NoBroker(f"{file} cannot be read: {error}") from None


def speaks_amqp(broker: str) -> bool:
    """Whether a kombu URL is that of an AMQP broker, such as RabbitMQ; anything may be given."""
    return broker.partition("://")[0].lower() in _AMQP_SCHEMES


def state_url(broker: str) -> str:
    """The redis-py URL for the server behind a kombu URL.

    `redis+socket:///p?virtual_host=1` becomes `unix:///p?db=1`; others pass unchanged.
    """
    parts = urlsplit(broker)
    if parts.scheme not in _SOCKET_SCHEMES:
        return broker
    options = dict(parse_qsl(parts.query))
    database = options.get("virtual_host") or options.get("db") or "0"
    credentials, at, _ = parts.netloc.rpartition("@")
    return f"unix://{credentials}{at}{quote(unquote(parts.path))}?db={database.strip('/') or '0'}"
