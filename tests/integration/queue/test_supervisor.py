"""The supervisor: starts everything, keeps it running, leaves nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from paramedic import wire
from paramedic_workers.app import make_app
from paramedic_workers.children import FIRST_PAUSE, Child
from paramedic_workers.connections import state_client
from paramedic_workers.embedded import running_url
from paramedic_workers.errors import UsageError
from paramedic_workers.incidents import Ledger
from paramedic_workers.roles import Role
from paramedic_workers.settings import Settings
from paramedic_workers.supervisor import Supervisor
from tests.support.queueing import make_batch, make_event, make_settings
from tests.support.waiting import wait_for

_UP = """
import sys
from pathlib import Path
import msgspec
from paramedic_workers.settings import Settings
from paramedic_workers.supervisor import Supervisor
settings = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Settings)
Supervisor(settings=settings, heal_concurrency=1).run(lambda: print("ready", flush=True))
"""


@contextmanager
def up(folder: Path, settings: Settings) -> Iterator[subprocess.Popen[str]]:
    """Run a supervisor as a process of its own; it is ready when the block begins."""
    (folder / "settings.json").write_bytes(msgspec.json.encode(settings))
    command = [sys.executable, "-c", _UP, str(folder / "settings.json")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as output:
        try:
            assert output.readline() == "ready\n"
            yield process
        finally:
            process.kill()
            process.wait()


def processes_of(folder: Path) -> list[int]:
    """Processes that were started for this directory: workers by their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes()
            state = (entry / "stat").read_text()
        except OSError:
            continue
        if f"{folder}/data/handed.json".encode() in environment and ") Z " not in state:
            found.append(int(entry.name))
    return found


def publish(url: str, test: str) -> None:
    """Publish one failing test."""
    batch = make_batch(make_event(datetime.now(UTC), test))
    make_app(Settings(broker_url=url)).send_task(wire.INTAKE_TASK, (batch,))


def test_it_heals_restarts_what_dies_and_stops_cleanly(tmp_path: Path) -> None:
    with up(tmp_path, make_settings(tmp_path / "data")) as process:
        data = tmp_path / "data"
        url = running_url(data)
        assert url is not None
        ledger = Ledger(state_client(url))
        publish(url, "test_a")
        wait_for("a result", ledger.results)
        assert list((data / "tmp").iterdir()), "the pools of heal workers have folders here"

        server = json.loads((data / "embedded.json").read_text())["pid"]
        workers = processes_of(tmp_path)
        for pid in [*workers, server]:
            os.kill(pid, signal.SIGKILL)
        publish_when_back(url, "test_b")
        wait_for("a result after the restart", lambda: len(ledger.results()) == 2, 60)

        process.send_signal(signal.SIGINT)
        assert process.wait(90) == 0
        assert processes_of(tmp_path) == []
        assert running_url(data) is None
        assert not (data / "handed.json").exists()
        assert not (data / "tmp").exists()


def publish_when_back(url: str, test: str) -> None:
    """Publish as soon as the broker answers again."""
    wait_for("the server", lambda: state_client(url).ping(), 30)
    publish(url, test)


def test_nothing_outlives_a_killed_supervisor_and_the_next_finds_all(tmp_path: Path) -> None:
    settings = make_settings(tmp_path / "data")
    with up(tmp_path, settings) as process:
        url = running_url(tmp_path / "data") or ""
        publish(url, "test_a")
        wait_for("a result", Ledger(state_client(url)).results)
        assert processes_of(tmp_path)
        process.kill()
        wait_for("the end of all workers", lambda: not processes_of(tmp_path), 10)
    with Supervisor(settings=settings, heal_concurrency=1) as again:
        assert [i.test for i in Ledger(state_client(again.broker_url)).incidents()] == ["test_a"]
        with pytest.raises(UsageError, match="already runs"):
            Supervisor(settings=settings).run()
        assert (tmp_path / "data" / "handed.json").exists()
        assert running_url(tmp_path / "data") == again.broker_url


def test_a_process_that_keeps_dying_is_started_ever_more_slowly(tmp_path: Path) -> None:
    child = Child(role=Role(name="broken", command=(sys.executable, "-c", "raise SystemExit(3)")))
    pauses = []
    for _ in range(3):
        child.start(tmp_path, dict(os.environ))
        wait_for("its death", lambda: not child.running, 10)
        child.note_death()
        assert not child.due
        pauses.append(child._pause)
    assert pauses == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert child.restarts == 3
