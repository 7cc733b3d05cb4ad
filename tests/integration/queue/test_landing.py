"""A fix that has landed on the main branch is found there, checked by running, and told once."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from paramedic_workers import keys
from paramedic_workers.errors import Phase, Verdict
from paramedic_workers.healing.git import Git
from paramedic_workers.healing.model import HealReport, HealRequest
from paramedic_workers.incidents import IncidentState
from paramedic_workers.landing.finding import MainBranch
from paramedic_workers.landing.looking import LandingLooks, LookEnd
from paramedic_workers.landing.records import LandingHow, Landings, Look, read_look
from paramedic_workers.landing.telling import fixed_result
from paramedic_workers.leases import Lease
from paramedic_workers.results import Cause, Confidence, Result, encode_result
from paramedic_workers.settings import TargetSettings
from paramedic_workers.stopping import INTERRUPT
from tests.support.queueing import Flow, make_settings
from tests.support.repositories import Repository, make_repository

CART = "".join(f"line {number}\n" for number in range(30))
BAD = CART.replace("line 15\n", "line fifteen\n")
TEST = "tests/test_cart.py::test_total"
BOTH = (TEST, "tests/test_cart.py::test_discount")


@pytest.fixture
def shop(tmp_path: Path) -> Repository:
    return make_repository(tmp_path / "shop", {"cart.py": BAD})


@pytest.fixture
def revision(shop: Repository) -> str:
    return shop.git("rev-parse", "HEAD")


@pytest.fixture
def patch(shop: Repository, revision: str) -> str:
    """The fix, as it is put on a branch of its own."""
    shop.git("checkout", "--quiet", "-b", "paramedic/fix", revision)
    shop.write({"cart.py": CART})
    shop.git("commit", "--quiet", "--all", "--message", "Mend it")
    shop.git("checkout", "--quiet", "main")
    return shop.git("diff", revision, "paramedic/fix") + "\n"


def look_at(shop: Repository) -> MainBranch:
    return MainBranch(git=Git(directory=shop.path / ".git"), tip=shop.git("rev-parse", "main"))


# --- is it there?


def test_nothing_is_found_on_a_main_branch_without_it(
    shop: Repository, patch: str, revision: str
) -> None:
    assert look_at(shop).find(patch, revision) is None
    shop.commit({"README": "more"})
    assert look_at(shop).find(patch, revision) is None
    shop.commit({"cart.py": BAD + "more\n"})  # the same file, elsewhere
    assert look_at(shop).find(patch, revision) is None


def test_our_commit_is_found_where_it_was_merged(
    shop: Repository, patch: str, revision: str
) -> None:
    tree = shop.git("rev-parse", "paramedic/fix^{tree}")
    git = Git(directory=shop.path / ".git")
    ours = git.line("commit-tree", "-p", revision, "-F", "-", tree, stdin=b"Mend it")
    shop.commit({"README": "more"})
    shop.git("merge", "--quiet", "--no-ff", "--message", "Merge", ours)
    found = look_at(shop).find(patch, revision)
    assert found is not None
    assert (found.commit, found.how) == (ours, LandingHow.OUR_COMMIT)


def test_a_patch_that_git_would_write_otherwise_is_the_same(
    shop: Repository, patch: str, revision: str
) -> None:
    lines = patch.splitlines(keepends=True)
    bare = "".join(line for line in lines if not line.startswith(("diff ", "index ")))
    first, *_, last = bare.split(" line 12\n")
    narrow = first.replace("@@ -13,7 +13,7 @@", "@@ -14,6 +14,6 @@") + last
    picked = shop.commit({"cart.py": CART})
    for written in (bare, narrow):
        assert written != patch
        found = look_at(shop).find(written, revision)
        assert found is not None
        assert (found.commit, found.how) == (picked, LandingHow.SAME_PATCH)


def test_a_squashed_or_picked_fix_is_found_by_what_it_changes(
    shop: Repository, patch: str, revision: str
) -> None:
    shop.commit({"cart.py": "first\n" + BAD})  # so that its lines have other numbers
    shop.write({"cart.py": "first\n" + CART, "README": "squashed together"})
    squashed = shop.commit({}, "Squash")
    shop.commit({"README": "more"})
    found = look_at(shop).find(patch, revision)
    assert found is not None
    assert (found.commit, found.how) == (squashed, LandingHow.SAME_PATCH)


def test_a_fix_within_a_greater_change_is_found_by_its_lines(
    shop: Repository, patch: str, revision: str
) -> None:
    wider = shop.commit({"cart.py": CART.replace("line 13\n", "line 13, mended too\n")})
    found = look_at(shop).find(patch, revision)
    assert found is not None
    assert (found.commit, found.how) == (wider, LandingHow.SAME_LINES)


def test_another_change_of_the_same_lines_may_have_mended_it(
    shop: Repository, patch: str, revision: str
) -> None:
    other = shop.commit({"cart.py": CART.replace("line 15\n", "line 3 * 5\n")})
    found = look_at(shop).find(patch, revision)
    assert found is not None
    assert (found.commit, found.how) == (other, LandingHow.OTHER_CHANGE)


def test_a_revision_that_is_gone_from_the_repository_hinders_nothing(
    shop: Repository, patch: str
) -> None:
    landed = shop.commit({"cart.py": CART})
    found = look_at(shop).find(patch, "ab" * 20)
    assert found is not None
    assert found.commit == landed


# --- looked for, checked, told


@dataclass
class Runs:
    """A healer that only runs tests; `passing` decides how."""

    passing: bool = True
    #: What it ends in otherwise than by running them.
    trouble: Verdict | BaseException | None = None
    requests: list[HealRequest] = field(default_factory=list)

    def heal(self, request: HealRequest) -> HealReport:
        self.requests.append(request)
        assert request.check_only
        tests = [incident.test or "" for incident in request.incidents]
        if isinstance(self.trouble, BaseException):
            raise self.trouble
        if self.trouble is not None:
            return HealReport(results=(broken(self.trouble, tests),), revision="")
        return HealReport(results=(), revision="", passing=frozenset(tests if self.passing else ()))


def broken(verdict: Verdict, tests: list[str]) -> Result:
    return Result(
        incident="x",
        fingerprint="x",
        target="shop",
        revision="",
        verdict=verdict,
        summary="it broke",
        cause=Cause(phase=Phase.PREPARE, type="OSError", message="away"),
        failing_tests=tuple(tests),
    )


@dataclass
class Scene:
    """A healed incident of a real repository, and looks at that."""

    flow: Flow
    shop: Repository
    runs: Runs
    looks: LandingLooks
    fix: Result

    def land(self) -> str:
        return self.shop.commit({"cart.py": CART}, "Take the fix")

    def look(self) -> tuple[LookEnd, list[Verdict]]:
        looked = self.looks.look("shop")
        return looked.end, [result.verdict for result in looked.results]

    @property
    def landings(self) -> Landings:
        return Landings(self.flow.client)


@pytest.fixture
def scene(flow: Flow, shop: Repository, revision: str, patch: str, tmp_path: Path) -> Scene:
    target = TargetSettings(name="shop", repository=str(shop.path), parallel=1)
    flow.settings = make_settings(tmp_path / "data", targets={"shop": target})

    def heal(request: HealRequest) -> HealReport:
        names = [incident.fingerprint for incident in request.incidents]
        result = Result(
            incident=names[0],
            fingerprint=names[0],
            target="shop",
            revision=revision,
            verdict=Verdict.HEALED,
            strategy="patch",
            summary="healed",
            cause=Cause(phase=Phase.REPRODUCE, type="AssertionError", message="assert 1 == 2"),
            failing_tests=(TEST,),
            merged=tuple(names[1:]),
            patch=patch,
            confidence=Confidence.HIGH,
        )
        return HealReport(results=(result,), revision=revision)

    flow.standin.act = heal
    flow.fail(*BOTH, revision=revision)
    (fix,) = flow.healer.heal("shop", revision).results
    runs = Runs()
    looks = LandingLooks(
        client=flow.client,
        settings=flow.settings,
        healer=lambda _progress: runs,
        sinks=("file",),
        clock=flow.clock,
    )
    return Scene(flow, shop, runs, looks, fix)


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


# --- mended by a person


def close_without_fix(scene: Scene, verdict: Verdict, *tests: str, revision: str = "") -> list[str]:
    """These tests fail as well, and end without a fix; only they are looked for now."""
    at = revision or scene.fix.revision

    def heal(request: HealRequest) -> HealReport:
        cause = Cause(phase=Phase.REPRODUCE, type="AssertionError", message="assert 1 == 2")
        results = [
            msgspec.structs.replace(
                broken(verdict, [brief.test or ""]),
                incident=brief.fingerprint,
                revision=at,
                cause=cause,
            )
            for brief in request.incidents
        ]
        return HealReport(results=tuple(results), revision=at)

    scene.flow.client.delete(keys.unlanded("shop"))
    scene.flow.standin.act = heal
    scene.flow.fail(*tests, revision=at)
    return [result.incident for result in scene.flow.healer.heal("shop", at).results]


@pytest.mark.parametrize("verdict", [Verdict.UNHEALED, Verdict.ENVIRONMENT])
def test_what_a_person_mends_anywhere_is_noticed(scene: Scene, verdict: Verdict) -> None:
    (name,) = close_without_fix(scene, verdict, "tests/test_a.py::test_a")
    assert scene.look() == (LookEnd.LOOKED, [])
    assert scene.runs.requests == []  # main is as it was
    tip = scene.shop.commit({"helper.py": "mended"})
    assert scene.look() == (LookEnd.LOOKED, [Verdict.ALREADY_FIXED])
    landing = scene.landings.of(name)
    assert landing is not None
    assert (landing.how, landing.commit) == (LandingHow.ELSEWHERE, "")
    assert landing.checked_at == scene.flow.clock()
    told = scene.flow.ledger.results_of(name)[0]
    assert (told.patch, told.revision) == (None, scene.fix.revision)
    assert tip[:10] in told.summary
    assert scene.look() == (LookEnd.NOTHING, [])


@pytest.mark.parametrize("verdict", [Verdict.FLAKY, Verdict.FAILED, Verdict.NOT_REPRODUCED])
def test_what_a_pass_does_not_disprove_is_left_alone(scene: Scene, verdict: Verdict) -> None:
    close_without_fix(scene, verdict, "tests/test_a.py::test_a")
    scene.land()
    assert scene.look() == (LookEnd.NOTHING, [])
    assert scene.runs.requests == []


def test_a_fix_that_a_person_made_elsewhere_is_not_taken_for_ours(scene: Scene) -> None:
    scene.shop.commit({"helper.py": "mended"})
    assert scene.look() == (LookEnd.LOOKED, [Verdict.ALREADY_FIXED])
    told = scene.flow.ledger.results_of(scene.fix.incident)[0]
    assert (told.patch, told.strategy) == (None, None)


def test_unmended_tests_are_run_seldom_and_all_at_once(scene: Scene) -> None:
    tests = ("tests/test_a.py::test_a", "tests/test_b.py::test_b")
    close_without_fix(scene, Verdict.UNHEALED, *tests)
    scene.runs.passing = False

    def runs() -> int:
        scene.look()
        return len(scene.runs.requests)

    scene.shop.commit({"helper.py": "1"})
    assert runs() == 1
    assert {brief.test for brief in scene.runs.requests[0].incidents} == set(tests)
    assert runs() == 1  # it is the same tip
    scene.flow.clock.forward(86_400)
    assert runs() == 1
    scene.shop.commit({"README.md": "prose"})
    assert runs() == 1
    scene.shop.commit({"helper.py": "2"})
    assert runs() == 2
    scene.shop.commit({"helper.py": "3"})
    assert runs() == 2  # too soon
    scene.shop.commit({"tests/test_b.py": "what fails itself"})
    assert runs() == 3
    assert [brief.test for brief in scene.runs.requests[2].incidents] == [tests[1]]
    scene.shop.commit({"requirements.txt": "other"})
    assert runs() == 4
    assert len(scene.runs.requests[3].incidents) == 2


def test_what_failed_on_a_branch_only_says_nothing_of_main(scene: Scene) -> None:
    scene.shop.git("checkout", "--quiet", "-b", "feature")
    branched = scene.shop.commit({"feature.py": "broken"})
    scene.shop.git("checkout", "--quiet", "main")
    close_without_fix(scene, Verdict.UNHEALED, "tests/test_a.py::test_a", revision=branched)
    scene.shop.commit({"helper.py": "more"})
    assert scene.look() == (LookEnd.LOOKED, [])
    assert scene.runs.requests == []
    scene.shop.git("merge", "--quiet", "--no-ff", "--message", "Merge", "feature")
    scene.shop.commit({"feature.py": "mended"})
    assert scene.look() == (LookEnd.LOOKED, [Verdict.ALREADY_FIXED])


def test_another_change_of_lines_that_only_a_branch_has_mends_nothing(
    shop: Repository, patch: str
) -> None:
    shop.git("checkout", "--quiet", "paramedic/fix")
    branched = shop.commit({"README": "not merged"})
    shop.git("checkout", "--quiet", "main")
    shop.commit({"cart.py": CART.replace("line 15\n", "line 3 * 5\n")})
    assert look_at(shop).find(patch, branched) is None


def test_a_check_that_broke_does_not_take_others_down_again(scene: Scene) -> None:
    tests = ("tests/test_a.py::test_a", "tests/test_b.py::test_b")
    close_without_fix(scene, Verdict.UNHEALED, *tests)
    scene.shop.commit({"helper.py": "mended"})
    scene.runs.trouble = Verdict.FAILED
    assert scene.look() == (LookEnd.LOOKED, [])
    scene.runs.trouble = None
    scene.flow.clock.forward(86_400)
    assert scene.look() == (LookEnd.LOOKED, [Verdict.ALREADY_FIXED])
    assert scene.look() == (LookEnd.LOOKED, [Verdict.ALREADY_FIXED])
    assert [len(request.incidents) for request in scene.runs.requests] == [2, 1, 1]


def test_what_was_found_is_not_checked_with_what_only_may_be_there(scene: Scene) -> None:
    close_without_fix(scene, Verdict.UNHEALED, "tests/test_a.py::test_a")
    scene.flow.client.zadd(keys.unlanded("shop"), {scene.fix.incident: 1e15})
    scene.land()
    for _ in range(2):
        assert scene.look() == (LookEnd.LOOKED, [Verdict.ALREADY_FIXED])
    tests = [[brief.test for brief in request.incidents] for request in scene.runs.requests]
    assert tests == [[TEST], ["tests/test_a.py::test_a"]]


def test_an_environment_that_is_still_broken_waits_for_a_later_tip(scene: Scene) -> None:
    close_without_fix(scene, Verdict.ENVIRONMENT, "tests/test_a.py::test_a")
    scene.shop.commit({"helper.py": "more"})
    scene.runs.trouble = Verdict.ENVIRONMENT
    for _ in range(2):
        scene.look()
        scene.flow.clock.forward(86_400)
    assert len(scene.runs.requests) == 1


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
