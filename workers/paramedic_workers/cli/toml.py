"""Settings as TOML, without secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

import msgspec

from paramedic_workers.connections import without_password
from paramedic_workers.settings import Settings

#: What is shown in place of a secret.
HIDDEN = "***"
_SECRET = re.compile(r"token|password|passwd|secret|credential|api_?key|dsn|auth", re.IGNORECASE)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def settings_as_toml(settings: Settings) -> str:
    """All settings as TOML.

    Hidden are values whose key sounds like a secret, passwords in URLs, addresses of the sink
    `notify`, the path of that of `webhook`, and the values of environment variables of targets
    and of headers: nobody knows what those hold.
    """
    values = msgspec.to_builtins(settings)
    for target in values["targets"].values():
        del target["name"]  # the name of its table
    return "\n".join(_table("", values)).strip()


def _table(path: str, values: Mapping[str, object]) -> Iterator[str]:
    for key, value in values.items():
        if not isinstance(value, Mapping):
            yield f"{_key(key)} = {_value(path, key, value)}"
    for key, value in values.items():
        if isinstance(value, Mapping):
            below = f"{path}.{_key(key)}" if path else _key(key)
            if any(not isinstance(v, Mapping) for v in value.values()):
                yield f"\n[{below}]"
            yield from _table(below, value)


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else json.dumps(name)


def _value(path: str, key: str, value: object) -> str:
    hidden = (
        (_SECRET.search(key) and not key.endswith("_file"))  # where it is, is none
        or path.endswith((".environment", ".headers"))
        or (key == "url" and path.startswith("sinks.notify."))
    )
    if hidden and value not in ("", None):
        return json.dumps(HIDDEN)
    if key == "url" and path == "sinks.webhook" and isinstance(value, str):
        return json.dumps(_origin(value), ensure_ascii=False)
    if isinstance(value, str):
        return json.dumps(without_password(value), ensure_ascii=False)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(path, key, item) for item in value) + "]"
    return json.dumps(value)


def _origin(url: str) -> str:
    """The address of a receiver without its path, in which many keep their secret."""
    known = re.fullmatch(r"(https?://)(?:[^/@]*@)?([^/?#@]*)(.*)", url, re.DOTALL)
    if not known:
        return HIDDEN
    return f"{known[1]}{known[2]}" + (f"/{HIDDEN}" if known[3].strip("/") else "")
