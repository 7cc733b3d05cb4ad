"""A group is leased, taken, healed and closed; nothing of it is lost or written twice."""

from __future__ import annotations

import time

import msgspec
import pytest

from paramedic_workers import keys
from paramedic_workers.closing import close_group
from paramedic_workers.errors import Phase, TargetError, Verdict
from paramedic_workers.groups import RoundEnd
from paramedic_workers.healing.model import HealReport, HealRequest, IncidentBrief
from paramedic_workers.incidents import IncidentState, group_name
from paramedic_workers.leases import Lease, LeaseAnswer
from paramedic_workers.recovery import LostBy, return_everything, return_group
from tests.support.queueing import COMMIT, REVISION, Flow, healed, make_settings
from tests.support.waiting import wait_for

GROUP = group_name("shop", REVISION)


def lease_on(flow: Flow, group: str = GROUP, seconds: float = 30.0) -> Lease:
    return Lease(client=flow.client, group=group, target="shop", seconds=seconds)


def lose_worker(flow: Flow) -> None:
    """A worker takes the group and dies."""

    def die(_request: HealRequest) -> HealReport:
        flow.standin.note(Phase.REPAIR, "candidates", 7)
        flow.client.delete(keys.lease(GROUP))  # what expiry does
        return HealReport(results=(), revision="")

    flow.standin.act = die
    assert flow.healer.heal("shop", REVISION).end is RoundEnd.LOST
    flow.standin.act = None
    assert return_group(flow.client, GROUP, LostBy.EXPIRY, flow.clock()) > 0


def test_one_result_closes_the_whole_group(flow: Flow) -> None:
    flow.fail("test_a", "test_b", "test_c")
    done = flow.healer.heal("shop", REVISION)
    assert done.end is RoundEnd.CLOSED
    (result,) = done.results
    incidents = flow.ledger.incidents()
    assert {i.state for i in incidents} == {IncidentState.CLOSED}
    assert {i.lead for i in incidents} == {result.incident}
    assert {i.result for i in incidents} == {result.id}
    assert {i.commit for i in incidents} == {COMMIT}
    assert len(result.merged) == 2
    assert flow.ledger.undelivered("file") == [result.id]
    assert flow.healer.waiting_groups("shop") == []
    assert not flow.client.exists(keys.lease(GROUP))
    assert flow.healer.heal("shop", REVISION).end is RoundEnd.NOTHING


def test_a_proved_patch_is_known_to_the_next_heal_of_the_group(flow: Flow) -> None:
    flow.fail("test_a")
    flow.healer.heal("shop", REVISION)
    flow.fail("test_b")
    flow.healer.heal("shop", REVISION)
    first, second = flow.standin.requests
    assert first.known_fixes == ()
    assert [fix.strategy for fix in second.known_fixes] == ["patch"]


def test_incidents_of_other_revisions_are_another_group(flow: Flow) -> None:
    flow.fail("test_a")
    flow.fail("test_b", revision="main")
    assert len(flow.healer.waiting_groups("shop")) == 2
    flow.healer.heal("shop", "main")
    assert [i.test for i in flow.ledger.incidents(state=IncidentState.WAITING)] == ["test_a"]


def test_a_leased_group_is_left_alone_and_a_target_has_its_limit(flow: Flow) -> None:
    flow.fail("test_a")
    flow.fail("test_b", revision="main")
    assert lease_on(flow).acquire(parallel=1) is LeaseAnswer.HELD
    assert flow.healer.heal("shop", REVISION).end is RoundEnd.BUSY
    assert flow.healer.heal("shop", "main").end is RoundEnd.FULL
    assert flow.standin.requests == []


def test_an_expired_lease_is_free_and_counts_no_more(flow: Flow) -> None:
    assert lease_on(flow, seconds=0.1).acquire(parallel=1) is LeaseAnswer.HELD
    other = lease_on(flow, group_name("shop", "main"))
    wait_for("the lease's end", lambda: other.acquire(parallel=1) is LeaseAnswer.HELD, 5)
    assert lease_on(flow).acquire(parallel=2) is LeaseAnswer.HELD


def test_a_lease_in_use_is_renewed(flow: Flow) -> None:
    lease = lease_on(flow, seconds=0.3)
    lease.acquire(parallel=1)
    with lease:
        time.sleep(0.7)  # longer than it lasts by itself
        assert lease_on(flow).acquire(parallel=9) is LeaseAnswer.BUSY
    assert lease_on(flow).acquire(parallel=9) is LeaseAnswer.HELD


def test_a_worker_without_its_lease_writes_nothing(flow: Flow) -> None:
    flow.fail("test_a")

    def taken_over(request: HealRequest) -> HealReport:
        flow.client.set(keys.lease(GROUP), "another worker's token")
        flow.standin.note(Phase.VERIFY)
        return healed(request)

    flow.standin.act = taken_over
    assert flow.healer.heal("shop", REVISION).end is RoundEnd.LOST
    (incident,) = flow.ledger.incidents()
    assert (incident.state, incident.phase) == (IncidentState.HEALING, None)
    assert flow.ledger.results() == []
    assert flow.ledger.undelivered("file") == []
    assert flow.client.get(keys.lease(GROUP)) == "another worker's token"


