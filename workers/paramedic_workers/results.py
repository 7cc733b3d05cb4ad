"""Result: the message that tells the world how a heal ended.

One result per cause. Its JSON is the contract with every sink and every script
(`paramedic heal --json`, `result.json`, the `paramedic.results` exchange), so
members are only ever added. A result always has a verdict and a cause with a
phase, a type and a message that is not empty: one without cannot be built.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from paramedic_workers.errors import Phase, Verdict


class Confidence(StrEnum):
    """How far a proven patch is trusted."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    def at_least(self, other: Confidence) -> bool:
        """Whether this confidence is the same as `other` or greater."""
        order = (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)
        return order.index(self) >= order.index(other)


class AttemptOutcome(StrEnum):
    """How one strategy's attempt at one cause ended."""

    #: Its patch was proved.
    PROVED = "proved"
    #: It offered patches, and none of them could be proved.
    REFUTED = "refuted"
    #: It looked and found nothing.
    NOTHING_FOUND = "nothing_found"
    #: It does not apply to this cause, and says why.
    NOT_APPLICABLE = "not_applicable"
    #: Its time was up.
    OUT_OF_TIME = "out_of_time"
    #: The strategy itself broke.
    BROKE = "broke"
    #: It was not tried: it has broken too often of late.
    SWITCHED_OFF = "switched_off"


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """Why the incident ended as it did; for a reproduced failure, the failure itself."""

    phase: Phase
    #: Exception type, with its module unless it is a builtin: `ZeroDivisionError`.
    type: str
    #: One or more lines; never empty.
    message: str
    #: The traceback or the shortest useful output; may be empty only for abstentions.
    traceback: str = ""

    def __post_init__(self) -> None:
        """Refuse an anonymous failure.

        Raises:
            ValueError: type or message are empty.
        """
        if not self.type.strip() or not self.message.strip():
            raise ValueError("a cause needs a type and a message")


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy tried on one cause, with its evidence."""

    strategy: str
    outcome: AttemptOutcome
    #: Number of candidate patches that were run.
    candidates: int = 0
    seconds: float = 0.0
    #: One sentence for a person.
    detail: str = ""
    #: What broke the strategy, where it broke.
    cause: Cause | None = None


class PhaseTime(msgspec.Struct, frozen=True, kw_only=True):
    """How long one phase took."""

    name: Phase
    seconds: float


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """Another patch that passes the tests."""

    #: Unified diff.
    patch: str
    confidence: Confidence


class ProofStep(msgspec.Struct, frozen=True, kw_only=True):
    """One experiment of a proof and what it showed."""

    #: What was done: "failing tests with the patch, run 2 of 3".
    experiment: str
    #: What was seen: "5 passed".
    observation: str
    holds: bool


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How one cause was healed, or why it was not."""

    id: str = msgspec.field(default_factory=lambda: uuid.uuid4().hex)
    #: The incident that leads; the same as its fingerprint.
    incident: str
    fingerprint: str
    target: str
    #: The full commit id that was healed; empty where it could not be resolved.
    revision: str
    verdict: Verdict
    #: The strategy whose patch was proved.
    strategy: str | None = None
    #: One line for a person, never empty.
    summary: str
    cause: Cause
    #: pytest node ids.
    failing_tests: tuple[str, ...] = ()
    #: Incidents that this one's patch has closed too.
    merged: tuple[str, ...] = ()
    #: Unified diff against `revision`, or null.
    patch: str | None = None
    confidence: Confidence | None = None
    #: Why it is trusted as far as it is, one sentence each.
    reasons: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    #: The branch the patch was put on, where there is one.
    branch: str | None = None
    #: Owners of what the patch changes, else of the failing test, as the target's CODEOWNERS
    #: names them: `@team`, `@name` or an address.
    owners: tuple[str, ...] = ()
    #: Why the patch is on no branch although there is a remote; empty where it needs none.
    unpublished: str = ""
    #: Whether what ended the heal passes by itself, so that the same heal may succeed later.
    transient: bool = False
    attempts: tuple[Attempt, ...] = ()
    proof: tuple[ProofStep, ...] = ()
    phases: tuple[PhaseTime, ...] = ()
    started_at: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))
    #: What went into this cause: the sum of its phases, those shared with its group included.
    seconds: float = 0.0
    #: Occurrences of the incident when the heal began.
    count: int = 1
    #: The last part of the failing run's output.
    output: str = ""
    #: What the healer did, a line each.
    log: str = ""

    def __post_init__(self) -> None:
        """Refuse a result that says nothing.

        Raises:
            ValueError: the summary is empty or has a line break, or a verdict that
                promises a patch comes without one.
        """
        if not self.summary.strip() or "\n" in self.summary:
            raise ValueError("a result needs a summary of one line")
        if self.verdict in (Verdict.HEALED, Verdict.PROPOSED) and not self.patch:
            raise ValueError(f"a result that is {self.verdict} needs a patch")


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Result)


def encode_result(result: Result) -> bytes:
    """The result as UTF-8 JSON."""
    return _ENCODER.encode(result)


def decode_result(data: bytes | str) -> Result:
    """The result that `encode_result` wrote.

    Raises:
        msgspec.ValidationError: it is not the JSON of a result.
    """
    return _DECODER.decode(data)
