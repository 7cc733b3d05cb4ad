"""The publisher, with a broker in memory: nothing reaches the caller, nothing is lost uncounted."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import paramedic
from paramedic import Limits, Publisher
from paramedic.testing import MemoryTransport
from paramedic.wire import Message
from tests.support.events import make_event, raised
from tests.support.waiting import wait_for

QUICK = Limits(linger=0.01, linger_away=0.01, retry_first=0.01, retry_most=0.02)


class Stuck(MemoryTransport):
    """A broker that takes the connection and never answers, until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def send(self, messages: Sequence[Message]) -> None:
        self.go.wait(30)
        super().send(messages)


class Broken(MemoryTransport):
    """A transport with a bug."""

    def send(self, messages: Sequence[Message]) -> None:
        raise RuntimeError("a bug")


@pytest.fixture
def transport() -> MemoryTransport:
    return MemoryTransport()


@pytest.fixture
def publisher(transport: MemoryTransport, tmp_path: Path) -> Iterator[Publisher]:
    with Publisher("shop", transport=transport, spool=tmp_path / "spool", limits=QUICK) as it:
        yield it


def settled(publisher: Publisher) -> bool:
    counts = publisher.counts
    return counts.reported == counts.published + counts.spooled + counts.dropped


def test_an_exception_that_is_being_handled_is_published(
    publisher: Publisher, transport: MemoryTransport
) -> None:
    try:
        raise KeyError("price")
    except KeyError:
        publisher.capture_exception(order=12, error="also a tag")
    assert publisher.flush()
    [event] = transport.events
    assert (event.target, event.exception_type, event.message) == ("shop", "KeyError", "'price'")
    assert event.tags == {"order": "12", "error": "also a tag"}
    assert "KeyError: 'price'" in event.traceback
    assert event.producer.startswith("paramedic ")


def test_without_an_exception_nothing_is_reported(publisher: Publisher) -> None:
    publisher.capture_exception()
    assert publisher.flush()
    assert publisher.counts.reported == 0


def test_events_of_one_call_travel_together(
    publisher: Publisher, transport: MemoryTransport
) -> None:
    publisher.report(*(make_event(test=f"t.py::test_{number}") for number in range(30)))
    assert publisher.flush()
    assert [len(transport.events), len(transport.messages)] == [30, 1]


def test_repeats_are_merged_into_a_count(publisher: Publisher, transport: MemoryTransport) -> None:
    for number in range(1_000):
        publisher.capture_exception(raised(ValueError(f"order {number}")))
    assert publisher.flush()
    assert sum(event.count for event in transport.events) == 1_000
    assert len(transport.events) < 100
    assert publisher.counts.published == 1_000
    assert publisher.counts.merged == 1_000 - len(transport.events)


def test_a_storm_of_one_failure_loses_no_count(tmp_path: Path) -> None:
    transport = MemoryTransport()
    limits = Limits(queue_reports=10, linger=30, exit_timeout=20)
    with Publisher("shop", transport=transport, spool=tmp_path, limits=limits) as publisher:
        errors = [raised(ValueError("first")), raised(KeyError("second"))]
        for _ in range(5_000):
            for error in errors:
                publisher.capture_exception(error)
    first, second = transport.events
    assert (first.count, second.count) == (5_000, 5_000)
    assert first.last_at is not None
    assert first.last_at > first.occurred_at
    assert publisher.counts.merged == 9_998


def test_a_caller_never_sees_an_exception(publisher: Publisher) -> None:
    class Hostile:
        def __str__(self) -> str:
            raise SystemExit

    publisher.capture_exception(raised(ValueError()), order=Hostile())
    publisher.capture_exception("no exception")  # type: ignore[arg-type] # what callers do
    publisher.report("no event")  # type: ignore[arg-type] # what callers do
    publisher.report(make_event(target="no name"))
    publisher.report(make_event(frames=[1]))
    assert publisher.flush()
    assert (publisher.counts.published, publisher.counts.dropped) == (1, 4)
    assert settled(publisher)


def test_a_caller_never_waits_and_memory_is_bounded(tmp_path: Path) -> None:
    transport = Stuck()
    limits = Limits(queue_reports=100, linger=0.0, exit_timeout=0.1)
    publisher = Publisher("shop", transport=transport, spool=tmp_path / "spool", limits=limits)
    start = time.monotonic()
    for number in range(5_000):
        publisher.report(make_event(test=f"t.py::test_{number}"))
    assert time.monotonic() - start < 20
    assert publisher.counts.dropped >= 4_000
    transport.go.set()
    publisher.close()
    assert settled(publisher)


