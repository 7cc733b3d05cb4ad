"""The incident ledger as people and tables read it.

The ledger is the truth: what happened to a failure is what stands here, whatever
messages are on the way. It is written by the scripts in `keys`, which intake, leases,
closing and outbox run; this module only reads, and so never disturbs them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, cast

import msgspec
import redis

from paramedic.event import Frame
from paramedic_workers import keys
from paramedic_workers.dead_letters.model import Attempt
from paramedic_workers.errors import Phase, UsageError, Verdict
from paramedic_workers.results import Result, decode_result

#: Incidents that are read in one round trip.
_PAGE = 200


class IncidentState(StrEnum):
    """Where an incident stands."""

    #: It waits for a heal.
    WAITING = "waiting"
    #: A worker heals it under a lease.
    HEALING = "healing"
    #: It ended in a verdict.
    CLOSED = "closed"


class IncidentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One incident as the ledger holds it."""

    fingerprint: str
    target: str
    #: As the event that opened it gave it; empty: the target's main branch.
    revision: str = ""
    #: pytest node id; empty for an exception of a service.
    test: str = ""
    exception_type: str = ""
    message: str = ""
    #: Outermost first.
    frames: tuple[Frame, ...] = ()
    state: IncidentState
    #: Of the last heal, while it is closed.
    verdict: Verdict | None = None
    #: Occurrences so far.
    count: int = 0
    first_seen: datetime
    last_seen: datetime
    #: When it was opened, or opened again.
    opened_at: datetime
    closed_at: datetime | None = None
    #: Heals begun since it was opened.
    attempts: int = 0
    #: Those heals and the ones that were stopped, in order, with how each ended.
    attempts_log: tuple[Attempt, ...] = ()
    #: The full commit id of the last heal.
    commit: str = ""
    #: The incident that leads its result: itself, or the one it was merged into.
    lead: str = ""
    #: The id of its last result.
    result: str = ""
    #: Of the running or last heal.
    phase: Phase | None = None
    #: What the running heal does, for a person who waits.
    detail: str = ""
    #: Candidate patches run so far.
    candidates: int = 0
    #: While it waits although a worker is free: until when, and why.
    not_before: datetime | None = None
    held_for: str = ""
    #: How often it was put back since it was opened, because of a trouble that passes.
    retries: int = 0
    #: The dead letter whose replay has opened it again, until an event does.
    letter: str = ""

    @property
    def group(self) -> str:
        """The group it is healed with."""
        return group_name(self.target, self.revision)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts (`name:process`) those heals ran on, in order."""
        return tuple(attempt.host for attempt in self.attempts_log)


class DeliveryEnd(StrEnum):
    """How one delivery ended."""

    #: The sink has taken the result.
    DELIVERED = "delivered"
    #: It refused, and is asked again later.
    RETRY = "retry"
    #: It refused for the last time; there is a dead letter now.
    GIVEN_UP = "given_up"
    #: This delivery must wait, and nothing is wrong; the attempt does not count.
    POSTPONED = "postponed"
    #: The sink takes nothing for a while; the attempt, if it was one, does not count.
    RESTING = "resting"
    #: It had taken the result before.
    GONE = "gone"
    #: Its next attempt is not due yet, or is running.
    EARLY = "early"
    #: As many deliveries to this sink run as may.
    FULL = "full"
    #: An earlier result of the same incident comes first.
    BEHIND = "behind"


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """How the delivery of one result to one sink stands."""

    sink: str
    #: How the last one ended: `DELIVERED`, `RETRY`, `GIVEN_UP`, `POSTPONED` or `RESTING`.
    outcome: DeliveryEnd
    #: Deliveries begun that count.
    attempts: int
    at: datetime
    #: What the sink said last, where it refused.
    error: str = ""
    #: Each delivery that was begun, oldest first.
    tries: tuple[Attempt, ...] = ()


def group_name(target: str, revision: str | None) -> str:
    """The name of a group; a target's name has no `@`, so it can be taken apart again."""
    return f"{target}@{revision or ''}"


def group_parts(group: str) -> tuple[str, str | None]:
    """Target and revision of a group; None for the target's main branch."""
    target, _, revision = group.partition("@")
    return target, revision or None


