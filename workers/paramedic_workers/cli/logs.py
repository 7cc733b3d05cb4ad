"""Logs of a command: to stderr, so that stdout belongs to its output."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

import structlog

from paramedic_workers.settings import Settings

#: What every log line carries and a person at a terminal does not need.
_KNOWN = frozenset({"event", "level", "logger", "timestamp", "remedy", "exc_info", "stack_info"})


def quiet_logs(settings: Settings, least: str = "warning") -> None:
    """Log what the settings ask for; where they leave it open, little, in words for people.

    Args:
        settings: level and format.
        least: the level in place of the default one.
    """
    from paramedic_workers.telemetry.logs import configure_logs, redact

    if settings.log_level != "info" or settings.log_format:
        level = least if settings.log_level == "info" else settings.log_level
        configure_logs(settings.log_format or "console", level)
        return
    configure_logs("console", least)
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    plain = structlog.stdlib.ProcessorFormatter(processors=[remove, redact, as_line])
    for handler in logging.getLogger().handlers:
        handler.setFormatter(plain)


def as_line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    """A log event as one line for a person: what, the details, the remedy."""
    details = "; ".join(f"{key}: {value}" for key, value in event.items() if key not in _KNOWN)
    what = str(event.get("event", "")).replace("_", " ")
    remedy = f" {event['remedy']}" if event.get("remedy") else ""
    stated = f"{what} ({details})." if details else f"{what}."
    return " ".join(f"paramedic: {event.get('level', 'note')}: {stated}{remedy}".split())
