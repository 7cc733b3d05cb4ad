"""Publishing to a real Valkey, in good times and bad."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from kombu.messaging import Producer

from paramedic import FailureEvent, Limits, Publisher
from paramedic.event import decode_event
from paramedic.outbox import Parcel
from paramedic.spool import Spool
from paramedic.wire import INTAKE_QUEUE, JOURNAL, JOURNAL_PUBLISHED, build_message
from tests.support.events import make_event, raised
from tests.support.valkey import private_valkey
from tests.support.waiting import wait_for

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
LIMITS = Limits(linger=0.01, linger_away=0.01, retry_first=0.05, retry_most=0.1, timeout=1.0)

CELERY_APP = """
from celery import Celery
from kombu import Exchange, Queue

app = Celery("reader", broker={url!r})
exchange = Exchange("paramedic.failures", type="topic", durable=True)
app.conf.task_queues = [Queue("paramedic.intake", exchange, routing_key="failure.#")]
app.conf.task_ignore_result = True

@app.task(name="paramedic.intake", bind=True)
def intake(self, batch):
    with open({output!r}, "a") as file:
        print(self.request.id, self.request.argsrepr, batch["events"][0]["target"], file=file)
"""


def batches(state: redis.Redis) -> list[dict[str, Any]]:
    """What waits in the intake queue, oldest first."""
    messages = [json.loads(text) for text in state.lrange(INTAKE_QUEUE, 0, -1)]
    return [json.loads(base64.b64decode(m["body"]))[0][0] for m in reversed(messages)]


def events(state: redis.Redis) -> list[FailureEvent]:
    return [decode_event(event) for batch in batches(state) for event in batch["events"]]


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run this code in a process of its own; it must succeed."""
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore::DeprecationWarning",
            "-c",
            textwrap.dedent(code),
            *arguments,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


@contextmanager
def stopped(state: redis.Redis) -> Iterator[None]:
    """The server takes connections and answers nothing."""
    process = state.info("server")["process_id"]
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def test_a_hundred_events_arrive_in_one_message(
    broker_url: str, state: redis.Redis, tmp_path: Path
) -> None:
    sent = [make_event(test=f"t.py::test_{number}") for number in range(100)]
    with Publisher("shop", broker_url=broker_url, spool=tmp_path) as publisher:
        publisher.report(*sent)
        assert publisher.flush()
    assert len(batches(state)) == 1
    assert events(state) == sent


