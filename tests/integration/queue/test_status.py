"""`paramedic status` on real servers, reachable and not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from paramedic_workers import keys, topology
from paramedic_workers.app import make_app
from paramedic_workers.cli.screen import output
from paramedic_workers.cli.status_show import duration, parts
from paramedic_workers.connections import ledger_url, state_client
from paramedic_workers.dead_letters.model import DeadLetter, Original, Reason
from paramedic_workers.dead_letters.store import DeadLetters
from paramedic_workers.errors import SinkUnavailable
from paramedic_workers.resting import Resting
from paramedic_workers.settings import Settings
from paramedic_workers.status.model import Status
from paramedic_workers.status.read import read_status
from tests.support.brokers import Broker
from tests.support.command_line import CommandLine, assert_one_clear_line
from tests.support.queueing import Flow, make_batch, make_event, make_settings, write_journal


@pytest.fixture
def settings(broker: Broker, tmp_path: Path) -> Settings:
    return msgspec.structs.replace(
        make_settings(tmp_path),
        broker_url=broker.url,
        state_url=broker.configured_state_url,
        sinks={"file": {}},
    )


@pytest.fixture
def flow(settings: Settings) -> Iterator[Flow]:
    with state_client(ledger_url(settings)) as client:
        yield Flow(client, settings)


def look(settings: Settings) -> Status:
    return read_status(settings, make_app(settings))


def shown(status: Status, capsys: pytest.CaptureFixture[str]) -> str:
    console = output()
    for part in parts(console, status):
        console.print(part)
    return capsys.readouterr().out


def fill(flow: Flow) -> None:
    """One healed incident whose results wait, one that waits, one letter, one batch."""
    flow.fail("test_a")
    flow.healer.heal("shop", "1f" * 20)
    flow.fail("test_b")
    write_journal(flow.client, make_batch(make_event(flow.clock())), flow.clock())
    original = Original(body=b"x")
    DeadLetters(flow.client).keep(
        DeadLetter(
            id="a1" * 16,
            at=flow.clock(),
            reason=Reason.TIMEOUT,
            queue="paramedic.heal",
            error_type="PhaseTimeout",
            message="It took too long.",
            original=original,
        )
    )


def test_everything_that_waits_is_counted(
    settings: Settings, flow: Flow, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(flow)
    app = make_app(settings)
    app.send_task(topology.HEAL_TASK, ("shop", None))
    status = read_status(settings, app)
    assert status.broker.reachable
    assert status.ledger.reachable
    state = status.state
    assert state is not None
    assert (state.incidents, state.waiting, state.healing) == (2, 1, 0)
    assert state.undelivered["file"] == 1
    assert state.dead_letters.by_reason == {"timeout": 1}
    queues = {queue.name: queue for queue in status.queues}
    heal = queues[topology.HEAL_QUEUE]
    assert (heal.messages, heal.waiting) == (1, 1)
    assert (heal.oldest or 0) > 0
    assert queues["paramedic.results.file"].waiting == 1
    assert queues["paramedic.intake"].waiting == 1
    assert status.workers == {}
    assert any(
        "no worker" in problem and "paramedic.heal" in problem for problem in status.problems
    )
    assert any("1 dead letter waits" in problem for problem in status.problems)

    text = shown(status, capsys)
    for part in ("none answers", "1 timeout", "1 of 10,000", "nobody", "1 waiting", "1 file"):
        assert part in text
    assert json.loads(msgspec.json.encode(status))["state"]["waiting"] == 1


def test_an_empty_place_needs_nobody(
    settings: Settings, flow: Flow, capsys: pytest.CaptureFixture[str]
) -> None:
    """But for the append-only file, which the servers of tests do without."""
    flow.client.ping()
    status = look(settings)
    assert [problem for problem in status.problems if "append-only" not in problem] == []
    assert "spool" in shown(status, capsys)
    well = msgspec.structs.replace(status, problems=())
    assert "nothing needs you" in shown(well, capsys)


def test_bounds_that_are_near_are_said(settings: Settings, flow: Flow) -> None:
    fill(flow)  # its letter is of the flow's clock, which stands long ago
    flow.client.set(keys.DEAD_DISCARDED, 7)
    away = SinkUnavailable("503 from the tracker.", retry_after=60)
    Resting(client=flow.client).begin("file", away)
    used = int(flow.client.info("memory")["used_memory"])
    flow.client.config_set("maxmemory", str(int(used / 0.92)))
    flow.client.config_set("maxmemory-policy", "volatile-lru")
    spool = settings.data_directory() / "spool" / "bundled"
    spool.mkdir(parents=True)
    (spool / "1-a.json").write_text("{}")
    (spool / "2-b.broken").write_text("{}")
    try:
        status = look(msgspec.structs.replace(settings, min_free_disk=10**9, dead_letter_limit=1))
    finally:
        flow.client.config_set("maxmemory", "0")
        flow.client.config_set("maxmemory-policy", "noeviction")
    assert (status.spool.batches, status.spool.broken) == (1, 1)
    said = "\n".join(status.problems)
    for part in (
        "7 dead letters",
        "within a day",
        "at 1 the oldest",
        "maxmemory",
        "volatile-lru",
        "min_free_disk",
        "1 batch waits",
        "The sink file has taken nothing since 2",
        "1 result waits for it: ",
        "503 from the tracker.",
    ):
        assert part in said


def test_a_ledger_that_is_away_does_not_hide_the_rest(broker: Broker, tmp_path: Path) -> None:
    away = "redis://:hunter2@127.0.0.1:1"
    if broker.configured_state_url:
        changed = msgspec.structs.replace(broker.settings, state_url=away)
        status = look(msgspec.structs.replace(changed, data=str(tmp_path)))
        assert status.broker.reachable
        assert status.state is None
        assert "ledger" in status.problems[0]
        assert "hunter2" not in str(status)


def test_nothing_that_can_be_reached_is_a_mistake(tmp_path: Path) -> None:
    paramedic = CommandLine(tmp_path)
    away = "redis://:hunter2@127.0.0.1:1"
    done = paramedic.run("status", PARAMEDIC_BROKER_URL=away)
    assert_one_clear_line(done, "does not answer", "127.0.0.1:1")
    assert "hunter2" not in done.stderr
    assert_one_clear_line(paramedic.run("status"), "No broker")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (119, "119 s"), (720, "12 min"), (7200, "2 h"), (2e5, "2 d")]
)
def test_durations_have_a_fitting_unit(seconds: float, text: str) -> None:
    assert duration(seconds) == text
