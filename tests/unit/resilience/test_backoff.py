"""Pauses grow, spread and are bounded; only what passes is tried again."""

from __future__ import annotations

import pytest

from paramedic_workers.errors import Phase, RepositoryError
from paramedic_workers.healing.boundary import guarded
from paramedic_workers.healing.journal import Journal
from paramedic_workers.resilience.backoff import Patience, pause_after

PATIENCE = Patience(tries=4, first=1.0, factor=3.0, greatest=5.0)


class Remote:
    """Fails some times, then answers."""

    def __init__(self, failures: int, *, transient: bool = True) -> None:
        self.failures = failures
        self.transient = transient
        self.asked = 0
        self.slept: list[float] = []

    def ask(self) -> str:
        self.asked += 1
        if self.asked <= self.failures:
            raise RepositoryError("It is away.", transient=self.transient)
        return "answer"

    def persist(self, left: float = 100.0) -> str:
        return PATIENCE.persist(
            self.ask, left=lambda: left, sleep=self.slept.append, chance=lambda: 0.0
        )


def test_pauses_grow_spread_and_are_bounded() -> None:
    bounds = {"first": 5.0, "factor": 3.0, "greatest": 3600.0}
    full = [pause_after(attempt, **bounds, chance=lambda: 0.0) for attempt in range(1, 101)]
    half = [pause_after(attempt, **bounds, chance=lambda: 1.0) for attempt in range(1, 101)]
    assert full[:3] == [5.0, 15.0, 45.0]
    assert full == sorted(full)
    assert full[-1] == 3600.0
    assert half == [pause / 2 for pause in full]


def test_what_passes_is_tried_again_with_longer_pauses() -> None:
    remote = Remote(3)
    assert remote.persist() == "answer"
    assert remote.slept == [1.0, 3.0, 5.0]


def test_tries_are_bounded() -> None:
    remote = Remote(99)
    with pytest.raises(RepositoryError):
        remote.persist()
    assert remote.asked == PATIENCE.tries


def test_what_does_not_pass_is_not_tried_again() -> None:
    remote = Remote(1, transient=False)
    with pytest.raises(RepositoryError):
        remote.persist()
    assert (remote.asked, remote.slept) == (1, [])


def test_time_is_bounded_no_pause_takes_more_than_half_of_what_is_left() -> None:
    remote = Remote(3)
    with pytest.raises(RepositoryError):
        remote.persist(left=4.0)
    assert remote.slept == [1.0]


def test_each_further_try_is_a_line_of_the_journal_of_its_phase() -> None:
    journal = Journal("shop")
    remote = Remote(2)
    outcome = guarded(Phase.PREPARE, journal, remote.persist)
    assert outcome.value == "answer"
    lines = journal.text().splitlines()
    assert [line for line in lines if "trying again in" in line and "It is away." in line] == lines
    assert len(lines) == 2
    assert all("prepare" in line for line in lines)
