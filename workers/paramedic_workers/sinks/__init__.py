"""Sinks: receivers of results, found by entry point `paramedic.sinks`.

A sink is one class in one file. It declares the struct of its settings table,
is opened with those settings, and takes results one at a time:

    class PagerSink:
        name = "pager"
        settings_type = PagerSettings

        @classmethod
        def open(cls, settings: PagerSettings, data: Path) -> PagerSink: ...

        def deliver(self, result: Result) -> None: ...

`load_sinks` opens those that the settings name and have not switched off; `tables` reads
their settings. docs/extend.md shows a whole one.

A sink that must remember more than its own data directory can hold has `open_connected`
in place of `open`, and is given the ledger. One with duties beside deliveries, such as a
digest each evening, has `tend` and `tend_seconds`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import msgspec

from paramedic.event import now
from paramedic_workers.errors import SettingsError
from paramedic_workers.results import Result
from paramedic_workers.settings import Settings
from paramedic_workers.settings_rules import Problem
from paramedic_workers.sinks.tables import read_table, settings_error

if TYPE_CHECKING:
    import redis  # a heal without a ledger does without it

#: The entry point group in which sinks are found.
GROUP = "paramedic.sinks"


class Sink(Protocol):
    """Receives results."""

    #: The name used in settings, queues and logs.
    name: str

    def deliver(self, result: Result) -> None:
        """Tell the world of this result.

        A delivery may be repeated: a result with the same `id` must change nothing
        the second time.

        Raises:
            DeliveryError: it was not taken; `transient` says whether a retry is worth it.
        """
        ...


@runtime_checkable
class TendedSink(Protocol):
    """A sink with duties beside deliveries."""

    #: Seconds between two calls of `tend`.
    tend_seconds: float

    def tend(self) -> None:
        """Do what is due by now; called in the sink's own queue, never twice at once.

        Raises:
            DeliveryError: it could not be done; it is tried again at the next call.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class SinkContext:
    """What a connected sink works with."""

    settings: Settings
    #: Of the ledger; decodes responses.
    client: redis.Redis
    clock: Callable[[], datetime] = now


@runtime_checkable
class ConnectedSinkType(Protocol):
    """What an entry point names: a class that is opened with its settings and the ledger."""

    #: As `SinkType.settings_type`.
    settings_type: type[msgspec.Struct]

    def open_connected(self, settings: Any, context: SinkContext) -> Sink:
        """The sink, ready to deliver.

        Args:
            settings: an instance of `settings_type`.
            context: the ledger, and the settings of all.
        """
        ...


@runtime_checkable
class SinkType(Protocol):
    """What an entry point names: a class that can be opened with its settings."""

    #: A msgspec struct; its field `enabled`, where there is one, switches the sink off.
    settings_type: type[msgspec.Struct]

    def open(self, settings: Any, data: Path) -> Sink:
        """The sink, ready to deliver.

        Args:
            settings: an instance of `settings_type`.
            data: the data directory.
        """
        ...


def load_sinks(settings: Settings, client: redis.Redis | None = None) -> dict[str, Sink]:
    """The sinks that the settings name and have not switched off, by name.

    Args:
        settings: which name them.
        client: of the ledger; without one, connected sinks cannot be opened.

    Raises:
        SettingsError: a sink is unknown or cannot be loaded, or its table is wrong.
    """
    known = {point.name: point for point in entry_points(group=GROUP)}
    context = SinkContext(settings=settings, client=client) if client is not None else None
    opened = ((name, _open(name, settings, known, context)) for name in sorted(settings.sinks))
    return {name: sink for name, sink in opened if sink is not None}


def check_sinks(settings: Settings) -> list[Problem]:
    """What is wrong with the sinks of these settings; opens none of them."""
    known = {point.name: point for point in entry_points(group=GROUP)}
    found: list[Problem] = []
    for name, table in sorted(settings.sinks.items()):
        try:
            found += read_table(name, table, _load(name, known).settings_type, settings)[1]
        except SettingsError as error:
            key, _, problem = error.message.partition(": ")
            found.append(Problem(key=key, problem=problem, remedy=error.remedy))
    return found


def _open(
    name: str,
    settings: Settings,
    known: Mapping[str, EntryPoint],
    context: SinkContext | None,
) -> Sink | None:
    sink_type = _load(name, known)
    own = _settings(name, sink_type, settings)
    if not getattr(own, "enabled", True):
        return None
    if not isinstance(sink_type, ConnectedSinkType):
        return sink_type.open(own, settings.data_directory())
    if context is None:
        raise SettingsError(f"sinks.{name}: this sink works only beside a ledger.")
    return sink_type.open_connected(own, context)


def _load(name: str, known: Mapping[str, EntryPoint]) -> SinkType | ConnectedSinkType:
    if name not in known:
        raise SettingsError(
            f"sinks.{name}: there is no sink of this name.",
            remedy=f"Installed are: {', '.join(sorted(known)) or 'none'}.",
        )
    try:
        loaded = known[name].load()
    except Exception as error:
        raise SettingsError(
            f"sinks.{name}: the sink cannot be loaded: {type(error).__name__}: {error}.",
            remedy=f"It comes from {known[name].value}.",
        ) from error
    if not isinstance(loaded, SinkType | ConnectedSinkType):
        raise SettingsError(
            f"sinks.{name}: {known[name].value} is no sink.",
            remedy="A sink has `settings_type` and `open`; see docs/extend.md.",
        )
    return loaded


def _settings(
    name: str, sink_type: SinkType | ConnectedSinkType, settings: Settings
) -> msgspec.Struct:
    table = settings.sinks.get(name, {})
    made, problems = read_table(name, table, sink_type.settings_type, settings)
    if problems or made is None:
        raise settings_error(problems)
    return made
