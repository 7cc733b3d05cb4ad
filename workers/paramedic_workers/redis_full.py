"""A Redis that is full: it takes in nothing new, and what is inside comes to its end.

Under `maxmemory` with `noeviction` Redis refuses whatever needs memory, but lets a script
through that has written before. So:

1. Publishers are refused, and spool.
2. A worker that starts waits until Redis takes writes again: it could not declare its queues.
3. A worker that runs goes on: what it takes off a queue is noted by a script that is let
   through, so that nothing is lost between the two steps, and each finished message frees
   what it took.
"""

# kombu is typed only in part, and its Redis transport not at all.
# mypy: disable-error-code="misc, no-untyped-call"

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import redis
import structlog
from kombu.transport import redis as kombu_redis
from kombu.transport import virtual
from kombu.utils.json import dumps
from redis.exceptions import ConnectionError, OutOfMemoryError, RedisError, TimeoutError

from paramedic_workers import keys
from paramedic_workers.connections import takes_no_writes

#: Seconds between two looks whether a full Redis takes writes again.
LOOK_SECONDS = 1.0
#: Looks between two lines of the log.
_LOOKS_PER_LINE = 30

_log = structlog.get_logger()


class QoS(kombu_redis.QoS):
    """What is taken and not acknowledged, written also where Redis is full."""

    def append(self, message: Any, delivery_tag: str) -> None:
        """Note a message that was taken."""
        place = message.delivery_info
        noted = dumps([message._raw, place["exchange"], place["routing_key"]])
        with self.channel.conn_or_acquire() as client:
            client.eval(
                keys.NOTE_TAKEN,
                2,
                *(self.unacked_index_key, self.unacked_key),
                *(delivery_tag, time.time(), noted),
            )
        virtual.QoS.append(self, message, delivery_tag)

    def restore_visible(self, *arguments: Any, **options: Any) -> None:
        """Let come again what nobody has acknowledged in time, once there is room."""
        try:
            super().restore_visible(*arguments, **options)
        except OutOfMemoryError as error:
            _log.warning("nothing is delivered again: Redis is full", error=str(error))


def await_room(client: redis.Redis, unless: Callable[[], object]) -> None:
    """Wait until Redis takes writes.

    Args:
        client: of the Redis that is the broker.
        unless: called between two looks; what it raises ends the waiting.
    """
    looks = 0
    while not takes_writes(client):
        if looks % _LOOKS_PER_LINE == 0:
            _log.error(
                "this worker waits: Redis is full, or takes no writes",
                remedy="Raise maxmemory, free some, or see its own log.",
            )
        looks += 1
        unless()
        time.sleep(LOOK_SECONDS)
    if looks:
        _log.info("Redis takes writes again")


def takes_writes(client: redis.Redis) -> bool:
    """Whether Redis has room for a small write."""
    try:
        demand_room(client)
    except RedisError as error:
        if isinstance(error, ConnectionError | TimeoutError) or not takes_no_writes(error):
            raise
        return False
    return True


def demand_room(client: redis.Redis) -> None:
    """Write a little, which dies at once.

    Raises:
        OutOfMemoryError: Redis is full.
    """
    client.set(keys.ROOM, "1", px=1000)
