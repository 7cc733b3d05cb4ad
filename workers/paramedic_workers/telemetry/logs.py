"""Logs: one event a line, ours and Celery's in the same form, and never a password.

JSON for machines, `key=value` for people. Common keys: incident, target, phase.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import IO, Any

import structlog
from structlog.typing import Processor

from paramedic.redaction import without_password

#: Loggers that say much and mean little at the level of everything else; those of httpx also
#: tell whole URLs, where what is signed is a secret.
CHATTY = ("kombu", "amqp", "urllib3", "httpx", "httpcore")


def configure_logs(
    form: str = "", level: int | str = "info", file: str | IO[str] | None = None
) -> None:
    """Set up structlog and the standard library's logging for this process.

    Args:
        form: `json` or `console`; where empty, `console` on a terminal, else `json`.
        level: least level that is written: a name, or logging's number.
        file: path or stream; standard error where None.
    """
    stream = _stream(file)
    number = level if isinstance(level, int) else logging.getLevelNamesMapping()[level.upper()]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_before(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(form, stream),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    structlog.configure(
        processors=[*_before(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def redact(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Take the passwords of URLs out of everything that is logged."""
    for key, value in event.items():
        event[key] = _redacted(value)
    return event


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return without_password(value)
    if isinstance(value, Mapping):
        return {key: _redacted(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(item) for item in value]
    return value


def _stream(file: str | IO[str] | None) -> IO[str]:
    if file is None:
        return sys.stderr
    return open(file, "a", encoding="utf-8", buffering=1) if isinstance(file, str) else file  # noqa: PTH123 - Celery gives a path that lives as long as the process


def _before() -> list[Processor]:
    """What every event goes through, ours and the standard library's."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _renderers(form: str, stream: IO[str]) -> list[Processor]:
    colours = stream.isatty()
    if form == "console" or (not form and colours):
        console = structlog.dev.ConsoleRenderer(
            colors=colours, exception_formatter=structlog.dev.plain_traceback
        )
        return [_one_line_event, _redact_exception, redact, console]
    return [
        structlog.processors.format_exc_info,
        redact,
        structlog.processors.JSONRenderer(default=repr),
    ]


def _redact_exception(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Format the exception before it is redacted."""
    return structlog.processors.format_exc_info(logger, method, event)


def _one_line_event(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Celery's banners have several lines; an event has one."""
    event["event"] = " ".join(str(event.get("event", "")).split())
    return event
