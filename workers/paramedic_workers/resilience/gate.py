"""The gate before a heal: may this group be healed now, and by which strategies?

1. Before the lease: a group that is held stays held; its message is done with.
2. Under the lease: is there room on the disk and in the ledger, is the target within its
   limits, are its breakers closed, is a strategy left that no pattern of failures has
   switched off? If not, the group is held, visibly, and the sweep rings again. Nothing is
   counted as an attempt.
3. After the heal: its breakers hear how it went; what a passing trouble has ended waits
   for another try, a bounded number of times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import redis
import structlog

from paramedic.event import now
from paramedic_workers.errors import Verdict
from paramedic_workers.incidents import IncidentRecord
from paramedic_workers.leases import Lease
from paramedic_workers.resilience.backoff import pause_after
from paramedic_workers.resilience.breakers import Breakers
from paramedic_workers.resilience.fuse import Fuse
from paramedic_workers.resilience.holds import LOOK_AGAIN, Hold, Holds
from paramedic_workers.resilience.limits import Limits, Rate, Refusal
from paramedic_workers.resilience.storage import want_of_disk, want_of_memory
from paramedic_workers.results import Attempt, AttemptOutcome, Result
from paramedic_workers.settings import Settings, TargetSettings
from paramedic_workers.systemic.switching import Switches

#: By how much each further pause before a retry of a heal is longer, and its bound.
_RETRY_FACTOR = 4.0
_LONGEST_RETRY_PAUSE = 900.0
#: Outcomes that say nothing of whether a strategy works.
_SILENT = (AttemptOutcome.NOT_APPLICABLE, AttemptOutcome.SWITCHED_OFF)

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class SwitchedOff:
    """A strategy that is not used at present."""

    strategy: str
    #: One sentence.
    why: str
    #: None: nobody knows.
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Admission:
    """A group may be healed."""

    #: The target, with the strategies that may be used.
    target: TargetSettings
    #: Those that are switched off.
    switched_off: tuple[SwitchedOff, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Asks everything that may keep a group waiting."""

    client: redis.Redis
    settings: Settings
    clock: Callable[[], datetime] = now

    @property
    def holds(self) -> Holds:
        """What is held."""
        return Holds(client=self.client, clock=self.clock)

    @property
    def fuse(self) -> Fuse:
        """What comes again and again."""
        return Fuse(client=self.client, settings=self.settings, clock=self.clock)

    def admit(self, lease: Lease, target: TargetSettings) -> Admission | None:
        """Let a leased group be healed; None where it is held from now on."""
        answer = self._storage(lease.group) or self._asked(lease, target)
        if isinstance(answer, Hold):
            # Another machine may have room: whoever hears the next bell looks again.
            try:
                self.holds.hold(answer, min(LOOK_AGAIN, self.settings.sweep_seconds))
            except redis.exceptions.OutOfMemoryError as error:
                _log.error("a hold could not be written", group=lease.group, error=str(error))
            until = answer.until.isoformat()
            _log.warning("a group is held", group=lease.group, until=until, why=answer.why)
            return None
        if self.holds.known(lease.group):
            self.holds.end(lease.group)
        return answer

    def may_publish(self, target: TargetSettings, branch: str) -> str:
        """Why no further branch may be pushed; empty where this one may, which is counted."""
        refusal = self._limits.take(target, Rate.BRANCHES, branch)
        if refusal is None:
            return ""
        return f"{refusal.why}; there is room again at {refusal.until:%Y-%m-%d %H:%M} UTC"

    def settle(
        self,
        lease: Lease,
        admission: Admission,
        members: Sequence[IncidentRecord],
        results: Sequence[Result],
        lost: Sequence[Result] = (),
    ) -> tuple[Result, ...]:
        """Tell breakers and holds how a heal went.

        Args:
            lease: on the group.
            admission: with which it was begun.
            members: what was healed; where that is nothing, no strategy was used.
            results: what came of them.
            lost: of incidents that were not healed, because each heal lost its worker.

        Returns:
            The results to be written: those that a passing trouble has ended are left out
            as long as their incidents may be tried again, and these wait again.
        """
        if members or lost:
            self._note(lease, admission, [*results, *lost])
        else:
            for name in ("", *admission.target.strategies):
                self._breakers.drop_probe(admission.target.name, name, token=lease.token)
        by_name = {member.fingerprint: member for member in members}
        kept: list[Result] = []
        for result in results:
            names = [result.incident, *result.merged]
            retries = max(by_name[name].retries for name in names)
            if not result.transient or retries + 1 >= self.settings.heal_attempts:
                kept.append(_with_switched_off(result, admission.switched_off))
                continue
            self._defer(lease, result, names, retries)
        return tuple(kept)

    def _storage(self, group: str) -> Hold | None:
        want = want_of_disk(self.settings.data_directory(), self.settings.min_free_disk)
        want = want or want_of_memory(self.client)
        if not want:
            return None
        until = self.clock() + timedelta(seconds=self.settings.sweep_seconds)
        return Hold(group=group, until=until, why=want)

    def _asked(self, lease: Lease, target: TargetSettings) -> Admission | Hold:
        refusal = self._limits.look(target, Rate.HEALS)
        if refusal is not None:
            return _held(lease, refusal)
        breakers = self._breakers
        closed = breakers.ask(target.name, token=lease.token)
        if closed is not None:
            return self._switched_off(lease, closed.words, closed.until)
        off = self._off(target, lease.token)
        allowed = tuple(
            name for name in target.strategies if name not in {one.strategy for one in off}
        )
        if not allowed:
            breakers.drop_probe(target.name, token=lease.token)
            first = min(off, key=lambda one: one.until or self.clock())
            return self._switched_off(lease, first.why, first.until)
        refusal = self._limits.take(target, Rate.HEALS, lease.token)
        if refusal is not None:
            for name in ("", *allowed):
                breakers.drop_probe(target.name, name, token=lease.token)
            return _held(lease, refusal)
        narrowed = msgspec.structs.replace(target, strategies=allowed)
        return Admission(target=narrowed, switched_off=off)

    def _off(self, target: TargetSettings, token: str) -> tuple[SwitchedOff, ...]:
        """The target's strategies that may not be used: by a pattern, else by their breaker."""
        off = {
            one.strategy: SwitchedOff(strategy=one.strategy, why=one.words)
            for one in Switches(self.client, self.settings, self.clock).off_at(target.name)
            if one.strategy in target.strategies
        }
        for name in target.strategies:
            state = None if name in off else self._breakers.ask(target.name, name, token)
            if state is not None:
                off[name] = SwitchedOff(strategy=name, why=state.words, until=state.until)
        return tuple(off.values())

    def _switched_off(self, lease: Lease, why: str, until: datetime | None) -> Hold:
        soon = self.clock() + timedelta(seconds=self.settings.sweep_seconds)
        return Hold(group=lease.group, until=until or soon, why=why)

    def _note(self, lease: Lease, admission: Admission, results: Sequence[Result]) -> None:
        """One word to each breaker: of the target, and of each strategy that was used."""
        target, token = admission.target, lease.token
        broken = next((result for result in results if _failed_by_itself(result)), None)
        why = f"{broken.cause.type}: {broken.cause.message}" if broken else ""
        self._breakers.note(target.name, failed=broken is not None, why=why, token=token)
        for name in target.strategies:
            attempts = [a for r in results for a in r.attempts if a.strategy == name]
            told = [attempt for attempt in attempts if attempt.outcome not in _SILENT]
            broke = next((a for a in told if a.outcome is AttemptOutcome.BROKE), None)
            if not told:
                self._breakers.drop_probe(target.name, name, token=token)
                continue
            why = broke.detail if broke else ""
            failed = broke is not None
            self._breakers.note(target.name, name, failed=failed, why=why, token=token)

    def _defer(self, lease: Lease, result: Result, names: Sequence[str], retries: int) -> None:
        pause = pause_after(
            retries + 1,
            first=self.settings.retry_pause,
            factor=_RETRY_FACTOR,
            greatest=_LONGEST_RETRY_PAUSE,
        )
        why = f"{result.cause.type.rpartition('.')[2]}: {' '.join(result.cause.message.split())}"
        hold = Hold(group=lease.group, until=self.clock() + timedelta(seconds=pause), why=why)
        deferred = self.holds.defer(hold, lease.token, names)
        _log.warning(
            "a heal is tried again later",
            group=lease.group,
            incidents=deferred,
            until=hold.until.isoformat(),
            tried=retries + 1,
            why=why,
        )

    @property
    def _limits(self) -> Limits:
        return Limits(client=self.client, clock=self.clock)

    @property
    def _breakers(self) -> Breakers:
        return Breakers(client=self.client, settings=self.settings, clock=self.clock)


def _held(lease: Lease, refusal: Refusal) -> Hold:
    return Hold(group=lease.group, until=refusal.until, why=refusal.why)


def _failed_by_itself(result: Result) -> bool:
    """Whether the healer failed, other than by a trouble that passes or by a strategy."""
    by_strategy = any(a.outcome is AttemptOutcome.BROKE for a in result.attempts)
    return result.verdict is Verdict.FAILED and not result.transient and not by_strategy


def _with_switched_off(result: Result, off: Sequence[SwitchedOff]) -> Result:
    """The result with a line for each strategy that was not tried, where any was."""
    if not result.attempts or not off:
        return result
    lines = tuple(
        Attempt(strategy=one.strategy, outcome=AttemptOutcome.SWITCHED_OFF, detail=one.why)
        for one in off
    )
    return msgspec.structs.replace(result, attempts=(*result.attempts, *lines))
