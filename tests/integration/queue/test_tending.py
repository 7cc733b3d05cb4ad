"""Sinks are tended when their time has come, one at a time over all machines."""

from __future__ import annotations

import pytest

from paramedic_workers import keys
from paramedic_workers.errors import SinkUnavailable
from paramedic_workers.resting import Resting
from paramedic_workers.tending import TendEnd, Tending
from tests.support.queueing import Flow


class Digest:
    """A sink with duties."""

    tend_seconds = 60.0

    def __init__(self) -> None:
        self.tended = 0
        self.trouble: BaseException | None = None

    def tend(self) -> None:
        self.tended += 1
        if self.trouble is not None:
            raise self.trouble


@pytest.fixture
def sink() -> Digest:
    return Digest()


@pytest.fixture
def tending(flow: Flow, sink: Digest) -> Tending:
    return Tending(client=flow.client, sinks={"digest": sink, "plain": object()}, clock=flow.clock)


def test_a_sink_is_tended_each_time_its_seconds_are_over(
    flow: Flow, tending: Tending, sink: Digest
) -> None:
    assert tending.due() == ("digest",)
    assert tending.tend("digest") is TendEnd.TENDED
    assert tending.due() == ()
    assert tending.tend("digest") is TendEnd.EARLY  # a second bell
    flow.clock.forward(59)
    assert tending.due() == ()
    flow.clock.forward(1)
    assert tending.due() == ("digest",)
    assert tending.tend("digest") is TendEnd.TENDED
    assert sink.tended == 2
    flow.clock.forward(-86_400)  # a machine whose clock was ahead has tended it
    assert tending.due() == ("digest",)


def test_a_sink_is_never_tended_twice_at_once(flow: Flow, tending: Tending, sink: Digest) -> None:
    ends: list[TendEnd] = []
    sink.tend = lambda: ends.append(tending.tend("digest"))  # type: ignore[method-assign]
    assert tending.tend("digest") is TendEnd.TENDED
    assert ends == [TendEnd.BUSY]
    assert not flow.client.exists(keys.tending("digest"))
    assert flow.client.ttl(keys.TENDED) == -1


def test_the_lock_of_somebody_who_died_expires(flow: Flow, tending: Tending, sink: Digest) -> None:
    seen: list[int] = []

    def look() -> None:
        seen.append(flow.client.ttl(keys.tending("digest")))

    sink.tend = look  # type: ignore[method-assign]
    tending.tend("digest")
    assert 300 < seen[0] <= 330


@pytest.mark.parametrize("trouble", [ValueError("odd"), SystemExit(), KeyboardInterrupt()])
def test_a_sink_that_breaks_is_tended_again_the_next_time(
    flow: Flow, tending: Tending, sink: Digest, trouble: BaseException
) -> None:
    sink.trouble = trouble
    assert tending.tend("digest") is TendEnd.BROKE
    assert tending.due() == ()
    flow.clock.forward(60)
    assert tending.due() == ("digest",)


def test_a_resting_sink_is_not_tended_and_one_that_is_away_rests(
    flow: Flow, tending: Tending, sink: Digest
) -> None:
    sink.trouble = SinkUnavailable("Jira is away.", retry_after=60)
    assert tending.tend("digest") is TendEnd.RESTING
    (rest,) = Resting(client=flow.client).standing(["digest"])
    assert "Jira is away." in rest.why
    flow.clock.forward(60)
    assert tending.due() == ()
    assert tending.tend("digest") is TendEnd.RESTING
    assert sink.tended == 1
    flow.client.hset(keys.resting("digest"), "until", 1)
    assert tending.due() == ("digest",)


def test_a_sink_without_duties_has_nothing_to_be_done(tending: Tending) -> None:
    assert tending.tend("plain") is TendEnd.NOTHING
    assert tending.tend("removed") is TendEnd.NOTHING


def test_the_sweep_rings_for_what_is_due(flow: Flow, tending: Tending) -> None:
    sweeper = flow.sweeper(sinks=("digest",), tending=tending)
    assert sweeper.sweep().tends == ("digest",)
    tending.tend("digest")
    assert sweeper.sweep().tends == ()
