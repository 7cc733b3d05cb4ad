"""Time of day, in a zone of its own: quiet hours, and when a digest is due."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


class Day(StrEnum):
    """A day of the week."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


@dataclass(frozen=True, kw_only=True)
class QuietHours:
    """When nobody is to be disturbed."""

    zone: ZoneInfo
    #: From the first to the second, over midnight where the second is earlier; None: never.
    span: tuple[time, time] | None = None
    #: Days that are quiet from midnight to midnight.
    days: frozenset[Day] = frozenset()

    def at(self, moment: datetime) -> bool:
        """Whether it is quiet then."""
        local = moment.astimezone(self.zone)
        if list(Day)[local.weekday()] in self.days:
            return True
        if self.span is None:
            return False
        begin, end = self.span
        present = local.time()
        if begin <= end:
            return begin <= present < end
        return present >= begin or present < end


def last_occurrence(of: time, moment: datetime, zone: ZoneInfo) -> datetime:
    """The last time before or at `moment` that clocks of the zone showed this time of day."""
    local = moment.astimezone(zone)
    today = datetime.combine(local.date(), of, tzinfo=zone)
    return today if today <= local else _day_before(today)


def _day_before(moment: datetime) -> datetime:
    return datetime.combine(moment.date() - timedelta(days=1), moment.time(), tzinfo=moment.tzinfo)


def time_of_day(text: str) -> time:
    """`17:30` as a time.

    Raises:
        ValueError: it is none.
    """
    if (found := _TIME.fullmatch(text)) is None:
        raise ValueError(f"{text!r} is no time of day like 17:30")
    return time(int(found[1]), int(found[2]))


def time_span(text: str) -> tuple[time, time]:
    """`22:00-07:00` as its ends.

    Raises:
        ValueError: it is none, or is empty.
    """
    begin, dash, end = text.partition("-")
    try:
        span = time_of_day(begin.strip()), time_of_day(end.strip())
    except ValueError:
        dash = ""
    if not dash or span[0] == span[1]:
        raise ValueError(f"{text!r} is no span of time like 22:00-07:00")
    return span


@lru_cache(maxsize=64)
def time_zone(name: str) -> ZoneInfo:
    """The zone of this name.

    Raises:
        ValueError: there is none.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: the name of a folder among the zones
        raise ValueError(f"{name!r} is no time zone like Europe/Vienna") from None
