"""A fix that has landed on the main branch is checked by running, and told once."""

from __future__ import annotations

import os

import msgspec
import pytest

from paramedic_workers import keys
from paramedic_workers.errors import Verdict
from paramedic_workers.healing.model import HealReport, HealRequest
from paramedic_workers.incidents import IncidentState
from paramedic_workers.landing.looking import LandingLooks, LookEnd
from paramedic_workers.landing.records import LandingHow, Look, read_look
from paramedic_workers.landing.telling import fixed_result
from paramedic_workers.leases import Lease
from paramedic_workers.results import encode_result
from paramedic_workers.stopping import INTERRUPT
from tests.support.landing_scene import BOTH, TEST, Runs, Scene


def test_a_fix_that_has_landed_is_checked_and_told_for_all_its_incidents(scene: Scene) -> None:
    assert scene.look() == (LookEnd.LOOKED, [])
    assert scene.landings.of(scene.fix.incident) is None
    commit = scene.land()
    scene.flow.clock.forward(600)
    assert scene.look() == (LookEnd.LOOKED, [Verdict.ALREADY_FIXED])
    (request,) = scene.runs.requests
    assert request.revision == commit
    assert [incident.test for incident in request.incidents] == [TEST]
    for name in (scene.fix.incident, *scene.fix.merged):
        landing = scene.landings.of(name)
        assert landing is not None
        assert (landing.commit, landing.how) == (commit, LandingHow.SAME_PATCH)
        assert landing.at == landing.checked_at == scene.flow.clock()
        record = scene.flow.ledger.incident(name)
        assert (record.state, record.verdict) == (IncidentState.CLOSED, Verdict.ALREADY_FIXED)
        assert (record.count, record.attempts) == (1, 1)  # nothing of it was a heal
    told = scene.flow.ledger.results_of(scene.fix.incident)[0]
    assert told.patch == scene.fix.patch
    assert commit[:10] in told.cause.message
    assert set(scene.flow.ledger.undelivered("file")) == {scene.fix.id, told.id}
    assert scene.look() == (LookEnd.NOTHING, [])
    assert scene.looks.due() == ()


def test_as_long_as_the_main_branch_stands_still_nothing_is_run_again(scene: Scene) -> None:
    scene.runs.passing = False
    scene.land()
    assert scene.look() == (LookEnd.LOOKED, [])
    landing = scene.landings.of(scene.fix.incident)
    assert landing is not None
    assert landing.checked_at is None
    scene.flow.clock.forward(86_400)
    scene.look()
    assert len(scene.runs.requests) == 1
    scene.shop.commit({"README": "more"})
    scene.runs.passing = True
    assert scene.look() == (LookEnd.LOOKED, [Verdict.ALREADY_FIXED])


@pytest.mark.parametrize("trouble", [Verdict.ENVIRONMENT, Verdict.FAILED])
def test_a_check_that_fails_comes_again_after_a_pause(scene: Scene, trouble: Verdict) -> None:
    scene.runs.trouble = trouble
    scene.land()
    for _ in range(5):  # more often than anything may lose its worker
        assert scene.look() == (LookEnd.LOOKED, [])
        scene.look()
        scene.flow.clock.forward(scene.flow.settings.landing_seconds * 32)
    assert len(scene.runs.requests) == 5
    scene.runs.trouble = None
    assert scene.look() == (LookEnd.LOOKED, [Verdict.ALREADY_FIXED])


def test_a_healer_that_raises_has_seen_nothing(scene: Scene) -> None:
    scene.runs.trouble = SystemExit("odd")
    scene.land()
    assert scene.look() == (LookEnd.LOOKED, [])
    look = read_look(scene.flow.client, scene.fix.incident)
    assert (look.begun, look.troubles, look.failed_at) == (0, 1, "")


def test_a_check_that_loses_its_worker_three_times_waits_for_a_later_tip(scene: Scene) -> None:
    scene.runs.trouble = Verdict.FAILED
    scene.land()
    scene.look()
    scene.flow.clock.forward(86_400)
    scene.flow.client.hset(keys.landing(scene.fix.incident), "begun", 3)  # nobody saw their end
    scene.runs.trouble = None
    assert scene.look() == (LookEnd.LOOKED, [])
    assert len(scene.runs.requests) == 1
    scene.shop.commit({"README": "more"})
    assert scene.look() == (LookEnd.LOOKED, [Verdict.ALREADY_FIXED])


def test_a_worker_that_is_told_to_stop_leaves_the_check_for_later(scene: Scene) -> None:
    scene.land()
    heal = scene.runs.heal

    def stopped(request: HealRequest) -> HealReport:
        os.kill(os.getpid(), INTERRUPT)
        return heal(request)

    scene.runs.heal = stopped  # type: ignore[method-assign]
    assert scene.look() == (LookEnd.STOPPED, [])
    look = read_look(scene.flow.client, scene.fix.incident)
    assert (look.begun, look.troubles) == (0, 0)
    scene.runs.heal = heal  # type: ignore[method-assign]
    assert scene.look() == (LookEnd.LOOKED, [Verdict.ALREADY_FIXED])


def test_an_incident_that_failed_again_has_no_landing(scene: Scene) -> None:
    scene.land()
    scene.flow.clock.forward(600)
    scene.look()
    newer = "2e" * 20
    scene.flow.fail(*BOTH, revision=newer)
    name = scene.fix.incident
    assert scene.flow.ledger.incident(name).state is IncidentState.WAITING
    assert scene.landings.of(name) is None
    scene.flow.healer.heal("shop", newer)
    assert scene.landings.of(name) is None
    assert scene.look() == (LookEnd.LOOKED, [Verdict.ALREADY_FIXED])


