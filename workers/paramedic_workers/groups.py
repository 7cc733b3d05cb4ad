"""Healing a group: the incidents of one target at one revision, under one lease.

1. Acquire the lease, or leave: whoever holds it rings again when it is done.
2. Wait until the group is quiet: failures of one run arrive within a moment, and one
   bug that breaks many tests shall be healed once.
3. Take what waits, and count the attempt, before any work.
4. Close what has no attempt left; heal the rest; whatever the healer does, each
   incident ends in exactly one result.
5. Write all of it in one step, if the lease is still held.

A heal that is told to stop (`stopping`) gives its group back instead, as if it had never
begun; one that has lost its lease publishes and writes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Protocol, cast

import redis
import structlog
from msgspec.structs import replace

from paramedic.event import now
from paramedic_workers import keys
from paramedic_workers.closing import close_group, complete, failed_result, known_fixes, lost_result
from paramedic_workers.errors import TargetError
from paramedic_workers.healing.interruption import SignalWatch
from paramedic_workers.healing.model import (
    HealReport,
    HealRequest,
    IncidentBrief,
    Progress,
    ProgressCallback,
)
from paramedic_workers.incidents import IncidentRecord, Ledger, group_name, milliseconds
from paramedic_workers.leases import Lease, LeaseAnswer, this_host
from paramedic_workers.recovery import LostBy, return_group
from paramedic_workers.resilience.gate import Admission, Gate
from paramedic_workers.results import Result
from paramedic_workers.settings import Settings, TargetSettings
from paramedic_workers.stopping import INTERRUPTION

#: Seconds without a new incident after which a group counts as quiet.
QUIET_SECONDS = 0.4
#: Seconds after which a group is healed although it is not quiet.
QUIET_LIMIT = 5.0
#: Least seconds between two notes of progress within one phase.
PROGRESS_SECONDS = 0.25

_log = structlog.get_logger()


class RoundEnd(StrEnum):
    """How one round on a group ended."""

    #: Its incidents are closed.
    CLOSED = "closed"
    #: Nothing waited: another round had taken it.
    NOTHING = "nothing"
    #: Another worker holds the lease.
    BUSY = "busy"
    #: The target's limit of parallel heals is reached.
    FULL = "full"
    #: The group must wait, visibly, or nothing could be written: see `resilience.gate`.
    HELD = "held"
    #: The lease was lost: nothing was written, another worker has taken over.
    LOST = "lost"
    #: The worker was told to stop: what it had taken waits again.
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True)
class Round:
    """What one round on a group did."""

    end: RoundEnd
    results: tuple[Result, ...] = ()


class Heals(Protocol):
    """What is needed of a healer."""

    def heal(self, request: HealRequest) -> HealReport:
        """Heal the incidents of the request."""
        ...


@dataclass(frozen=True, kw_only=True)
class GroupHealer:
    """Heals groups and writes what came of it to the ledger."""

    client: redis.Redis
    settings: Settings
    #: Makes a healer that reports its progress to the callback.
    healer: Callable[[ProgressCallback], Heals]
    #: The names of the sinks that must take each result.
    sinks: tuple[str, ...]
    clock: Callable[[], datetime] = now
    quiet_seconds: float = QUIET_SECONDS

    def heal(self, target: str, revision: str | None) -> Round:
        """Heal what waits of this target at this revision."""
        if self.gate.holds.is_held(group_name(target, revision)):
            return Round(end=RoundEnd.HELD)
        configured = self.settings.targets.get(target)
        lease = Lease(
            client=self.client,
            group=group_name(target, revision),
            target=target,
            seconds=self.settings.lease_seconds,
            on_loss=INTERRUPTION.now,
        )
        answer = lease.acquire(configured.parallel if configured else 1)
        if answer is not LeaseAnswer.HELD:
            return Round(end=RoundEnd(answer))
        with lease:
            self._await_quiet(lease.group)
            if not self.waiting(lease.group):
                return Round(end=RoundEnd.NOTHING)
            admission = self.gate.admit(lease, configured) if configured else None
            if configured and admission is None:
                return Round(end=RoundEnd.HELD)
            return self._heal_leased(lease, revision, admission)

    @property
    def gate(self) -> Gate:
        """What may keep a group waiting."""
        return Gate(client=self.client, settings=self.settings, clock=self.clock)

    def waiting_groups(self, target: str) -> list[str]:
        """Groups of a target that wait and are not held, the one that waits longest first."""
        groups = cast("list[str]", self.client.zrange(keys.WAITING, 0, -1))
        own = [group for group in groups if group.startswith(group_name(target, None))]
        return self.gate.holds.not_held(own)

    def _await_quiet(self, group: str) -> None:
        limit = time.monotonic() + QUIET_LIMIT
        known = -1
        while (count := self.waiting(group)) != known and time.monotonic() < limit:
            known = count
            time.sleep(self.quiet_seconds if count else 0)

    def waiting(self, group: str) -> int:
        """How many incidents of a group wait."""
        return self.client.scard(keys.waiting(group))

    def _heal_leased(
        self, lease: Lease, revision: str | None, admission: Admission | None
    ) -> Round:
        taken, exhausted = self._take(lease)
        if not taken and not exhausted:
            return Round(end=RoundEnd.NOTHING)
        fused = self.gate.fuse.sort(lease, taken)
        members = fused.members
        lost = [lost_result(incident) for incident in exhausted]
        ended: tuple[Result, ...] = ()
        commit = ""
        if members:
            with SignalWatch() as watch:
                report = self._heal_members(lease, revision, members, admission)
            if INTERRUPTION.came or watch.must_end_process:
                return self._interrupted(lease, watch)
            commit = report.revision
            ended = report.results
        if admission is not None:
            ended = self.gate.settle(lease, admission, members, ended, lost)
        results = (*ended, *fused.results, *lost)
        closed = close_group(
            self.client,
            lease,
            results,
            incidents=[*taken, *exhausted],
            commit=commit,
            sinks=self.sinks,
            at=self.clock(),
            retention_seconds=self.settings.retention_days * 24 * 3600,
        )
        if not closed:
            _log.error("the lease was lost; nothing of this heal is written", group=lease.group)
            return Round(end=RoundEnd.LOST)
        return Round(end=RoundEnd.CLOSED, results=results)

    def _take(self, lease: Lease) -> tuple[list[IncidentRecord], list[IncidentRecord]]:
        """Incidents to heal, and those without an attempt left."""
        answer = self.client.eval(
            keys.TAKE_GROUP,
            0,
            lease.group,
            lease.token,
            milliseconds(self.clock()),
            this_host(),
            self.settings.heal_attempts,
            self.clock().isoformat(),
        )
        _, members, exhausted = cast("tuple[int, list[str], list[str]]", answer)
        ledger = Ledger(self.client)
        return ledger.members(members), ledger.members(exhausted)

    def _heal_members(
        self,
        lease: Lease,
        revision: str | None,
        members: Sequence[IncidentRecord],
        admission: Admission | None,
    ) -> HealReport:
        """The healer's report, with exactly one result for each incident in any case."""
        _log.info("a heal begins", target=lease.target, revision=revision, incidents=len(members))
        notes = _ProgressNotes(self.client, lease)
        try:
            with INTERRUPTION.listening():
                request = self._request(lease, revision, members, admission)
                report = self.healer(notes.note).heal(request)
        except BaseException as error:  # noqa: BLE001 - the last boundary around every heal
            _log.exception("the healer raised", target=lease.target, revision=revision)
            return HealReport(results=(self._failed(members, error),), revision="")
        completed = complete(report.results, members)
        return HealReport(results=tuple(completed), revision=report.revision)

    def _failed(self, members: Sequence[IncidentRecord], error: BaseException) -> Result:
        """One result for all: what the healer raised is their one cause."""
        lead = failed_result(self._present(members[0]), error)
        tests = dict.fromkeys(member.test for member in members if member.test)
        merged = tuple(member.fingerprint for member in members[1:])
        return replace(lead, merged=merged, failing_tests=tuple(tests))

    def _interrupted(self, lease: Lease, watch: SignalWatch) -> Round:
        """Give the group back, unless its lease was lost: then it is somebody else's.

        Raises:
            SystemExit, KeyboardInterrupt: a signal demands the end of this process.
        """
        returned = return_group(
            self.client, lease.group, LostBy.STOP, self.clock(), token=lease.token
        )
        _log.warning("a heal was interrupted", group=lease.group, returned=returned)
        watch.end_process_if_asked()
        return Round(end=RoundEnd.STOPPED if returned else RoundEnd.LOST)

    def _request(
        self,
        lease: Lease,
        revision: str | None,
        members: Sequence[IncidentRecord],
        admission: Admission | None,
    ) -> HealRequest:
        """What the healer must do.

        Raises:
            TargetError: the target is no longer configured.
        """
        if admission is None:
            raise TargetError(
                f"The target {lease.target} is not in the settings any more.",
                remedy="Put it back into paramedic.toml, or ignore this result.",
            )
        return HealRequest(
            target=admission.target,
            revision=revision,
            incidents=tuple(_brief(member) for member in members),
            known_fixes=known_fixes(self.client, lease.group),
            may_publish=partial(self._may_publish, lease, admission.target),
        )

    def _may_publish(self, lease: Lease, target: TargetSettings, branch: str) -> str:
        """Why this branch may not be pushed; empty where it may.

        A worker that was frozen finds here that another one has taken over.
        """
        if not lease.renew():
            return "its lease was lost: another worker heals it"
        return self.gate.may_publish(target, branch)

    def _present(self, member: IncidentRecord) -> IncidentRecord:
        """The incident with the phase it came to."""
        return next(iter(Ledger(self.client).members([member.fingerprint])), member)


class _ProgressNotes:
    """Writes progress to the incidents: every phase, and a few times a second within one."""

    def __init__(self, client: redis.Redis, lease: Lease) -> None:
        self._client = client
        self._lease = lease
        self._phase = ""
        self._next = 0.0

    def note(self, progress: Progress) -> None:
        """Show this progress, if it is time to; a ledger that is away is no reason to stop."""
        if progress.phase == self._phase and time.monotonic() < self._next:
            return
        self._phase, self._next = progress.phase, time.monotonic() + PROGRESS_SECONDS
        shown = (progress.phase, progress.message, progress.candidates)
        try:
            self._client.eval(keys.NOTE_PROGRESS, 0, self._lease.group, self._lease.token, *shown)
        except redis.RedisError as error:
            _log.warning("progress could not be written", error=str(error))


def _brief(record: IncidentRecord) -> IncidentBrief:
    return IncidentBrief(
        fingerprint=record.fingerprint,
        test=record.test or None,
        exception_type=record.exception_type,
        message=record.message,
        frames=record.frames,
        count=record.count,
    )
