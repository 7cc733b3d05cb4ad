"""Looking for fixes on the main branch of a target, and checking them by running their tests.

A fix is ours, or what a person has done about an incident that has none of ours.

1. The target is leased like a group, so that a look is one of its `parallel` heals.
2. Its clone is fetched. Fixes that were looked for at this tip of main already are left alone.
3. What is found there is noted, then checked: the failing tests run at the tip, all at once.
   Where none is found anything else that has changed may be one (`mending`).
4. Where they pass the incident is told once more. Where they fail they are run again at a later
   tip; where the check itself fails, later. The pauses grow. A check that has lost its worker
   three times is begun again only at a later tip.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

import msgspec
import redis
import structlog
from msgspec.structs import replace

from paramedic.event import Frame, now
from paramedic_workers import keys
from paramedic_workers.attempts import MESSAGE_ATTEMPTS
from paramedic_workers.errors import RepositoryError, Verdict
from paramedic_workers.groups import Heals
from paramedic_workers.healing.clones import Clone, Source
from paramedic_workers.healing.diffs import MalformedDiff
from paramedic_workers.healing.git import GitFailed
from paramedic_workers.healing.interruption import SignalWatch
from paramedic_workers.healing.model import (
    Deadline,
    HealReport,
    HealRequest,
    IncidentBrief,
    ProgressCallback,
    ignore_progress,
)
from paramedic_workers.incidents import IncidentState, Ledger, milliseconds
from paramedic_workers.landing.finding import Found, MainBranch
from paramedic_workers.landing.mending import is_near, may_be_mended
from paramedic_workers.landing.records import LandingHow, Look, read_look
from paramedic_workers.landing.telling import close_landed, fixed_result
from paramedic_workers.leases import Lease, LeaseAnswer
from paramedic_workers.resilience.backoff import pause_after
from paramedic_workers.resilience.storage import want_of_disk
from paramedic_workers.results import Result
from paramedic_workers.settings import Settings, TargetSettings
from paramedic_workers.stopping import INTERRUPTION

#: In place of a revision in the name of the lease; no revision of git has a `?`.
LANDING = "?landing"
#: Incidents whose fixes are looked for in one look, the newest.
MAX_FIXES = 500
#: Incidents whose tests are run in one look.
MAX_CHECKS = 20
#: Greatest pause in seconds before a fix whose tests did not pass is checked again.
LONGEST_PAUSE = 6 * 3600.0
#: Verdicts whose tests are awaited to pass on main. One pass says nothing of a flaky test, and
#: nothing of what has broken the healer.
_AWAITED = (Verdict.HEALED, Verdict.PROPOSED, Verdict.UNHEALED, Verdict.ENVIRONMENT)
#: Verdicts that say nothing of the tests.
_TROUBLE = (Verdict.FAILED, Verdict.ENVIRONMENT)

_log = structlog.get_logger()


class LookEnd(StrEnum):
    """How a look at a target ended."""

    #: All that is there was seen.
    LOOKED = "looked"
    #: No fix of it is on its way, or it is no longer configured.
    NOTHING = "nothing"
    #: Another worker looks, or as many heals of the target run as may, or the disk is full.
    BUSY = "busy"
    #: Its repository cannot be reached.
    UNREACHABLE = "unreachable"
    #: The worker was told to stop.
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What one look at a target did."""

    end: LookEnd
    #: What is told of landings; the doorbells of its sinks should be rung.
    results: tuple[Result, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Fix:
    """A fix that is awaited, ours or somebody's."""

    #: How the incident ended, with our patch where there is one.
    result: Result
    look: Look
    #: Of the failure.
    frames: tuple[Frame, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LandingLooks:
    """Looks for the fixes of targets."""

    client: redis.Redis
    settings: Settings
    #: Makes a healer that reports its progress to the callback.
    healer: Callable[[ProgressCallback], Heals]
    #: The names of the sinks that must take each result.
    sinks: tuple[str, ...]
    clock: Callable[[], datetime] = now

    def due(self) -> tuple[str, ...]:
        """Targets that should be looked at now; they count as rung for from now on."""
        seconds = self.settings.landing_seconds
        if not seconds:
            return ()
        present = milliseconds(self.clock())
        rung = cast("dict[str, str]", self.client.hgetall(keys.LANDING_RUNG))
        with_fixes = [
            name
            for name in sorted(self.settings.targets)
            if self.client.exists(keys.unlanded(name))
        ]
        # No fix lands right after it was made.
        fresh = [name for name in with_fixes if name not in rung]
        found = [
            name
            for name in with_fixes
            # A clock that was ahead must not keep a target from being looked at.
            if name in rung and not 0 <= present - int(rung[name]) < seconds * 1000
        ]
        if changed := [*fresh, *found]:
            self.client.hset(keys.LANDING_RUNG, mapping=dict.fromkeys(changed, present))
        return tuple(found)

    def look(self, target: str) -> Looked:
        """Look for the fixes of one target on its main branch."""
        configured = self.settings.targets.get(target)
        fixes = list(self._fixes(target)) if configured else []
        if configured is None or not fixes:
            return Looked(end=LookEnd.NOTHING)
        if want_of_disk(self.settings.data_directory(), self.settings.min_free_disk):
            return Looked(end=LookEnd.BUSY)
        lease = Lease(
            client=self.client,
            group=f"{target}@{LANDING}",
            target=target,
            seconds=self.settings.lease_seconds,
            on_loss=INTERRUPTION.now,
        )
        if lease.acquire(configured.parallel) is not LeaseAnswer.HELD:
            return Looked(end=LookEnd.BUSY)
        with lease:
            try:
                main = self._main(configured)
            except RepositoryError as error:
                _log.warning("landings cannot be looked for", target=target, error=str(error))
                return Looked(end=LookEnd.UNREACHABLE)
            seen = [self._seen(configured, main, fix) for fix in fixes]
            return self._check(configured, main, [fix for fix in seen if fix is not None])

    def _fixes(self, target: str) -> Iterator[_Fix]:
        """The fixes of a target that are on their way; what is no longer one is dropped."""
        key, retention = keys.unlanded(target), timedelta(days=self.settings.retention_days)
        self.client.zremrangebyscore(key, "-inf", milliseconds(self.clock() - retention))
        listed = self.client.zrange(key, 0, MAX_FIXES - 1, desc=True, withscores=True)
        ledger = Ledger(self.client)
        for fingerprint, closed_at in cast("list[tuple[str, float]]", listed):
            incident = next(iter(ledger.members([fingerprint])), None)
            is_closed = incident is not None and incident.state is IncidentState.CLOSED
            result = ledger.result(incident.result) if incident and is_closed else None
            if (
                incident is None
                or result is None
                or result.verdict not in _AWAITED
                or not result.failing_tests
            ):
                self.client.eval(keys.DROP_UNLANDED, 0, target, fingerprint, int(closed_at))
                continue
            look = read_look(self.client, fingerprint)
            look = look if look.result == result.id else Look(result=result.id)
            yield _Fix(result=result, look=look, frames=incident.frames)

    def _main(self, target: TargetSettings) -> MainBranch:
        """The main branch as it is now.

        Raises:
            RepositoryError: the repository cannot be reached, or has no such branch.
        """
        source = Source.named(target.repository)
        clone = Clone.of(source, target.name, self.settings.data_directory())
        clone.refresh(target.main, Deadline.after(target.budget))
        if clone.stale:
            raise RepositoryError(clone.stale)
        return MainBranch(git=clone.git, tip=clone.resolve(target.main), held=clone)

    def _seen(self, target: TargetSettings, main: MainBranch, fix: _Fix) -> _Fix | None:
        """The fix, if it is or may be on the main branch; looked for once at each tip."""
        if fix.look.tip == main.tip:
            return fix if fix.look.how is not None else None
        look = replace(fix.look, tip=main.tip, begun=0)
        found = self._found(main, fix)
        if found is None:
            look = replace(look, how=None, commit="", at=0)
        elif (found.commit, found.how) != (look.commit, look.how):
            at = milliseconds(self.clock())
            look = replace(look, commit=found.commit, how=found.how, at=at)
            incident = fix.result.incident
            _log.info("a fix may be on the main branch", incident=incident, **vars(found))
        if found is not None and self._is_near(target, main, fix):
            look = replace(look, not_before=0)
        self._write(fix.result, look)
        return dataclasses.replace(fix, look=look) if found is not None else None

    def _found(self, main: MainBranch, fix: _Fix) -> Found | None:
        """The fix on the main branch; one that git cannot deal with must not hide the others."""
        result = fix.result
        try:
            found = main.find(result.patch, result.revision) if result.patch else None
            return found or may_be_mended(main, result, fix.look.failed_at)
        except (MalformedDiff, GitFailed) as error:
            _log.warning("a fix cannot be looked for", incident=result.incident, error=str(error))
            return None

    def _is_near(self, target: TargetSettings, main: MainBranch, fix: _Fix) -> bool:
        """Whether what came since the last look lets the tests run before their pause is over."""
        since = fix.look.tip or fix.result.revision
        try:
            return is_near(main, since, fix.result, fix.frames, target.directory)
        except GitFailed:
            return False

    def _check(self, target: TargetSettings, main: MainBranch, fixes: Sequence[_Fix]) -> Looked:
        """Run the tests of what is there, as far as it is time to."""
        present = milliseconds(self.clock())
        waiting = [
            fix
            for fix in fixes
            if fix.look.failed_at != main.tip
            and fix.look.not_before <= present
            and fix.look.begun < MESSAGE_ATTEMPTS
        ]
        due = _together(sorted(waiting, key=_promise))
        if not due:
            return Looked(end=LookEnd.LOOKED)
        for fix in due:
            self._write(fix.result, replace(fix.look, begun=fix.look.begun + 1))
        with SignalWatch() as watch:
            report = self._run(target, main.tip, due)
        if INTERRUPTION.came or watch.must_end_process:
            for fix in due:
                self._write(fix.result, fix.look)
            watch.end_process_if_asked()
            return Looked(end=LookEnd.STOPPED)
        results = [self._settle(fix, main.tip, report) for fix in due]
        return Looked(end=LookEnd.LOOKED, results=tuple(one for one in results if one is not None))

    def _run(self, target: TargetSettings, tip: str, fixes: Sequence[_Fix]) -> HealReport | None:
        """What running the tests of these fixes shows; None where that broke."""
        briefs = [
            IncidentBrief(
                fingerprint=fix.result.incident,
                test=test,
                exception_type=fix.result.cause.type,
                message=fix.result.cause.message,
            )
            for fix in fixes
            for test in fix.result.failing_tests
        ]
        request = HealRequest(target=target, revision=tip, incidents=tuple(briefs), check_only=True)
        try:
            with INTERRUPTION.listening():
                return self.healer(ignore_progress).heal(request)
        except BaseException:  # noqa: BLE001 - the last boundary around every heal
            _log.exception("a check of landings broke", target=target.name)
            return None

    def _settle(self, fix: _Fix, tip: str, report: HealReport | None) -> Result | None:
        """Note how a check ended; the result that tells so, where the tests pass."""
        tests = frozenset(fix.result.failing_tests)
        if report is not None and tests and tests <= report.passing:
            told = fixed_result(fix.result, fix.look, tip, self.clock())
            written = close_landed(self.client, fix.result, told, self.sinks, self.clock())
            _log.info("a fix has landed", incident=fix.result.incident, told=written)
            return told if written else None
        # Where its environment was what failed, that is no trouble of the check.
        troublesome = [verdict for verdict in _TROUBLE if verdict is not fix.result.verdict]
        said = {
            result.verdict
            for result in (report.results if report else ())
            if not tests.isdisjoint(result.failing_tests)
        }
        broke = report is None or Verdict.FAILED in said
        trouble = broke or not said.isdisjoint(troublesome)
        troubles = fix.look.troubles + 1
        pause = pause_after(
            troubles, first=self.settings.landing_seconds, factor=2.0, greatest=LONGEST_PAUSE
        )
        look = replace(
            fix.look,
            begun=0,
            failed_at="" if trouble else tip,
            troubles=troubles,
            alone=int(broke),
            not_before=milliseconds(self.clock() + timedelta(seconds=pause)),
        )
        self._write(fix.result, look)
        incident = fix.result.incident
        _log.info("what failed does not pass on main", incident=incident, trouble=trouble, tip=tip)
        return None

    def _write(self, fix: Result, look: Look) -> None:
        """Keep how far the looks for a fix are."""
        key = keys.landing(fix.incident)
        written = msgspec.structs.asdict(look).items()
        fields = cast("Mapping[Any, Any]", {name: str(value or "") for name, value in written})
        with self.client.pipeline() as pipe:
            pipe.hset(key, mapping=fields)
            pipe.expire(key, self.settings.retention_days * 24 * 3600)
            pipe.execute()


def _promise(fix: _Fix) -> tuple[bool, bool, int]:
    """Orders fixes: what was found goes before what may be, then what was seldom checked."""
    look = fix.look
    return look.how is LandingHow.ELSEWHERE, _is_suspect(fix), look.troubles


def _is_suspect(fix: _Fix) -> bool:
    """Whether its check may have killed its worker, or used up all the time there was."""
    return bool(fix.look.begun or fix.look.alone)


def _together(due: Sequence[_Fix]) -> Sequence[_Fix]:
    """Those of the fixes that are checked in one run, beginning with the first.

    A suspect is checked alone, so that the others do not go down with it; what was found is not
    checked with what only may be there.
    """
    if not due or _is_suspect(due[0]):
        return due[:1]
    kind = _promise(due[0])[:2]
    return [fix for fix in due if _promise(fix)[:2] == kind][:MAX_CHECKS]
