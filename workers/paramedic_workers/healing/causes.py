"""What became of each cause, and which of the proved patches each failing test gets.

A patch that is not trusted is no last word on the tests it heals: a patch that was found
later, for other tests, may be the right one for them too. So such patches are kept back
until the whole group was looked at; then they compete.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace

from paramedic_workers.healing.attempts import Proven, Tried
from paramedic_workers.healing.boundary import Failure
from paramedic_workers.healing.journal import Journal
from paramedic_workers.healing.model import KnownFix
from paramedic_workers.healing.regressions import named
from paramedic_workers.results import Confidence


@dataclass(kw_only=True)
class CauseOutcome:
    """What became of failing tests that are treated as one cause."""

    #: Failing tests that the patch closes; without a patch, the cluster.
    tests: tuple[str, ...]
    journal: Journal
    tried: Tried
    #: The patch that is reported.
    best: Proven | None = None
    #: The exception that ended this cluster.
    failure: Failure | None = None
    #: The earlier incident whose patch this is.
    known: KnownFix | None = None


def rank(confidence: Confidence) -> int:
    """A number that is higher for more confidence."""
    return sum(confidence.at_least(other) for other in Confidence)


def settled(
    outcomes: Sequence[CauseOutcome], trusted: Callable[[Proven], bool]
) -> list[CauseOutcome]:
    """Each test with the best patch that was proved for it; each in exactly one outcome.

    1. What a trusted patch has closed stays with it.
    2. Of the others, the patch that heals most of the tests that are left is taken, of
       equals the one with most confidence; then the next.
    3. What no patch heals stays where it was tried.
    An outcome that loses all its tests leaves its attempts to the one that got them.
    """
    kept = [o for o in outcomes if o.best is not None and trusted(o.best)]
    left = _without(_tests(outcomes), _tests(kept))
    while left:
        chosen = _most_healing(outcomes, left)
        if chosen is None:
            break
        kept.append(chosen)
        left = _without(left, chosen.tests)
    unhealed = [replace(o, tests=_both(o.tests, left)) for o in outcomes if o.best is None]
    kept += [o for o in unhealed if o.tests]
    for outcome in outcomes:
        _hand_over(outcome, kept)
    return kept


def _most_healing(outcomes: Sequence[CauseOutcome], left: tuple[str, ...]) -> CauseOutcome | None:
    """The outcome of the patch that heals most of these tests; None: none heals any."""

    def merit(pair: tuple[CauseOutcome, Proven]) -> tuple[int, int, bool]:
        outcome, proven = pair
        healed = len(proven.proof.closes & set(left))
        return healed, rank(proven.offered.confidence), proven is outcome.best

    proved = [(outcome, proven) for outcome in outcomes for proven in outcome.tried.proven]
    if not proved:
        return None
    outcome, best = max(proved, key=merit)
    tests = _both(left, best.proof.closes)
    if not tests:
        return None
    known = outcome.known if best is outcome.best else None
    return replace(outcome, tests=tests, best=best, known=known, failure=None)


def _hand_over(outcome: CauseOutcome, kept: Sequence[CauseOutcome]) -> None:
    """Let what was tried for tests that another patch has healed be seen with that patch."""
    if any(other.journal is outcome.journal for other in kept):
        return
    heir = next((o for o in kept if set(o.tests) & set(outcome.tests)), None)
    if heir is not None:
        heir.tried.add(outcome.tried)
        heir.journal.say(f"this patch heals these too, in place of another: {named(outcome.tests)}")


def _tests(outcomes: Sequence[CauseOutcome]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(test for outcome in outcomes for test in outcome.tests))


def _both(tests: tuple[str, ...], others: Container[str]) -> tuple[str, ...]:
    return tuple(test for test in tests if test in others)


def _without(tests: tuple[str, ...], others: Container[str]) -> tuple[str, ...]:
    return tuple(test for test in tests if test not in others)
