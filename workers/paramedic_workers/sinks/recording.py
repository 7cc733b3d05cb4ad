"""A sink that keeps results in memory: for the tests of those who use Paramedic."""

from __future__ import annotations

from pathlib import Path

import msgspec

from paramedic_workers.errors import DeliveryError
from paramedic_workers.results import Result


class RecordingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sinks.recording]`."""

    enabled: bool = True


class RecordingSink:
    """Keeps each result once, in the order of delivery.

    Set `refuse` to an error to see how your code bears a sink that is down.
    """

    settings_type = RecordingSettings

    def __init__(self, name: str = "recording") -> None:
        self.name = name
        #: What `deliver` raises, while it is set.
        self.refuse: DeliveryError | None = None
        #: How often `deliver` was called, repeats and refusals included.
        self.calls = 0
        self._by_id: dict[str, Result] = {}

    @classmethod
    def open(cls, settings: RecordingSettings, data: Path) -> RecordingSink:
        """An empty recording."""
        del settings, data
        return cls()

    @property
    def results(self) -> tuple[Result, ...]:
        """What was delivered, each result once."""
        return tuple(self._by_id.values())

    def deliver(self, result: Result) -> None:
        """Keep the result.

        Raises:
            DeliveryError: `refuse` is set.
        """
        self.calls += 1
        if self.refuse is not None:
            raise self.refuse
        self._by_id.setdefault(result.id, result)