def test_large_reports_are_bounded_by_bytes(tmp_path: Path) -> None:
    limits = Limits(queue_bytes=1_000_000, linger=30, exit_timeout=5)
    transport = MemoryTransport()
    with Publisher("shop", transport=transport, spool=tmp_path, limits=limits) as publisher:
        for number in range(100):
            publisher.report(make_event(test=f"t.py::test_{number}", traceback="x" * 30_000))
        assert publisher.counts.dropped > 50
    assert len(transport.events) == 100 - publisher.counts.dropped


def test_while_the_broker_is_away_the_spool_fills_and_then_drains(
    publisher: Publisher, transport: MemoryTransport, tmp_path: Path
) -> None:
    transport.available = False
    publisher.report(make_event(count=3))
    assert not publisher.flush()
    assert publisher.counts.spooled == 3
    assert len(list((tmp_path / "spool").glob("*.json"))) == 1
    transport.available = True
    wait_for("the spool to be drained", lambda: publisher.counts.drained == 3, timeout=10)
    assert [event.count for event in transport.events] == [3]
    assert publisher.flush()


def test_the_next_publisher_drains_the_spool_without_a_report(tmp_path: Path) -> None:
    away = MemoryTransport()
    away.available = False
    with Publisher("shop", transport=away, spool=tmp_path, limits=QUICK) as first:
        first.report(make_event())
    transport = MemoryTransport()
    with Publisher("shop", transport=transport, spool=tmp_path, limits=QUICK) as second:
        wait_for("the spool to be drained", lambda: second.counts.drained == 1, timeout=10)
    assert len(transport.events) == 1


def test_closing_while_the_broker_hangs_spools_what_is_in_memory(tmp_path: Path) -> None:
    transport = Stuck()
    limits = Limits(linger=0.0, exit_timeout=0.2)
    publisher = Publisher("shop", transport=transport, spool=tmp_path, limits=limits)
    publisher.report(make_event(test="t.py::test_being_sent"))
    publisher.report(make_event(test="t.py::test_waiting"))
    start = time.monotonic()
    assert not publisher.close()
    assert time.monotonic() - start < 20
    assert publisher.counts.spooled == 2
    transport.go.set()


def test_without_a_spool_a_bounded_number_of_batches_waits_in_memory() -> None:
    transport = MemoryTransport()
    transport.available = False
    limits = Limits(spool_batches=0, held_batches=2, linger=0.0, linger_away=0.0, retry_first=0.01)
    with Publisher("shop", transport=transport, limits=limits) as publisher:
        for number in range(5):
            publisher.report(make_event(message=str(number)))
            publisher.flush()
        assert publisher.counts.dropped == 3
        transport.available = True
        wait_for("the others", lambda: publisher.counts.published == 2, timeout=10)
    assert [event.message for event in transport.events] == ["0", "1"]


def test_a_bug_in_the_transport_loses_nothing(tmp_path: Path) -> None:
    with Publisher("shop", transport=Broken(), spool=tmp_path, limits=QUICK) as publisher:
        publisher.report(make_event())
        assert not publisher.flush()
    assert publisher.counts.spooled == 1


def test_trouble_is_logged_once_in_a_while(
    publisher: Publisher, transport: MemoryTransport, caplog: pytest.LogCaptureFixture
) -> None:
    transport.available = False
    with caplog.at_level(logging.WARNING, logger="paramedic"):
        for _ in range(5):
            publisher.report(make_event())
            publisher.report(make_event(target="no name"))
            publisher.flush()
    texts = [record.getMessage() for record in caplog.records]
    assert len([text for text in texts if "The broker is away" in text]) == 1
    assert len([text for text in texts if "lost so far" in text]) == 1


def test_a_closed_publisher_begins_again_with_the_next_report(
    publisher: Publisher, transport: MemoryTransport
) -> None:
    publisher.report(make_event())
    assert publisher.close()
    publisher.report(make_event())
    assert publisher.flush()
    assert len(transport.events) == 2


def test_a_target_needs_a_name() -> None:
    with pytest.raises(ValueError, match="no name of a target"):
        Publisher("../etc")


def test_the_global_needs_no_publisher_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("paramedic.shared._publisher", None)
    monkeypatch.setattr("paramedic.shared._told_missing", False)
    monkeypatch.delenv("PARAMEDIC_TARGET", raising=False)
    paramedic.capture_exception(raised(ValueError()))
    paramedic.report(make_event())
    assert paramedic.flush()
    assert [record.getMessage() for record in caplog.records] == [
        "Nothing is reported: paramedic.init() has not been called"
    ]
    with pytest.raises(ValueError, match="PARAMEDIC_TARGET"):
        paramedic.init()
    publisher = paramedic.init("shop", broker_url="redis+socket:///nowhere", spool=tmp_path)
    paramedic.capture_exception(raised(ValueError()))
    assert not paramedic.flush(20)
    assert publisher.counts.spooled == 1
    publisher.close()
