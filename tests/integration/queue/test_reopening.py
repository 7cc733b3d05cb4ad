"""When a repeat of a closed incident opens it again."""

from __future__ import annotations

import pytest

from paramedic_workers.errors import Verdict
from paramedic_workers.healing.model import HealReport, HealRequest
from paramedic_workers.incidents import IncidentState
from tests.support.queueing import COMMIT, REVISION, Flow, healed, make_batch, make_event


def close(flow: Flow, verdict: Verdict) -> None:
    """Open an incident and close it with this verdict."""

    def act(request: HealRequest) -> HealReport:
        return healed(request, verdict)

    flow.standin.act = act
    flow.fail("test_a")
    flow.clock.forward(10)
    flow.healer.heal("shop", REVISION)
    assert flow.ledger.incidents()[0].verdict is verdict


def state(flow: Flow) -> IncidentState:
    return flow.ledger.incidents()[0].state


def test_a_late_repeat_of_the_same_storm_only_counts(flow: Flow) -> None:
    close(flow, Verdict.HEALED)
    late = make_event(flow.clock(), "test_a")
    flow.clock.forward(60)
    flow.intake.record([make_batch(late)], "message")
    assert state(flow) is IncidentState.CLOSED
    assert flow.ledger.incidents()[0].count == 2


def test_a_repeat_after_healed_opens_again_and_keeps_its_history(flow: Flow) -> None:
    close(flow, Verdict.HEALED)
    flow.clock.forward(1)
    assert flow.fail("test_a").opened == 1
    (incident,) = flow.ledger.incidents()
    assert (incident.state, incident.verdict) == (IncidentState.WAITING, None)
    assert incident.attempts == 0
    assert incident.closed_at is None
    assert incident.count == 2
    assert len(flow.ledger.results_of(incident.fingerprint)) == 1


@pytest.mark.parametrize("verdict", [Verdict.HEALED, Verdict.UNHEALED, Verdict.FAILED])
def test_another_revision_opens_again(flow: Flow, verdict: Verdict) -> None:
    close(flow, verdict)
    recorded = flow.fail("test_a", revision="ab" * 20)
    assert recorded.opened == 1
    assert flow.ledger.incidents()[0].revision == "ab" * 20


def test_the_commit_that_was_healed_is_not_another_revision(flow: Flow) -> None:
    close(flow, Verdict.UNHEALED)
    assert flow.fail("test_a", revision=COMMIT).opened == 0
    assert flow.fail("test_a", revision=None).opened == 0


def test_an_unhealed_one_opens_again_only_after_a_while(flow: Flow) -> None:
    close(flow, Verdict.UNHEALED)
    flow.clock.forward(flow.settings.retry_after - 1)
    assert flow.fail("test_a").opened == 0
    flow.clock.forward(1)
    assert flow.fail("test_a").opened == 1
