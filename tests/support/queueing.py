"""Events, settings and a healer for tests of the queue side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import redis

from paramedic.event import FailureEvent, new_event_id
from paramedic_workers import keys
from paramedic_workers.errors import Phase, Verdict
from paramedic_workers.groups import GroupHealer, Heals
from paramedic_workers.healing.model import HealReport, HealRequest, Progress, ProgressCallback
from paramedic_workers.incidents import Ledger, milliseconds
from paramedic_workers.intake import Intake, Recorded
from paramedic_workers.results import Cause, Confidence, Result
from paramedic_workers.settings import Settings, TargetSettings
from paramedic_workers.sweep import Depths, Sweeper
from paramedic_workers.tending import Tending

REVISION = "1f" * 20
COMMIT = "c0" * 20


@dataclass
class FakeClock:
    """A clock that stands still until it is set forward."""

    present: datetime = field(default_factory=lambda: datetime(2026, 5, 1, 12, tzinfo=UTC))

    def __call__(self) -> datetime:
        """The present time."""
        return self.present

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.present += timedelta(seconds=seconds)


def as_json(event: FailureEvent) -> dict[str, Any]:
    """The event as intake meets it."""
    return dict(msgspec.json.decode(msgspec.json.encode(event)))


def make_event(at: datetime, test: str = "tests/test_a.py::test_a", **changes: Any) -> FailureEvent:
    """A failing test of the target `shop`."""
    values: dict[str, Any] = {
        "version": 1,
        "id": new_event_id(),
        "target": "shop",
        "test": test,
        "exception_type": "AssertionError",
        "message": "assert 1 == 2",
        "revision": REVISION,
        "occurred_at": at,
    }
    return FailureEvent(**{**values, **changes})


def make_batch(*events: FailureEvent | object, batch: str = "") -> dict[str, object]:
    """The only argument of an intake message."""
    contents = [as_json(e) if isinstance(e, FailureEvent) else e for e in events]
    return {"version": 1, "batch": batch or new_event_id(), "events": contents}


def write_journal(client: redis.Redis, batch: dict[str, object], at: datetime) -> None:
    """What a publisher does before it sends the message."""
    name = str(batch["batch"])
    client.hset(keys.JOURNAL, name, msgspec.json.encode(batch))
    client.zadd(keys.JOURNAL_PUBLISHED, {name: milliseconds(at)})


def make_settings(data: Path | str = "", **changes: Any) -> Settings:
    """Settings with one target, `shop`."""
    targets = {"shop": TargetSettings(name="shop", repository="/nowhere", parallel=1)}
    return Settings(**{"data": str(data), "targets": targets, **changes})


@dataclass
class StandInHealer:
    """Heals whatever it is asked to, or does what the test wants."""

    requests: list[HealRequest] = field(default_factory=list)
    #: Called instead, while it is set.
    act: Callable[[HealRequest], HealReport] | None = None
    progress: ProgressCallback | None = None

    def heal(self, request: HealRequest) -> HealReport:
        """One result, led by the first incident, with the others merged into it."""
        self.requests.append(request)
        if self.act is not None:
            return self.act(request)
        return healed(request)

    def opened(self, progress: ProgressCallback) -> Heals:
        """The factory that `GroupHealer` wants."""
        self.progress = progress
        return self

    def note(self, phase: Phase, message: str = "", candidates: int = 0) -> None:
        """Report progress."""
        assert self.progress is not None
        self.progress(Progress(phase=phase, message=message, candidates=candidates))


def healed(request: HealRequest, verdict: Verdict = Verdict.HEALED) -> HealReport:
    """The report of a heal that found one fix for all."""
    names = [incident.fingerprint for incident in request.incidents]
    result = Result(
        incident=names[0],
        fingerprint=names[0],
        target=request.target.name,
        revision=COMMIT,
        verdict=verdict,
        strategy="patch",
        summary="healed",
        cause=Cause(phase=Phase.REPRODUCE, type="AssertionError", message="assert 1 == 2"),
        merged=tuple(names[1:]),
        patch="--- a/x.py\n+++ b/x.py\n",
        confidence=Confidence.HIGH,
    )
    return HealReport(results=(result,), revision=COMMIT)


@dataclass
class Flow:
    """The parts of the flow on one ledger, with a clock that stands still."""

    client: redis.Redis
    settings: Settings = field(default_factory=make_settings)
    clock: FakeClock = field(default_factory=FakeClock)
    standin: StandInHealer = field(default_factory=StandInHealer)

    @property
    def ledger(self) -> Ledger:
        """What stands in it."""
        return Ledger(self.client)

    @property
    def intake(self) -> Intake:
        """Records batches."""
        return Intake(
            client=self.client,
            targets=self.settings.targets,
            retry_after=self.settings.retry_after,
            clock=self.clock,
        )

    @property
    def healer(self) -> GroupHealer:
        """Heals groups by the stand-in, without waiting for quiet."""
        return GroupHealer(
            client=self.client,
            settings=self.settings,
            healer=self.standin.opened,
            sinks=("file",),
            clock=self.clock,
            quiet_seconds=0.0,
        )

    def sweeper(
        self,
        messages: int = 0,
        sinks: tuple[str, ...] = ("file",),
        tending: Tending | None = None,
    ) -> Sweeper:
        """Sweeps; so many messages stand in each queue."""
        return Sweeper(
            client=self.client,
            settings=self.settings,
            intake=self.intake,
            sinks=sinks,
            depths=Depths(
                intake=lambda: messages, heal=lambda: messages, deliver=lambda _sink: messages
            ),
            tending=tending,
            clock=self.clock,
        )

    def fail(self, *tests: str, **changes: Any) -> Recorded:
        """These tests fail now, in one batch."""
        events = [make_event(self.clock(), test, **changes) for test in tests or ("test_a",)]
        return self.intake.record([make_batch(*events)], "message")
