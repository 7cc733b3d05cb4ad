"""Quiet hours and digests by the clocks of a place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paramedic_workers.sinks.notify.hours import (
    Day,
    QuietHours,
    last_occurrence,
    time_of_day,
    time_span,
    time_zone,
)

VIENNA = ZoneInfo("Europe/Vienna")


@pytest.mark.parametrize(
    ("span", "quiet", "loud"),
    [
        ("22:00-07:00", ["22:00", "23:59", "00:00", "06:59"], ["07:00", "12:00", "21:59"]),
        ("12:00-13:00", ["12:00", "12:59"], ["11:59", "13:00", "00:00"]),
        ("00:00-06:30", ["00:00", "06:29"], ["06:30", "23:59"]),
    ],
)
def test_quiet_hours_are_those_of_the_zone(span: str, quiet: list[str], loud: list[str]) -> None:
    hours = QuietHours(zone=VIENNA, span=time_span(span))
    for text in (*quiet, *loud):
        local = datetime.combine(datetime(2026, 7, 1), time_of_day(text), tzinfo=VIENNA)
        assert hours.at(local.astimezone(UTC)) is (text in quiet), text


def test_quiet_days_are_those_of_the_zone() -> None:
    weekend = QuietHours(zone=VIENNA, days=frozenset({Day.SATURDAY, Day.SUNDAY}))
    friday_night = datetime(2026, 5, 1, 22, 30, tzinfo=UTC)  # in Vienna it is Saturday by then
    assert weekend.at(friday_night)
    assert not weekend.at(friday_night - timedelta(hours=1))
    assert not QuietHours(zone=VIENNA).at(friday_night)


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        ("2026-05-01 17:30", "2026-05-01 17:30"),
        ("2026-05-01 17:29", "2026-04-30 17:30"),
        ("2026-03-29 12:00", "2026-03-28 17:30"),  # the clocks were set forward in that night
        ("2026-10-25 12:00", "2026-10-24 17:30"),  # and back in this
    ],
)
def test_a_daily_digest_keeps_its_time_of_day_when_clocks_change(
    present: str, expected: str
) -> None:
    moment = datetime.fromisoformat(present).replace(tzinfo=VIENNA)
    found = last_occurrence(time_of_day("17:30"), moment.astimezone(UTC), VIENNA)
    assert found.strftime("%Y-%m-%d %H:%M") == expected


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    st.times().map(lambda t: t.replace(second=0, microsecond=0)),
)
def test_the_last_occurrence_is_never_ahead_nor_more_than_a_day_back(
    moment: datetime, of: object
) -> None:
    found = last_occurrence(of, moment, VIENNA)  # type: ignore[arg-type]  # a time
    assert found <= moment.astimezone(VIENNA)
    assert moment - found < timedelta(hours=25, minutes=1)


@pytest.mark.parametrize("text", ["", "7:00", "24:00", "12:60", "noon", "١٢:٠٠"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no time of day"):
        time_of_day(text)


@pytest.mark.parametrize("text", ["22:00", "22:00-", "22:00-22:00", "22-7", "22:00-07:00-08:00"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no span of time"):
        time_span(text)


@pytest.mark.parametrize("name", ["", "Europe", "Europe/Vienn", "../etc/passwd", "/etc/localtime"])
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        time_zone(name)
