"""Where the broker and the ledger are, and clients of the ledger.

| broker | ledger |
| --- | --- |
| none configured: the bundled server of the data directory | the same server |
| Redis | the same server |
| RabbitMQ | the Redis of `state_url`, else the bundled server |
"""

from __future__ import annotations

import re

import redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TimeoutError,
)
from redis.retry import Retry

from paramedic.location import speaks_amqp, state_url
from paramedic.redaction import without_password
from paramedic_workers.embedded import running_url
from paramedic_workers.errors import BrokerError, UsageError, describe
from paramedic_workers.settings import Settings

__all__ = [
    "broker_url",
    "configured_ledger_url",
    "connect",
    "demand_places",
    "ledger_url",
    "speaks_amqp",
    "state_client",
    "takes_no_writes",
    "without_password",
]

#: What a Redis says that takes no writes for reasons that pass: it cannot save to its disk, misses
#: its replicas or its master, or is kept busy by a script.
_REFUSALS = re.compile(r"\b(?:MISCONF|NOREPLICAS|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY)\b")
#: Seconds that one command may take before its connection counts as broken.
SOCKET_TIMEOUT = 10.0
#: Retries of a worker's command; with the back-off below about half a minute, which is
#: longer than a restart of the server takes.
WORKER_RETRIES = 20
#: Greatest pause between two retries, in seconds.
RETRY_PAUSE = 2.0


def broker_url(settings: Settings) -> str:
    """The kombu URL of the broker.

    Raises:
        UsageError: none is configured, and none runs on the data directory.
    """
    url = settings.broker_url or running_url(settings.data_directory())
    if url is None:
        raise UsageError(
            f"No broker is configured, and none runs on {settings.data}.",
            remedy="Start `paramedic up`, or set PARAMEDIC_BROKER_URL.",
        )
    return url


def configured_ledger_url(settings: Settings) -> str:
    """The kombu URL of the ledger, as far as it is configured; empty: the bundled server."""
    if settings.state_url or speaks_amqp(settings.broker_url):
        return settings.state_url
    return settings.broker_url


def ledger_url(settings: Settings) -> str:
    """The kombu URL of the Redis that holds the ledger.

    Raises:
        UsageError: none is configured, and none runs on the data directory.
    """
    url = configured_ledger_url(settings) or running_url(settings.data_directory())
    if url is None and speaks_amqp(settings.broker_url):
        raise UsageError(
            f"No Redis is configured for the ledger, and none runs on {settings.data}.",
            remedy="Start `paramedic up`, or set PARAMEDIC_STATE_URL.",
        )
    return url or broker_url(settings)


def state_client(url: str, *, retries: int = WORKER_RETRIES) -> redis.Redis:
    """A client of the Redis behind this kombu URL, which outlives restarts of the server.

    It is not connected yet. Every script it runs may be run twice without harm, which
    is what makes a retry after a lost connection safe.
    """
    return redis.Redis.from_url(
        state_url(url),
        decode_responses=True,
        socket_timeout=SOCKET_TIMEOUT,
        retry=Retry(ExponentialBackoff(cap=RETRY_PAUSE, base=0.02), retries),
        retry_on_error=[ConnectionError, TimeoutError, BusyLoadingError],
    )


def takes_no_writes(error: BaseException) -> bool:
    """Whether an error says that the ledger is away or full, or refuses writes for now.

    What was to be written can be written later.
    """
    passing = (ConnectionError, TimeoutError, OutOfMemoryError, ReadOnlyError, NoPermissionError)
    if isinstance(error, passing):
        return True
    return isinstance(error, ResponseError) and bool(_REFUSALS.search(str(error)))


def connect(settings: Settings) -> redis.Redis:
    """A connected client of the ledger for a short-lived process.

    It does not wait for a server to return.

    Raises:
        UsageError: there is no ledger.
        BrokerError: it does not answer.
    """
    url = ledger_url(settings)
    client = state_client(url, retries=1)
    try:
        client.ping()
    except redis.RedisError as error:
        role = "ledger" if speaks_amqp(settings.broker_url) else "broker"
        raise BrokerError(
            f"The {role} at {without_password(url)} does not answer: {str(error).rstrip('.')}.",
            remedy="Is it running, and are its address and password right?",
        ) from error
    return client


def demand_places(settings: Settings) -> None:
    """See that the broker and the ledger answer, as far as they are configured.

    The bundled server is not asked: whoever needs it starts it.

    Raises:
        BrokerError: one of them does not answer, or does not let us in.
    """
    if configured_ledger_url(settings):
        connect(settings).close()
    if speaks_amqp(settings.broker_url):
        _demand_rabbitmq(settings.broker_url)


def _demand_rabbitmq(url: str) -> None:
    from kombu.connection import Connection  # few commands need it

    try:
        with Connection(url, connect_timeout=SOCKET_TIMEOUT) as connection:  # type: ignore[no-untyped-call]
            connection.ensure_connection(max_retries=1, interval_start=0.2)
    except Exception as error:  # amqp raises errors of many kinds
        said = without_password(": ".join(describe(error)[:2]))
        raise BrokerError(
            f"The broker at {without_password(url)} does not answer: {said.rstrip('.')}.",
            remedy="Is it running, and are its address and password right?",
        ) from error
