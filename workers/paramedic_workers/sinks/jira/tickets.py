"""Ticket records: what the ledger knows of each ticket, and the lock that guards it.

A record remembers what we have written into a ticket and how far its upkeep has come, each
step as it is done. So a retry goes on where the last attempt stopped, and a person's changes
can be told from ours.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

import msgspec
import redis
import structlog

from paramedic_workers import keys
from paramedic_workers.errors import DeliveryPostponed
from paramedic_workers.holders import Holder
from paramedic_workers.results import Result

#: Seconds after which a lock is free whose holder is heard of no more: longer than a delivery
#: may take (`outbox.CLAIM_SECONDS`), and renewed with each step.
LOCK_SECONDS = 200.0
#: Seconds for which a record is kept after its last change. A ticket that is older is found
#: by its label.
TICKET_MEMORY = 400 * 24 * 3600
#: Seconds within which a request must be sent after it was announced in the record.
FRESH_SECONDS = 5.0
#: Seconds until a delivery is tried again that found its ticket locked.
_BUSY_PAUSE = 3.0
#: Records that are read in one round trip.
_PAGE = 200

_log = structlog.get_logger()


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What we wrote into the fields that people may change too."""

    summary: str = ""
    #: Digest of its words (`fields.digest`).
    description: str = ""
    #: Name; empty: we have written none.
    priority: str = ""
    #: Account id or user name; empty: we have written none.
    assignee: str = ""


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was announced, and whose end is not known."""

    #: By the server's clock, in milliseconds since the epoch.
    at: int
    #: How many of its kind stood in the ticket before.
    before: int = 0


class Ticket(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the ledger knows of one ticket."""

    #: The incident's fingerprint, or what else the ticket is for.
    name: str
    #: `SHOP-12`; changes when the ticket is moved.
    key: str
    #: Jira's own number of it, which never changes.
    id: str
    #: Where a person reads it.
    url: str = ""
    target: str = ""
    written: Written = Written()
    #: What was about to be written; none where that has ended.
    writing: Written | None = None
    #: The result of the last comment (or of the making), without its long parts.
    told: Result | None = None
    #: Id of the newest result that is wholly carried out.
    kept: str = ""
    #: Id of the result whose meaning for the ticket's life (open, done) is carried out.
    lived: str = ""
    #: `<result id>/<file name>` of what is attached for the newest result.
    attached: tuple[str, ...] = ()
    #: URL by kind of the remote links.
    links: Mapping[str, str] = msgspec.field(default_factory=dict)
    #: Occurrences that the ticket shows.
    count: int = 0
    #: When its text was last written, by the server's clock (ms).
    written_at: int = 0
    #: Since when its fix is known to have landed, as the ticket says it; empty: it has not.
    landed: str = ""
    #: The same, as a comment has said it: before the ticket was moved to done.
    landing_told: str = ""
    #: `open` or `done`: whither no transition leads, as the ticket says it.
    blocked: str = ""
    #: The incident that it was merged into, once its ticket says so.
    merged_into: str = ""
    #: The incidents whose tickets were merged into this one.
    merged: tuple[str, ...] = ()
    #: Those of them whose tickets were moved to done with this one.
    closed: tuple[str, ...] = ()
    #: Keys of further tickets of the same label, which must be told that this one is kept.
    untold: tuple[str, ...] = ()
    #: Those of them that were.
    duplicates: tuple[str, ...] = ()
    #: It was found by its label, not made by us, and no result has been told since.
    adopted: bool = False
    #: Id of the result that its property names.
    marked: str = ""
    #: How often it was made anew after somebody had deleted it.
    remade: int = 0
    #: Somebody has deleted it again: it stays so.
    gone: bool = False
    #: Optional fields that Jira refused.
    left_out: tuple[str, ...] = ()
    #: Of an epic: ids of the tickets that were put below it.
    children: tuple[str, ...] = ()
    #: Requests whose end is not known, by step.
    begun: Mapping[str, Begun] = msgspec.field(default_factory=dict)


@dataclass(frozen=True)
class Stamp:
    """When something was announced, by this machine's clocks."""

    monotonic: float = field(default_factory=time.monotonic)
    wall: float = field(default_factory=time.time)

    def is_fresh(self) -> bool:
        """Whether that was just now: this process was neither frozen nor suspended since."""
        # The monotonic clock stands still while a machine sleeps; the other may be set.
        elapsed = max(time.monotonic() - self.monotonic, time.time() - self.wall)
        return elapsed < FRESH_SECONDS


