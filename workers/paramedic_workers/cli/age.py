"""Ages on the command line: `90s`, `30m`, `2h`, `7d`, `2w`."""

from __future__ import annotations

import re
from datetime import timedelta

import click

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGE = re.compile(r"(\d{1,6})([smhdw])")


class Age(click.ParamType[timedelta]):
    """An age, as a `timedelta`."""

    name = "age"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """The age that the text says; fails with what can be written instead."""
        found = _AGE.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            self.fail(f"{value!r} is no age. Write it like 90s, 30m, 2h, 7d or 2w.", param, ctx)
        return timedelta(**{_UNITS[found[2]]: int(found[1])})
