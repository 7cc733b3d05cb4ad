"""The recurrence fuse: what was healed and fails again and again goes to a person.

An incident that was healed a few times within a day and fails once more is not healed
again: either nobody merges the patch, or it does not cure the cause. It ends in
`unhealed` (nothing is proved for it at present), in one result that names the former
ones. Further failures close it with that same result, until the former heals lie back
far enough.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import redis
import structlog

from paramedic.event import now
from paramedic_workers import keys
from paramedic_workers.errors import Phase, Verdict
from paramedic_workers.incidents import IncidentRecord, Ledger, milliseconds, moment
from paramedic_workers.leases import Lease
from paramedic_workers.results import Cause, Result
from paramedic_workers.settings import Settings

#: The cause's type by which a result of the fuse is known.
RECURRING = "RecurringFailure"
#: Former results that are looked at.
_LOOKED_AT = 20
#: Characters of a summary.
_SUMMARY_LENGTH = 200

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Fused:
    """What the fuse makes of the incidents that were taken for a heal."""

    #: To be healed.
    members: tuple[IncidentRecord, ...]
    #: For a person: results to be written, in place of a heal.
    results: tuple[Result, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Former:
    """A former result, with the time of its close."""

    result: Result
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Fuse:
    """Looks at what became of incidents before."""

    client: redis.Redis
    settings: Settings
    clock: Callable[[], datetime] = now

    def sort(self, lease: Lease, members: Sequence[IncidentRecord]) -> Fused:
        """Take out the incidents for which the fuse has blown.

        Those that a result of the fuse has told of already are closed here with that
        result; those of one former patch share one result.
        """
        healed: list[IncidentRecord] = []
        blown: dict[str, tuple[list[IncidentRecord], list[_Former]]] = {}
        told: list[str] = []
        for member in members:
            former = self._former(member)
            heals = [one for one in former if one.result.verdict is Verdict.HEALED]
            if not self.settings.fuse_heals or len(heals) < self.settings.fuse_heals:
                healed.append(member)
            elif earlier := _told_since(former, heals[0]):
                told += [member.fingerprint, earlier.result.id]
            else:
                blown.setdefault(heals[0].result.id, ([], heals))[0].append(member)
        if told:
            self._close_again(lease, told)
        results = [self._result(incidents, heals) for incidents, heals in blown.values()]
        return Fused(members=tuple(healed), results=tuple(results))

    def _former(self, member: IncidentRecord) -> list[_Former]:
        """Results of the incident within the hours that count, newest first."""
        if not member.result:
            return []
        key = keys.incident_results(member.fingerprint)
        ids = cast("list[str]", self.client.lrange(key, 0, _LOOKED_AT - 1))
        times = self.client.zmscore(keys.RESULTS, ids) if ids else []
        since = self.clock() - timedelta(hours=self.settings.fuse_hours)
        ledger = Ledger(self.client)
        found = []
        for name, at in zip(ids, times, strict=True):
            if at is not None and at >= milliseconds(since):
                result = ledger.result(name)
                if result is not None:
                    found.append(_Former(result=result, at=moment(at)))
        return found

    def _close_again(self, lease: Lease, told: Sequence[str]) -> None:
        present = milliseconds(self.clock())
        arguments = (lease.group, lease.token, present, Verdict.UNHEALED)
        closed = self.client.eval(keys.CLOSE_FUSED, 0, *arguments, *told)
        _log.info("a person must look; nothing is healed", group=lease.group, incidents=closed)

    def _result(self, incidents: Sequence[IncidentRecord], heals: Sequence[_Former]) -> Result:
        lead, *others = incidents
        tests = tuple(dict.fromkeys(one.test for one in incidents if one.test))
        told = (
            f"Healed {len(heals)} times in {self.settings.fuse_hours:g} h and failing again:"
            " a person must look"
        )
        _log.warning("the recurrence fuse has blown", incident=lead.fingerprint, heals=len(heals))
        return Result(
            incident=lead.fingerprint,
            fingerprint=lead.fingerprint,
            target=lead.target,
            revision=heals[0].result.revision,
            verdict=Verdict.UNHEALED,
            summary=f"{lead.test or lead.exception_type}: {told}"[:_SUMMARY_LENGTH],
            cause=Cause(
                phase=Phase.PREPARE,
                type=RECURRING,
                message="\n".join([f"{told}.", *map(_line, heals), _ADVICE]),
            ),
            failing_tests=tests,
            merged=tuple(one.fingerprint for one in others),
            started_at=self.clock(),
            count=lead.count,
        )


_ADVICE = "Merge one of these patches, or look for the cause that they do not reach."


def _told_since(former: Sequence[_Former], last_heal: _Former) -> _Former | None:
    """The result of the fuse that is newer than the last heal; None where there is none."""
    for one in former:
        if one.result.cause.type == RECURRING and one.at >= last_heal.at:
            return one
    return None


def _line(former: _Former) -> str:
    """One former heal, as a line for a person."""
    result = former.result
    where = f", branch {result.branch}" if result.branch else ""
    return f"- {former.at:%Y-%m-%d %H:%M} UTC: result {result.id}{where}: {result.summary}"
