"""How the healer failed in one heal, as it is written when that is closed.

A strategy that broke counts although another one has healed the incident: what breaks for
all is a defect of the healer, whoever makes up for it. Such an incident was not harmed: it
does not become a child of the pattern's epic.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from paramedic.text import one_line
from paramedic_workers.errors import Phase, Verdict
from paramedic_workers.results import Attempt, AttemptOutcome, Cause, Result
from paramedic_workers.systemic.signature import Signature, signature_of

#: Outcomes of strategies that did not get to look for a fix.
_NOT_LOOKED = (AttemptOutcome.BROKE, AttemptOutcome.NOT_APPLICABLE, AttemptOutcome.SWITCHED_OFF)
#: Verdicts of heals that another strategy has saved.
_SAVED = (Verdict.HEALED, Verdict.PROPOSED)
#: The type of what broke a strategy that said only so in words.
_UNKNOWN_TYPE = "StrategyBroke"


class HealerFailure(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which the healer failed in the heal of these incidents."""

    signature: Signature
    #: The result that tells of it.
    result: str
    target: str
    verdict: Verdict
    #: The incident that leads comes first, then those merged into it.
    incidents: tuple[str, ...]
    #: What the error said, one line.
    message: str
    #: When the incidents were closed.
    at: datetime

    @property
    def harmed(self) -> bool:
        """Whether it kept the incidents from being healed."""
        return self.verdict not in _SAVED


def failures_of(result: Result, at: datetime) -> tuple[HealerFailure, ...]:
    """The ways in which the healer failed in this heal, each once; mostly none.

    Args:
        result: of the heal.
        at: when its incidents are closed.
    """
    found = {
        signature.id: HealerFailure(
            signature=signature,
            result=result.id,
            target=result.target,
            verdict=result.verdict,
            incidents=(result.incident, *result.merged),
            message=one_line(cause.message),
            at=at,
        )
        for signature, cause in _errors(result)
    }
    return tuple(found.values())


def cause_in(result: Result, signature: Signature) -> Cause | None:
    """The whole error of this signature in a result; None where it has none."""
    return next((cause for own, cause in _errors(result) if own == signature), None)


def _errors(result: Result) -> Iterator[tuple[Signature, Cause]]:
    broken = [a for a in result.attempts if a.outcome is AttemptOutcome.BROKE]
    if result.verdict is Verdict.FAILED and not _is_of_strategy(result, broken):
        yield signature_of(result.cause), result.cause
    for attempt in broken:
        cause = attempt.cause or _cause_in_words(attempt, result)
        yield signature_of(cause, attempt.strategy), cause


def _is_of_strategy(result: Result, broken: list[Attempt]) -> bool:
    """Whether a result that is `failed` is that because its strategies broke."""
    if not broken:
        return False
    if any(attempt.cause == result.cause for attempt in broken):
        return True
    untold = any(attempt.cause is None for attempt in broken)
    return untold and all(attempt.outcome in _NOT_LOOKED for attempt in result.attempts)


def _cause_in_words(attempt: Attempt, result: Result) -> Cause:
    """What broke a strategy, where its attempt has only words for it."""
    if result.verdict is Verdict.FAILED and _is_of_strategy(result, [attempt]):
        return result.cause
    return Cause(phase=Phase.REPAIR, type=_UNKNOWN_TYPE, message=attempt.detail or "It broke.")
