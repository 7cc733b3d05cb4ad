"""What people have mended on the main branch is noticed, and is not run again and again."""

from __future__ import annotations

import msgspec
import pytest

from paramedic_workers import keys
from paramedic_workers.errors import Phase, Verdict
from paramedic_workers.healing.model import HealReport, HealRequest
from paramedic_workers.landing.looking import LookEnd
from paramedic_workers.landing.records import LandingHow
from paramedic_workers.results import Cause
from tests.support.landing_scene import CART, TEST, Scene, broken, look_at
from tests.support.repositories import Repository


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
