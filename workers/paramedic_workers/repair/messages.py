"""What the processes inside the target tell, as types: it is checked before it is believed."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Outcome(StrEnum):
    """How one run of one test ended in the warm process."""

    PASSED = "passed"
    FAILED = "failed"
    #: Skipped, or failed as expected.
    SKIPPED = "skipped"
    #: Its time was up, or it took its process with it.
    LOST = "lost"


class Letter(StrEnum):
    """How one candidate did."""

    PASSED = "p"
    FAILED = "f"
    TIMED_OUT = "t"
    #: It took its process with it.
    CRASHED = "x"
    #: It cannot be put into the live functions.
    NOT_SWAPPABLE = "n"
    #: The edited source does not compile.
    NO_PYTHON = "s"


class Place(msgspec.Struct, frozen=True):
    """A line of a file of the project, absolute path."""

    file: str
    line: int
    function: str = ""


class ErrorSeen(msgspec.Struct, frozen=True):
    """An exception, with its frames in the project, outermost first."""

    type: str
    message: str
    frames: tuple[Place, ...] = ()


class TypesSeen(msgspec.Struct, frozen=True):
    """Types of the variables of the code object that begins at this line."""

    file: str
    line: int
    names: dict[str, list[str]]


class SamplesSeen(msgspec.Struct, frozen=True):
    """What variables held before one line was run: name -> literal, for a few visits."""

    file: str
    line: int
    rows: tuple[dict[str, str], ...]


class TraceSeen(msgspec.Struct, frozen=True):
    """What one traced run has shown."""

    #: File -> lines that were run.
    lines: dict[str, list[int]]
    types: list[TypesSeen] = []
    #: Class name -> attribute -> type name, `method` for functions.
    attributes: dict[str, dict[str, str]] = {}
    #: File and first line of the functions entered last, in order.
    recent: list[tuple[str, int]] = []
    values: list[SamplesSeen] = []


class RunSeen(msgspec.Struct, frozen=True):
    """How one run of one test ended, and what was seen if it was traced."""

    outcome: Outcome
    #: CPU and wall-clock seconds of the test's set-up and call.
    seconds: float
    wall: float
    error: ErrorSeen | None = None
    trace: TraceSeen | None = None


class TestName(msgspec.Struct, frozen=True):
    """A collected test: its file (absolute), and its node id behind the file."""

    __test__ = False

    file: str
    name: str
    id: str


class CollectionProblem(msgspec.Struct, frozen=True):
    """A file that could not be collected."""

    file: str
    error: ErrorSeen | None = None


class Greeting(msgspec.Struct, frozen=True):
    """What the warm process says when it has collected, or could not."""

    ready: bool
    detail: str = ""
    tests: tuple[TestName, ...] = ()
    errors: tuple[CollectionProblem, ...] = ()
    #: Threads that the imports have left running.
    threads: int = 1


class Hello(msgspec.Struct, frozen=True):
    """What the zygote says first."""

    ready: bool
    detail: str


class ScreenSeen(msgspec.Struct, frozen=True):
    """A letter for each candidate, and how many of the tests it passed."""

    letters: str
    passed: list[int]


class ProofSeen(msgspec.Struct, frozen=True):
    """A letter for each test that one candidate was run against, and the last of them."""

    letters: str
    ended: Letter


class RerunTest(msgspec.Struct, frozen=True):
    """One test of a rerun."""

    file: str
    name: str
    outcome: Outcome


class RerunSeen(msgspec.Struct, frozen=True):
    """What a fresh collection with an edited file has shown."""

    tests: tuple[RerunTest, ...]
    #: It came to its end.
    finished: bool
    #: Files that could not be collected.
    errors: tuple[str, ...]
    detail: str
