"""What a condition has at hand while it is replayed: its sample, its messages, its faults."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from paramedic import wire
from paramedic.event import WIRE_VERSION, FailureEvent, new_event_id, now
from paramedic.transport import KombuTransport, TransportError
from paramedic_workers.settings import Settings
from paramedic_workers.simulation.faults import FaultBook
from paramedic_workers.simulation.model import Condition
from paramedic_workers.simulation.observation import Facts, Observer
from paramedic_workers.simulation.samples import FAILING, Sample
from paramedic_workers.simulation.shared import SetClock

#: Seconds for which publishing is tried again while the broker is away.
_PUBLISHING = 60.0
_LOOK = 0.1


class NotReached(Exception):
    """What a condition waits for did not come."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One condition while it is replayed."""

    condition: Condition
    sample: Sample
    book: FaultBook
    observer: Observer
    clock: SetClock
    broker_url: str
    #: Whether the whole simulation is being ended.
    stopping: Callable[[], bool]
    #: Seconds until what is waited for must have come.
    patience: float
    #: When all of the simulation must have ended, on the monotonic clock.
    end: float
    #: The commit that its events name.
    revision: str = ""
    state: dict[str, str] = field(default_factory=dict)

    def event(self, test: str = FAILING[0], *, age: timedelta = timedelta(0)) -> FailureEvent:
        """The failure of one test of the sample, `age` ago."""
        return FailureEvent(
            version=WIRE_VERSION,
            id=new_event_id(),
            target=self.condition.target,
            test=test,
            exception_type="AssertionError",
            message="assert 13 == 7",
            revision=self.revision,
            occurred_at=now() - age,
            tags={"condition": self.condition.mark},
        )

    def send(self, *messages: wire.Message) -> None:
        """Publish messages; tries again while the broker is away.

        Raises:
            NotReached: it stays away.
        """
        transport = KombuTransport(self.broker_url)
        end = min(time.monotonic() + _PUBLISHING, self.end)
        try:
            while not self.stopping():
                try:
                    return transport.send(messages)
                except TransportError as error:
                    if time.monotonic() > end:
                        raise NotReached(f"the broker takes no message: {error}") from error
                time.sleep(_LOOK)
        finally:
            transport.close()

    def facts(self) -> Facts:
        """What is known of it at this moment.

        Raises:
            redis.RedisError: the ledger is away.
        """
        return self.observer.facts(self.condition)

    def await_strike(self) -> None:
        """Wait until a fault has struck.

        Raises:
            NotReached: none did.
        """
        self.wait_for("the fault", lambda: self.book.strikes(self.condition.target) > 0)

    def let_go(self) -> None:
        """End the pause in which the workers wait for us."""
        self.book.let_go(self.condition.target)

    def ring(self, task: str, *arguments: str) -> None:
        """Send a task of the workers once more."""
        from paramedic_workers.app import make_app

        app = make_app(Settings(broker_url=self.broker_url))
        app.send_task(task, arguments)

    def note_state(self) -> None:
        """From now on the sample must stay as it is at this moment."""
        self.state.clear()
        self.state.update(self.sample.state())

    def pause(self, seconds: float) -> None:
        """Let so much time pass."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.stopping():
            time.sleep(_LOOK)

    def wait_for(self, what: str, happened: Callable[[], bool]) -> None:
        """Wait until something has happened.

        Raises:
            NotReached: it has not, within the patience.
        """
        end = min(time.monotonic() + self.patience, self.end)
        while not happened() and not self.stopping():
            if time.monotonic() > end:
                raise NotReached(f"{what} did not come in time")
            time.sleep(_LOOK)
