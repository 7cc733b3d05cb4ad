"""Both brokers, as tests see them: a URL, and what can be done to a queue from outside.

The fixture `broker` runs a test on each. The half on RabbitMQ is skipped where its server
is not installed.
"""

# amqp is not typed.
# mypy: disable-error-code="no-untyped-call, import-untyped"

from __future__ import annotations

import base64
import json
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis
from amqp import Message, NotFound

from paramedic import wire
from paramedic.location import state_url as redis_url
from paramedic_workers import topology
from paramedic_workers.settings import Settings
from tests.support.rabbitmq import connected

REDIS = "redis"
RABBITMQ = "rabbitmq"
NOT_INSTALLED = "RabbitMQ is not installed (Debian: rabbitmq-server); its half is left out"

#: Every queue that tests use; on RabbitMQ they are deleted between tests.
QUEUES = (
    wire.INTAKE_QUEUE,
    topology.HEAL_QUEUE,
    "paramedic.dead",
    "paramedic.results.file",
    "paramedic.results.console",
    "listener",
)


@dataclass(frozen=True, kw_only=True)
class Broker(ABC):
    """An empty broker, and the Redis of its ledger."""

    name: str
    url: str
    #: kombu URL of the Redis that holds the ledger; on Redis the broker's own.
    state_url: str

    @property
    def settings(self) -> Settings:
        """Settings that lead to it."""
        return Settings(broker_url=self.url, state_url=self.configured_state_url)

    @property
    def configured_state_url(self) -> str:
        """What is set as `state_url`: nothing, where the broker itself holds the ledger."""
        return "" if self.state_url == self.url else self.state_url

    @abstractmethod
    def depth(self, queue: str) -> int:
        """How many messages wait in a queue; 0 where there is no such queue."""

    @abstractmethod
    def purge(self, queue: str) -> None:
        """Take all messages that wait out of a queue."""

    @abstractmethod
    def push_raw(
        self,
        queue: str,
        body: bytes,
        headers: Mapping[str, object] | None = None,
        **properties: Any,
    ) -> None:
        """Put a message into a queue as anybody could, right or wrong.

        Args:
            queue: its name; it must exist on RabbitMQ.
            body: as it is.
            headers: as they are.
            properties: `content_type`, `content_encoding`, `correlation_id` …; JSON in
                UTF-8 where they are not given.
        """


@dataclass(frozen=True, kw_only=True)
class RedisBroker(Broker):
    """A Valkey."""

    name: str = REDIS

    def depth(self, queue: str) -> int:
        with self._client() as client:
            return int(client.llen(queue))

    def purge(self, queue: str) -> None:
        with self._client() as client:
            client.delete(queue)

    def push_raw(
        self,
        queue: str,
        body: bytes,
        headers: Mapping[str, object] | None = None,
        **properties: Any,
    ) -> None:
        envelope = {
            "body": base64.b64encode(body).decode(),
            "content-type": properties.pop("content_type", "application/json"),
            "content-encoding": properties.pop("content_encoding", "utf-8"),
            "headers": dict(headers or {}),
            "properties": {
                "delivery_tag": uuid.uuid4().hex,
                "delivery_info": {"exchange": "", "routing_key": queue},
                "delivery_mode": 2,
                "priority": 0,
                "body_encoding": "base64",
                **properties,
            },
        }
        with self._client() as client:
            client.lpush(queue, json.dumps(envelope))

    def _client(self) -> redis.Redis:
        return redis.Redis.from_url(redis_url(self.url))


@dataclass(frozen=True, kw_only=True)
class RabbitBroker(Broker):
    """A virtual host of a RabbitMQ."""

    name: str = RABBITMQ

    def depth(self, queue: str) -> int:
        with connected(self.url) as connection:
            try:
                declared = connection.channel().queue_declare(queue, passive=True)
            except NotFound:
                return 0
            return int(declared.message_count)

    def purge(self, queue: str) -> None:
        with connected(self.url) as connection:
            channel = connection.channel()
            try:
                channel.queue_purge(queue)
            except NotFound:
                return

    def push_raw(
        self,
        queue: str,
        body: bytes,
        headers: Mapping[str, object] | None = None,
        **properties: Any,
    ) -> None:
        given = {"content_type": "application/json", "content_encoding": "utf-8", **properties}
        with connected(self.url) as connection:
            message = Message(
                body, application_headers=dict(headers or {}), delivery_mode=2, **given
            )
            connection.channel().basic_publish(message, exchange="", routing_key=queue)

    def empty(self) -> None:
        """Delete what a test may have left."""
        with connected(self.url) as connection:
            channel = connection.channel()
            for queue in QUEUES:
                channel.queue_delete(queue)
