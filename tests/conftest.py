"""Fixtures that every kind of test shares."""

# kombu is typed only in part.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import redis
from kombu import pools

from tests.support.brokers import (
    NOT_INSTALLED,
    RABBITMQ,
    REDIS,
    Broker,
    RabbitBroker,
    RedisBroker,
)
from tests.support.prism import NO_PRISM
from tests.support.rabbitmq import scripts, shared_rabbitmq
from tests.support.valkey import private_valkey

#: Names the folder with Atlassian's own documents; tests that need it say so when skipped.
JIRA_CONTRACT = "PARAMEDIC_JIRA_CONTRACT"
#: Opens an empty broker of this kind, `redis` or `rabbitmq`, until the block ends.
OpensBroker = Callable[[str], AbstractContextManager[Broker]]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say so where half of the brokers was not tested, or Jira's contract was not judged."""
    skipped = [str(report.longrepr) for report in terminalreporter.getreports("skipped")]
    for reason, said in (
        (NOT_INSTALLED, NOT_INSTALLED),
        (JIRA_CONTRACT, f"{JIRA_CONTRACT} does not name the folder with Jira's contract"),
        (NO_PRISM, NO_PRISM),
    ):
        left_out = sum(reason in report for report in skipped)
        if left_out:
            terminalreporter.write_line(f"{left_out} tests skipped: {said}.", yellow=True)


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


@pytest.fixture(scope="session")
def rabbitmq_url(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """The kombu URL of a virtual host of this process, on the server of the whole run."""
    if scripts() is None:
        pytest.skip(NOT_INSTALLED)
    folder = tmp_path_factory.getbasetemp()
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0"))
    vhosts = [f"gw{number}" for number in range(workers)] or [worker_id]
    with shared_rabbitmq(folder.parent if workers else folder, vhosts) as server:
        yield server.url(worker_id)


@pytest.fixture(scope="session")
def open_broker(request: pytest.FixtureRequest, valkey_socket: Path) -> OpensBroker:
    """Opens brokers by name; one at a time."""

    @contextmanager
    def opened(name: str) -> Iterator[Broker]:
        with redis.Redis(unix_socket_path=str(valkey_socket)) as client:
            client.flushall()
        state_url = f"redis+socket://{valkey_socket}"
        if name == REDIS:
            yield RedisBroker(url=state_url, state_url=state_url)
        else:
            url = request.getfixturevalue("rabbitmq_url")
            rabbit = RabbitBroker(url=url, state_url=state_url)
            rabbit.empty()
            yield rabbit
        pools.reset()  # they know connections and exchanges that the next test has no more

    return opened


@pytest.fixture(params=[REDIS, RABBITMQ])
def broker(request: pytest.FixtureRequest, open_broker: OpensBroker) -> Iterator[Broker]:
    """Each kind of broker, empty."""
    with open_broker(request.param) as opened:
        yield opened
