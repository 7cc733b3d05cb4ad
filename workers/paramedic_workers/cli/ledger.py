"""The ledger, as commands meet it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from paramedic_workers.errors import BrokerError


@contextmanager
def ledger_errors() -> Iterator[None]:
    """Turn a connection that breaks under a command into one clear line.

    Raises:
        BrokerError: the ledger answers no more.
    """
    import redis

    try:
        yield
    except redis.RedisError as error:
        raise BrokerError(
            f"The ledger does not answer any more: {str(error).rstrip('.')}.",
            remedy="Run the same command again: nothing is done twice.",
        ) from error
