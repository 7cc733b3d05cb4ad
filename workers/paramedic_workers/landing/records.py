"""What is known of landings, as the ledger holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import cast

import msgspec
import redis

from paramedic_workers import keys
from paramedic_workers.errors import Verdict
from paramedic_workers.incidents import IncidentState, moment


class LandingHow(StrEnum):
    """How a fix came onto the main branch."""

    #: The commit that Paramedic made is part of its history.
    OUR_COMMIT = "our_commit"
    #: Another commit there makes the same changes: it was squashed, rebased or picked.
    SAME_PATCH = "same_patch"
    #: Its lines stand there, whatever commits have brought them.
    SAME_LINES = "same_lines"
    #: Somebody has changed the lines that it would change, in another way.
    OTHER_CHANGE = "other_change"
    #: Something else has changed since it failed: somebody may have mended it there.
    ELSEWHERE = "elsewhere"
    #: A heal has found that the failure is gone from there.
    SEEN_FIXED = "seen_fixed"


#: What only running the tests can tell from a change that has nothing to do with it.
GUESSES = (LandingHow.OTHER_CHANGE, LandingHow.ELSEWHERE)


@dataclass(frozen=True, kw_only=True)
class Landing:
    """A fix that is on its target's main branch."""

    #: The full id of the commit there that has brought it; empty where that is not known.
    commit: str
    #: When it was found there.
    at: datetime
    how: LandingHow
    #: When the failing tests were seen to pass there; None: they were not yet.
    checked_at: datetime | None = None


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How far the looks for one fix are; the hash `landing:<fingerprint>`."""

    #: The result that the fix is awaited for, or the one that told of its landing.
    result: str = ""
    #: The main revision that was last looked at.
    tip: str = ""
    #: As in `Landing`; the times in milliseconds since the epoch, 0: not yet.
    commit: str = ""
    at: int = 0
    how: LandingHow | None = None
    checked_at: int = 0
    #: The main revision at which the tests were last seen to fail.
    failed_at: str = ""
    #: Checks that ended without the tests passing, in a row.
    troubles: int = 0
    #: Before this time it is not checked again.
    not_before: int = 0
    #: Checks begun whose end nobody has seen: they have lost their worker.
    begun: int = 0
    #: 1: the last check broke, so that the next one shall not take others down with it.
    alone: int = 0

    @property
    def landing(self) -> Landing | None:
        """What it says, for those who ask; a guess is none until it was checked."""
        if self.how is None or (self.how in GUESSES and not self.checked_at):
            return None
        checked = moment(self.checked_at) if self.checked_at else None
        return Landing(commit=self.commit, at=moment(self.at), how=self.how, checked_at=checked)


def read_look(client: redis.Redis, fingerprint: str) -> Look:
    """The looks for the fix that this incident leads; an empty one where there was none."""
    kept = cast("Mapping[str, str]", client.hgetall(keys.landing(fingerprint)))
    return msgspec.convert({name: text for name, text in kept.items() if text}, Look, strict=False)


@dataclass(frozen=True)
class Landings:
    """Says which fixes have landed."""

    client: redis.Redis

    def of(self, fingerprint: str) -> Landing | None:
        """The landing of an incident's fix; None where none is known.

        An incident that was opened again has none, whatever its former fix has come to.
        """
        fields = ("state", "lead", "result", "verdict", "closed_at")
        kept = self.client.hmget(keys.incident(fingerprint), *fields)
        state, lead, result, verdict, closed_at = cast("list[str | None]", kept)
        if state != IncidentState.CLOSED or not result or not closed_at:
            return None
        look = read_look(self.client, lead or fingerprint)
        if look.result == result and look.landing is not None:
            return look.landing
        if verdict != Verdict.ALREADY_FIXED:
            return None
        at = moment(closed_at)
        return Landing(commit="", at=at, how=LandingHow.SEEN_FIXED, checked_at=at)
