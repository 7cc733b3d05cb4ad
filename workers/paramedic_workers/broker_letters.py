"""What RabbitMQ itself has given up, brought into the store of dead letters.

RabbitMQ moves a message to the queue `paramedic.dead` when it was delivered too often, has
expired, was rejected, or found its queue full. From there the sweep takes it:

1. a message is fetched, and stays the broker's until it is acknowledged;
2. its letter is kept, with what the broker says of its end (the header `x-death`);
3. it is acknowledged. Whoever dies in between leaves it for the next sweep, which finds the
   letter there already.

A bell that has expired and is rung again anyway leaves no letter: nothing is lost with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import msgspec
import structlog

from paramedic_workers.dead_letters.messages import letter_of_message
from paramedic_workers.dead_letters.model import DeadLetter, Original, Reason
from paramedic_workers.errors import ParamedicError
from paramedic_workers.topology import PASSING_BELLS

#: What the broker's words mean to a person; the words themselves stay in the letter.
_CAUSES = {
    "delivery_limit": "it was delivered too often: its workers died, or lost their connection",
    "expired": "its time to live was over",
    "rejected": "a reader refused it for good",
    "maxlen": "its queue was full",
}

_log = structlog.get_logger()


class GivenUp(ParamedicError):
    """RabbitMQ has given the message up."""


class KeepsLetters(Protocol):
    """The store of dead letters, as far as it is needed here."""

    def keep(self, letter: DeadLetter) -> bool:
        """Keep a letter; False where it is there already."""


def keep_given_up(messages: Iterable[Any], letters: KeepsLetters) -> int:
    """Keep each of these messages as a dead letter, then acknowledge it; gives the letters' number.

    Args:
        messages: kombu messages that RabbitMQ has dead-lettered.
        letters: the store.

    Raises:
        redis.RedisError: the ledger cannot be written; the message stays in its queue.
    """
    number = 0
    for message in messages:
        if _is_worthless(message):
            message.ack()
            continue
        letter = letter_of_given_up(message)
        new = letters.keep(letter)
        message.ack()
        number += 1
        _log.warning(
            "RabbitMQ has given up a message", letter=letter.id, queue=letter.queue, new=new
        )
    return number


def _is_worthless(message: Any) -> bool:
    """Whether it is a bell that was heard too late, for which others have been rung since."""
    headers = getattr(message, "headers", None)
    task = headers.get("task") if isinstance(headers, dict) else None
    return _last_death(message).get("reason") == "expired" and task in PASSING_BELLS


def letter_of_given_up(message: Any) -> DeadLetter:
    """The letter of a message that RabbitMQ has dead-lettered."""
    death = _last_death(message)
    word = str(death.get("reason") or "unknown")
    at = death.get("time")
    error = GivenUp(
        f"RabbitMQ has given it up ({word}{f', {at}' if at else ''}): "
        f"{_CAUSES.get(word, 'it does not say why')}."
    )
    letter = letter_of_message(
        message, error, queue=str(death.get("queue") or ""), reason=Reason.ATTEMPTS_EXHAUSTED
    )
    return msgspec.structs.replace(letter, original=_before(letter.original, death))


def _last_death(message: Any) -> dict[str, Any]:
    """What the broker says of the latest of its ends: it lists them, newest first."""
    headers = getattr(message, "headers", None)
    deaths = headers.get("x-death") if isinstance(headers, dict) else None
    first = deaths[0] if isinstance(deaths, list) and deaths else None
    return first if isinstance(first, dict) else {}


def _before(original: Original, death: dict[str, Any]) -> Original:
    """The message as it was sent, not as it went through the dead-letter exchange."""
    keys = death.get("routing-keys")
    key = str(keys[0]) if isinstance(keys, list) and keys else original.routing_key
    return msgspec.structs.replace(
        original, exchange=str(death.get("exchange") or ""), routing_key=key
    )
