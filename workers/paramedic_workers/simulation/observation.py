"""What is to be seen of a condition from outside: ledger, dead letters, tickets, repository."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import redis

from paramedic_workers import keys, topology
from paramedic_workers.dead_letters.criteria import Criteria
from paramedic_workers.dead_letters.model import DeadLetter
from paramedic_workers.dead_letters.store import DeadLetters
from paramedic_workers.incidents import IncidentRecord, IncidentState, Ledger
from paramedic_workers.results import Result
from paramedic_workers.simulation.faults import FaultBook
from paramedic_workers.simulation.model import Condition
from paramedic_workers.simulation.sinks import TICKETS, TicketBox

#: Seconds for which what was read of the ledger is good enough for all who ask.
_FRESH = 0.25
_MOST_INCIDENTS = 10_000


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything that is known of one condition."""

    incidents: tuple[IncidentRecord, ...]
    #: Of all its incidents, each once.
    results: tuple[Result, ...]
    letters: tuple[DeadLetter, ...]
    #: Ids of results that have a ticket.
    tickets: frozenset[str]
    #: How often the sink has acted.
    calls: int
    #: How often faults have struck.
    strikes: int
    #: Ids of its results that wait for a sink.
    undelivered: frozenset[str]
    #: Branches below `paramedic/` in the remote.
    branches: tuple[str, ...] = ()
    #: What is not as it was in the repository, and what a heal left in its clone.
    changed: tuple[str, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be expected."""
        if not self.incidents:
            return bool(self.letters)
        closed = all(incident.state is IncidentState.CLOSED for incident in self.incidents)
        return closed and not self.undelivered


@dataclass(frozen=True, kw_only=True)
class _Picture:
    """All that the ledger held at one moment."""

    incidents: tuple[IncidentRecord, ...]
    letters: tuple[DeadLetter, ...]
    undelivered: frozenset[str]
    #: Ids of the results of each incident.
    results: Mapping[str, tuple[Result, ...]]


@dataclass(kw_only=True)
class Observer:
    """Looks at the ledger for all conditions at once, a few times a second."""

    client: redis.Redis
    book: FaultBook
    tickets: TicketBox
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _picture: _Picture | None = None
    _taken_at: float = 0.0

    def facts(self, condition: Condition) -> Facts:
        """What is known of a condition; its repository is not looked at.

        Raises:
            redis.RedisError: the ledger is away.
        """
        picture, target = self._recent(), condition.target
        incidents = tuple(i for i in picture.incidents if i.target == target)
        results = {r.id: r for i in incidents for r in picture.results.get(i.fingerprint, ())}
        return Facts(
            incidents=incidents,
            results=tuple(results.values()),
            letters=tuple(letter for letter in picture.letters if _is_of(letter, condition)),
            tickets=self.tickets.tickets(target),
            calls=self.tickets.calls(target),
            strikes=self.book.strikes(target),
            undelivered=picture.undelivered & results.keys(),
        )

    def idle(self) -> bool:
        """Whether nothing waits in the ledger, and nothing is being healed or delivered."""
        waiting = [keys.WAITING, keys.HEALING, *map(keys.outbox, _SINKS)]
        return not any(self.client.exists(key) for key in waiting)

    def _recent(self) -> _Picture:
        with self._lock:
            if self._picture is None or time.monotonic() - self._taken_at > _FRESH:
                self._picture = self._look()
                self._taken_at = time.monotonic()
            return self._picture

    def _look(self) -> _Picture:
        ledger = Ledger(self.client)
        incidents = tuple(ledger.incidents(_MOST_INCIDENTS))
        undelivered = {name for sink in _SINKS for name in ledger.undelivered(sink)}
        return _Picture(
            incidents=incidents,
            letters=tuple(DeadLetters(self.client).letters(Criteria())),
            undelivered=frozenset(undelivered),
            results={
                i.fingerprint: tuple(ledger.results_of(i.fingerprint))
                for i in incidents
                if i.state is IncidentState.CLOSED
            },
        )


_SINKS = (TICKETS, topology.EXCHANGE_SINK)


def _is_of(letter: DeadLetter, condition: Condition) -> bool:
    return letter.target == condition.name or condition.mark.encode() in letter.original.body
