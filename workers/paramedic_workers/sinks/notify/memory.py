"""What a channel remembers in the ledger: what it has told, and what waits to be told.

A message is sent first and then remembered: a crash in between repeats that one message, and
loses none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import msgspec
import redis

from paramedic_workers import keys
from paramedic_workers.incidents import milliseconds
from paramedic_workers.sinks.notify.notes import Note

#: Notes that one channel keeps; of what is beyond it only the number is told.
MAX_NOTES = 500


@dataclass(frozen=True, kw_only=True)
class ChannelMemory:
    """What one channel remembers."""

    client: redis.Redis
    channel: str
    clock: Callable[[], datetime]
    #: Seconds for which a result that says the same as its incident's last is not told again.
    repeat_seconds: float
    #: Messages in an hour; 0: no limit.
    per_hour: int
    #: For how long anything is remembered.
    retention: timedelta

    def knows(self, result_id: str) -> bool:
        """Whether the result was told, or waits."""
        told = self.client.zscore(keys.notify_told(self.channel), result_id)
        return told is not None or bool(
            self.client.hexists(keys.notify_waiting(self.channel), result_id)
        )

    def repeats(self, note: Note, same: str) -> bool:
        """Whether the note says the same as the last one of its incident."""
        last = self.client.get(keys.notify_last(self.channel, note.incident))
        return bool(self.repeat_seconds) and last == same

    def has_waiting(self) -> bool:
        """Whether notes wait."""
        return bool(self.client.exists(keys.notify_waiting(self.channel)))

    def waiting(self) -> tuple[list[Note], int]:
        """The notes that wait, oldest first; and how many more there were than are kept."""
        texts = cast("list[str]", self.client.hvals(keys.notify_waiting(self.channel)))
        notes = [msgspec.json.decode(text, type=Note) for text in texts]
        more = cast("str | None", self.client.get(keys.notify_unlisted(self.channel)))
        return sorted(notes, key=lambda note: (note.at, note.id)), int(more or 0)

    def takes(self, name: str) -> bool:
        """Count one more message, unless the channel has had those of this hour.

        Args:
            name: of the message; the same one counts once, however often it is tried.
        """
        if not self.per_hour:
            return True
        present = milliseconds(self.clock())
        arguments = (keys.NOTE_RATE, self.channel, name, present, self.per_hour, 0, "take")
        return not self.client.eval(keys.TAKE_RATE, 0, *arguments)

    def keep(self, note: Note, same: str) -> None:
        """Keep a note until it is told."""
        self.client.eval(
            keys.KEEP_NOTE,
            0,
            self.channel,
            note.id,
            msgspec.json.encode(note),
            note.incident,
            same,
            math.ceil(self.repeat_seconds),
            self._kept_seconds,
            MAX_NOTES,
            milliseconds(self.clock()),
        )

    def told(self, note: Note, same: str) -> None:
        """Remember that this result was told."""
        with self.client.pipeline(transaction=True) as pipe:
            self._remember(pipe, [note.id])
            if self.repeat_seconds:
                last = keys.notify_last(self.channel, note.incident)
                pipe.set(last, same, ex=math.ceil(self.repeat_seconds))
            pipe.execute()

    def told_all(self, notes: Sequence[Note], unlisted: int) -> None:
        """Remember that what waited was told: these notes, and so many more."""
        with self.client.pipeline(transaction=True) as pipe:
            self._remember(pipe, [note.id for note in notes])
            pipe.hdel(keys.notify_waiting(self.channel), *(note.id for note in notes))
            if unlisted:
                pipe.decrby(keys.notify_unlisted(self.channel), unlisted)
            pipe.execute()

    def _remember(self, pipe: redis.client.Pipeline, result_ids: Sequence[str]) -> None:
        present = self.clock()
        told = keys.notify_told(self.channel)
        pipe.zadd(told, dict.fromkeys(result_ids, milliseconds(present)))
        pipe.zremrangebyscore(told, "-inf", milliseconds(present - self.retention))
        pipe.expire(told, self._kept_seconds)

    @property
    def _kept_seconds(self) -> int:
        return math.ceil(self.retention.total_seconds())
