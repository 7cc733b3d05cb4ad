"""The patterns of the ledger: found, filled, settled and closed.

`scan` may be repeated, interrupted, and run twice at once: each of its steps is written by
a script that changes nothing the second time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec
import redis
import structlog

from paramedic.event import now
from paramedic.text import cut_middle
from paramedic_workers import keys
from paramedic_workers.errors import UsageError
from paramedic_workers.incidents import Ledger, milliseconds, moment
from paramedic_workers.resilience.breakers import Breakers
from paramedic_workers.results import Cause
from paramedic_workers.settings import Settings
from paramedic_workers.systemic.detection import Rule, home_of, new_patterns
from paramedic_workers.systemic.failures import HealerFailure, cause_in
from paramedic_workers.systemic.model import (
    Pattern,
    PatternEnd,
    PatternIncident,
    PatternState,
    Settlement,
)
from paramedic_workers.systemic.settling import settled_by_ledger
from paramedic_workers.systemic.signature import Signature

#: Windows for which failures are kept: a sweep may be late.
_KEPT_WINDOWS = 3
#: Failures that are kept at most; the oldest go first.
MAX_FAILURES = 5_000
#: Characters kept of the traceback of a pattern's example.
_TRACEBACK_LENGTH = 4_000
#: The sink whose tickets tell when an incident is done with.
_TICKET_SINK = "jira"

_log = structlog.get_logger()


class _Body(msgspec.Struct, frozen=True, kw_only=True):
    """What of a pattern never changes."""

    signature: Signature
    example: Cause


@dataclass(frozen=True)
class Patterns:
    """Finds patterns, and keeps them."""

    client: redis.Redis
    settings: Settings
    clock: Callable[[], datetime] = now

    # --- read

    def get(self, name: str) -> Pattern | None:
        """The pattern of this id; None where there is none, or it is forgotten."""
        return _pattern(name, cast("dict[str, str]", self.client.hgetall(keys.pattern(name))))

    def find(self, prefix: str) -> Pattern:
        """The pattern whose id begins with `prefix`.

        Raises:
            UsageError: there is none, or more than one.
        """
        names = [one for one in self.all() if prefix and one.id.startswith(prefix)]
        if len(names) != 1:
            raise UsageError(
                f"{len(names) or 'No'} patterns begin with {prefix!r}.",
                remedy="Give more of the id." if names else "`paramedic systemic list` lists them.",
            )
        return names[0]

    def all(self) -> list[Pattern]:
        """Every pattern that is not forgotten, the last changed first."""
        return self._read(cast("list[str]", self.client.zrange(keys.PATTERNS, 0, -1, desc=True)))

    def open_patterns(self) -> list[Pattern]:
        """Those that stand now, the first opened first."""
        names = sorted(cast("set[str]", self.client.smembers(keys.OPEN_PATTERNS)))
        found = [one for one in self._read(names) if one.is_open]
        return sorted(found, key=lambda one: (one.opened_at, one.id))

    def incidents(self, pattern: str) -> list[PatternIncident]:
        """Its incidents and the exceptions to it, the first to fail last first."""
        found = cast("dict[str, str]", self.client.hgetall(keys.pattern_incidents(pattern)))
        kept = cast("dict[str, str]", self.client.hgetall(keys.pattern_settled(pattern)))
        settled = {name: msgspec.json.decode(text, type=Settlement) for name, text in kept.items()}
        incidents = [
            _with_settlement(msgspec.json.decode(text, type=PatternIncident), settled)
            for text in found.values()
        ]
        return sorted(incidents, key=lambda one: (one.at, one.fingerprint))

    def targets(self, pattern: str) -> tuple[str, ...]:
        """The targets that a pattern has struck since it was opened."""
        return tuple(sorted(cast("set[str]", self.client.smembers(keys.pattern_targets(pattern)))))

    def is_quiet(self, pattern: Pattern) -> bool:
        """Whether nothing of the kind came for `systemic_seconds`."""
        return self.clock() > pattern.last_seen + self._rule.window

    # --- changed by the sweep

    def scan(self) -> None:
        """Find patterns in the failures of late; settle, close and forget what is over."""
        failures = self._failures()
        known = {one.id: one for one in self.all()}
        for name, same in new_patterns(failures, known, self._rule).items():
            self._open(name, same)
        self._fill(failures)
        for pattern in self.open_patterns():
            self._settle(pattern)
        self._forget()

    def settle(self, pattern: str, incident: PatternIncident, how: str) -> None:
        """Note that an incident is settled, until it fails in that way again.

        Args:
            pattern: its id.
            incident: as it was read.
            how: in a few words: "its ticket is done".
        """
        settlement = Settlement(result=incident.result, how=how)
        body = msgspec.json.encode(settlement)
        self.client.eval(keys.SETTLE_PATTERN_INCIDENT, 0, pattern, incident.fingerprint, body)

    def close(self, pattern: Pattern, because: PatternEnd) -> bool:
        """Close a pattern, which switches its strategy on; False where it was closed.

        Where a person says that it is mended, the strategy's breakers are closed with it.
        """
        present = milliseconds(self.clock())
        closed = self.client.eval(keys.CLOSE_PATTERN, 0, pattern.id, present, because)
        if closed and because is PatternEnd.PERSON and pattern.strategy:
            breakers = Breakers(self.client, self.settings, self.clock)
            for target in self.targets(pattern.id):
                breakers.reset(target, pattern.strategy)
        if closed:
            _log.info(
                "a systemic failure is over",
                pattern=pattern.id,
                what=pattern.signature.words,
                because=because,
                strategy=pattern.strategy,
            )
        return bool(closed)

    # --- the steps of a scan

    @property
    def _rule(self) -> Rule:
        window = timedelta(seconds=self.settings.systemic_seconds)
        return Rule(failures=self.settings.systemic_failures, window=window)

    def _failures(self) -> list[HealerFailure]:
        since = milliseconds(self.clock() - _KEPT_WINDOWS * self._rule.window)
        names = cast("list[str]", self.client.zrange(keys.FAILURES_AT, since, "+inf", byscore=True))
        if not names:
            return []
        texts = cast("list[str | None]", self.client.hmget(keys.FAILURES, names))
        return [
            failure
            for text in texts
            if text is not None
            for failure in msgspec.json.decode(text, type=tuple[HealerFailure, ...])
        ]

    def _open(self, name: str, same: Sequence[HealerFailure]) -> None:
        first = same[0]
        body = _Body(signature=first.signature, example=self._example(first))
        arguments = (milliseconds(self.clock()), milliseconds(first.at))
        opened = self.client.eval(keys.OPEN_PATTERN, 0, name, *arguments, msgspec.json.encode(body))
        if opened:
            _log.error(
                "the healer fails in the same way in several incidents",
                pattern=name,
                what=first.signature.words,
                incidents=len({one for failure in same for one in failure.incidents}),
                switched_off=first.signature.strategy,
                message=first.message,
            )

    def _example(self, failure: HealerFailure) -> Cause:
        """The error whole, as far as its result is kept."""
        result = Ledger(self.client).result(failure.result)
        cause = cause_in(result, failure.signature) if result is not None else None
        if cause is None:
            signature = failure.signature
            return Cause(phase=signature.phase, type=signature.type, message=failure.message)
        traceback = cut_middle(cause.traceback, _TRACEBACK_LENGTH)
        return msgspec.structs.replace(cause, traceback=traceback)

    def _fill(self, failures: Iterable[HealerFailure]) -> None:
        """Note the incidents of open patterns, and the exceptions to them."""
        known = {one.id: one for one in self.all()}
        noted = {one.id: self._times(one) for one in known.values() if one.is_open}
        homes = ((home_of(failure, known, self._rule), failure) for failure in failures)
        found = [(home, failure) for home, failure in homes if home is not None]
        # An incident that failed in both ways at once is no exception.
        found.sort(key=lambda pair: pair[0].id != pair[1].signature.id)
        for home, failure in found:
            at = milliseconds(failure.at)
            new = [name for name in failure.incidents if noted[home.id].get(name, -1) < at]
            self._note(home, failure, new)
            if new and home.id == failure.signature.id:
                self._drop_exceptions([name for name in noted if name != home.id], failure)

    def _times(self, pattern: Pattern) -> dict[str, int]:
        """When its incidents failed last, as far as that is noted."""
        found = cast("dict[str, str]", self.client.hgetall(keys.pattern_times(pattern.id)))
        return {name: int(stamp) for name, stamp in found.items()}

    def _note(self, pattern: Pattern, failure: HealerFailure, incidents: Iterable[str]) -> None:
        exception = failure.signature.id != pattern.id
        for fingerprint in incidents:
            incident = PatternIncident(
                fingerprint=fingerprint,
                lead=failure.incidents[0],
                target=failure.target,
                result=failure.result,
                at=failure.at,
                verdict=failure.verdict,
                signature=failure.signature,
                message=failure.message,
                exception=exception,
                harmed=failure.harmed,
            )
            self.client.eval(
                keys.NOTE_PATTERN_INCIDENT,
                0,
                *(pattern.id, fingerprint, milliseconds(failure.at)),
                *(msgspec.json.encode(incident), "" if exception else failure.target),
            )

    def _drop_exceptions(self, others: Iterable[str], failure: HealerFailure) -> None:
        """What has a pattern of its own is no exception to another one."""
        for other in others:
            key = keys.pattern_incidents(other)
            texts = cast("list[str | None]", self.client.hmget(key, list(failure.incidents)))
            for text in filter(None, texts):
                incident = msgspec.json.decode(text, type=PatternIncident)
                if incident.exception and incident.signature == failure.signature:
                    self.client.eval(keys.DROP_PATTERN_INCIDENT, 0, other, incident.fingerprint)

    def _settle(self, pattern: Pattern) -> None:
        incidents = self.incidents(pattern.id)
        unsettled = [one for one in incidents if not one.settled]
        over = settled_by_ledger(Ledger(self.client), unsettled)
        for incident, how in over:
            self.settle(pattern.id, incident, how)
        waiting = len(unsettled) - len(over)
        quiet = self.is_quiet(pattern)
        if quiet and not self._tickets_tell:
            self.close(pattern, PatternEnd.QUIET)
        elif not waiting and (quiet or any(one.harmed for one in incidents)):
            self.close(pattern, PatternEnd.SETTLED)

    @property
    def _tickets_tell(self) -> bool:
        """Whether somebody closes tickets, so that quiet alone ends nothing."""
        table = self.settings.sinks.get(_TICKET_SINK)
        return table is not None and bool(table.get("enabled", True)) and not table.get("dry_run")

    def _forget(self) -> None:
        present = self.clock()
        self.client.eval(
            keys.FORGET_PATTERNS,
            0,
            milliseconds(present - timedelta(days=self.settings.retention_days)),
            milliseconds(present - _KEPT_WINDOWS * self._rule.window),
            MAX_FAILURES,
        )

    def _read(self, names: Sequence[str]) -> list[Pattern]:
        with self.client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hgetall(keys.pattern(name))
            found = pipe.execute()
        read = (_pattern(name, fields) for name, fields in zip(names, found, strict=True))
        return [pattern for pattern in read if pattern is not None]


def _pattern(name: str, fields: Mapping[str, str]) -> Pattern | None:
    if not fields:
        return None
    body = msgspec.json.decode(fields["body"], type=_Body)
    times: dict[str, Any] = {
        key: moment(fields[key])
        for key in ("opened_at", "first_seen", "last_seen", "closed_at")
        if key in fields
    }
    because = fields.get("closed_because")
    return Pattern(
        id=name,
        signature=body.signature,
        example=body.example,
        state=PatternState(fields["state"]),
        closed_because=PatternEnd(because) if because else None,
        openings=int(fields["openings"]),
        **times,
    )


def _with_settlement(
    incident: PatternIncident, settled: Mapping[str, Settlement]
) -> PatternIncident:
    found = settled.get(incident.fingerprint)
    if found is None or found.result != incident.result:
        return incident
    return msgspec.structs.replace(incident, settled=found.how)
