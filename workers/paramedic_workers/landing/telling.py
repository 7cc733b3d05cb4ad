"""Telling of a landing: one more result of its incidents, `already_fixed`."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import cast

import msgspec
import redis
from msgspec.structs import replace

from paramedic_workers import keys
from paramedic_workers.errors import Phase, Verdict
from paramedic_workers.healing.summary import subject_line, summary_of
from paramedic_workers.incidents import IncidentState, Ledger, milliseconds
from paramedic_workers.landing.records import LandingHow, Look
from paramedic_workers.results import Cause, Result, encode_result

_WORDS = {
    LandingHow.OUR_COMMIT: "The commit with the fix has landed",
    LandingHow.SAME_PATCH: "The fix has landed",
    LandingHow.SAME_LINES: "The lines of the fix stand there",
    LandingHow.OTHER_CHANGE: "Somebody has mended it in another way",
    LandingHow.ELSEWHERE: "It fails no more",
}
#: How a fix lands that is the one that was found here.
_OURS = (LandingHow.OUR_COMMIT, LandingHow.SAME_PATCH, LandingHow.SAME_LINES)


def fixed_result(fix: Result, look: Look, tip: str, at: datetime) -> Result:
    """What is told once the tests of a fix pass on the main branch.

    Args:
        fix: how the incident ended, with our patch where there is one.
        look: how it came there.
        tip: the main revision at which the tests pass.
        at: the present.
    """
    how = look.how or LandingHow.SEEN_FIXED
    words = _WORDS.get(how, "It is fixed")
    commit = f", with commit {look.commit[:10]}" if look.commit else ""
    cause = Cause(
        phase=Phase.REPRODUCE,
        type=fix.cause.type,
        message=(
            f"{words}: it passes at the newest main revision {tip[:10]}{commit}. "
            f"Before: {fix.cause.message}"
        ),
        traceback=fix.cause.traceback,
    )
    told = replace(
        fix,
        id=uuid.uuid4().hex,
        verdict=Verdict.ALREADY_FIXED,
        summary=summary_of(
            Verdict.ALREADY_FIXED,
            fix.failing_tests,
            cause,
            title=_title(fix) if how in _OURS else "",
        ),
        cause=cause,
        alternatives=(),
        unpublished="",
        attempts=(),
        phases=(),
        started_at=at,
        seconds=0.0,
        output="",
        log=f"{how}: commit {look.commit or '(unknown)'} on the main branch\nchecked at {tip}",
    )
    if how not in _OURS:  # then it is not this patch that is there
        return replace(told, patch=None, strategy=None, confidence=None, branch=None, proof=())
    return told


def _title(fix: Result) -> str:
    """What the fix was, in a few words; empty where its summary does not begin as usual."""
    subject = f"{subject_line(fix.failing_tests)}: "
    if not fix.summary.startswith(subject):
        return ""
    return fix.summary.removeprefix(subject).removeprefix("proposal: ")


def close_landed(
    client: redis.Redis, fix: Result, told: Result, sinks: tuple[str, ...], at: datetime
) -> bool:
    """Write the result of a landing, for every incident that still has the one with the fix.

    Returns:
        False where something has happened to them meanwhile, and nothing was written.
    """
    members = Ledger(client).members([fix.incident, *fix.merged])
    own = [
        member.fingerprint
        for member in members
        if member.state is IncidentState.CLOSED and member.result == fix.id
    ]
    if fix.incident not in own:
        return False
    told = replace(told, merged=tuple(name for name in own if name != fix.incident))
    arguments = (fix.target, fix.incident, fix.id, milliseconds(at), told.id, encode_result(told))
    names = msgspec.json.encode(sinks)
    return bool(cast("int", client.eval(keys.CLOSE_LANDED, 0, *arguments, names, *own)))
