"""Which bells the tasks ring, on a real broker; no worker is needed for that."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from celery import Celery

from paramedic_workers import keys, topology
from paramedic_workers.app import make_app, worker_settings
from paramedic_workers.errors import SinkUnavailable
from paramedic_workers.results import Result
from paramedic_workers.runtime import Parts, use_parts
from tests.support.queueing import REVISION, Flow
from tests.support.waiting import wait_for

QUEUE = "paramedic.results.file"


@dataclass
class Tracker:
    """A sink with duties, which is away while `away` is set."""

    away: bool = False
    taken: list[str] = field(default_factory=list)
    tend_seconds: float = 60.0
    tended: int = 0

    def deliver(self, result: Result) -> None:
        if self.away:
            self.away = False
            raise SinkUnavailable("It is away.", retry_after=0.2)
        self.taken.append(result.id)

    def tend(self) -> None:
        self.tended += 1


@pytest.fixture
def sink() -> Tracker:
    return Tracker()


@pytest.fixture
def app(
    flow: Flow, sink: Tracker, broker_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Celery]:
    settings = tmp_path / "paramedic.toml"
    settings.write_text('[sinks.file]\n[targets.shop]\nrepository = "/nowhere"\n')
    monkeypatch.setenv("PARAMEDIC_CONFIG", str(settings))
    monkeypatch.setenv("PARAMEDIC_BROKER_URL", broker_url)
    monkeypatch.setenv("PARAMEDIC_DATA", str(tmp_path))
    with make_app(worker_settings()) as made:
        use_parts(made, Parts(sinks=lambda _settings, _client: {"file": sink}))
        yield made


def do(app: Celery, task: str, *arguments: str) -> None:
    """What a worker does when it hears a bell."""
    app.loader.import_default_modules()
    app.tasks[task].apply(arguments, throw=True)


def rung(flow: Flow, queue: str) -> list[tuple[str, list[object]]]:
    """The bells that wait in a queue: task and arguments."""
    found = []
    for item in flow.client.lrange(queue, 0, -1):
        message = json.loads(str(item))
        found.append((message["headers"]["task"], json.loads(b64decode(message["body"]))[0]))
    return sorted(found)


def close(flow: Flow, *tests: str) -> list[str]:
    ids = []
    for test in tests:
        flow.fail(test)
        ids += [result.id for result in flow.healer.heal("shop", REVISION).results]
    return ids


def test_after_a_short_rest_a_bell_rings_without_a_sweep(
    flow: Flow, app: Celery, sink: Tracker
) -> None:
    first, second = close(flow, "test_a", "test_b")
    sink.away = True
    do(app, topology.DELIVER_TASK, "file", first)
    assert rung(flow, QUEUE) == []
    wait_for("the bell after the rest", lambda: rung(flow, QUEUE), 5)
    ((task, arguments),) = rung(flow, QUEUE)
    assert task == topology.DELIVER_TASK
    assert arguments in (["file", first], ["file", second])


def test_a_delivery_rings_for_the_next_one(flow: Flow, app: Celery, sink: Tracker) -> None:
    first, second = close(flow, "test_a", "test_b")
    do(app, topology.DELIVER_TASK, "file", first)
    assert rung(flow, QUEUE) == [(topology.DELIVER_TASK, ["file", second])]
    assert sink.taken == [first]


def test_the_sweep_rings_for_sinks_and_for_landings(flow: Flow, app: Celery, sink: Tracker) -> None:
    flow.client.zadd(keys.unlanded("shop"), {"some incident": 1})
    flow.client.hset(keys.LANDING_RUNG, "shop", 1)
    do(app, topology.SWEEP_TASK)
    assert rung(flow, QUEUE) == [(topology.TEND_TASK, ["file"])]
    assert rung(flow, topology.HEAL_QUEUE) == [(topology.LANDING_TASK, ["shop"])]
    do(app, topology.TEND_TASK, "file")
    flow.client.delete(topology.HEAL_QUEUE)
    flow.fail("test_a")
    do(app, topology.LANDING_TASK, "shop")
    assert rung(flow, topology.HEAL_QUEUE) == [(topology.HEAL_TASK, ["shop", REVISION])]
    assert sink.tended == 1
    assert not flow.client.exists(keys.unlanded("shop"))
    flow.client.delete(QUEUE, topology.HEAL_QUEUE)
    do(app, topology.SWEEP_TASK)
    assert rung(flow, QUEUE) == []
    assert {task for task, _ in rung(flow, topology.HEAL_QUEUE)} == {topology.HEAL_TASK}
