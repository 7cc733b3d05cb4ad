"""The sink `notify`, see the package."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from paramedic_workers.errors import DeliveryError, SettingsError, describe
from paramedic_workers.incidents import moment
from paramedic_workers.results import Result
from paramedic_workers.settings import TargetSettings
from paramedic_workers.sinks import SinkContext
from paramedic_workers.sinks.notify.hours import QuietHours, last_occurrence, time_of_day
from paramedic_workers.sinks.notify.memory import ChannelMemory
from paramedic_workers.sinks.notify.notes import Message, Note, digest, message, note_of, sameness
from paramedic_workers.sinks.notify.settings import ChannelSettings, NotifySettings, channel_urls

#: Seconds between two looks for what waits and is due.
TEND_SECONDS = 60.0
#: Channels that are spoken to at the same time.
PARALLEL = 8

_log = structlog.get_logger()


class Sends(Protocol):
    """What is needed of a service."""

    def send(self, message: Message) -> None:
        """Send it.

        Raises:
            DeliveryError: the service did not take it.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One address, its rules and what it remembers."""

    name: str
    settings: ChannelSettings
    service: Sends
    quiet: QuietHours
    memory: ChannelMemory
    clock: Callable[[], datetime]

    def wants(self, result: Result) -> bool:
        """Whether this result is told here."""
        targets = self.settings.targets
        return result.verdict in self.settings.verdicts and (
            not targets or result.target in targets
        )

    def take(self, note: Note, same: str) -> None:
        """Tell of a result, or keep its note until it is time, or until the service takes it.

        Args:
            note: of the result.
            same: what makes a later result say the same.
        """
        if self.memory.knows(note.id) or self.memory.repeats(note, same):
            return
        if self._must_wait() or not self.memory.takes(note.id):
            self.memory.keep(note, same)
            return
        try:
            self.service.send(message(note))
        except DeliveryError as error:
            # Not raised: the incident's next result would wait for it, on every channel.
            _log.warning("a channel refused a message; it waits", channel=self.name, why=str(error))
            self.memory.keep(note, same)
        else:
            self.memory.told(note, same)

    def tell_what_waits(self) -> None:
        """Send what waits as one message, where it is time.

        Raises:
            DeliveryError: it could not be sent; it waits on.
        """
        notes, unlisted = self.memory.waiting()
        if (
            not notes
            or not self._is_due(notes[0])
            or not self.memory.takes(f"digest {notes[0].id}")
        ):
            return
        self.service.send(digest(notes, unlisted))
        self.memory.told_all(notes, unlisted)
        _log.info("a channel was told what waited", channel=self.name, results=len(notes))

    def _must_wait(self) -> bool:
        return self.settings.gathers or self.quiet.at(self.clock()) or self.memory.has_waiting()

    def _is_due(self, oldest: Note) -> bool:
        present, since = self.clock(), moment(oldest.at)
        if self.quiet.at(present):
            return False
        if self.settings.digest_at:
            at = time_of_day(self.settings.digest_at)
            return since < last_occurrence(at, present, self.quiet.zone)
        return present - since >= timedelta(seconds=self.settings.digest_seconds)


class NotifySink:
    """Tells people of results."""

    name = "notify"
    settings_type = NotifySettings
    tend_seconds = TEND_SECONDS

    def __init__(
        self,
        channels: Iterable[Channel],
        *,
        targets: Mapping[str, TargetSettings],
        report_url: str,
        clock: Callable[[], datetime],
    ) -> None:
        """Tell these channels.

        Args:
            channels: those that are switched on.
            targets: the configured ones.
            report_url: where reports can be read, with `{incident}`; may be empty.
            clock: gives the present time.
        """
        self._channels = tuple(channels)
        self._targets = targets
        self._report_url = report_url
        self._clock = clock

    @classmethod
    def open_connected(cls, settings: NotifySettings, context: SinkContext) -> NotifySink:
        """The sink, with the addresses of its settings, file or variable.

        Raises:
            SettingsError: a channel has no address, or one that apprise does not take.
        """
        urls = channel_urls(settings)
        return cls(
            [
                _open_channel(name, channel, urls.get(name, ""), settings, context)
                for name, channel in sorted(settings.channels.items())
                if channel.enabled
            ],
            targets=context.settings.targets,
            report_url=settings.report_url,
            clock=context.clock,
        )

    def deliver(self, result: Result) -> None:
        """Tell each channel that wants this result, or let it keep a note.

        Raises:
            DeliveryError: a channel could do neither; those that could are not told again.
        """
        note = note_of(result, self._clock(), self._targets, self._report_url)
        same = sameness(result)
        wanting = [channel for channel in self._channels if channel.wants(result)]
        _each(wanting, lambda channel: channel.take(note, same))

    def tend(self) -> None:
        """Tell each channel what waits, where it is time.

        Raises:
            DeliveryError: a channel could not be told; what waits there waits on.
        """
        _each(self._channels, Channel.tell_what_waits)


def _open_channel(
    name: str,
    channel: ChannelSettings,
    url: str,
    settings: NotifySettings,
    context: SinkContext,
) -> Channel:
    from paramedic_workers.sinks.notify.services import Service  # imports apprise

    if (service := Service.open(url)) is None:
        raise SettingsError(f"sinks.notify.channels.{name}.url: is no address that apprise takes.")
    return Channel(
        name=name,
        settings=channel,
        service=service,
        quiet=channel.quiet_hours(settings.zone),
        memory=ChannelMemory(
            client=context.client,
            channel=name,
            clock=context.clock,
            repeat_seconds=channel.repeat_seconds,
            per_hour=channel.per_hour,
            retention=timedelta(days=context.settings.retention_days),
        ),
        clock=context.clock,
    )


def _each(channels: Iterable[Channel], act: Callable[[Channel], None]) -> None:
    """Act on all channels at once, so that a slow or a broken one keeps no other waiting.

    Raises:
        DeliveryError: names those that broke, and why.
    """

    def tried(channel: Channel) -> str:
        try:
            act(channel)
        except DeliveryError as error:
            return f"{channel.name}: {error}"
        except Exception as error:  # noqa: BLE001 - one broken channel never stops the others
            _log.exception("a channel broke", channel=channel.name)
            return f"{channel.name}: {': '.join(describe(error)[:2])}."
        return ""

    chosen = tuple(channels)
    if not chosen:
        return
    with ThreadPoolExecutor(max_workers=min(PARALLEL, len(chosen))) as pool:
        refusals = [refusal for refusal in pool.map(tried, chosen) if refusal]
    if refusals:
        raise DeliveryError(" ".join(refusals))