def milliseconds(moment: datetime) -> int:
    """A moment as the ledger writes it; without a time zone it counts as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)


def moment(stamp: float | str) -> datetime:
    """A moment as the ledger wrote it, in UTC."""
    return datetime.fromtimestamp(float(stamp) / 1000, UTC)


class Ledger:
    """Reads incidents, results and their deliveries."""

    def __init__(self, client: redis.Redis) -> None:
        """Read through this client; it must decode responses (`connections.state_client`)."""
        self._client = client

    def incident(self, prefix: str) -> IncidentRecord:
        """The incident whose id begins with `prefix`.

        Raises:
            UsageError: there is none, or more than one.
        """
        if found := self._read([prefix]):
            return found[0]
        names = [name for name in self._fingerprints() if prefix and name.startswith(prefix)]
        if len(names) != 1:
            raise UsageError(
                f"{len(names) or 'No'} incidents begin with {prefix!r}.",
                remedy="Give more of the id." if names else "`paramedic incidents` lists them.",
            )
        return self._read(names)[0]

    def incidents(
        self,
        limit: int = 100,
        state: IncidentState | None = None,
        target: str | None = None,
    ) -> list[IncidentRecord]:
        """Incidents, the last seen first.

        Args:
            limit: greatest number given.
            state: only those in this state.
            target: only those of this target.
        """
        found: list[IncidentRecord] = []
        for record in self._records():
            if state in (None, record.state) and target in (None, record.target):
                found.append(record)
                if len(found) == limit:
                    break
        return found

    def members(self, fingerprints: list[str]) -> list[IncidentRecord]:
        """These incidents, in this order, without those that are gone."""
        return self._read(fingerprints)

    def counts(self) -> dict[str, int]:
        """Incidents by state while they are open, and by verdict when they are closed."""
        return dict(Counter(str(record.verdict or record.state) for record in self._records()))

    def occurrences(self) -> int:
        """All occurrences of all incidents."""
        return sum(record.count for record in self._records())

    def result(self, result_id: str) -> Result | None:
        """One result, or None where it is not (any more) kept."""
        body = cast("str | None", self._client.get(keys.result(result_id)))
        return decode_result(body) if body else None

    def results_of(self, fingerprint: str, limit: int = 0) -> list[Result]:
        """The results of an incident, newest first.

        Args:
            fingerprint: of the incident.
            limit: greatest number given; 0: all.
        """
        key = keys.incident_results(fingerprint)
        ids = cast("list[str]", self._client.lrange(key, 0, limit - 1))
        return [found for found in map(self.result, ids) if found is not None]

    def results(self, limit: int = 100) -> list[Result]:
        """Results, newest first."""
        ids = cast("list[str]", self._client.zrange(keys.RESULTS, 0, limit - 1, desc=True))
        return [found for found in map(self.result, ids) if found is not None]

    def links_of(self, fingerprint: str) -> dict[str, str]:
        """Where else an incident is told of: address by title, from the tags of its events."""
        found = cast("dict[str, str]", self._client.hgetall(keys.incident_links(fingerprint)))
        return dict(sorted(found.items()))

    def deliveries_of(self, result_id: str) -> list[Delivery]:
        """How the delivery of a result stands, by sink; a sink not yet tried is missing."""
        found = cast("dict[str, str]", self._client.hgetall(keys.deliveries(result_id)))
        return [msgspec.json.decode(text, type=Delivery) for _, text in sorted(found.items())]

    def undelivered(self, sink: str) -> list[str]:
        """Ids of results that a sink has yet to take, the first due first."""
        return cast("list[str]", self._client.zrange(keys.outbox(sink), 0, -1))

    def dead_letter_count(self) -> int:
        """How many dead letters wait for a person."""
        return self._client.zcard(keys.DEAD)

    def _fingerprints(self) -> list[str]:
        return cast("list[str]", self._client.zrange(keys.INCIDENTS, 0, -1, desc=True))

    def _records(self) -> Iterator[IncidentRecord]:
        names = self._fingerprints()
        for start in range(0, len(names), _PAGE):
            yield from self._read(names[start : start + _PAGE])

    def _read(self, fingerprints: list[str]) -> list[IncidentRecord]:
        with self._client.pipeline(transaction=False) as pipe:
            for fingerprint in fingerprints:
                pipe.hgetall(keys.incident(fingerprint))
            return [_record(fields) for fields in pipe.execute() if fields]


def _record(fields: Mapping[str, str]) -> IncidentRecord:
    """The record that a hash holds; empty fields count as absent."""
    values: dict[str, Any] = {name: text for name, text in fields.items() if text}
    for name in ("first_seen", "last_seen", "opened_at", "closed_at", "not_before"):
        if name in values:
            values[name] = moment(values[name])
    values["frames"] = msgspec.json.decode(values.get("frames", "[]"))
    values["attempts_log"] = msgspec.json.decode(values.get("attempts_log", "[]"))
    return msgspec.convert(values, IncidentRecord, strict=False)
