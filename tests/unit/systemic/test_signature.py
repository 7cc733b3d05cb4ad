"""The signature of a failure of the healer: what it is the same by, and what it leaves out."""

from __future__ import annotations

import pytest

from paramedic_workers.errors import HealHung, Phase, Verdict, WorkerLost, describe
from paramedic_workers.results import Attempt, AttemptOutcome, Cause, Result
from paramedic_workers.systemic.failures import cause_in, failures_of
from paramedic_workers.systemic.signature import Signature, signature_of
from tests.support.healer_failures import cannot_describe, cause_of, check_frames, error_of
from tests.support.queueing import FakeClock
from tests.support.results import make_result, make_unhealed

TRACEBACK = """\
Traceback (most recent call last):
  File "/v/site-packages/paramedic_workers/healing/threads.py", line 40, in run
    self._answer = work()
  File "/v/site-packages/paramedic_workers/repair/engine.py", line 10, in search
    return parse(text)
  File "/usr/lib/python3.11/ast.py", line 50, in parse
    return compile(source, filename, mode, flags)
ValueError: source code string cannot contain null bytes
"""
OWN = (
    "paramedic_workers.healing.threads:run",
    "paramedic_workers.repair.engine:search",
    "ast:parse",
)


def make_cause(**changes: object) -> Cause:
    values: dict[str, object] = {
        "phase": Phase.REPAIR,
        "type": "ValueError",
        "message": "source code string cannot contain null bytes",
        "traceback": TRACEBACK,
    }
    return Cause(**{**values, **changes})  # type: ignore[arg-type]


def test_frames_are_modules_and_functions_without_paths_and_lines() -> None:
    assert signature_of(make_cause()).frames == OWN
    checkout = TRACEBACK.replace("line 10", "line 99").replace(
        "/v/site-packages/", "/home/ada/paramedic/workers/"
    )
    assert signature_of(make_cause(traceback=checkout)) == signature_of(make_cause())


def test_the_message_does_not_count_where_frames_are_known() -> None:
    other = make_cause(message="null bytes in shop/prices.py")
    assert signature_of(other).id == signature_of(make_cause()).id


@pytest.mark.parametrize(
    "changes",
    [
        {"phase": Phase.VERIFY},
        {"type": "TypeError"},
        {"traceback": TRACEBACK.replace("in search", "in rank")},
    ],
)
def test_another_phase_type_or_place_is_another_signature(changes: dict[str, object]) -> None:
    assert signature_of(make_cause(**changes)).id != signature_of(make_cause()).id


def test_another_strategy_is_another_signature() -> None:
    patch, revert = (signature_of(make_cause(), name) for name in ("patch", "revert"))
    assert patch.id != revert.id
    assert "strategy patch" in patch.words


def test_what_called_from_further_out_does_not_count() -> None:
    more = TRACEBACK.replace(
        "(most recent call last):\n",
        "(most recent call last):\n" + _frame("healer", "heal") + _frame("group", "try_all"),
    )
    deeper = make_cause(traceback=more.replace("threads.py", "attempts.py"))
    assert signature_of(deeper).frames == (
        "paramedic_workers.healing.group:try_all",
        "paramedic_workers.healing.attempts:run",
        "paramedic_workers.repair.engine:search",
        "ast:parse",
    )


def _frame(module: str, function: str) -> str:
    return f'  File "/x/paramedic_workers/healing/{module}.py", line 1, in {function}\n    …\n'


def test_the_root_of_a_chain_counts() -> None:
    wrapped = TRACEBACK + (
        "\nThe above exception was the direct cause of the following exception:\n\n"
        "Traceback (most recent call last):\n"
        '  File "/x/paramedic_workers/healing/healer.py", line 3, in heal\n    raise\n'
        "paramedic_workers.errors.HealerError: it broke\n"
    )
    assert signature_of(make_cause(traceback=wrapped)).frames == OWN


def test_the_depth_of_a_recursion_does_not_count() -> None:
    body = "".join(_frame("walk", name) for name in ("walk", "child") * 40)
    endings = ("walk", "child")
    found = {
        signature_of(
            make_cause(
                type="RecursionError",
                traceback=f"Traceback (most recent call last):\n{body}{_frame('walk', end)}",
            )
        ).id
        for end in endings
    }
    assert len(found) == 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("no subject for 'MD-3050' in /data/a/x.py", "no subject for 'MD-3051' in /srv/y.py", True),
        ("42 frames are left at 0x7f00aa", "7 frames are left at 0x7f11bb", True),
        ("no subject", "no target", False),
    ],
)
def test_without_frames_the_message_counts_but_for_what_differs(
    one: str, other: str, same: bool
) -> None:
    first, second = (signature_of(make_cause(traceback="", message=m)) for m in (one, other))
    assert (first.id == second.id) is same


