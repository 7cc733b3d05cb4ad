"""The sweep: rings again for whatever waits without a message or a live lease.

A message may be lost with the worker that held it; the ledger still knows what waits.
Only one sweep runs at a time.

1. Batches whose message was lost are recorded from the journal.
2. Groups whose lease expired wait again.
3. Failures of the healer itself are searched for patterns.
4. Waiting groups and due deliveries are rung for, unless their queue already holds as
   many messages as there are things that wait: a backlog must not grow by being swept.
   A sink that rests is not rung for; one whose time to be tended has come is, and so is a
   target with fixes that may have landed.
5. What waits for a sink that is gone from the settings becomes dead letters.
6. What is older than the retention is forgotten, a bounded number at a time; dead
   letters have bounds of their own.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import redis
import structlog

from paramedic.event import now
from paramedic_workers import keys, plain_json
from paramedic_workers.attempts import AttemptLedger
from paramedic_workers.connections import takes_no_writes
from paramedic_workers.dead_letters.messages import (
    as_worker_lost,
    letter_of_broken_intake,
    letter_of_journal,
)
from paramedic_workers.dead_letters.store import DeadLetters
from paramedic_workers.errors import describe
from paramedic_workers.incidents import milliseconds
from paramedic_workers.intake import Intake
from paramedic_workers.landing.looking import LandingLooks
from paramedic_workers.recovery import LostBy, return_group
from paramedic_workers.removed_sinks import RemovedSinks
from paramedic_workers.resilience.holds import Holds
from paramedic_workers.resting import Resting
from paramedic_workers.retention import Retention
from paramedic_workers.settings import Settings
from paramedic_workers.systemic.patterns import Patterns
from paramedic_workers.tending import Tending

#: Seconds after which a sweep whose worker died no longer keeps others from sweeping.
SWEEP_LEASE = 120
#: Doorbells rung per sink and sweep.
MAX_DOORBELLS = 200
#: Leases after which a batch in the journal counts as lost, if the queue is short: longer
#: than it takes until the message of a killed worker is delivered again.
JOURNAL_LEASES = 2.0
#: Batches recorded from the journal per sweep.
MAX_BATCHES = 50

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Doorbells:
    """What must be rung for."""

    #: Groups that wait.
    groups: tuple[str, ...] = ()
    #: Sink and result id of deliveries that are due.
    deliveries: tuple[tuple[str, str], ...] = ()
    #: Sinks that should be tended.
    tends: tuple[str, ...] = ()
    #: Targets whose main branch should be looked at for fixes.
    landings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Depths:
    """How many messages wait in the queues; asked only where something is due."""

    intake: Callable[[], int]
    heal: Callable[[], int]
    deliver: Callable[[str], int]


@dataclass(frozen=True, kw_only=True)
class Sweeper:
    """Sweeps the ledger."""

    client: redis.Redis
    settings: Settings
    intake: Intake
    sinks: tuple[str, ...]
    depths: Depths
    #: None: no landing is looked for.
    landings: LandingLooks | None = None
    #: None: no sink is tended.
    tending: Tending | None = None
    clock: Callable[[], datetime] = now

    def sweep(self) -> Doorbells:
        """Sweep once; gives nothing where another sweep is running."""
        token = uuid.uuid4().hex
        if not self.client.eval(keys.LOCK_SWEEP, 1, keys.SWEEP, token, SWEEP_LEASE):
            return Doorbells()
        try:
            opened = self._record_lost_batches()
            self._return_lost_groups()
            self._removed_sinks.give_up(self.clock())
            self._find_patterns()
            bells = Doorbells(
                groups=(*sorted(opened), *self._waiting_groups()),
                deliveries=self._due_deliveries(),
                tends=self.tending.due() if self.tending else (),
                landings=self.landings.due() if self.landings else (),
            )
            self._forget()
        finally:
            self.client.eval(keys.UNLOCK, 1, keys.SWEEP, token)
        return bells

    def _record_lost_batches(self) -> set[str]:
        """Record what publishers wrote down and no message brought; gives groups to ring for."""
        patience = timedelta(seconds=self.settings.lease_seconds * JOURNAL_LEASES)
        before, after = (milliseconds(self.clock() + way * patience) for way in (-1, 1))
        lost = self._journalled(0, before)
        # A producer's clock may be ahead; what was recorded is not recorded again.
        lost += self._journalled(f"({after}", "+inf")
        groups: set[str] = set()
        if not lost or self.depths.intake() >= len(lost):
            return groups
        for batch_id in lost:
            content = self._read_bytes("HGET", keys.JOURNAL, batch_id)
            if content is not None:
                groups.update(self._record_journalled(batch_id, content))
            self.client.hdel(keys.JOURNAL, batch_id)  # also where its content names another id
            self.client.zrem(keys.JOURNAL_PUBLISHED, batch_id)
        return groups

    def _journalled(self, first: int | str, last: int | str) -> list[bytes]:
        """Ids of batches that were published between these times."""
        place = (keys.JOURNAL_PUBLISHED, first, last, "BYSCORE", "LIMIT", 0, MAX_BATCHES)
        return cast("list[bytes]", self._read_bytes("ZRANGE", *place))

    def _record_journalled(self, batch_id: bytes, content: bytes) -> tuple[str, ...]:
        """Record one batch of the journal; what is none becomes a dead letter."""
        name = batch_id.decode("utf-8", "backslashreplace")
        _log.warning("a batch is recorded from the journal", batch=name)
        attempts = AttemptLedger(self.client)
        if lost := attempts.begin(name):  # by the message of this id, or by earlier sweeps
            letter = letter_of_journal(batch_id, content, "")
            self._letters.keep(as_worker_lost(letter, name, lost))
            return ()
        try:
            arguments = [plain_json.read(content)]
        except ValueError as error:
            problem = f"The journal's entry is no JSON: {error}."
            self._letters.keep(letter_of_journal(batch_id, content, problem))
            return ()
        try:
            return self.intake.record(arguments, name).groups
        except Exception as error:
            if takes_no_writes(error):
                raise
            self._letters.keep(letter_of_broken_intake(arguments, error, name))
            return ()
        finally:
            attempts.end(name)

    def _read_bytes(self, *command: object) -> Any:
        """What a command gives, as bytes: publishers write the journal, and may write anything."""
        return self.client.execute_command(*command, NEVER_DECODE=True)  # type: ignore[no-untyped-call]

    @property
    def _letters(self) -> DeadLetters:
        return DeadLetters.of(self.client, self.settings)

    @property
    def _removed_sinks(self) -> RemovedSinks:
        return RemovedSinks(client=self.client, sinks=self.sinks)

    def _return_lost_groups(self) -> None:
        for group in cast("list[str]", self.client.zrange(keys.HEALING, 0, -1)):
            returned = return_group(self.client, group, LostBy.EXPIRY, self.clock())
            if returned:
                _log.warning(
                    "a heal lost its worker; it waits again", group=group, incidents=returned
                )

    def _waiting_groups(self) -> tuple[str, ...]:
        present = milliseconds(self.clock())
        patience = int(self.settings.sweep_seconds * 1000)
        due = cast(
            "list[str]", self.client.zrange(keys.WAITING, 0, present - patience, byscore=True)
        )
        # Rung for by a clock that was ahead.
        ahead = f"({present + patience}"
        due += cast("list[str]", self.client.zrange(keys.WAITING, ahead, "+inf", byscore=True))
        due = Holds(client=self.client, clock=self.clock).not_held(due)
        idle = [group for group in due if not self.client.exists(keys.lease(group))]
        if not idle or self.depths.heal() >= len(idle):
            return ()
        try:
            self.client.zadd(keys.WAITING, dict.fromkeys(idle, present), xx=True)
        except redis.exceptions.OutOfMemoryError:
            return ()  # no bell can be rung either
        return tuple(idle)

    def _due_deliveries(self) -> tuple[tuple[str, str], ...]:
        resting = Resting(client=self.client)
        bells: list[tuple[str, str]] = []
        for sink in self.sinks:
            due = resting.due(sink, MAX_DOORBELLS)
            if due and self.depths.deliver(sink) < len(due):
                bells += [(sink, result_id) for result_id in due]
        return tuple(bells)

    def _find_patterns(self) -> None:
        """Look for failures of the healer itself; those of this search stop no sweep."""
        try:
            Patterns(self.client, self.settings, self.clock).scan()
        except Exception as error:  # noqa: BLE001 - the rest of the sweep is more urgent
            kind, message, _ = describe(error)
            _log.error("failures of the healer cannot be searched", type=kind, error=message)

    def _forget(self) -> None:
        """Delete closed incidents and delivered results that are older than the retention."""
        cutoff = milliseconds(self.clock() - timedelta(days=self.settings.retention_days))
        retention = Retention(client=self.client, sinks=self._removed_sinks.known())
        retention.forget_incidents(cutoff)
        retention.forget_results(cutoff)
        self._letters.tidy(self.clock())
