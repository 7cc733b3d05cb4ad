"""examples/subscribe_results.py gets every result of its target from either broker."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import redis

from paramedic_workers.app import make_app
from paramedic_workers.results import decode_result
from paramedic_workers.topology import ResultsExchange
from tests.conftest import OpensBroker
from tests.support.brokers import REDIS, Broker
from tests.support.documents import DOCS
from tests.support.results import make_result, make_unhealed
from tests.support.waiting import wait_for

EXAMPLE = Path(__file__).parents[3] / "examples" / "subscribe_results.py"
QUEUE = "listener"


@contextmanager
def subscriber(broker: Broker, out: Path) -> Iterator[None]:
    """Run the example until the block ends; then it is killed."""
    command = [sys.executable, str(EXAMPLE), broker.url, "result.shop.#", QUEUE]
    with out.open("w") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)
    try:
        wait_for("the subscriber", lambda: "listening" in out.read_text())
        yield
    finally:
        process.kill()
        process.wait()


def test_a_subscriber_gets_the_results_of_its_target_also_those_it_was_away_for(
    broker: Broker, tmp_path: Path
) -> None:
    exchange = ResultsExchange(app=make_app(broker.settings))
    first, second = make_result(), make_unhealed()
    out = tmp_path / "out"
    with subscriber(broker, out):
        exchange.deliver(make_result(target="other"))
        exchange.deliver(first)
        exchange.deliver(first)  # at least once
        exchange.deliver(second)
        wait_for("the second result", lambda: second.summary in out.read_text())
    assert out.read_text().splitlines() == [
        "listening",
        f"shop healed {first.summary}",
        f"shop unhealed {second.summary}",
    ]

    exchange.deliver(first)
    wait_for("it in the queue", lambda: broker.depth(QUEUE))
    with subscriber(broker, out):
        wait_for("the result of meanwhile", lambda: first.summary in out.read_text())
        wait_for("its acknowledgement", lambda: broker.depth(QUEUE) == 0)


def test_the_documented_binding_works_without_kombu(
    open_broker: OpensBroker, valkey_socket: Path
) -> None:
    text = (DOCS / "sinks.md").read_text()
    binding = next(part for part in text.split("`") if part.endswith("my-results"))
    result = make_result()
    with (
        open_broker(REDIS) as broker,
        redis.Redis(unix_socket_path=str(valkey_socket)) as client,
    ):
        written = binding.replace(r"\x06\x16", "\x06\x16")
        client.sadd("_kombu.binding.paramedic.results", written)
        exchange = ResultsExchange(app=make_app(broker.settings))
        exchange.deliver(make_result(target="other"))
        exchange.deliver(result)
        assert client.llen("my-results") == 1
        message = json.loads(cast("bytes", client.rpop("my-results")))
    assert decode_result(base64.b64decode(message["body"])) == result
