"""What `paramedic status` knows: servers, queues, the ledger, and what needs a person."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A server, and whether it answers."""

    #: Without its password.
    url: str
    #: Empty where it answers.
    problem: str = ""

    @property
    def reachable(self) -> bool:
        """Whether it answers."""
        return not self.problem


class QueueState(msgspec.Struct, frozen=True, kw_only=True):
    """A queue, and what waits behind it."""

    name: str
    #: Messages in the queue; None where the broker does not say.
    messages: int | None
    #: What waits in the ledger: batches, incidents or results.
    waiting: int
    #: Seconds that the oldest of these has waited; None where nothing does.
    oldest: float | None
    #: Workers that answer and read it.
    workers: tuple[str, ...] = ()


class LettersState(msgspec.Struct, frozen=True, kw_only=True):
    """The dead letters."""

    #: Those that wait for a person.
    waiting: int
    by_reason: dict[str, int]
    #: Replayed, and not failed since.
    replayed: int
    #: At this number of both, the oldest are discarded.
    limit: int
    #: Those that wait, and will be discarded within a day because of their age.
    expiring: int
    #: Discarded at a bound so far.
    discarded: int


class Hindrance(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy or a target that is switched off, a limit that is reached, or a held group."""

    #: `pattern`, `breaker`, `limit` or `hold`.
    kind: str
    target: str
    #: One sentence.
    why: str
    until: datetime | None = None


class RestingSink(msgspec.Struct, frozen=True, kw_only=True):
    """A sink that takes nothing for a while."""

    sink: str
    since: datetime
    #: When it is asked again.
    until: datetime
    #: What it said.
    why: str
    #: Results that wait for it.
    waiting: int


class PatternStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A way in which the healer itself fails in several incidents."""

    id: str
    #: In a few words.
    what: str
    #: What the error said.
    message: str
    #: The strategy that is switched off; empty: none is concerned.
    strategy: str
    since: datetime
    incidents: int
    #: Those of them that ended otherwise since.
    settled: int


class SpoolState(msgspec.Struct, frozen=True, kw_only=True):
    """Batches of this machine's producers that wait for the broker, in this data directory."""

    batches: int
    #: Batches that could not be read, put aside.
    broken: int
    size: int


class MemoryState(msgspec.Struct, frozen=True, kw_only=True):
    """The memory of the ledger's Redis, in bytes."""

    used: int
    #: 0: no bound.
    most: int
    #: What happens at the bound; only `noeviction` loses nothing.
    policy: str
    #: Whether the append-only file is on.
    persistent: bool


class LedgerState(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger holds."""

    incidents: int
    waiting: int
    healing: int
    #: Results that each sink has yet to take.
    undelivered: dict[str, int]
    #: Sinks that take nothing for a while.
    resting: tuple[RestingSink, ...] = ()
    dead_letters: LettersState
    hindrances: tuple[Hindrance, ...]
    #: Those that stand now.
    patterns: tuple[PatternStatus, ...] = ()
    memory: MemoryState


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be known at a glance."""

    at: datetime
    broker: Place
    ledger: Place
    #: None where it cannot be reached.
    state: LedgerState | None
    queues: tuple[QueueState, ...]
    #: Workers that answer, with the queues that they read; None where nobody could be asked.
    workers: dict[str, tuple[str, ...]] | None
    spool: SpoolState
    #: Bytes that are free on the disk of the data directory.
    disk_free: int
    #: What needs a person, each one sentence.
    problems: tuple[str, ...] = ()