def test_closing_is_all_or_nothing(flow: Flow) -> None:
    flow.fail("test_a")
    lease = lease_on(flow)
    brief = IncidentBrief(fingerprint=flow.ledger.incidents()[0].fingerprint, test="test_a")
    target = flow.settings.targets["shop"]
    request = HealRequest(target=target, revision=REVISION, incidents=(brief,))
    before = sorted(flow.client.keys("*"))
    written = close_group(
        flow.client,
        lease,
        healed(request).results,
        incidents=flow.ledger.incidents(),
        commit=COMMIT,
        sinks=("file",),
        at=flow.clock(),
        retention_seconds=60,
    )
    assert not written
    assert sorted(flow.client.keys("*")) == before


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), ValueError(), TargetError()])
def test_whatever_the_healer_raises_its_incidents_end_in_one_result(
    flow: Flow, error: BaseException
) -> None:
    flow.fail("test_a", "test_b")

    def act(_request: HealRequest) -> HealReport:
        flow.standin.note(Phase.DIAGNOSE)
        raise error

    flow.standin.act = act
    done = flow.healer.heal("shop", REVISION)
    (result,) = done.results
    assert len(result.merged) == 1
    assert sorted(result.failing_tests) == ["test_a", "test_b"]
    assert result.cause.phase is Phase.DIAGNOSE
    assert type(error).__name__ in result.cause.type
    assert result.cause.message
    assert {i.state for i in flow.ledger.incidents()} == {IncidentState.CLOSED}


def test_an_incident_the_healer_forgot_or_gave_twice_is_in_one_result(flow: Flow) -> None:
    flow.fail("test_a", "test_b", "test_c")

    def act(request: HealRequest) -> HealReport:
        (whole,) = healed(request).results
        once = msgspec.structs.replace(whole, merged=whole.merged[:1])
        return HealReport(results=(once, msgspec.structs.replace(once, id="twice")), revision="")

    flow.standin.act = act
    done = flow.healer.heal("shop", REVISION)
    assert [result.verdict for result in done.results] == [Verdict.HEALED, Verdict.FAILED]
    assert "no result" in done.results[1].cause.message


def test_progress_can_be_watched(flow: Flow) -> None:
    flow.fail("test_a")

    def act(request: HealRequest) -> HealReport:
        flow.standin.note(Phase.REPAIR, "trying templates", 12)
        (incident,) = flow.ledger.incidents()
        assert (incident.phase, incident.detail) == (Phase.REPAIR, "trying templates")
        assert (incident.candidates, incident.attempts) == (12, 1)
        return healed(request)

    flow.standin.act = act
    assert flow.healer.heal("shop", REVISION).results[0].verdict is Verdict.HEALED


def test_a_target_that_is_gone_from_the_settings_still_gets_its_result(flow: Flow) -> None:
    flow.fail("test_a")
    flow.settings = make_settings(targets={})
    (result,) = flow.healer.heal("shop", REVISION).results
    assert result.verdict is Verdict.ENVIRONMENT
    assert "not in the settings" in result.cause.message


def test_a_lost_worker_counts_and_the_last_result_names_phase_and_hosts(flow: Flow) -> None:
    flow.fail("test_a")
    for _ in range(flow.settings.heal_attempts):
        lose_worker(flow)
    flow.standin.requests.clear()
    (result,) = flow.healer.heal("shop", REVISION).results
    assert flow.standin.requests == []
    assert result.verdict is Verdict.FAILED
    assert result.cause.type.endswith("WorkerLost")
    assert result.cause.phase is Phase.REPAIR
    assert result.cause.message.count(":") >= flow.settings.heal_attempts


def test_the_last_attempt_is_made_alone(flow: Flow) -> None:
    flow.fail("test_a", "test_b")
    for _ in range(flow.settings.heal_attempts - 1):
        lose_worker(flow)
    flow.standin.requests.clear()
    assert len(flow.healer.heal("shop", REVISION).results) == 1
    assert len(flow.healer.heal("shop", REVISION).results) == 1
    assert [len(request.incidents) for request in flow.standin.requests] == [1, 1]


def test_a_heal_that_was_stopped_on_purpose_does_not_count(flow: Flow) -> None:
    flow.fail("test_a")

    def act(_request: HealRequest) -> HealReport:
        assert return_everything(flow.client, ("file",), LostBy.STOP) == 1
        return HealReport(results=(), revision="")

    flow.standin.act = act
    assert flow.healer.heal("shop", REVISION).end is RoundEnd.LOST
    (incident,) = flow.ledger.incidents()
    assert (incident.state, incident.attempts) == (IncidentState.WAITING, 0)


def test_a_worker_without_its_lease_publishes_nothing(flow: Flow) -> None:
    flow.fail("test_a")
    answers = []

    def taken_over(request: HealRequest) -> HealReport:
        answers.append(request.may_publish("paramedic/1"))
        flow.client.set(keys.lease(GROUP), "another worker's token")
        answers.append(request.may_publish("paramedic/2"))
        return healed(request)

    flow.standin.act = taken_over
    assert flow.healer.heal("shop", REVISION).end is RoundEnd.LOST
    assert answers == ["", "its lease was lost: another worker heals it"]


def test_a_live_lease_keeps_its_group(flow: Flow) -> None:
    flow.fail("test_a")

    def act(request: HealRequest) -> HealReport:
        assert return_group(flow.client, GROUP, LostBy.EXPIRY, flow.clock()) == 0
        return healed(request)

    flow.standin.act = act
    assert flow.healer.heal("shop", REVISION).end is RoundEnd.CLOSED
