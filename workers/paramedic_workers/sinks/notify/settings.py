"""`[sinks.notify]`: the channels, and what each of them is told."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from paramedic_workers.errors import SettingsError, Verdict
from paramedic_workers.settings import Settings
from paramedic_workers.settings_rules import Problem
from paramedic_workers.sinks.notify.hours import Day, QuietHours, time_of_day, time_span, time_zone
from paramedic_workers.sinks.rules import unknown_targets

#: The variable with the addresses of channels: `team=slack://… mail=mailtos://…`.
URLS_VARIABLE = "PARAMEDIC_NOTIFY_URLS"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_WHERE = f"Set url, write NAME=URL into urls_file, or into {URLS_VARIABLE}."


class ChannelSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sinks.notify.channels.NAME]`: one address, and what is told there."""

    enabled: bool = True
    #: An address as apprise takes it: `slack://…`, `mailtos://…`. Most hold a secret, which is
    #: better kept in `urls_file`.
    url: str = ""
    #: Verdicts that are told.
    verdicts: tuple[Verdict, ...] = (
        Verdict.HEALED,
        Verdict.PROPOSED,
        Verdict.UNHEALED,
        Verdict.ENVIRONMENT,
        Verdict.FAILED,
    )
    #: Targets whose results are told; empty: all.
    targets: tuple[str, ...] = ()
    #: Hours in which nothing is sent: `22:00-07:00`. What comes then is sent as one message after.
    quiet: str = ""
    #: Days on which nothing is sent: `["saturday", "sunday"]`.
    quiet_days: tuple[Day, ...] = ()
    #: Seconds for which results are gathered into one message; 0: each is told at once.
    digest_seconds: float = 0.0
    #: Gather all day, and send one message at this time: `17:30`.
    digest_at: str = ""
    #: Messages in an hour; what is above waits, and is sent as one message. 0: no limit.
    per_hour: int = 20
    #: Seconds for which a result that says the same as the last one of its incident is not
    #: told again; 0: each is told.
    repeat_seconds: float = 86_400.0

    @property
    def gathers(self) -> bool:
        """Whether results wait for a digest."""
        return bool(self.digest_at or self.digest_seconds)

    def quiet_hours(self, zone: str) -> QuietHours:
        """When nothing is sent.

        Raises:
            ValueError: the settings are wrong.
        """
        span = time_span(self.quiet) if self.quiet else None
        return QuietHours(zone=time_zone(zone), span=span, days=frozenset(self.quiet_days))


class NotifySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sinks.notify]`: messages to people."""

    enabled: bool = True
    #: Where and what is told, by name.
    channels: Mapping[str, ChannelSettings] = msgspec.field(default_factory=dict)
    #: File with the addresses of channels, a line `NAME=URL` each. `PARAMEDIC_NOTIFY_URLS`, with
    #: white space between them, comes before it.
    urls_file: str = ""
    #: The time zone of all times of day: `Europe/Vienna`.
    zone: str = "UTC"
    #: Where the reports can be read: `https://ci.example/reports/{incident}/report.html`.
    report_url: str = ""

    def problems(self, settings: Settings) -> Iterable[Problem]:
        """What is wrong beyond types.

        Args:
            settings: those of all.
        """
        try:
            time_zone(self.zone)
        except ValueError as error:
            yield Problem(key="zone", problem=f"{error}.", remedy="Name one of the IANA data base.")
        if not self.channels:
            yield Problem(
                key="channels", problem="is empty.", remedy="Write [sinks.notify.channels.NAME]."
            )
        for name, channel in self.channels.items():
            yield from _channel_problems(name, channel, settings)
        yield from self._address_problems()

    def _address_problems(self) -> Iterator[Problem]:
        from paramedic_workers.sinks.notify.services import Service  # imports apprise

        try:
            urls = channel_urls(self)
        except SettingsError as error:
            yield Problem(key="urls_file", problem=error.message, remedy=error.remedy)
            return
        for name, channel in self.channels.items():
            if not channel.enabled:
                continue
            if not (url := urls.get(name, "")):
                yield Problem(key=f"channels.{name}.url", problem="is set nowhere.", remedy=_WHERE)
            elif Service.open(url) is None:
                yield Problem(
                    key=f"channels.{name}.url",
                    problem="is no address that apprise takes.",
                    remedy="See docs/sinks.md, and `apprise --details` for all kinds.",
                )


def channel_urls(
    settings: NotifySettings, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The address of each channel that has one.

    Raises:
        SettingsError: the file cannot be read, or names what is no channel; no address is shown.
    """
    urls = {name: channel.url for name, channel in settings.channels.items() if channel.url}
    if settings.urls_file:
        try:
            text = Path(settings.urls_file).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"cannot be read: {error}.", remedy="Make it a file that the workers can read."
            ) from error
        lines = [line.strip() for line in text.splitlines()]
        urls |= _pairs([line for line in lines if line[:1] not in ("", "#")], settings, "holds")
    given = environ.get(URLS_VARIABLE, "").split()
    return urls | _pairs(given, settings, f"or rather {URLS_VARIABLE} holds")


def _pairs(lines: list[str], settings: NotifySettings, source: str) -> dict[str, str]:
    found = {}
    for number, line in enumerate(lines, 1):
        name, equals, url = (part.strip() for part in line.partition("="))
        if not equals or not url or name not in settings.channels:
            raise SettingsError(
                f"{source} as number {number} what is not NAME=URL of a channel.",
                remedy=f"Channels are: {', '.join(sorted(settings.channels)) or 'none'}.",
            )
        found[name] = url
    return found


def _channel_problems(name: str, channel: ChannelSettings, settings: Settings) -> Iterator[Problem]:
    key = f"channels.{name}"
    if not _NAME.fullmatch(name):
        yield Problem(
            key=key,
            problem="is no name for a channel.",
            remedy="Use small letters, digits, - and _, at most 64.",
        )
    yield from unknown_targets(f"{key}.targets", channel.targets, settings)
    for field, read, text in (
        ("quiet", time_span, channel.quiet),
        ("digest_at", time_of_day, channel.digest_at),
    ):
        try:
            _ = read(text) if text else None
        except ValueError as error:
            yield Problem(key=f"{key}.{field}", problem=f"{error}.", remedy="Correct it.")
    for field in ("digest_seconds", "per_hour", "repeat_seconds"):
        if not 0 <= getattr(channel, field) < math.inf:
            yield Problem(
                key=f"{key}.{field}", problem="is below zero.", remedy="Use 0 to switch it off."
            )
    if channel.digest_at and channel.digest_seconds:
        yield Problem(
            key=f"{key}.digest_at",
            problem="is set beside digest_seconds.",
            remedy="Set one of them.",
        )
    if len(channel.quiet_days) == len(Day):
        yield Problem(
            key=f"{key}.quiet_days", problem="has every day.", remedy="Use enabled = false."
        )
