"""The error boundary and the telling of signals from exceptions."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from paramedic_workers.errors import Phase, PublishError, RepositoryError, Verdict
from paramedic_workers.healing.boundary import guarded
from paramedic_workers.healing.interruption import SignalWatch
from paramedic_workers.healing.journal import Journal
from paramedic_workers.healing.model import Progress


def receive(number: signal.Signals) -> None:
    """Get a signal, and be waiting for something when it comes."""
    os.kill(os.getpid(), number)
    threading.Event().wait(5)


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("boom"),
        Exception(),
        Unspeakable(),
        KeyboardInterrupt(),
        SystemExit(0),
        GeneratorExit(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_is_raised_becomes_a_failure_with_a_name(
    phase: Phase, error: BaseException
) -> None:
    def work() -> None:
        raise error

    failure = guarded(phase, Journal("shop"), work).failure
    assert failure is not None
    assert failure.verdict is Verdict.FAILED
    assert failure.cause.phase is phase
    assert type(error).__name__ in failure.cause.type
    assert failure.cause.message.strip()
    assert "work" in failure.cause.traceback


def test_an_error_of_ours_says_itself_how_the_heal_ends() -> None:
    def refuse() -> None:
        raise RepositoryError("There is no such revision.")

    def push() -> None:
        raise PublishError("No.", phase=Phase.PUBLISH)

    journal = Journal("shop")
    refused = guarded(Phase.PREPARE, journal, refuse).failure
    assert refused is not None
    assert refused.verdict is Verdict.ENVIRONMENT
    pushed = guarded(Phase.REPAIR, journal, push).failure
    assert pushed is not None
    assert pushed.cause.phase is Phase.PUBLISH
    assert "There is no such revision." in journal.text()


def test_a_signal_is_told_from_an_exception_of_the_same_type() -> None:
    before = signal.getsignal(signal.SIGINT)
    with SignalWatch() as watch:
        with pytest.raises(KeyboardInterrupt):
            raise KeyboardInterrupt
        assert not watch.interrupted
        with pytest.raises(KeyboardInterrupt):
            receive(signal.SIGINT)
        assert watch.must_end_process
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(KeyboardInterrupt):
        watch.end_process_if_asked()


def test_what_another_signal_handler_raises_does_not_end_the_process() -> None:
    class TimeLimit(Exception):
        pass

    def handler(_number: int, _frame: object) -> None:
        raise TimeLimit

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with SignalWatch() as watch:
            with pytest.raises(TimeLimit):
                receive(signal.SIGUSR1)
            assert watch.interrupted
            assert not watch.must_end_process
        watch.end_process_if_asked()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_time_belongs_to_the_innermost_phase_and_pages_begin_alike() -> None:
    now = 0.0
    journal = Journal("shop", clock=lambda: now)
    with journal.during(Phase.PREPARE):
        now += 2.0
    page, other = journal.page(), journal.page()
    with page.during(Phase.REPAIR):
        now += 3.0
        with page.during(Phase.VERIFY):
            now += 4.0
        now += 1.0
    with other.during(Phase.REPAIR):
        now += 5.0
    assert [(t.name.value, t.seconds) for t in page.phase_times()] == [
        ("prepare", 2.0),
        ("repair", 4.0),
        ("verify", 4.0),
    ]
    assert [t.seconds for t in other.phase_times()] == [2.0, 5.0]


def test_a_broken_display_does_not_spoil_a_heal() -> None:
    def broken(_progress: Progress) -> None:
        raise RuntimeError("terminal is gone")

    journal = Journal("shop", progress=broken)
    journal.say("a line")
    assert "a line" in journal.text()


def test_a_failure_belongs_to_the_innermost_phase_that_it_has_left() -> None:
    journal = Journal("shop")

    def verify() -> None:
        with journal.during(Phase.VERIFY):
            raise RuntimeError

    def repair_after_a_proof() -> None:
        with journal.during(Phase.VERIFY):
            pass
        raise RuntimeError

    failures = [
        guarded(Phase.REPAIR, journal, work).failure for work in (verify, repair_after_a_proof)
    ]
    assert [failure.cause.phase for failure in failures if failure] == [Phase.VERIFY, Phase.REPAIR]
