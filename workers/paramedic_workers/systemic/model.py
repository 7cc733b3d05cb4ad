"""What stands in the ledger of systemic failures."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from paramedic_workers.errors import Verdict
from paramedic_workers.results import Cause
from paramedic_workers.systemic.signature import Signature


class PatternState(StrEnum):
    """Where a pattern stands."""

    #: The strategy that it concerns is switched off.
    OPEN = "open"
    #: Over, until the same comes again.
    CLOSED = "closed"


class PatternEnd(StrEnum):
    """Why a pattern was closed."""

    #: Each of its incidents ended otherwise, or its ticket is done.
    SETTLED = "settled"
    #: Nothing of the kind came for `systemic_seconds`, and no tickets are kept that would tell.
    QUIET = "quiet"
    #: A person closed it, by command or by closing its epic.
    PERSON = "person"


class Pattern(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which the healer failed in several incidents."""

    #: Of its signature: the same failure is the same pattern when it comes again.
    id: str
    signature: Signature
    #: The error as it was met first, whole.
    example: Cause
    state: PatternState
    #: Since it was opened, or opened again.
    opened_at: datetime
    #: The failures of this opening.
    first_seen: datetime
    last_seen: datetime
    closed_at: datetime | None = None
    closed_because: PatternEnd | None = None
    #: How often it was opened.
    openings: int = 1

    @property
    def is_open(self) -> bool:
        """Whether it stands now."""
        return self.state is PatternState.OPEN

    @property
    def strategy(self) -> str:
        """The strategy that it concerns; empty where it is none."""
        return self.signature.strategy


class PatternIncident(msgspec.Struct, frozen=True, kw_only=True):
    """An incident of a pattern, or an exception to it, by its last failing result."""

    fingerprint: str
    #: The incident that leads its result, and has the ticket.
    lead: str
    target: str
    result: str
    at: datetime
    verdict: Verdict
    #: How the healer failed in it, and what the error said.
    signature: Signature
    message: str
    #: Whether the healer failed in another way than the pattern says.
    exception: bool = False
    #: Whether that kept it from being healed.
    harmed: bool = True
    #: How it was settled since; empty: it was not.
    settled: str = ""


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """How an incident of a pattern was settled; void once it fails in that way again."""

    #: The failing result that it settles.
    result: str
    #: In a few words: "healed", "its ticket is done".
    how: str


class StrategyOff(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy that a pattern has switched off."""

    strategy: str
    #: The pattern.
    pattern: str
    #: One sentence, with how to end it.
    words: str
