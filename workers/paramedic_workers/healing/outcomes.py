"""How one failing test ended in one run, also where the "test" is a file or a class.

What is healed is named by a pytest node id; a file that cannot be collected is named by
its path. Such a name stands for every test below it: of a `conftest.py`, for every test
of its folder.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import PurePosixPath

from paramedic_workers.healing.model import RunEnd, RunReport, TestOutcome, TestReport


class Seen(StrEnum):
    """What one run says about one name."""

    #: It ran, or all tests below it did, and nothing failed.
    PASSED = "passed"
    #: It failed, or was running when the run ended.
    FAILED = "failed"
    #: It was skipped, with all tests below it.
    SKIPPED = "skipped"
    #: The run did not get to it, or there is no such test.
    MISSING = "missing"


def seen(report: RunReport, name: str) -> Seen:
    """What `report` says about the test, class or file of that name."""
    if failures(report, name):
        return Seen.FAILED
    outcomes = {test.outcome for test in below(report.tests, name)}
    if _is_conftest(name) and (report.tests or report.end is RunEnd.FINISHED):
        return Seen.PASSED
    if TestOutcome.PASSED in outcomes:
        return Seen.PASSED
    return Seen.SKIPPED if outcomes else Seen.MISSING


def failures(report: RunReport, name: str) -> tuple[TestReport, ...]:
    """The failing tests of that name or below it; also a file that keeps it from being run."""
    file = PurePosixPath(file_of(name))
    uncollected = tuple(
        error
        for error in report.collection_errors
        if error.test == str(file) or _is_conftest_above(PurePosixPath(error.test), file)
    )
    bad = (TestOutcome.FAILED, TestOutcome.LOST)
    return tuple(t for t in below(report.tests, name) if t.outcome in bad) + uncollected


def below(tests: Iterable[TestReport], name: str) -> Iterable[TestReport]:
    """The tests of that name or below it: of the file, of the class, of the parameters."""
    starts = (f"{name}::", f"{name}[")
    return (test for test in tests if test.test == name or test.test.startswith(starts))


def selector(name: str) -> str:
    """What to name to pytest, so that it is seen: for a `conftest.py`, its folder."""
    return str(PurePosixPath(name).parent) if _is_conftest(name) else name


def green(report: RunReport, names: Iterable[str]) -> frozenset[str]:
    """Those of the names that passed in this run."""
    return frozenset(name for name in names if seen(report, name) is Seen.PASSED)


def file_of(name: str) -> str:
    """The file of a node id."""
    return name.partition("::")[0]


def _is_conftest(name: str) -> bool:
    return PurePosixPath(name).name == "conftest.py"


def _is_conftest_above(file: PurePosixPath, other: PurePosixPath) -> bool:
    return file.name == "conftest.py" and other.is_relative_to(file.parent)
