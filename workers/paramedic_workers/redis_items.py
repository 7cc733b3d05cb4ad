"""Items of a Redis list that are no message: kept whole, and never the end of a worker.

kombu takes an item off its list, and only then finds out whether it can be read. What
cannot be read raises in the worker's own loop: the worker ends, and the item is gone. Here
each item is tried first, in the same way as kombu will; what is no message is handed to a
keeper, and kombu is told that nothing came.

And what a worker leaves unacknowledged goes back to the queue that it was taken from:
kombu asks the exchange that the message names, which in another worker may not be declared,
and drops what no queue is bound for.
"""

# kombu is typed only in part, and its Redis transport not at all.
# mypy: disable-error-code="no-untyped-call, misc, no-any-return"

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import redis
import structlog
from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as kombu_redis
from kombu.utils.encoding import bytes_to_str
from kombu.utils.json import loads

from paramedic_workers import redis_full
from paramedic_workers.errors import InvalidMessage

#: Keeps an item: queue, item, and what is wrong with it.
Keeper = Callable[[str, bytes, Exception], None]

#: Times that an unwritable ledger is tried, and seconds between two of them.
KEEP_ATTEMPTS = 30
KEEP_PAUSE = 1.0

_log = structlog.get_logger()
_keepers: list[Keeper] = []


def register(keep: Keeper) -> None:
    """Let every Redis connection of this process hand to `keep` what is no message."""
    _keepers[:] = [keep]
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"


class QoS(redis_full.QoS):
    """What is taken and not acknowledged; each with the queue it goes back to."""

    def append(self, message: Any, delivery_tag: str) -> None:
        """Note a message that was taken."""
        named = message.delivery_info
        message.delivery_info = {**named, "exchange": "", "routing_key": self.channel.taken_from}
        try:
            super().append(message, delivery_tag)
        finally:
            message.delivery_info = named


class Channel(kombu_redis.Channel):
    """A channel that survives whatever lies in a list."""

    QoS = QoS
    #: The queue of the last item.
    taken_from = ""

    def _get_client(self) -> Any:
        usual = super()._get_client()

        def open_client(*arguments: Any, **options: Any) -> redis.Redis:
            client: redis.Redis = usual(*arguments, **options)
            client.parse_response = self._tried(client.parse_response)  # type: ignore[method-assign]
            return client

        return open_client

    def _tried(self, parse: Callable[..., Any]) -> Callable[..., Any]:
        def parse_and_try(connection: Any, command_name: Any, **options: Any) -> Any:
            reply = parse(connection, command_name, **options)
            if command_name != "BRPOP" or not reply:
                return reply
            self.taken_from = bytes_to_str(reply[0]).rsplit(self.sep, 1)[0]
            return reply if self._is_message(reply[1]) else None

        return parse_and_try

    def _is_message(self, item: bytes) -> bool:
        """Whether kombu can read this item; otherwise it has been handed to the keeper."""
        try:
            self._try(item)
        except Exception as error:  # noqa: BLE001 - anybody may have pushed it
            _hand_over(self.taken_from, item, error)
            return False
        return True

    def _try(self, item: bytes) -> None:
        try:
            raw = loads(bytes_to_str(item))
        except RecursionError as error:
            raise InvalidMessage("It is nested beyond measure.") from error
        if not isinstance(raw, dict) or not isinstance(raw.get("properties"), dict):
            raise InvalidMessage("It is no message of kombu: an object with properties.")
        message = self.Message(raw, channel=self)
        place = message.delivery_info
        if not isinstance(place, dict) or not {"exchange", "routing_key"} <= set(place):
            raise InvalidMessage("Its delivery_info names no exchange and routing key.")
        headers = raw.get("headers", {})
        if not isinstance(message.delivery_tag, str) or not isinstance(headers, dict):
            raise InvalidMessage("Its delivery_tag must be text, its headers an object.")


class Transport(kombu_redis.Transport):
    """kombu's Redis transport with these channels."""

    Channel = Channel


def _hand_over(queue: str, item: bytes, error: Exception) -> None:
    """Keep an item; it is nowhere else any more, so a ledger that is full is waited for."""
    for attempt in range(1, KEEP_ATTEMPTS + 1):
        try:
            _keepers[0](queue, item, error)
        except Exception as trouble:  # noqa: BLE001 - of any kind: only a written letter counts
            _log.error("a dead letter cannot be written", queue=queue, error=str(trouble))
            if attempt == KEEP_ATTEMPTS:
                _log.critical("an item of a queue is lost", queue=queue, item=item[:10_000])
                return
            time.sleep(KEEP_PAUSE)
        else:
            return
