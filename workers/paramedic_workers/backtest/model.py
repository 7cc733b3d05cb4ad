"""The nouns of a backtest. All but `Change` are lines of its journal."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from paramedic_workers.errors import Verdict
from paramedic_workers.results import Confidence


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A past commit that may be the fix of a bug, by the names of its files alone."""

    #: Full id of the commit, and of the (first) parent that it is compared with.
    commit: str
    parent: str
    #: Seconds since 1970, of the committer.
    committed_at: int
    #: First line of the message.
    subject: str
    #: Source files that it changes, posix, relative to the repository.
    sources: tuple[str, ...]
    #: Files of tests that it changes, data of tests included.
    tests: tuple[str, ...]
    #: Source lines that it adds and removes together.
    lines: int


class Reason(StrEnum):
    """Why a change is no bug that could be healed; the text is for people."""

    #: Not a failure that a team could have had: the tests need what did not exist yet.
    ADDITION = "it adds a function, a class or a parameter"
    NOT_IMPORTABLE_BEFORE = "its tests cannot be imported without it"
    NO_CODE = "it changes comments or documentation only"
    REPEATED = "the same change is in a newer commit"
    PASSES_BEFORE = "its tests pass without it"
    #: Could not be run.
    NOT_PYTHON = "its source cannot be parsed by this interpreter"
    ENVIRONMENT = "its dependencies cannot be installed"
    UNUSABLE = "pytest cannot run its tests"
    FAILS_AFTER = "its tests fail with it too"
    TIMED_OUT = "its tests take too long"
    BROKE = "looking into it broke"


#: Reasons that say nothing about the change itself: here it could not be run.
COULD_NOT_RUN = frozenset(
    {
        Reason.NOT_PYTHON,
        Reason.ENVIRONMENT,
        Reason.UNUSABLE,
        Reason.FAILS_AFTER,
        Reason.TIMED_OUT,
        Reason.BROKE,
    }
)


class Bug(msgspec.Struct, frozen=True, kw_only=True, tag="bug"):
    """A change whose tests fail without it and pass with it."""

    change: Change
    #: Commits of the private clone: the parent with the new tests, and that with the fix.
    bug: str
    fix: str
    #: Node ids of tests that fail before and pass after.
    failing: tuple[str, ...]
    #: Node ids of tests of the same files that pass before and after; at most 200.
    passing: tuple[str, ...]
    #: The commit by whose dependency files the environment is made.
    environment_of: str
    #: Seconds that finding it took.
    seconds: float

    @property
    def commit(self) -> str:
        """The commit in which people fixed it."""
        return self.change.commit


class Skipped(msgspec.Struct, frozen=True, kw_only=True, tag="skipped"):
    """A change that is not healed, and why."""

    change: Change
    reason: Reason
    #: What was seen; empty where the reason says it all.
    detail: str = ""
    seconds: float = 0.0

    @property
    def commit(self) -> str:
        """The commit that was looked at."""
        return self.change.commit


class Likeness(StrEnum):
    """How a patch compares with what people did."""

    #: The same code, but for the way it is written, comments and documentation.
    SAME = "same"
    #: Other code that did the same on every varied input.
    EQUIVALENT = "equivalent"
    #: The tests pass, and some varied input tells it from people's fix.
    DIFFERENT = "different"
    #: Other code, and nothing could be compared.
    UNKNOWN = "unknown"


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """A patch beside people's fix."""

    likeness: Likeness
    #: Varied inputs that could be compared, and those on which the two differ.
    inputs: int = 0
    differing: int = 0


class PatchRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One patch that the engine found, with all that speaks for and against it."""

    #: SHA-256 of the diff, and the diff itself.
    digest: str
    diff: str
    template: str
    title: str
    score: float
    trust: str
    reasons: tuple[str, ...]
    #: What the trust model weighs; empty where the engine gives none.
    evidence: Mapping[str, float]
    #: Whether the healer proved it; whether it is what the heal ended with.
    proved: bool
    chosen: bool
    compared: Compared


class Outcome(msgspec.Struct, frozen=True, kw_only=True, tag="outcome"):
    """What became of one bug."""

    #: The commit in which people fixed it.
    commit: str
    #: Seconds the search was allowed; an outcome counts only for the same.
    budget: float
    verdict: Verdict
    confidence: Confidence | None = None
    #: The patch over all causes, and how it compares with people's fix.
    patch: str = ""
    digest: str = ""
    compared: Compared | None = None
    #: One line of the healer about it, and one for each attempt of the search.
    summary: str = ""
    attempts: tuple[str, ...] = ()
    candidates: int = 0
    #: Of the whole heal, proof included; of the search alone.
    seconds: float = 0.0
    search_seconds: float = 0.0
    #: Every patch that the engine found, best first.
    patches: tuple[PatchRecord, ...] = ()


#: A line of the journal.
Line = Bug | Skipped | Outcome