@pytest.mark.parametrize("kind", [WorkerLost, HealHung])
def test_some_types_say_it_all(kind: type[WorkerLost | HealHung]) -> None:
    errors = (kind("1. in phase repair on a:1: killed"), kind("2. on the host b:7: hung"))
    found = {signature_of(cause_of(error)).id for error in errors}
    assert len(found) == 1
    assert signature_of(cause_of(errors[0])).message == ""


def test_real_errors_are_the_same_by_where_they_are_raised() -> None:
    first, second = (signature_of(cause_of(error_of(cannot_describe, n))) for n in (1, 2))
    other = signature_of(cause_of(error_of(check_frames, 1)))
    assert first == second
    assert first != other
    assert first.frames[-1].endswith("healer_failures:cannot_describe")


# What of a result counts.

AT = FakeClock()()


def broken(strategy: str = "patch", **changes: object) -> Attempt:
    return Attempt(
        strategy=strategy,
        outcome=AttemptOutcome.BROKE,
        detail="It broke: ValueError",
        cause=make_cause(**changes),
    )


def signatures(result: Result) -> list[Signature]:
    return [one.signature for one in failures_of(result, AT)]


def test_what_ends_well_or_otherwise_is_no_failure_of_the_healer() -> None:
    others = [v for v in Verdict if v not in (Verdict.FAILED, Verdict.HEALED, Verdict.PROPOSED)]
    for result in (make_result(), *(make_unhealed(verdict=verdict) for verdict in others)):
        assert failures_of(result, AT) == ()


def test_a_failed_result_counts_for_all_its_incidents() -> None:
    result = make_unhealed(verdict=Verdict.FAILED, merged=("b", "c"), attempts=())
    (failure,) = failures_of(result, AT)
    assert failure.incidents == (result.incident, "b", "c")
    assert failure.harmed
    assert failure.signature.strategy == ""


def test_a_strategy_that_broke_is_the_cause_once() -> None:
    result = make_unhealed(verdict=Verdict.FAILED, cause=make_cause(), attempts=(broken(),))
    assert [one.strategy for one in signatures(result)] == ["patch"]
    assert cause_in(result, signatures(result)[0]) == make_cause()


def test_it_is_the_same_whatever_became_of_the_incident() -> None:
    failed = make_unhealed(verdict=Verdict.FAILED, cause=make_cause(), attempts=(broken(),))
    saved = make_result(
        attempts=(broken(), Attempt(strategy="revert", outcome=AttemptOutcome.PROVED))
    )
    assert signatures(failed) == signatures(saved)
    assert [one.harmed for one in failures_of(saved, AT)] == [False]


def test_a_failure_beside_a_broken_strategy_is_another_one() -> None:
    other = make_cause(phase=Phase.PUBLISH, type="paramedic_workers.errors.PublishError")
    result = make_unhealed(verdict=Verdict.FAILED, cause=other, attempts=(broken(),))
    assert {one.strategy for one in signatures(result)} == {"", "patch"}


def test_each_strategy_that_broke_counts_for_itself() -> None:
    result = make_unhealed(attempts=(broken("patch"), broken("revert"), broken("patch")))
    assert [one.strategy for one in signatures(result)] == ["patch", "revert"]


def test_a_broken_strategy_without_its_error_is_known_by_its_words() -> None:
    said = Attempt(strategy="other", outcome=AttemptOutcome.BROKE, detail="Broke at 0x7f01")
    again = Attempt(strategy="other", outcome=AttemptOutcome.BROKE, detail="Broke at 0x7f02")
    first, second = (signatures(make_unhealed(attempts=(one,))) for one in (said, again))
    assert first == second
    assert first[0].strategy == "other"


def test_an_error_without_a_message_has_words() -> None:
    kind, message, _ = describe(ValueError())
    failure = failures_of(
        make_unhealed(verdict=Verdict.FAILED, cause=make_cause(type=kind, message=message)), AT
    )
    assert failure[0].message
