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
from collections.abc import Iterable, Mapping
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


@dataclass(frozen=True)
class RawMessage:
    """A message as anybody could send it; see `Broker.push_raw`."""

    body: bytes
    headers: Mapping[str, object]
    properties: Mapping[str, Any]


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
        self.push_many(queue, [RawMessage(body, headers or {}, properties)])

    @abstractmethod
    def push_many(self, queue: str, messages: Iterable[RawMessage]) -> None:
        """`push_raw` for many messages, over one connection."""


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

    def push_many(self, queue: str, messages: Iterable[RawMessage]) -> None:
        with self._client() as client, client.pipeline(transaction=False) as pipeline:
            for message in messages:
                pipeline.lpush(queue, json.dumps(_envelope(queue, message)))
            pipeline.execute()

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

    def push_many(self, queue: str, messages: Iterable[RawMessage]) -> None:
        with connected(self.url) as connection:
            channel = connection.channel()
            for message in messages:
                given = {"content_type": "application/json", "content_encoding": "utf-8"}
                given |= message.properties
                headers = dict(message.headers)
                sent = Message(message.body, application_headers=headers, delivery_mode=2, **given)
                channel.basic_publish(sent, exchange="", routing_key=queue)

    def empty(self) -> None:
        """Delete what a test may have left."""
        with connected(self.url) as connection:
            channel = connection.channel()
            for queue in QUEUES:
                channel.queue_delete(queue)


def _envelope(queue: str, message: RawMessage) -> dict[str, object]:
    """A message as kombu keeps it in a Redis list."""
    properties = dict(message.properties)
    return {
        "body": base64.b64encode(message.body).decode(),
        "content-type": properties.pop("content_type", "application/json"),
        "content-encoding": properties.pop("content_encoding", "utf-8"),
        "headers": dict(message.headers),
        "properties": {
            "delivery_tag": uuid.uuid4().hex,
            "delivery_info": {"exchange": "", "routing_key": queue},
            "delivery_mode": 2,
            "priority": 0,
            "body_encoding": "base64",
            **properties,
        },
    }
