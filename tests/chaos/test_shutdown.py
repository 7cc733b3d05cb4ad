"""Workers are stopped in the middle of a heal: it ends in time, or waits for another worker."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from paramedic_workers.dead_letters.model import LostBy
from paramedic_workers.errors import Verdict
from paramedic_workers.incidents import IncidentState
from tests.conftest import OpensBroker
from tests.support.brokers import REDIS, Broker
from tests.support.hanging import HEAL, Scene, workers
from tests.support.waiting import wait_for


@pytest.fixture
def redis_broker(open_broker: OpensBroker) -> Iterator[Broker]:
    """The one on which stopping alone is tested; giving back is tested on both."""
    with open_broker(REDIS) as broker:
        yield broker


def stop(worker: subprocess.Popen[bytes]) -> None:
    """SIGTERM, and wait for the end that it must lead to."""
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(120) == 0


def test_a_heal_that_ends_in_time_is_finished(tmp_path: Path, redis_broker: Broker) -> None:
    scene = Scene(tmp_path, redis_broker, shutdown_seconds=100)
    with workers(scene.deployment) as running:
        heal = running.enter_context(scene.deployment.worker("heal", *HEAL))
        scene.publish()
        scene.await_heal()
        heal.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert heal.poll() is None, "it waits for the heal"
        scene.let_go()
        assert heal.wait(120) == 0
    incident = scene.incident()
    assert (incident.state, incident.attempts) == (IncidentState.CLOSED, 1)
    assert incident.verdict in (Verdict.HEALED, Verdict.PROPOSED)
    scene.assert_nothing_left()


def test_a_heal_that_takes_longer_is_left_to_another_worker(tmp_path: Path, broker: Broker) -> None:
    scene = Scene(tmp_path, broker, shutdown_seconds=0.5)
    with workers(scene.deployment) as running:
        heal = running.enter_context(scene.deployment.worker("heal", *HEAL))
        scene.publish()
        scene.await_heal()
        stop(heal)
        waiting = scene.incident()
        scene.assert_nothing_left()
        scene.let_go()
        running.enter_context(scene.deployment.worker("next", *HEAL))
        (result,) = wait_for("the result", scene.ledger.results, 90)
    assert (waiting.state, waiting.attempts) == (IncidentState.WAITING, 0)
    assert [attempt.lost_by for attempt in waiting.attempts_log] == [LostBy.STOP]
    healed = scene.incident()
    assert (healed.state, healed.attempts) == (IncidentState.CLOSED, 1)
    assert result.verdict in (Verdict.HEALED, Verdict.PROPOSED), result.cause


@pytest.mark.parametrize("pool", ["prefork", "solo"])
def test_a_second_signal_interrupts_at_once(
    tmp_path: Path, redis_broker: Broker, pool: str
) -> None:
    scene = Scene(tmp_path, redis_broker)
    with workers(scene.deployment) as running:
        heal = running.enter_context(scene.deployment.worker("heal", *HEAL, "-P", pool))
        scene.publish()
        scene.await_heal()
        heal.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        stop(heal)
    assert scene.incident().state is IncidentState.WAITING
    scene.assert_nothing_left()