def test_what_happened_during_the_check_is_not_overwritten(scene: Scene) -> None:
    scene.land()
    newer = "2e" * 20

    class Meanwhile(Runs):
        def heal(self, request: HealRequest) -> HealReport:
            scene.flow.fail(*BOTH, revision=newer)
            return super().heal(request)

    scene.looks = LandingLooks(
        client=scene.flow.client,
        settings=scene.flow.settings,
        healer=lambda _progress: Meanwhile(),
        sinks=("file",),
        clock=scene.flow.clock,
    )
    assert scene.look() == (LookEnd.LOOKED, [])
    assert scene.flow.ledger.incident(scene.fix.incident).state is IncidentState.WAITING


@pytest.mark.parametrize(("field", "value"), [("state", "waiting"), ("result", "another")])
def test_a_landing_is_written_for_what_still_stands_only(
    scene: Scene, field: str, value: str
) -> None:
    fix, client = scene.fix, scene.flow.client
    arguments = ("shop", fix.incident, fix.id, 1, "new", "{}", '["file"]', fix.incident)
    key = keys.incident(fix.incident)
    before = client.hget(key, field)
    client.hset(key, field, value)
    assert client.eval(keys.CLOSE_LANDED, 0, *arguments) == 0
    assert scene.flow.ledger.undelivered("file") == [fix.id]
    client.hset(key, field, str(before))
    assert client.eval(keys.CLOSE_LANDED, 0, *arguments) == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("off by one", ": already fixed: off by one"),
        ("proposal: off by one", ": already fixed: off by one"),
    ],
)
def test_the_summary_of_a_landed_fix_says_what_the_fix_was(
    scene: Scene, before: str, after: str
) -> None:
    fix = msgspec.structs.replace(scene.fix, summary=f"test_total in tests/test_cart.py: {before}")
    for how in LandingHow:
        told = fixed_result(fix, Look(how=how, commit="ab" * 20), "cd" * 20, scene.flow.clock())
        is_ours = how in (LandingHow.OUR_COMMIT, LandingHow.SAME_PATCH, LandingHow.SAME_LINES)
        assert told.summary.endswith(after) == is_ours, how


def test_a_failure_that_a_heal_finds_gone_counts_as_landed(scene: Scene) -> None:
    name = scene.fix.incident
    scene.flow.client.hset(keys.incident(name), "verdict", Verdict.ALREADY_FIXED)
    landing = scene.landings.of(name)
    assert landing is not None
    assert (landing.how, landing.checked_at) == (LandingHow.SEEN_FIXED, scene.flow.clock())
    assert scene.landings.of("no such incident") is None


def test_a_fix_that_is_taken_out_again_has_not_landed(scene: Scene) -> None:
    scene.runs.passing = False
    scene.land()
    scene.look()
    scene.shop.git("reset", "--quiet", "--hard", "HEAD~1")
    scene.shop.commit({"README": "without it"})
    scene.look()
    assert scene.landings.of(scene.fix.incident) is None


def test_a_look_is_one_of_the_parallel_heals_of_its_target(scene: Scene) -> None:
    scene.land()
    lease = Lease(client=scene.flow.client, group="shop@other", target="shop", seconds=30)
    lease.acquire(parallel=1)
    assert scene.look() == (LookEnd.BUSY, [])
    with lease:
        pass
    assert scene.look()[1] == [Verdict.ALREADY_FIXED]


def test_a_repository_that_is_away_costs_nothing(scene: Scene) -> None:
    moved = scene.shop.path.rename(scene.shop.path.with_name("moved"))
    assert scene.look() == (LookEnd.UNREACHABLE, [])
    moved.rename(scene.shop.path)
    scene.land()
    assert scene.look()[1] == [Verdict.ALREADY_FIXED]


def test_targets_are_rung_for_every_so_often_and_only_with_a_fix_on_its_way(scene: Scene) -> None:
    assert scene.looks.due() == ()  # it was only just made
    assert scene.looks.due() == ()
    scene.flow.clock.forward(scene.flow.settings.landing_seconds)
    assert scene.looks.due() == ("shop",)
    assert scene.looks.due() == ()
    scene.flow.clock.forward(-86_400)  # rung for by a machine whose clock was ahead
    assert scene.looks.due() == ("shop",)
    scene.flow.client.delete(keys.unlanded("shop"))
    scene.flow.clock.forward(scene.flow.settings.landing_seconds)
    assert scene.looks.due() == ()


@pytest.mark.parametrize("odd", ["no diff", "--- a/x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n"])
def test_a_patch_that_cannot_be_read_hinders_nothing(scene: Scene, odd: str) -> None:
    scene.flow.client.set(
        keys.result(scene.fix.id), encode_result(msgspec.structs.replace(scene.fix, patch=odd))
    )
    scene.land()
    assert scene.look() == (LookEnd.LOOKED, [])


def test_a_fix_is_looked_for_until_the_retention_is_over(scene: Scene) -> None:
    days = scene.flow.settings.retention_days
    scene.flow.clock.forward((days - 1) * 86_400)
    assert scene.look() == (LookEnd.LOOKED, [])
    scene.flow.clock.forward(2 * 86_400)
    assert scene.look() == (LookEnd.NOTHING, [])


def test_an_incident_that_is_gone_is_no_longer_looked_for(scene: Scene) -> None:
    scene.flow.client.delete(keys.incident(scene.fix.incident))
    assert scene.look() == (LookEnd.NOTHING, [])
    assert not scene.flow.client.exists(keys.unlanded("shop"))
