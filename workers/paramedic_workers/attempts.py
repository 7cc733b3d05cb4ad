"""The attempt ledger: how often a message was worked on by a worker that was lost with it.

1. Before a message is even decoded, an attempt at it is begun: written under the message's id.
2. When the message is acknowledged or put back, its attempts are forgotten. Only a worker
   that dies, or a process of its pool, leaves one behind.
3. A message with as many of them as may be is worked on no more.

What a doorbell rings for is counted in the ledger where it stands, more strictly (see
`keys.TAKE_GROUP` and `keys.CLAIM_DELIVERY`): a doorbell itself is only kept from ringing for
ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import cast

import msgspec
import redis
import structlog

from paramedic.event import now
from paramedic_workers import keys
from paramedic_workers.dead_letters.model import Attempt, LostBy
from paramedic_workers.leases import this_host

#: Attempts at a message.
MESSAGE_ATTEMPTS = 3
#: Attempts at a doorbell: more than what it rings for may have, which then ends first.
DOORBELL_ATTEMPTS = 2 * MESSAGE_ATTEMPTS
#: Seconds for which attempts are remembered; longer than any message is redelivered.
ATTEMPT_MEMORY = keys.BATCH_MEMORY
#: Seconds for which it is remembered how a process ended.
EXIT_MEMORY = 24 * 3600
#: Ended messages that are remembered while the ledger is away.
_MOST_OWED = 1_000
#: How an attempt ended, where nobody saw it.
_UNSEEN = "its worker is gone"

_log = structlog.get_logger()
_ENCODER = msgspec.json.Encoder()


@dataclass
class AttemptLedger:
    """Counts the attempts of this process; a ledger that is away only keeps it from counting.

    The client must decode responses, and give up soon: messages wait for it.
    """

    client: redis.Redis
    _: KW_ONLY
    #: Attempts at one message.
    limit: int = MESSAGE_ATTEMPTS
    #: What this process works on: message id to its own attempt.
    _running: dict[str, bytes] = field(default_factory=dict)
    #: Messages that have ended while the ledger was away.
    _owed: set[str] = field(default_factory=set)

    def begin(self, message_id: str, *, limit: int | None = None) -> tuple[Attempt, ...]:
        """Count one more attempt at a message, or say that it has had all of them.

        Args:
            message_id: the same at each delivery.
            limit: greatest number of attempts; the ledger's own where None.

        Returns:
            Nothing where the attempt has begun; else the earlier ones, oldest first: the
            message must not be worked on.
        """
        attempt = _ENCODER.encode(Attempt(at=now(), host=this_host()))
        owed = tuple(self._owed)
        answer = self._eval(
            keys.BEGIN_ATTEMPT, message_id, attempt, limit or self.limit, ATTEMPT_MEMORY, *owed
        )
        if answer is None:
            return ()
        self._owed.difference_update(owed)
        if not answer:
            self._running[message_id] = attempt
            return ()
        attempts = [msgspec.json.decode(line, type=Attempt) for line in cast("list[str]", answer)]
        return self._with_ends(attempts)

    def end(self, message_id: str) -> None:
        """Forget the attempts at a message that is acknowledged, or back in its queue."""
        self._running.pop(message_id, None)
        owed = {message_id, *self._owed}
        if self._eval(keys.END_ATTEMPTS, *owed) is None:
            self._owed.update(sorted(owed)[: _MOST_OWED - len(self._owed)])
        else:
            self._owed.difference_update(owed)

    def withdraw(self) -> None:
        """Take back what this process has begun and not ended: it is told to stop."""
        running, self._running = self._running, {}
        if running:
            self._eval(keys.WITHDRAW_ATTEMPTS, *(part for one in running.items() for part in one))

    def _with_ends(self, attempts: Sequence[Attempt]) -> tuple[Attempt, ...]:
        """The attempts, each with how its process ended."""
        names = [keys.exit_of(attempt.host) for attempt in attempts]
        try:
            seen = cast("list[str | None]", self.client.mget(names))
        except redis.RedisError:
            seen = [None] * len(names)
        return tuple(
            msgspec.structs.replace(attempt, end=how or _UNSEEN, lost_by=LostBy.DEATH)
            for attempt, how in zip(attempts, seen, strict=True)
        )

    def _eval(self, script: str, *arguments: object) -> object:
        """What a script gives, an empty list for nothing; None where the ledger is away."""
        try:
            answer = self.client.eval(script, 0, *arguments)  # type: ignore[arg-type]
        except redis.RedisError as error:
            _log.warning("attempts at messages cannot be counted", error=str(error))
            return None
        return answer or []


def note_exit(client: redis.Redis, host: str, how: str) -> None:
    """Remember how a process ended, for the letters of the messages that it was lost with.

    Args:
        client: of the ledger.
        host: the process, as `leases.this_host` named it.
        how: for a person: `killed by SIGKILL (signal 9)`.
    """
    client.set(keys.exit_of(host), how, ex=EXIT_MEMORY)
