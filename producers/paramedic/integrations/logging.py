"""A logging handler that reports the exceptions of log records."""

from __future__ import annotations

import logging

from paramedic.publisher import Publisher
from paramedic.shared import current_publisher


class FailureHandler(logging.Handler):
    """Reports each record that carries an exception: `logger.exception(…)`, `exc_info=…`."""

    def __init__(self, publisher: Publisher | None = None, level: int = logging.ERROR) -> None:
        """Report records from `level` on.

        Args:
            publisher: used for the reports; the one of `paramedic.init` if not given.
            level: least level of the records.
        """
        super().__init__(level)
        self._publisher = publisher

    def emit(self, record: logging.LogRecord) -> None:
        """Report the record's exception, if it has one and is not our own."""
        error = record.exc_info[1] if record.exc_info else None
        if error is None or record.name.partition(".")[0] == "paramedic":
            return
        publisher = self._publisher or current_publisher()
        if publisher is not None:
            publisher.capture_exception(error, logger=record.name, log_message=_message(record))


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - arguments that do not fit the text are the caller's
        return str(record.msg)