@dataclass(kw_only=True)
class Held:
    """A record under its lock."""

    name: str
    #: None where there is no ticket yet.
    ticket: Ticket | None
    #: When the making of one was begun whose end is not known, by the server's clock (ms).
    intent: int | None
    _tickets: Tickets
    _token: str
    _server_now: int
    _stamp: Stamp = field(default_factory=Stamp)

    def now(self) -> int:
        """The server's time, in milliseconds since the epoch."""
        return self._server_now + int((time.monotonic() - self._stamp.monotonic) * 1000)

    def age(self, at: int) -> float:
        """Seconds since that time of the server."""
        return (self.now() - at) / 1000

    def save(self, ticket: Ticket) -> Ticket:
        """Write the record; gives it.

        Raises:
            DeliveryPostponed: the lock was lost, and nothing was written.
        """
        self._call(
            keys.SAVE_TICKET,
            self._lock_time(),
            msgspec.json.encode(ticket),
            TICKET_MEMORY * 1000,
            self._tickets.space,
            self.name,
            ticket.key,
        )
        self.ticket, self.intent = ticket, None
        return ticket

    def begin_making(self) -> Stamp:
        """Announce that a ticket is about to be made.

        Raises:
            DeliveryPostponed: the lock was lost.
        """
        stamp = Stamp()
        self._intend("begin")
        self.intent = self.now()
        return stamp

    def end_making(self) -> None:
        """Note that no ticket was made, for certain.

        Raises:
            DeliveryPostponed: the lock was lost; the announcement stands.
        """
        self._intend("forget")
        self.intent = None

    def forget(self) -> None:
        """Forget the ticket: Jira has it no more.

        Raises:
            DeliveryPostponed: the lock was lost.
        """
        self._call(keys.FORGET_TICKET, self._tickets.space, self.name)
        self.ticket = self.intent = None

    def _intend(self, what: str) -> None:
        memory = TICKET_MEMORY * 1000
        place = (self._tickets.space, self.name)
        self._call(keys.INTEND_TICKET, self._lock_time(), what, memory, *place)

    def _call(self, script: str, *arguments: str | int | bytes) -> None:
        record = self._tickets.record(self.name)
        if not self._tickets.client.eval(script, 0, record, self._token, *arguments):
            raise DeliveryPostponed(
                f"The lock on the ticket of {self.name} was lost.", retry_after=_BUSY_PAUSE
            )

    def _lock_time(self) -> int:
        return int(LOCK_SECONDS * 1000)


class Tickets:
    """The ticket records of one space."""

    def __init__(self, client: redis.Redis, space: str = "") -> None:
        """Keep them through this client of the ledger.

        Args:
            client: must decode responses.
            space: keeps other tickets apart: `dry` those of a dry run.
        """
        self.client = client
        self.space = space

    def get(self, name: str) -> Ticket | None:
        """The ticket of an incident (or of what else is named), or None."""
        text = cast("str | None", self.client.hget(keys.ticket(self.record(name)), "ticket"))
        return _decode(text)

    def all(self) -> Iterator[Ticket]:
        """Every ticket, the one that was longest not written first."""
        names = cast("list[str]", self.client.zrange(keys.tickets(self.space), 0, -1))
        for start in range(0, len(names), _PAGE):
            with self.client.pipeline(transaction=False) as pipe:
                for name in names[start : start + _PAGE]:
                    pipe.hget(keys.ticket(self.record(name)), "ticket")
                found = map(_decode, pipe.execute())
            yield from (ticket for ticket in found if ticket is not None)

    def known(self, names: Sequence[str]) -> list[str]:
        """Those of these names that have a ticket, or may have one."""
        with self.client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.exists(keys.ticket(self.record(name)))
            return [name for name, there in zip(names, pipe.execute(), strict=True) if there]

    def unclear(self) -> list[str]:
        """The names of tickets of which it is not known whether they were made."""
        names = cast("list[str]", self.client.zrange(keys.tickets(self.space), 0, -1))
        with self.client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hexists(keys.ticket(self.record(name)), "intent")
            return [name for name, stands in zip(names, pipe.execute(), strict=True) if stands]

    def by_key(self, key: str) -> Ticket | None:
        """The ticket that has or had this key, or None."""
        name = cast("str | None", self.client.get(keys.ticket_key(self.record(key))))
        return self.get(name) if name else None

    def record(self, name: str) -> str:
        """What the record of this name is named by in the ledger."""
        return f"{self.space}:{name}" if self.space else name

    @contextmanager
    def held(self, name: str) -> Iterator[Held]:
        """The record under its lock, for the length of the block.

        Raises:
            DeliveryPostponed: another worker holds it.
        """
        token = Holder.here().new_token()
        held = self._lock(name, token)
        try:
            yield held
        finally:
            self.client.eval(keys.UNLOCK_TICKET, 0, self.record(name), token)

    def _lock(self, name: str, token: str, dead: str = "") -> Held:
        stamp = Stamp()
        answer = self.client.eval(
            keys.LOCK_TICKET, 0, self.record(name), token, int(LOCK_SECONDS * 1000), dead
        )
        taken, number, text, *rest = cast("tuple[int, int, str, str]", answer)
        if taken:
            intent = int(rest[0]) if rest[0] else None
            return Held(
                name=name,
                ticket=_decode(text),
                intent=intent,
                _tickets=self,
                _token=token,
                _server_now=number,
                _stamp=stamp,
            )
        holder = Holder.of(text)
        if not dead and holder is not None and holder.is_dead():
            _log.warning("the lock of a ticket is taken from a dead process", ticket=name)
            return self._lock(name, token, dead=text)
        raise DeliveryPostponed(
            f"Another worker keeps the ticket of {name}.", retry_after=_BUSY_PAUSE
        )


def _decode(text: str | None) -> Ticket | None:
    return msgspec.json.decode(text, type=Ticket) if text else None
