"""The stopwatch of a heal: each cause has its own time."""

from __future__ import annotations

from paramedic_workers.errors import Phase
from paramedic_workers.healing.journal import Journal


def test_a_cause_does_not_count_the_time_of_the_others() -> None:
    now = [100.0]
    journal = Journal("shop", clock=lambda: now[0])
    with journal.during(Phase.REPRODUCE):
        now[0] += 2
    first, second = journal.page(), journal.page()
    with first.during(Phase.REPAIR):
        now[0] += 5
    with second.during(Phase.REPAIR):
        now[0] += 1
    assert first.spent() == 7
    assert second.spent() == 3
    assert second.seconds() == 8
