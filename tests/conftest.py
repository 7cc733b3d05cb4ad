"""Fixtures that every kind of test shares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.support.valkey import private_valkey


@pytest.fixture(scope="session")
def valkey_socket() -> Iterator[Path]:
    """A server for the whole session of this test process."""
    with private_valkey() as socket:
        yield socket


@pytest.fixture
def broker_url(valkey_socket: Path) -> str:
    """The kombu URL of an empty broker."""
    with redis.Redis(unix_socket_path=str(valkey_socket)) as client:
        client.flushall()
    return f"redis+socket://{valkey_socket}"


@pytest.fixture
def state(valkey_socket: Path, broker_url: str) -> Iterator[redis.Redis]:
    """A client of the same empty server."""
    with redis.Redis(unix_socket_path=str(valkey_socket)) as client:
        yield client
