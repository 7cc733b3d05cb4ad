"""Closing a group: every incident ends in exactly one result, all of it in one step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import cast

import msgspec
import redis
import structlog
from msgspec.structs import replace

from paramedic_workers import keys
from paramedic_workers.dead_letters.messages import letter_of_incident
from paramedic_workers.dead_letters.model import Attempt, DeadLetter, LostBy, Reason
from paramedic_workers.dead_letters.store import encode_letter, note_letter
from paramedic_workers.errors import (
    HealerError,
    HealHung,
    ParamedicError,
    Phase,
    PhaseTimeout,
    Verdict,
    WorkerLost,
    describe,
)
from paramedic_workers.healing.model import KnownFix
from paramedic_workers.incidents import IncidentRecord, milliseconds
from paramedic_workers.leases import Lease
from paramedic_workers.results import Cause, Result, encode_result
from paramedic_workers.systemic.failures import failures_of

#: Characters of a summary; a result's summary is one line for a person.
_SUMMARY_LENGTH = 200
#: Attempts that a worker's stop has ended do not count.
_NOT_COUNTED = (LostBy.STOP,)

_log = structlog.get_logger()


class _ClosedResult(msgspec.Struct, kw_only=True):
    """One result, as far as the script must understand it."""

    id: str
    verdict: Verdict
    #: The incident that leads comes first.
    incidents: tuple[str, ...]
    #: How the attempts that it ends have ended, for a person.
    ending: str
    #: JSON of how the healer failed; empty where it did not.
    failures: str


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
    incidents: Sequence[IncidentRecord],
    commit: str,
    sinks: tuple[str, ...],
    at: datetime,
    retention_seconds: int,
) -> bool:
    """Write the results of a group, close its incidents, fill the outboxes.

    Each result that is `failed` is kept as a dead letter too, so that it can be replayed.

    Args:
        client: of the ledger.
        lease: the lease on the group; given back with the closing.
        results: each incident of the group is in exactly one; see `complete`.
        incidents: of the group, as they were taken.
        commit: the full commit id that was healed, empty where unknown.
        sinks: the names of the sinks that must take each result.
        at: the time of the closing.
        retention_seconds: how long proved patches are kept for other incidents.

    Returns:
        False where the lease had been lost, and nothing was written.
    """
    closing = _Closing(
        results=[
            _ClosedResult(
                id=result.id,
                verdict=result.verdict,
                incidents=(result.incident, *result.merged),
                ending=_ending(result),
                failures=_failures(result, at),
            )
            for result in results
        ],
        sinks=sinks,
        fixes=[msgspec.json.encode(fix).decode() for fix in _fixes(results)],
    )
    letters = _letters(results, incidents)
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
        *(encode_letter(letter) for letter in letters),
    )
    for letter in letters if written else ():
        note_letter(letter)
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
        completed.append(replace(result, incident=own[0], fingerprint=own[0], merged=own[1:]))
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
    """The result of an incident whose every heal was lost: its worker died, or it hung."""
    ended = [attempt for attempt in incident.attempts_log if attempt.lost_by not in _NOT_COUNTED]
    phase = incident.phase or Phase.PREPARE
    hung = bool(ended) and all(attempt.lost_by is LostBy.TIME_LIMIT for attempt in ended)
    kind = HealHung if hung else WorkerLost
    told = "; ".join(
        f"{number}. in phase {attempt.phase or '(none yet)'} on {attempt.host}: {attempt.end}"
        for number, attempt in enumerate(ended, 1)
    )
    error = kind(
        f"Each of {incident.attempts} heals was lost: {told or 'nothing is known of them'}.",
        phase=phase,
        remedy="Look at the worker's log at that time, and for the out-of-memory killer.",
    )
    return failed_result(incident, error)


def _failures(result: Result, at: datetime) -> str:
    found = failures_of(result, at)
    return msgspec.json.encode(found).decode() if found else ""


def _letters(results: Sequence[Result], incidents: Sequence[IncidentRecord]) -> list[DeadLetter]:
    """The dead letters of the results that are `failed`, one for each."""
    by_name = {incident.fingerprint: incident for incident in incidents}
    letters = []
    for result in results:
        if result.verdict is Verdict.FAILED:
            incident = by_name[result.incident]
            attempts = _ended(incident.attempts_log, result)
            reason = _reason(result, attempts)
            letters.append(letter_of_incident(incident, result, attempts, reason))
    return letters


def _ended(attempts: Sequence[Attempt], result: Result) -> tuple[Attempt, ...]:
    """The attempts, with the end of the one that this result ends."""
    if not attempts or attempts[-1].end:
        return tuple(attempts)
    last = replace(attempts[-1], phase=str(result.cause.phase), end=_ending(result))
    return (*attempts[:-1], last)


def _reason(result: Result, attempts: Sequence[Attempt]) -> Reason:
    """Why a failed heal becomes a dead letter."""
    counted = [attempt.lost_by for attempt in attempts if attempt.lost_by not in _NOT_COUNTED]
    if result.cause.type == _name_of(WorkerLost):
        mixed = LostBy.TIME_LIMIT in counted
        return Reason.ATTEMPTS_EXHAUSTED if mixed else Reason.WORKER_LOST
    if result.cause.type in _TIMEOUTS:
        return Reason.TIMEOUT
    return Reason.ERROR


def _ending(result: Result) -> str:
    if result.verdict is not Verdict.FAILED:
        return str(result.verdict)
    words = " ".join(result.cause.message.split())
    return f"{result.cause.type.rpartition('.')[2]}: {words}"[:_SUMMARY_LENGTH]


def _name_of(error: type[BaseException]) -> str:
    return describe(error())[0]


#: The errors of heals that took longer than they may.
_TIMEOUTS = (_name_of(HealHung), _name_of(PhaseTimeout))


def _fixes(results: Sequence[Result]) -> Iterator[KnownFix]:
    for result in results:
        # What could not be published stands nowhere: its next heal must not lean on it.
        published = result.verdict is not Verdict.FAILED
        if published and result.patch and result.confidence and result.strategy:
            yield KnownFix(
                incident=result.incident,
                patch=result.patch,
                strategy=result.strategy,
                confidence=result.confidence,
            )
