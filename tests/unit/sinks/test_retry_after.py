"""`Retry-After` in both of its forms, and whatever else servers write."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from paramedic_workers.sinks.retry_after import retry_after

PRESENT = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 30),
        ("", 30),
        ("soon", 30),
        ("-5", 30),
        ("inf", 30),
        ("0", 1),
        ("120", 120),
        ("1.5", 1.5),
        ("999999999", 3600),
        ("Fri, 01 May 2026 12:02:00 GMT", 120),
        ("Fri, 01 May 2026 11:00:00 GMT", 1),
        ("Fri, 01 May 2026 12:02:00 -0000", 120),
        ("Fri, 99 May 2026 12:02:00 GMT", 30),
    ],
)
def test_what_the_header_means(header: str | None, seconds: float) -> None:
    assert retry_after(header, PRESENT, 30) == seconds
