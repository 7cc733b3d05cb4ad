"""Intake of a storm, against bare Celery running a task that does nothing for each event.

100,000 events with 50 fingerprints, not merged, in batches of 100 as a foreign client
would send them. Both sides read a queue that was filled before, with one real worker:
bare Celery as it comes, prefork with a process per core, without task events; intake as
`paramedic up` runs it, solo, with them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import redis
from celery import Celery

from paramedic import wire
from paramedic.event import FailureEvent, Frame, new_event_id, now
from paramedic_workers.app import HANDED_SETTINGS, make_app
from paramedic_workers.connections import state_client
from paramedic_workers.incidents import Ledger
from paramedic_workers.settings import Settings, TargetSettings
from tests.benchmarks.table import Row
from tests.support.valkey import private_valkey
from tests.support.waiting import wait_for

EVENTS = 100_000
FINGERPRINTS = 50
BATCH = 100
#: Messages for bare Celery; its rate does not depend on how many there are.
BARE_MESSAGES = 6_000
#: Intake must be this many times faster.
FACTOR = 10.0
#: The worker's memory at the end of the storm may be this many times that near its begin.
GROWTH = 1.1

_BARE = """
from celery import Celery
app = Celery("bare", broker={url!r})
app.conf.update(task_ignore_result=True, worker_send_task_events=False)

@app.task(name="bare.nothing")
def nothing(event):
    pass
"""


def run() -> list[Row]:
    """Two rows: events a second, and the growth of the worker's memory."""
    with private_valkey() as server, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        url = f"redis+socket://{server}"
        client = state_client(url)
        ours, growth = _storm(url, client, Path(folder))
        bare = _bare(url, client, Path(folder))
    return [
        Row(
            what="intake of a storm, events/s, against one bare Celery task each",
            ours=f"{ours:,.0f}/s",
            baseline=f"{bare:,.0f}/s",
            ratio=ours / bare,
            required=FACTOR,
            holds=ours / bare >= FACTOR,
        ),
        Row(
            what="the intake worker's memory, end of the storm against its first tenth",
            ours=f"{growth[1] / 1024:.0f} MiB",
            baseline=f"{growth[0] / 1024:.0f} MiB",
            ratio=growth[1] / growth[0],
            required=GROWTH,
            holds=growth[1] / growth[0] <= GROWTH,
        ),
    ]


def _storm(url: str, client: redis.Redis, folder: Path) -> tuple[float, tuple[int, int]]:
    """Events a second, and the worker's memory in KiB after a tenth and at the end."""
    settings = Settings(
        broker_url=url,
        data=str(folder),
        targets={"shop": TargetSettings(name="shop", repository="/none")},
    )
    handed = folder / "settings.json"
    handed.write_bytes(msgspec.json.encode(settings))
    _publish_storm(make_app(settings))

    def left() -> int:
        return int(client.llen(wire.INTAKE_QUEUE))

    environment = {HANDED_SETTINGS: str(handed)}
    with _worker(
        "paramedic_workers", "-Q", wire.INTAKE_QUEUE, "-P", "solo", env=environment
    ) as pid:
        wait_for("the first tenth", lambda: left() <= EVENTS // BATCH * 0.9, 120)
        events, began, memory = left() * BATCH, time.monotonic(), _memory(pid)
        wait_for("the storm's end", lambda: left() == 0, 300)
        seconds = time.monotonic() - began
        wait_for("the last batch", lambda: Ledger(client).occurrences() == EVENTS, 10)
        return events / seconds, (memory, _memory(pid))


def _publish_storm(app: Celery) -> None:
    events = [_event(number % FINGERPRINTS) for number in range(BATCH)]
    for _ in range(EVENTS // BATCH):
        batch = {
            "version": 1,
            "batch": new_event_id(),
            "events": [{**event, "id": new_event_id()} for event in events],
        }
        app.send_task(wire.INTAKE_TASK, (batch,), argsrepr="a batch", kwargsrepr="")


def _event(number: int) -> dict[str, object]:
    """An event of about 1.5 KB, as its JSON."""
    event = FailureEvent(
        version=1,
        id=new_event_id(),
        target="shop",
        test=f"tests/test_orders.py::test_total[{number}]",
        exception_type="AssertionError",
        message="assert 12 == 13",
        frames=tuple(
            Frame(file=f"shop/part{i}.py", module=f"shop.part{i}", function="total", line=10 + i)
            for i in range(6)
        ),
        revision="1f" * 20,
        occurred_at=now(),
        traceback="E   assert 12 == 13\n" * 35,
        origin="ci-17",
    )
    return dict(msgspec.json.decode(msgspec.json.encode(event)))


def _bare(url: str, client: redis.Redis, folder: Path) -> float:
    """Tasks a second of bare Celery."""
    (folder / "bare.py").write_text(_BARE.format(url=url))
    app = Celery("bare", broker=url)
    event = _event(1)
    for _ in range(BARE_MESSAGES):
        app.send_task("bare.nothing", (event,), argsrepr="an event", kwargsrepr="")

    def left() -> int:
        return int(client.llen("celery"))

    with _worker("bare", "-P", "prefork", env={"PYTHONPATH": str(folder)}):
        wait_for("the first tasks", lambda: left() < BARE_MESSAGES * 0.9, 60)
        before, began = left(), time.monotonic()
        wait_for("the last tasks", lambda: left() == 0, 120)
        return before / (time.monotonic() - began)


@contextmanager
def _worker(app: str, *options: str, env: dict[str, str]) -> Iterator[int]:
    """Run an ordinary Celery worker until the block ends; gives its process id."""
    command = [sys.executable, "-m", "celery", "--quiet", "-A", app, "worker", *options]
    process = subprocess.Popen(
        command,
        env={**os.environ, **env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _memory(pid: int) -> int:
    """Resident memory of a process in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