def test_kombu_before_its_version_with_batches_will_do(
    broker_url: str, state: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(Producer, "batch")
    with Publisher("shop", broker_url=broker_url, spool=tmp_path) as publisher:
        publisher.report(*(make_event(test=f"t.py::test_{number}") for number in range(150)))
        assert publisher.flush()
    assert len(batches(state)) == 2


def test_a_broker_that_has_lost_its_data_loses_no_later_event(
    broker_url: str, state: redis.Redis, tmp_path: Path
) -> None:
    with Publisher("shop", broker_url=broker_url, spool=tmp_path) as publisher:
        publisher.report(make_event())
        assert publisher.flush()
        state.flushall()
        publisher.report(make_event(message="later"))
        assert publisher.flush()
    assert [event.message for event in events(state)] == ["later"]


NODE = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")


@pytest.mark.parametrize(
    "sender", ["publisher", "emit_raw.py", pytest.param("emit_raw.mjs", marks=NODE)]
)
def test_an_ordinary_celery_worker_reads_our_message(
    broker_url: str, valkey_socket: Path, tmp_path: Path, sender: str
) -> None:
    output = tmp_path / "seen"
    code = CELERY_APP.format(url=broker_url, output=str(output))
    (tmp_path / "reader.py").write_text(code)
    if sender == "publisher":
        with Publisher("shop", broker_url=broker_url, spool=tmp_path / "spool") as publisher:
            publisher.report(make_event(), make_event(exception_type="KeyError"))
    else:
        run = {"py": sys.executable, "mjs": "node"}[sender.rpartition(".")[2]]
        subprocess.run([run, EXAMPLES / sender, f"unix://{valkey_socket}", "shop"], check=True)
    command = [sys.executable, "-m", "celery", "-A", "reader", "worker", "-P", "solo"]
    command += ["-Q", INTAKE_QUEUE, "--without-gossip", "--without-mingle"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL) as worker:
        try:
            line = wait_for(
                "the task to run", lambda: output.read_text() if output.exists() else ""
            )
        finally:
            worker.terminate()
    assert line.rstrip().endswith("shop")
    assert (" 2 events of shop " in line) == (sender == "publisher")


def test_what_was_spooled_while_the_broker_was_away_is_sent_by_the_next_process(
    broker_url: str, state: redis.Redis, tmp_path: Path
) -> None:
    code = """
        import sys
        from pathlib import Path
        from paramedic import Publisher
        publisher = Publisher("shop", broker_url=sys.argv[1], spool=Path(sys.argv[2]))
        try:
            raise KeyError("price")
        except KeyError:
            publisher.capture_exception()
    """
    run_python(code, "redis+socket:///nowhere/s", str(tmp_path))
    assert len(list(tmp_path.glob("*.json"))) == 1
    run_python(code, broker_url, str(tmp_path))
    assert [event.exception_type for event in events(state)] == ["KeyError", "KeyError"]
    assert list(tmp_path.glob("*.json")) == []


def test_many_processes_drain_one_spool_without_sending_a_batch_twice(
    broker_url: str, state: redis.Redis, tmp_path: Path
) -> None:
    away = Limits(linger=0.0, linger_away=0.0, retry_first=60, retry_most=60)
    with Publisher(
        "shop", broker_url="redis+socket:///nowhere/s", spool=tmp_path, limits=away
    ) as publisher:
        for number in range(60):
            publisher.report(make_event(test=f"t.py::test_{number}"))
            publisher.flush()
    assert len(list(tmp_path.glob("*.json"))) == 60
    code = """
        import sys
        from pathlib import Path
        from paramedic import Publisher
        with Publisher("shop", broker_url=sys.argv[1], spool=Path(sys.argv[2])) as publisher:
            publisher.flush(20)
    """
    arguments = [sys.executable, "-c", textwrap.dedent(code), broker_url, str(tmp_path)]
    processes = [subprocess.Popen(arguments, cwd=ROOT) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert sorted(event.test or "" for event in events(state)) == sorted(
        f"t.py::test_{number}" for number in range(60)
    )


def test_a_spool_that_another_process_drains_is_left_alone(tmp_path: Path) -> None:
    spool = Spool(tmp_path, most_batches=10, most_bytes=100_000)
    spool.put(Parcel(build_message([make_event()]), 1))
    code = """
        import sys
        from pathlib import Path
        from paramedic.spool import Spool
        def send(parcels):
            print("draining", flush=True)
            sys.stdin.read()
        Spool(Path(sys.argv[1]), most_batches=10, most_bytes=100_000).drain(send)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "draining\n"
        assert not spool.drain(lambda _: pytest.fail("sent twice"))
        other.kill()
    sent: list[Parcel] = []
    assert spool.drain(sent.extend)  # a lock does not outlive its process
    assert len(sent) == 1


def test_a_broker_that_has_stopped_answering_holds_no_caller_up(tmp_path: Path) -> None:
    with (
        private_valkey() as socket,
        redis.Redis(unix_socket_path=str(socket)) as state,
        Publisher(
            "shop", broker_url=f"redis+socket://{socket}", spool=tmp_path, limits=LIMITS
        ) as publisher,
    ):
        publisher.report(make_event())
        assert publisher.flush()
        with stopped(state):
            start = time.monotonic()
            for number in range(1_000):
                publisher.capture_exception(raised(ValueError(str(number))))
            assert time.monotonic() - start < 20
            assert not publisher.flush(0.1)
            wait_for("the spool to be used", lambda: publisher.counts.spooled > 0, timeout=20)
        wait_for("the spool to be drained", lambda: publisher.flush(5))
        seen = {batch["batch"]: batch["events"] for batch in batches(state)}
        counts = [event.get("count", 1) for found in seen.values() for event in found]
        assert sum(counts) == 1_001


def test_a_restarted_broker_is_found_again(tmp_path: Path) -> None:
    with private_valkey() as socket:
        link = tmp_path / "socket"
        link.symlink_to(socket)
        publisher = Publisher(
            "shop", broker_url=f"redis+socket://{link}", spool=tmp_path / "spool", limits=LIMITS
        )
        publisher.report(make_event())
        assert publisher.flush()
    publisher.report(make_event(message="while it was away"))
    assert not publisher.flush()
    link.unlink()
    with private_valkey() as socket, redis.Redis(unix_socket_path=str(socket)) as state:
        link.symlink_to(socket)
        wait_for("the broker to be found", lambda: publisher.counts.drained == 1)
        publisher.close()
        assert [event.message for event in events(state)] == ["while it was away"]


def test_a_forked_child_sends_its_own_events_and_none_of_its_parents(
    broker_url: str, state: redis.Redis, tmp_path: Path
) -> None:
    code = """
        import os, sys
        from pathlib import Path
        from paramedic import Limits, Publisher
        from tests.support.events import make_event
        url, spool = sys.argv[1], Path(sys.argv[2])
        publisher = Publisher("shop", broker_url=url, spool=spool, limits=Limits(linger=60))
        publisher.report(make_event(message="connected"))
        assert publisher.flush()
        publisher.report(make_event(message="parent"))
        child = os.fork()
        if child == 0:
            assert publisher.counts.reported == 0
            publisher.report(make_event(message="child"))
            assert publisher.close(20)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        publisher.report(make_event(message="parent later", exception_type="KeyError"))
    """
    run_python(code, broker_url, str(tmp_path))
    messages = sorted(event.message for event in events(state))
    assert messages == ["child", "connected", "parent", "parent later"]


def test_a_child_of_multiprocessing_sends_its_events_before_it_ends(
    broker_url: str, state: redis.Redis, tmp_path: Path
) -> None:
    code = """
        import multiprocessing, sys
        from pathlib import Path
        from paramedic import Publisher
        from tests.support.events import make_event
        publisher = Publisher("shop", broker_url=sys.argv[1], spool=Path(sys.argv[2]))
        def work():
            publisher.report(make_event(message="child"))
        child = multiprocessing.get_context("fork").Process(target=work)
        child.start()
        child.join()
        assert child.exitcode == 0
    """
    run_python(code, broker_url, str(tmp_path))
    assert [event.message for event in events(state)] == ["child"]


def test_a_hundred_thousand_reports_never_block_and_stay_bounded(
    broker_url: str, state: redis.Redis, tmp_path: Path
) -> None:
    code = """
        import resource, sys, time
        from pathlib import Path
        from paramedic import Publisher
        from tests.support.events import make_event, raised
        publisher = Publisher("shop", broker_url=sys.argv[1], spool=Path(sys.argv[2]))
        error = raised(ValueError("x" * 1_000))
        publisher.capture_exception(error)
        publisher.flush(20)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        slowest = 0.0
        for _ in range(100_000):
            start = time.thread_time()
            publisher.capture_exception(error)
            slowest = max(slowest, time.thread_time() - start)
        publisher.close(30)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        counts = publisher.counts
        assert counts.reported == counts.published == 100_001, counts
        print(slowest, grown // 1024, counts.published)
    """
    slowest, mebibytes, published = run_python(code, broker_url, str(tmp_path)).stdout.split()
    assert float(slowest) < 0.1
    assert int(mebibytes) < 150
    assert sum(event.count for event in events(state)) == int(published)


def test_the_password_of_the_broker_is_in_no_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for url in (
        "redis://:hunter2@127.0.0.1:1/0",
        "redis://:hunter2@127.0.0.1:port/0",
        "hunter2://",
    ):
        with Publisher("shop", broker_url=url, spool=tmp_path, limits=LIMITS) as publisher:
            publisher.report(make_event())
            assert not publisher.flush(20)
    assert "The broker is away" in caplog.text
    assert ":hunter2" not in caplog.text


def test_every_batch_is_in_the_journal_as_its_message_has_it(
    broker_url: str, state: redis.Redis, tmp_path: Path
) -> None:
    with Publisher("shop", broker_url=broker_url, spool=tmp_path, limits=LIMITS) as publisher:
        publisher.report(make_event())
    (sent,) = batches(state)
    assert json.loads(state.hget(JOURNAL, sent["batch"]) or "") == sent
    assert state.hlen(JOURNAL) == 1
    assert state.zscore(JOURNAL_PUBLISHED, sent["batch"]) == pytest.approx(
        time.time() * 1000, abs=60_000
    )
