"""The wish to stop is heard whenever it comes."""

from __future__ import annotations

import os
import signal

import pytest

from paramedic_workers.supervisor import StopSignals
from tests.support.waiting import wait_for


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_noted_and_the_old_handler_comes_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with StopSignals() as signals:
        assert not signals.came
        os.kill(os.getpid(), number)
        wait_for("the signal", lambda: signals.came)
    assert signal.getsignal(number) == before
