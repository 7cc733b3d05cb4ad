"""Exception hooks, logging and Celery signals."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery, signals

from paramedic import Limits, Publisher
from paramedic.integrations import celery, excepthook
from paramedic.integrations.logging import FailureHandler
from paramedic.testing import MemoryTransport
from tests.support.events import raised


@pytest.fixture
def transport() -> MemoryTransport:
    return MemoryTransport()


@pytest.fixture
def publisher(transport: MemoryTransport, tmp_path: Path) -> Iterator[Publisher]:
    limits = Limits(linger=0.0)
    with Publisher("shop", transport=transport, spool=tmp_path, limits=limits) as it:
        yield it


def test_what_ends_the_process_is_reported_and_the_former_hook_still_runs(
    publisher: Publisher, transport: MemoryTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, *_: seen.append(kind.__name__))
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    excepthook.install(publisher)
    for error in (ValueError("odd"), KeyboardInterrupt()):
        sys.excepthook(type(error), raised(error), None)
    publisher.flush()
    assert seen == ["ValueError", "KeyboardInterrupt"]
    assert [event.exception_type for event in transport.events] == ["ValueError"]


def test_what_ends_a_thread_is_reported_with_its_name(
    publisher: Publisher, transport: MemoryTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    excepthook.install(publisher)
    thread = threading.Thread(target=lambda: 1 // 0, name="till")
    thread.start()
    thread.join()
    publisher.flush()
    [event] = transport.events
    assert (event.exception_type, event.tags["thread"]) == ("ZeroDivisionError", "till")


def test_log_records_with_an_exception_are_reported(
    publisher: Publisher, transport: MemoryTransport
) -> None:
    logger = logging.Logger("shop.till")
    logger.addHandler(FailureHandler(publisher))
    try:
        raise KeyError("price")
    except KeyError:
        logger.exception("order %s failed", 12)
        logger.warning("not an error", exc_info=True)
        logger.error("no exception")
    publisher.flush()
    [event] = transport.events
    assert event.tags == {"logger": "shop.till", "log_message": "order 12 failed"}


def test_our_own_log_is_never_reported(publisher: Publisher) -> None:
    logger = logging.Logger("paramedic.courier")
    logger.addHandler(FailureHandler(publisher))
    logger.error("broken", exc_info=ValueError())
    publisher.flush()
    assert publisher.counts.reported == 0


def pay() -> None:
    """A task that fails."""
    raise KeyError("price")


def test_failing_tasks_of_ones_own_application_are_reported(
    publisher: Publisher, transport: MemoryTransport
) -> None:
    receivers = (
        list(signals.task_failure.receivers),
        list(signals.worker_process_shutdown.receivers),
    )
    app, other = Celery("mine", set_as_current=False), Celery("other", set_as_current=False)
    try:
        celery.connect(app, publisher)
        for owner in (app, other):
            owner.task(pay, name="pay").apply()
        publisher.flush()
    finally:
        signals.task_failure.receivers, signals.worker_process_shutdown.receivers = receivers
    [event] = transport.events
    assert (event.exception_type, event.tags["task"], event.count) == ("KeyError", "pay", 1)
