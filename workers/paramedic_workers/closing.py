"""Closing a group: every incident ends in exactly one result, all of it in one step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import cast

import msgspec
import redis
import structlog

from paramedic_workers import keys
from paramedic_workers.errors import (
    HealerError,
    ParamedicError,
    Phase,
    Verdict,
    WorkerLost,
    describe,
)
from paramedic_workers.healing.model import KnownFix
from paramedic_workers.incidents import IncidentRecord, milliseconds
from paramedic_workers.leases import Lease
from paramedic_workers.results import Cause, Result, encode_result

#: Characters of a summary; a result's summary is one line for a person.
_SUMMARY_LENGTH = 200

_log = structlog.get_logger()


class _ClosedResult(msgspec.Struct, kw_only=True):
    """One result, as far as the script must understand it."""

    id: str
    verdict: Verdict
    #: The incident that leads comes first.
    incidents: tuple[str, ...]


class _Closing(msgspec.Struct, kw_only=True):
    """What the script `CLOSE_GROUP` writes besides the results themselves."""

    results: list[_ClosedResult]
    sinks: tuple[str, ...]
    #: JSON of each `KnownFix`.
    fixes: list[str]


def close_group(
    client: redis.Redis,
    lease: Lease,
    results: Sequence[Result],
    *,
    commit: str,
    sinks: tuple[str, ...],
    at: datetime,
    retention_seconds: int,
) -> bool:
    """Write the results of a group, close its incidents, fill the outboxes.

    Args:
        client: of the ledger.
        lease: the lease on the group; given back with the closing.
        results: each incident of the group is in exactly one; see `complete`.
        commit: the full commit id that was healed, empty where unknown.
        sinks: the names of the sinks that must take each result.
        at: the time of the closing.
        retention_seconds: how long proved patches are kept for other incidents.

    Returns:
        False where the lease had been lost, and nothing was written.
    """
    closing = _Closing(
        results=[
            _ClosedResult(id=r.id, verdict=r.verdict, incidents=(r.incident, *r.merged))
            for r in results
        ],
        sinks=sinks,
        fixes=[msgspec.json.encode(fix).decode() for fix in _fixes(results)],
    )
    written = client.eval(
        keys.CLOSE_GROUP,
        0,
        lease.group,
        lease.target,
        lease.token,
        milliseconds(at),
        commit,
        retention_seconds,
        keys.MAX_FIXES,
        msgspec.json.encode(closing),
        *(encode_result(result) for result in results),
    )
    return bool(written)


def known_fixes(client: redis.Redis, group: str) -> tuple[KnownFix, ...]:
    """The patches that were proved for this group before, newest first."""
    texts = cast("list[str]", client.lrange(keys.fixes(group), 0, -1))
    return tuple(msgspec.json.decode(text, type=KnownFix) for text in texts)


def complete(results: Sequence[Result], members: Sequence[IncidentRecord]) -> list[Result]:
    """The results, corrected so that each incident of the group is in exactly one.

    A healer that forgets an incident, or reports it twice, must neither leave it open
    for ever nor have two tickets written for it.
    """
    left = {member.fingerprint: member for member in members}
    completed: list[Result] = []
    for result in results:
        own = [name for name in (result.incident, *result.merged) if left.pop(name, None)]
        if not own:
            _log.error("a result names no incident of its group", incident=result.incident)
            continue
        completed.append(
            msgspec.structs.replace(result, incident=own[0], fingerprint=own[0], merged=own[1:])
        )
    forgotten = HealerError("The healer gave no result for this incident.")
    return completed + [failed_result(member, forgotten) for member in left.values()]


def failed_result(incident: IncidentRecord, error: BaseException) -> Result:
    """The result of an incident whose heal ended in this error."""
    kind, message, traceback = describe(error)
    phase, verdict = incident.phase or Phase.PREPARE, Verdict.FAILED
    if isinstance(error, ParamedicError):
        phase, verdict = error.phase or phase, error.verdict
    subject = incident.test or incident.exception_type
    summary = f"{subject}: {kind.rpartition('.')[2]}: {' '.join(message.split())}"
    return Result(
        incident=incident.fingerprint,
        fingerprint=incident.fingerprint,
        target=incident.target,
        revision=incident.commit or incident.revision,
        verdict=verdict,
        summary=summary[:_SUMMARY_LENGTH],
        cause=Cause(phase=phase, type=kind, message=message, traceback=traceback),
        failing_tests=(incident.test,) if incident.test else (),
        count=incident.count,
    )


def lost_result(incident: IncidentRecord) -> Result:
    """The result of an incident whose every heal lost its worker."""
    phase = incident.phase or Phase.PREPARE
    error = WorkerLost(
        f"Each of {incident.attempts} heals lost its worker, the last one in phase {phase}"
        f" ({', '.join(incident.hosts)}).",
        phase=phase,
        remedy="Look for the out-of-memory killer, and at the worker's log at that time.",
    )
    return failed_result(incident, error)


def _fixes(results: Sequence[Result]) -> Iterator[KnownFix]:
    for result in results:
        if result.patch and result.confidence and result.strategy:
            yield KnownFix(
                incident=result.incident,
                patch=result.patch,
                strategy=result.strategy,
                confidence=result.confidence,
            )
