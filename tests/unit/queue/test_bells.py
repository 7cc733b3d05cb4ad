"""What is due in some seconds is rung for then, once."""

from __future__ import annotations

from paramedic_workers.bells import SOON, Bells
from tests.support.waiting import wait_for


def test_one_bell_rings_at_the_earliest_time_that_was_asked_for() -> None:
    bells, heard = Bells(), list[str]()
    bells.ring_in(SOON - 1, "jira", lambda: heard.append("late"))
    bells.ring_in(0.01, "jira", lambda: heard.append("early"))
    bells.ring_in(0.02, "jira", lambda: heard.append("later"))
    bells.ring_in(0.01, "webhook", lambda: heard.append("webhook"))
    wait_for("the bells", lambda: len(heard) == 2, 5)
    assert sorted(heard) == ["early", "webhook"]
    bells.ring_in(0.01, "jira", lambda: heard.append("again"))
    wait_for("the next bell", lambda: heard[2:] == ["again"], 5)


def test_what_is_far_ahead_is_left_to_the_sweep() -> None:
    bells = Bells()
    bells.ring_in(SOON + 1, "jira", lambda: None)
    assert bells.waiting == 0
    bells.ring_in(SOON, "jira", lambda: None)
    assert bells.waiting == 1
