"""What tests raise may be odd."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from paramedic_workers.repair.inside.items import describe_error


@pytest.fixture(autouse=True)
def _no_hang() -> Iterator[None]:
    def ring(_signal: int, _frame: object) -> None:
        raise TimeoutError("it does not end")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(30)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def test_causes_in_a_circle_have_an_end() -> None:
    first, second = ValueError("first"), KeyError("second")
    first.__cause__, second.__cause__ = second, first
    told = describe_error(first, "/nowhere")
    assert told is not None
    assert told["type"] == "KeyError"
