"""The dead-letter store: bounded by count and by age, with a warning before it discards.

Where a letter must be written in the same step as what caused it, a script does it with
`keys.KEEP_LETTER` and `encode_letter`. A letter whose replay failed is the same letter,
dead again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, dataclass
from datetime import datetime, timedelta
from typing import cast

import msgspec
import redis
import structlog

from paramedic import wire
from paramedic_workers import keys
from paramedic_workers.dead_letters.criteria import Criteria
from paramedic_workers.dead_letters.model import DeadLetter, LetterState, Original, Replay
from paramedic_workers.errors import UsageError
from paramedic_workers.incidents import milliseconds
from paramedic_workers.settings import Settings

#: Letters kept, unless the settings say otherwise.
LIMIT = 10_000
#: Days that a letter is kept, unless the settings say otherwise.
DAYS = 30
#: From this share of the limit on there are warnings.
NEARLY_FULL = 0.9
#: How long before letters are discarded by their age there are warnings.
NOTICE = timedelta(days=1)
#: Seconds between two warnings of the sweep about the same bound.
WARNING_SECONDS = 3600
#: Digits of a whole id.
_ID_LENGTH = 32
#: Letters that are read in one round trip; one of them may be large.
_PAGE = 50
#: Letters discarded by age at once, so that the server is never kept busy for long.
_MAX_DISCARDED = 500

_log = structlog.get_logger()
_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, kw_only=True)
class Discarded:
    """How many letters one round has discarded."""

    by_count: int = 0
    by_age: int = 0


@dataclass(frozen=True)
class DeadLetters:
    """Keeps and reads dead letters.

    The client must decode responses (`connections.state_client`).
    """

    client: redis.Redis
    _: KW_ONLY
    #: Greatest number of letters; beyond it the oldest are discarded, replayed ones first.
    limit: int = LIMIT
    #: Days that a letter is kept.
    days: float = DAYS

    @classmethod
    def of(cls, client: redis.Redis, settings: Settings) -> DeadLetters:
        """The store within the bounds of the settings."""
        return cls(client, limit=settings.dead_letter_limit, days=settings.dead_letter_days)

    def keep(self, letter: DeadLetter) -> bool:
        """Keep a letter; False where it is there already.

        Of an intake message the sweep will not find the batch in the journal any more.

        Raises:
            redis.RedisError: the ledger cannot be written; nothing was kept, or all.
        """
        answer = self.client.eval(
            keys.KEEP_ONE_LETTER,
            0,
            encode_letter(letter),
            milliseconds(letter.at),
            self.limit,
            _batch_of(letter),
        )
        kept, discarded, waiting = cast("tuple[int, int, int]", answer)
        if kept:
            note_letter(letter)
            self.warn_of_count(waiting, discarded)
        return bool(kept)

    def get(self, id_prefix: str) -> DeadLetter:
        """The letter whose id begins with this, replayed or not.

        Raises:
            UsageError: there is none, or more than one.
        """
        names = [id_prefix]
        if len(id_prefix) != _ID_LENGTH:
            names = [name for name in self._all_ids() if id_prefix and name.startswith(id_prefix)]
        found = list(self._read(names)) if len(names) == 1 else []
        if not found:
            several = len(names) > 1
            raise UsageError(
                f"{len(names) if several else 'No'} dead letters begin with {id_prefix!r}.",
                remedy="Give more of the id." if several else "See `paramedic dead-letters list`.",
            )
        return found[0]

    def letters(
        self, criteria: Criteria | None = None, *, replayed: bool = False
    ) -> Iterator[DeadLetter]:
        """The letters that are meant, newest first.

        Args:
            criteria: which ones; all where None.
            replayed: those that were replayed and did not fail again, in place of those
                that wait for a person.
        """
        wanted = criteria or Criteria()
        left = wanted.limit
        for letter in self._read(self._ids(replayed=replayed)):
            if left is not None and left <= 0:
                return
            if wanted.accepts(letter):
                left = None if left is None else left - 1
                yield letter

    def count(self) -> int:
        """How many letters wait for a person."""
        return self.client.zcard(keys.DEAD)

    def counts(self) -> dict[str, int]:
        """How many letters wait for a person, by reason."""
        found = cast("dict[str, str]", self.client.hgetall(keys.DEAD_REASONS))
        return {reason: int(number) for reason, number in sorted(found.items()) if int(number) > 0}

    def discarded(self) -> int:
        """How many letters were discarded at a bound before anybody dealt with them."""
        return int(cast("str | None", self.client.get(keys.DEAD_DISCARDED)) or 0)

    def drop(self, letter_id: str) -> bool:
        """Delete one letter; False where there was none."""
        return bool(self.client.eval(keys.DROP_LETTER, 0, letter_id))

    def tidy(self, present: datetime) -> Discarded:
        """Discard what is beyond the bounds, and warn of what soon will be."""
        cutoff = milliseconds(present - timedelta(days=self.days))
        answer = self.client.eval(keys.DISCARD_LETTERS, 0, cutoff, self.limit, _MAX_DISCARDED)
        by_count, by_age = cast("tuple[int, int]", answer)
        if by_age:
            _log.error("dead letters were discarded: too old", discarded=by_age, days=self.days)
        self._warn_of_age(present)
        waiting = self.count()
        if by_count or (self._is_nearly_full(waiting) and self._may_warn("count")):
            self.warn_of_count(waiting, by_count)
        return Discarded(by_count=by_count, by_age=by_age)

    def warn_of_count(self, waiting: int, discarded: int) -> None:
        """Log what a script has discarded, or soon will, because of the bound by count."""
        if discarded:
            _log.error(
                "dead letters were discarded: too many",
                discarded=discarded,
                kept=waiting,
                limit=self.limit,
            )
        elif self._is_nearly_full(waiting):
            _log.warning(
                "dead letters fill up; the oldest will be discarded",
                kept=waiting,
                limit=self.limit,
                remedy="Replay or drop some: paramedic dead-letters list.",
            )

    def _warn_of_age(self, present: datetime) -> None:
        before = milliseconds(present - timedelta(days=self.days) + NOTICE)
        soon = self.client.zcount(keys.DEAD, "-inf", before)
        if soon and self._may_warn("age"):
            _log.warning(
                "dead letters will be discarded within a day: too old",
                letters=soon,
                days=self.days,
                remedy="Replay or drop them: paramedic dead-letters list.",
            )

    def _is_nearly_full(self, waiting: int) -> bool:
        return waiting >= self.limit * NEARLY_FULL

    def _may_warn(self, bound: str) -> bool:
        """Whether nobody has warned of this bound for a while."""
        return bool(self.client.set(keys.dead_warned(bound), "1", nx=True, ex=WARNING_SECONDS))

    def _all_ids(self) -> list[str]:
        return [*self._ids(replayed=False), *self._ids(replayed=True)]

    def _ids(self, *, replayed: bool) -> list[str]:
        place = keys.DEAD_REPLAYED if replayed else keys.DEAD
        return cast("list[str]", self.client.zrange(place, 0, -1, desc=True))

    def _read(self, ids: list[str]) -> Iterator[DeadLetter]:
        """These letters, without those that are gone meanwhile."""
        for start in range(0, len(ids), _PAGE):
            with self.client.pipeline(transaction=False) as pipe:
                for name in ids[start : start + _PAGE]:
                    pipe.hgetall(keys.dead_letter(name))
                for fields in pipe.execute():
                    if fields:
                        yield _letter(fields)


def encode_letter(letter: DeadLetter) -> bytes:
    """The letter as `keys.KEEP_LETTER` wants it."""
    own = {
        name: value
        for name, value in msgspec.structs.asdict(letter).items()
        if name not in ("original", "replays", "state")
    }
    return _ENCODER.encode(own) + b"\n" + _ENCODER.encode(letter.original)


def note_letter(letter: DeadLetter) -> None:
    """Log that a letter was kept."""
    _log.warning(
        "a dead letter is kept",
        letter=letter.id,
        reason=letter.reason,
        queue=letter.queue,
        target=letter.target,
        error=f"{letter.error_type}: {letter.message}",
    )


def note_letters(letters: Iterable[DeadLetter], discarded: int) -> None:
    """Log what a script has kept, and what it has discarded because of the bound by count."""
    for letter in letters:
        note_letter(letter)
    if discarded:
        _log.error("dead letters were discarded: too many", discarded=discarded)


def _batch_of(letter: DeadLetter) -> str:
    """The id under which the journal may hold the batch of a message; else nothing."""
    name = letter.original.headers.get("id")
    return name if isinstance(name, str) and letter.queue == wire.INTAKE_QUEUE else ""


def _letter(fields: dict[str, str]) -> DeadLetter:
    own = msgspec.json.decode(fields["letter"])
    return msgspec.convert(
        {
            **own,
            "original": msgspec.json.decode(fields["original"], type=Original),
            "replays": msgspec.json.decode(fields.get("replays", "[]"), type=tuple[Replay, ...]),
            "state": LetterState(fields["state"]),
        },
        DeadLetter,
    )
