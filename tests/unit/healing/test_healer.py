"""The healer, phase by phase, on targets in memory."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import pytest

from paramedic.event import Frame
from paramedic_workers.errors import (
    EnvironmentBuildError,
    Phase,
    PublishError,
    RepositoryError,
    UsageError,
    Verdict,
)
from paramedic_workers.healing.model import Case, IncidentBrief, KnownFix, StrategyReport
from paramedic_workers.results import AttemptOutcome, Confidence, Result
from tests.unit.healing.doubles import (
    CHEAT,
    CHEAT_IN_CODE,
    FIX_A,
    FIX_B,
    Bed,
    Offering,
    World,
    always,
    bed,
    needs,
    node,
)


def one(results: tuple[Result, ...]) -> Result:
    assert len(results) == 1, [r.summary for r in results]
    return results[0]


def broken_a() -> World:
    return World({"test_a": needs(FIX_A), "test_ok": always})


def test_a_proven_and_trusted_patch_heals() -> None:
    healer = bed(broken_a(), patch=Offering((FIX_A,)))
    result = one(healer.heal("test_a").results)
    assert result.verdict is Verdict.HEALED
    assert (result.incident, result.patch, result.strategy) == ("i-test_a", FIX_A, "patch")
    assert result.summary == "test_a in tests/test_shop.py: patch 0"
    assert result.cause.message == "assert test_a"
    assert all(step.holds for step in result.proof)
    assert [t.name for t in result.phases] == list(Phase)[:5]
    assert "the patch is proved" in result.log
    assert healer.workspace.closed
    assert not healer.workspace.trees


def test_a_proof_runs_with_different_seeds_and_again_without_the_patch() -> None:
    healer = bed(broken_a(), patch=Offering((FIX_A,)))
    healer.heal("test_a")
    alone = [run for run in healer.world.runs if run[0]]
    assert {seed for _, patches, seed in alone if not patches} == {0, 1, 2}
    assert {seed for _, patches, seed in alone if patches} == {1, 2}
    assert [p for tests, p, _ in healer.world.runs if not tests] == [frozenset(), {FIX_A}]
    last_with = max(n for n, (_, p, _) in enumerate(healer.world.runs) if p)
    assert any(not p for _, p, _ in healer.world.runs[last_with - 1 :])


def test_one_test_is_told_of_in_the_singular() -> None:
    result = one(bed(broken_a(), patch=Offering((FIX_A,))).heal("test_a").results)
    observed = [step.observation for step in result.proof]
    assert "1 of 1 passes" in observed
    assert "1 test that passed before still passes" in observed
    assert "it fails again" in observed
    assert "running 1 test in 3 runs with hash seeds 0, 1, 2" in result.log
    assert "1 failing test shares" in result.log
    assert "1 tests" not in result.log


def test_without_incidents_the_failing_tests_are_found() -> None:
    report = bed(broken_a(), patch=Offering((FIX_A,))).heal()
    result = one(report.results)
    assert result.verdict is Verdict.HEALED
    assert result.failing_tests == (node("test_a"),)
    assert len(result.fingerprint) >= 16


def service_exception(function: str) -> IncidentBrief:
    frames = (
        Frame(file="/srv/app/shop/a.py", module="shop.a", function=function, line=70),
        Frame(
            file="/usr/lib/python3/json.py", module="json", function="loads", line=1, in_app=False
        ),
    )
    return IncidentBrief(
        fingerprint=f"i-{function}", test=None, exception_type="AssertionError", frames=frames
    )


def test_an_exception_of_a_service_is_healed_by_a_test_that_shows_it() -> None:
    world = World(
        {"test_a": needs(FIX_A), "test_b": needs(FIX_B), "test_ok": always},
        places={"test_a": "shop.a.total", "test_b": "shop.b.other"},
    )
    healer = bed(world, patch=Offering((FIX_A,)))
    healed, unseen = healer.heal(
        more=(service_exception("total"), service_exception("elsewhere"))
    ).results
    assert (healed.incident, healed.verdict) == ("i-total", Verdict.HEALED)
    assert healed.failing_tests == (node("test_a"),)
    assert (unseen.incident, unseen.verdict) == ("i-elsewhere", Verdict.NOT_REPRODUCED)
    assert "No failing test" in unseen.cause.message


def test_a_target_in_which_nothing_fails_has_no_results() -> None:
    assert bed(World({"test_ok": always})).heal().results == ()


def test_a_patch_that_is_not_trusted_is_proposed_after_all_strategies_were_tried() -> None:
    low = Offering((FIX_A,), confidence=Confidence.LOW)
    later = Offering()
    result = one(bed(broken_a(), patch=low, revert=later).heal("test_a").results)
    assert result.verdict is Verdict.PROPOSED
    assert later.asked
    outcomes = [(a.strategy, a.outcome) for a in result.attempts]
    assert outcomes == [
        ("patch", AttemptOutcome.PROVED),
        ("revert", AttemptOutcome.NOTHING_FOUND),
    ]


def test_the_most_trusted_proven_patch_wins_and_others_are_alternatives() -> None:
    both = World({"test_a": lambda patches, _: bool(patches)})
    low = Offering((FIX_A,), confidence=Confidence.LOW)
    high = Offering((FIX_B,))
    result = one(bed(both, patch=low, revert=high).heal("test_a").results)
    assert (result.verdict, result.patch) == (Verdict.HEALED, FIX_B)
    assert [(a.patch, a.confidence) for a in result.alternatives] == [(FIX_A, Confidence.LOW)]


@pytest.mark.parametrize(
    ("tests", "patch", "objection"),
    [
        ({"test_a": needs(CHEAT)}, CHEAT, "must not be touched"),
        ({"test_a": needs(FIX_B)}, FIX_A, "0 of 1 passes"),
        (
            {"test_a": needs(FIX_A), "test_b": lambda p, _: FIX_A not in p},
            FIX_A,
            "passed before do not",
        ),
        (
            {"test_a": needs(FIX_A), "test_b": lambda p, _: None if FIX_A in p else True},
            FIX_A,
            "passed before do not",
        ),
        ({"test_a": lambda p, seed: FIX_A in p and seed < 2}, FIX_A, "run 3 of 3"),
    ],
    ids=["cheats", "heals nothing", "breaks another", "removes another", "flaky with it"],
)
def test_a_patch_that_is_refuted_heals_nothing(
    tests: dict[str, Any], patch: str, objection: str
) -> None:
    result = one(bed(World(tests), patch=Offering((patch,))).heal("test_a").results)
    assert result.verdict is Verdict.UNHEALED
    assert result.patch is None
    assert result.attempts[0].outcome is AttemptOutcome.REFUTED
    assert objection in result.attempts[0].detail


def test_a_fix_that_works_without_the_patch_too_is_no_proof() -> None:
    """The failing test passes in the fresh run afterwards: something else has healed it."""
    world = broken_a()
    world.tests["test_a"] = lambda _patches, _seed: any(p for _, p, _ in world.runs[:-1])
    result = one(bed(world, patch=Offering((FIX_A,))).heal("test_a").results)
    assert result.verdict is Verdict.UNHEALED


def test_a_test_that_is_flaky_by_itself_does_not_refute_a_patch() -> None:
    world = broken_a()
    seen: list[int] = []

    def flaky(_patches: frozenset[str], _seed: int) -> bool:
        seen.append(1)
        return len(seen) == 1

    world.tests["test_flaky"] = flaky
    result = one(bed(world, patch=Offering((FIX_A,))).heal("test_a").results)
    assert result.verdict is Verdict.HEALED
    assert any("flaky" in step.observation for step in result.proof)


def test_what_fails_in_some_runs_is_flaky_in_none_not_reproduced() -> None:
    world = World({"test_a": lambda _p, seed: seed != 1, "test_ok": always})
    flaky, fine, gone = bed(world).heal("test_a", "test_ok", "test_gone").results
    assert flaky.verdict is Verdict.FLAKY
    assert "1 of 3 runs" in flaky.cause.message
    assert fine.verdict is gone.verdict is Verdict.NOT_REPRODUCED
    assert "passes in 3 of 3 runs" in fine.cause.message
    assert gone.cause.type == "NotReproduced"
    assert gone.cause.message == f"There is no test {node('test_gone')} at this revision."


def test_what_is_not_reproduced_does_not_borrow_the_type_of_the_event() -> None:
    seen = IncidentBrief(fingerprint="i-ok", test=node("test_ok"), exception_type="KeyError")
    result = one(bed(broken_a(), patch=Offering()).heal(more=(seen,)).results)
    assert (result.verdict, result.cause.type) == (Verdict.NOT_REPRODUCED, "NotReproduced")


def test_what_the_newest_main_revision_has_fixed_is_already_fixed() -> None:
    healer = bed(broken_a(), patch=Offering((FIX_A,)))
    healer.workspace.main = "2" * 40
    result = one(healer.heal("test_a", revision="1" * 40).results)
    assert result.verdict is Verdict.ALREADY_FIXED


def test_one_patch_merges_every_incident_that_it_turns_green() -> None:
    tests: dict[str, Any] = {f"test_{n}": needs(FIX_A) for n in range(5)}
    world = World(tests, places={"test_0": "shop.a.total", "test_1": "shop.b.other"})
    strategy = Offering((FIX_A,))
    result = one(bed(world, patch=strategy).heal(*tests).results)
    assert result.verdict is Verdict.HEALED
    assert {result.incident, *result.merged} == {f"i-test_{n}" for n in range(5)}
    assert len(result.failing_tests) == 5
    assert len(strategy.asked) == 1


def test_two_bugs_in_one_cluster_are_healed_apart() -> None:
    tests: dict[str, Any] = {
        "test_a1": needs(FIX_A),
        "test_a2": needs(FIX_A),
        "test_b": needs(FIX_B),
        "test_ok": always,
    }
    world = World(tests, places=dict.fromkeys(tests, "shop.cart.total"))

    class OneTestAtATime(Offering):
        """Finds a patch only if it makes every failing test of the case pass."""

        def attempt(self, case: Case) -> StrategyReport:
            names = {t.partition("::")[2] for t in case.tests}
            fits = [p for p in (FIX_A, FIX_B) if all(tests[n](frozenset([p]), 0) for n in names)]
            return Offering(tuple(fits)).attempt(case)

    results = bed(world, patch=OneTestAtATime()).heal("test_a1", "test_a2", "test_b").results
    by_patch = {r.patch: {r.incident, *r.merged} for r in results}
    assert by_patch == {FIX_A: {"i-test_a1", "i-test_a2"}, FIX_B: {"i-test_b"}}


def test_a_patch_that_merely_fits_one_test_yields_to_one_that_heals_more() -> None:
    tests: dict[str, Any] = {
        "test_both": lambda patches, _: patches in ({CHEAT_IN_CODE}, {FIX_A, FIX_B}),
        "test_a1": needs(FIX_A),
        "test_a2": needs(FIX_A),
        "test_b": needs(FIX_B),
    }
    world = World(tests, places=dict.fromkeys(tests, "shop.cart.total"))

    class OneTestAtATime(Offering):
        def attempt(self, case: Case) -> StrategyReport:
            names = {t.partition("::")[2] for t in case.tests}
            fits = [
                patch
                for patch in (CHEAT_IN_CODE, FIX_A, FIX_B)
                if all(tests[name](frozenset([patch]), 0) for name in names)
            ]
            low = Confidence.LOW if CHEAT_IN_CODE in fits else Confidence.HIGH
            return Offering(tuple(fits), confidence=low).attempt(case)

    by_patch = {
        r.patch: {r.incident, *r.merged}
        for r in bed(world, patch=OneTestAtATime()).heal(*tests).results
    }
    assert by_patch == {
        FIX_A: {"i-test_a1", "i-test_a2"},
        FIX_B: {"i-test_b"},
        FIX_A + FIX_B: {"i-test_both"},
    }


#: Two tests of one bug that look like two causes.
ONE_BUG: dict[str, Any] = {
    "test_first": lambda patches, _: bool(patches & {CHEAT_IN_CODE, FIX_A}),
    "test_second": needs(FIX_A),
}
ONE_BUG_PLACES = {"test_first": "shop.a.f", "test_second": "shop.b.f"}


class CheatingOn(Offering):
    """Offers a hard-coded value for one test, with little confidence, and the fix for others."""

    def __init__(self, cheated: str, for_others: Confidence) -> None:
        super().__init__()
        self.cheated = node(cheated)
        self.for_others = for_others

    def attempt(self, case: Case) -> StrategyReport:
        if self.cheated in case.tests:
            return Offering((CHEAT_IN_CODE,), confidence=Confidence.LOW).attempt(case)
        return Offering((FIX_A,), confidence=self.for_others).attempt(case)


@pytest.mark.parametrize(
    ("confidence", "verdict"),
    [(Confidence.HIGH, Verdict.HEALED), (Confidence.LOW, Verdict.PROPOSED)],
)
def test_a_later_patch_that_heals_more_takes_what_was_to_be_proposed(
    confidence: Confidence, verdict: Verdict
) -> None:
    strategy = CheatingOn("test_first", confidence)
    world = World(ONE_BUG, places=ONE_BUG_PLACES)
    result = one(bed(world, patch=strategy).heal(*ONE_BUG).results)
    assert (result.verdict, result.patch) == (verdict, FIX_A)
    assert set(result.failing_tests) == {node("test_first"), node("test_second")}
    assert {result.incident, *result.merged} == {"i-test_first", "i-test_second"}
    assert [a.patch for a in result.alternatives] == [CHEAT_IN_CODE]
    assert len(result.attempts) == 2


def test_among_patches_that_are_trusted_alike_the_one_that_heals_more_tests_is_taken() -> None:
    both = Offering((CHEAT_IN_CODE, FIX_A), confidence=Confidence.LOW)
    result = one(bed(World(ONE_BUG, places=ONE_BUG_PLACES), patch=both).heal(*ONE_BUG).results)
    assert (result.verdict, result.patch) == (Verdict.PROPOSED, FIX_A)
    assert len(result.failing_tests) == 2


def test_a_later_patch_heals_a_test_that_was_left_without_one() -> None:
    class BlindFor(CheatingOn):
        def attempt(self, case: Case) -> StrategyReport:
            if self.cheated in case.tests:
                return Offering().attempt(case)
            return super().attempt(case)

    strategy = BlindFor("test_first", Confidence.LOW)
    world = World(ONE_BUG, places=ONE_BUG_PLACES)
    result = one(bed(world, patch=strategy).heal(*ONE_BUG).results)
    assert (result.verdict, result.patch) == (Verdict.PROPOSED, FIX_A)
    assert len(result.failing_tests) == 2


def test_a_patch_that_heals_part_of_a_cluster_splits_it() -> None:
    tests: dict[str, Any] = {"test_a": needs(FIX_A), "test_b": needs("nothing")}
    world = World(tests, places=dict.fromkeys(tests, "shop.cart.total"))
    results = bed(world, patch=Offering((FIX_A,))).heal(*tests).results
    assert {r.incident: r.verdict for r in results} == {
        "i-test_a": Verdict.HEALED,
        "i-test_b": Verdict.UNHEALED,
    }


def test_a_test_that_needs_two_patches_is_healed_by_both_together() -> None:
    tests: dict[str, Any] = {
        "test_a": needs(FIX_A),
        "test_b": needs(FIX_B),
        "test_both": needs(FIX_A, FIX_B),
    }
    places = {"test_a": "shop.a.f", "test_b": "shop.b.f", "test_both": "shop.c.f"}
    results = bed(World(tests, places=places), patch=Offering((FIX_A, FIX_B))).heal(*tests).results
    by_incident = {r.incident: r for r in results}
    assert by_incident["i-test_a"].patch == FIX_A
    assert by_incident["i-test_b"].patch == FIX_B
    both = by_incident["i-test_both"]
    assert both.verdict is Verdict.HEALED
    assert both.patch == FIX_A + FIX_B


def test_a_known_fix_is_tried_first() -> None:
    strategy = Offering((FIX_A,))
    known = KnownFix(incident="i-old", patch=FIX_A, strategy="revert", confidence=Confidence.HIGH)
    healer = bed(broken_a(), patch=strategy)
    result = one(healer.heal("test_a", known=(known,), remote="/remote").results)
    assert (result.verdict, result.patch, result.strategy) == (Verdict.HEALED, FIX_A, "revert")
    assert "i-old" in result.summary
    assert result.branch == "paramedic/i-old"
    assert not strategy.asked
    assert not healer.workspace.published


def test_a_healed_patch_is_published_and_a_proposed_one_only_where_wanted() -> None:
    healer = bed(broken_a(), patch=Offering((FIX_A,)))
    result = one(healer.heal("test_a", remote="/remote").results)
    assert result.branch == "paramedic/i-test_a"
    [(branch, message)] = healer.workspace.published
    assert branch == result.branch
    assert message.startswith(result.summary)
    assert "Incident: i-test_a" in message

    for wanted, branch_or_none in ((False, None), (True, "paramedic/proposal/i-test_a")):
        low = bed(broken_a(), patch=Offering((FIX_A,), confidence=Confidence.LOW))
        proposed = one(low.heal("test_a", remote="/r", publish_proposals=wanted).results)
        assert proposed.verdict is Verdict.PROPOSED
        assert proposed.branch == branch_or_none


def test_a_patch_that_cannot_be_published_is_kept_with_the_reason() -> None:
    healer = bed(broken_a(), patch=Offering((FIX_A,)))
    healer.workspace.publish_error = PublishError("Branch is not ours.", phase=Phase.PUBLISH)
    result = one(healer.heal("test_a", remote="/remote").results)
    assert (result.verdict, result.cause.phase) == (Verdict.FAILED, Phase.PUBLISH)
    assert result.patch == FIX_A
    assert result.branch is None
    assert "proven patch" in result.summary


def test_a_patch_above_a_limit_of_branches_stays_healed_and_in_its_result() -> None:
    healer = bed(broken_a(), patch=Offering((FIX_A,)))
    asked: list[str] = []

    def full(branch: str) -> str:
        asked.append(branch)
        return "shop has had its 20 branches of this hour"

    result = one(healer.heal("test_a", remote="/remote", may_publish=full).results)
    assert asked == ["paramedic/i-test_a"]
    assert (result.verdict, result.patch, result.branch) == (Verdict.HEALED, FIX_A, None)
    assert result.unpublished == "shop has had its 20 branches of this hour"
    assert "not published: shop has had" in result.log
    assert healer.workspace.published == []


def test_what_passes_by_itself_is_said_of_a_result_and_nothing_else_is() -> None:
    for transient in (True, False):
        healer = bed(broken_a(), patch=Offering((FIX_A,)))
        healer.workspace.publish_error = PublishError("It is away.", transient=transient)
        result = one(healer.heal("test_a", remote="/remote").results)
        assert result.transient is transient


def test_a_strategy_that_breaks_is_recorded_and_the_next_is_tried() -> None:
    for error in (RuntimeError("boom"), KeyboardInterrupt(), SystemExit(3)):
        healer = bed(broken_a(), patch=Offering(error=error), revert=Offering((FIX_A,)))
        result = one(healer.heal("test_a").results)
        assert result.verdict is Verdict.HEALED
        assert result.attempts[0].outcome is AttemptOutcome.BROKE
        assert result.attempts[0].detail.startswith("The strategy itself broke: ")
        assert type(error).__name__ in result.attempts[0].detail
        cause = result.attempts[0].cause
        assert cause is not None
        assert (cause.phase, cause.type) == (Phase.REPAIR, type(error).__name__)
        assert cause.traceback.startswith("Traceback")
        assert result.attempts[1].cause is None


def test_if_nothing_but_broken_strategies_looked_the_healer_has_failed() -> None:
    healer = bed(broken_a(), patch=Offering(error=ZeroDivisionError()))
    result = one(healer.heal("test_a").results)
    assert (result.verdict, result.cause.type) == (Verdict.FAILED, "ZeroDivisionError")
    assert result.cause.phase is Phase.REPAIR
    assert [attempt.cause for attempt in result.attempts] == [result.cause]


def test_a_strategy_that_answers_nonsense_is_broken() -> None:
    class Nonsense(Offering):
        def attempt(self, case: Case) -> StrategyReport:
            return None  # type: ignore[return-value]

    result = one(bed(broken_a(), patch=Nonsense()).heal("test_a").results)
    assert "no StrategyReport" in result.attempts[0].detail


def test_a_strategy_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("paramedic_workers.healing.attempts._GRACE", 0.1)
    release = threading.Event()

    class Hanging(Offering):
        def attempt(self, case: Case) -> StrategyReport:
            release.wait(30)
            return super().attempt(case)

    healer = bed(broken_a(), patch=Hanging(), revert=Offering((FIX_A,)))
    result = one(healer.heal("test_a", repair_budget=2.0).results)
    release.set()
    assert result.verdict is Verdict.HEALED
    assert result.attempts[0].outcome is AttemptOutcome.OUT_OF_TIME
    assert not healer.workspace.trees


def test_one_bad_cluster_never_spoils_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    tests: dict[str, Any] = {"test_a": needs(FIX_A), "test_b": needs(FIX_B)}
    world = World(tests, places={"test_a": "shop.a.f", "test_b": "shop.b.f"})

    class Fitting(Offering):
        def attempt(self, case: Case) -> StrategyReport:
            return Offering((FIX_A if node("test_a") in case.tests else FIX_B,)).attempt(case)

    healer = bed(world, patch=Fitting())
    apply = healer.workspace.apply

    def breaking(root: Any, diff: str) -> None:
        if diff == FIX_A:
            raise MemoryError
        apply(root, diff)

    monkeypatch.setattr(healer.workspace, "apply", breaking)
    results = {r.incident: r for r in healer.heal(*tests).results}
    assert results["i-test_a"].verdict is Verdict.FAILED
    assert results["i-test_a"].cause.type == "MemoryError"
    assert results["i-test_b"].verdict is Verdict.HEALED


@pytest.mark.parametrize(
    ("part", "phase"),
    [("workspace", Phase.PREPARE), ("environment", Phase.PREPARE), ("runner", Phase.PREPARE)],
)
@pytest.mark.parametrize("error", [RuntimeError(), KeyboardInterrupt(), SystemExit("bye")])
def test_whatever_breaks_every_incident_has_its_verdict(
    part: str, phase: Phase, error: BaseException
) -> None:
    healer = bed(broken_a(), patch=Offering((FIX_A,)))
    healer.errors[part] = error
    result = one(healer.heal("test_a", "test_ok").results)
    assert (result.verdict, result.cause.phase) == (Verdict.FAILED, phase)
    assert {result.incident, *result.merged} == {"i-test_a", "i-test_ok"}
    assert result.summary.strip()
    assert part == "workspace" or healer.workspace.closed
    assert not healer.workspace.trees


@pytest.mark.parametrize(
    ("module", "phase"),
    [
        ("Reproducer.reproduce", Phase.REPRODUCE),
        ("diagnose", Phase.DIAGNOSE),
        ("GroupHealer.heal", Phase.DIAGNOSE),
        ("put_on_branch", Phase.PUBLISH),
    ],
)
def test_every_phase_has_the_same_boundary(
    module: str, phase: Phase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_args: object, **_named: object) -> None:
        raise GeneratorExit

    monkeypatch.setattr(f"paramedic_workers.healing.healer.{module}", explode)
    healer = bed(broken_a(), patch=Offering((FIX_A,)))
    result = one(healer.heal("test_a", remote="/remote").results)
    assert (result.verdict, result.cause.phase) == (Verdict.FAILED, phase)
    assert result.cause.type == "GeneratorExit"


def test_a_target_that_cannot_be_built_is_a_matter_of_its_environment() -> None:
    healer = bed(broken_a())
    healer.errors["environment"] = EnvironmentBuildError("No matching distribution.")
    report = healer.heal("test_a")
    assert one(report.results).verdict is Verdict.ENVIRONMENT
    assert report.refused is None


@pytest.mark.parametrize("error", [UsageError("No."), RepositoryError("No such revision.")])
def test_a_request_that_cannot_be_carried_out_is_told_apart(error: Any) -> None:
    healer = bed(broken_a())
    healer.errors["workspace"] = error
    report = healer.heal()
    assert report.refused is error
    assert one(report.results).cause.message


def _interrupted_by(number: signal.Signals, healer: Bed) -> Bed:
    class Waiting(Offering):
        def attempt(self, case: Case) -> StrategyReport:
            os.kill(os.getpid(), number)
            threading.Event().wait(1)
            return super().attempt(case)

    healer.strategies = {"patch": Waiting((FIX_A,)), "revert": Waiting((FIX_A,))}
    return healer


def test_a_persons_ctrl_c_ends_the_process_after_cleaning_up() -> None:
    healer = _interrupted_by(signal.SIGINT, bed(broken_a()))
    with pytest.raises(KeyboardInterrupt):
        healer.heal("test_a")
    assert healer.workspace.closed
    assert not healer.workspace.trees


def test_a_soft_time_limit_gives_failed_to_what_is_not_yet_healed() -> None:
    class SoftTimeLimitExceeded(Exception):
        pass

    def limit(_number: int, _frame: object) -> None:
        raise SoftTimeLimitExceeded

    before = signal.signal(signal.SIGUSR1, limit)
    try:
        healer = _interrupted_by(signal.SIGUSR1, bed(broken_a()))
        result = one(healer.heal("test_a").results)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert result.verdict is Verdict.FAILED
    assert "SoftTimeLimitExceeded" in result.cause.type
    assert not healer.workspace.trees
