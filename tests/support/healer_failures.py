"""Heals in which the healer itself fails, as the healer that Paramedic replaces did."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from paramedic_workers.errors import Phase, Verdict, describe
from paramedic_workers.healing.model import HealReport, HealRequest
from paramedic_workers.results import Attempt, AttemptOutcome, Cause
from tests.support.queueing import Flow, healed

Act = Callable[[HealRequest], HealReport]

#: The seven tickets of one night, by what the healer raised: six times the same, one
#: assertion of its own.
SEVEN = ("MD-3049", "MD-3050", "MD-3051", "MD-3052", "MD-3053", "MD-3055", "MD-3056")
ASSERTION = "MD-3049"


def cannot_describe(number: int) -> None:
    """Fail in one way; the message differs."""
    raise LookupError(f"no subject for ticket {number}")


def check_frames(number: int) -> None:
    """Fail in another way."""
    assert not number, f"{number} frames are left"


def error_of(fail: Callable[[int], None], number: int = 1) -> BaseException:
    """What this function raises, with its traceback."""
    try:
        fail(number)
    except Exception as error:  # noqa: BLE001 - whatever it raises is wanted
        return error
    raise ValueError("it did not fail")


def cause_of(error: BaseException, phase: Phase = Phase.REPAIR) -> Cause:
    """The cause that the boundary makes of an error."""
    kind, message, traceback = describe(error)
    return Cause(phase=phase, type=kind, message=message, traceback=traceback)


def failing(fail: Callable[[int], None], number: int = 1) -> Act:
    """A heal that ends because the healer breaks in this way."""

    def act(request: HealRequest) -> HealReport:
        cause = cause_of(error_of(fail, number), Phase.PREPARE)
        (result,) = healed(request, Verdict.FAILED).results
        result = replace(result, cause=cause, patch=None, confidence=None, strategy=None)
        return HealReport(results=(result,), revision="")

    return act


def breaking(
    *strategies: str,
    fail: Callable[[int], None] = cannot_describe,
    verdict: Verdict = Verdict.UNHEALED,
    looked: Iterable[str] = (),
) -> Act:
    """A heal in which these strategies break in this way, and others look in vain."""

    def act(request: HealRequest) -> HealReport:
        cause = cause_of(error_of(fail, len(request.incidents)))
        broken = [
            Attempt(strategy=name, outcome=AttemptOutcome.BROKE, detail="It broke.", cause=cause)
            for name in strategies
            if name in request.target.strategies
        ]
        others = [Attempt(strategy=name, outcome=AttemptOutcome.NOTHING_FOUND) for name in looked]
        (result,) = healed(request).results
        result = replace(result, verdict=verdict, attempts=(*broken, *others))
        return HealReport(results=(result,), revision="")

    return act


def fail_and_heal(flow: Flow, test: str, act: Act, target: str = "shop") -> str:
    """One test fails at this target and is healed so; gives the incident."""
    flow.fail(test, target=target)
    flow.standin.act = act
    flow.healer.heal(target, "1f" * 20)
    return next(one.fingerprint for one in flow.ledger.incidents(target=target) if one.test == test)


def seven_failures(flow: Flow) -> dict[str, str]:
    """The seven of that night, one minute after the other; gives the incident of each ticket."""
    incidents = {}
    for number, ticket in enumerate(SEVEN):
        fail = check_frames if ticket == ASSERTION else cannot_describe
        test = f"tests/test_{ticket.lower().replace('-', '_')}.py::test_it"
        incidents[ticket] = fail_and_heal(flow, test, failing(fail, number + 1))
        flow.clock.forward(60)
    return incidents
