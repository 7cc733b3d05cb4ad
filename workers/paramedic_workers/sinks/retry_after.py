"""How long an HTTP server asks to be left alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

#: Greatest number of seconds that is believed: beyond it asking again does no harm.
GREATEST_WAIT = 3600.0


def retry_after(value: str | None, present: datetime, default: float) -> float:
    """The seconds that a header `Retry-After` means.

    Args:
        value: the header: seconds, or a date (RFC 9110, 10.2.3); None where it is missing.
        present: the present time.
        default: seconds where there is no header that can be read.

    Returns:
        At least 1, at most GREATEST_WAIT.
    """
    return min(max(_seconds(value or "", present, default), 1.0), GREATEST_WAIT)


def _seconds(value: str, present: datetime, default: float) -> float:
    text = value.strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError, OverflowError):
        return default
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - present).total_seconds()
