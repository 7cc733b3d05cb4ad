"""Runs one collected test inside a child, and says how it ended.

Two ways. `run_quickly` is for the first look at a candidate: the test's own set-up, call
and tear-down hooks, without building reports. `run_fully` is pytest's own protocol,
which also knows about expected failures and what plug-ins make of an outcome.
"""

from __future__ import annotations

import copy
import os
import time
import types
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from .children import OutOfTime
from .places import is_source_below
from .tracing import Trace

PASSED = "passed"
FAILED = "failed"
#: Skipped, or failed as expected.
SKIPPED = "skipped"
#: Its CPU time was up, or it took its process with it.
LOST = "lost"

#: Characters of an exception's message that are reported.
_LONGEST_MESSAGE = 2000


@dataclass(frozen=True)
class Ending:
    """How one run of one test ended."""

    outcome: str
    #: CPU seconds of set-up and call, without reports.
    seconds: float
    #: The same by the clock on the wall.
    wall: float
    error: BaseException | None


class CallWatcher:
    """A pytest plug-in that keeps the exception and the time of the running test."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self.error: BaseException | None = None
        self.seconds = 0.0
        self.wall = 0.0
        #: Reading the clock of CPU time takes longer than most tests.
        self.is_watching = False
        #: Watches set-up and call where there is one; pytest's own work is not worth it.
        self.trace: Trace | None = None

    def forget(self) -> None:
        """Make ready for the next test."""
        self.error = None
        self.seconds = self.wall = 0.0

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Any:
        """Watch the fixtures."""
        with self._watched():
            yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Any:
        """Watch the test's own function."""
        with self._watched():
            yield

    @contextmanager
    def _watched(self) -> Iterator[None]:
        if not self.is_watching:
            yield
            return
        started, started_wall = time.process_time(), time.monotonic()
        if self.trace is not None:
            self.trace.start()
        yield
        if self.trace is not None:
            self.trace.stop()
        self.seconds += time.process_time() - started
        self.wall += time.monotonic() - started_wall

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: Any) -> Any:
        """Keep the exception that the report is about."""
        yield
        if call.excinfo is not None and self.error is None:
            self.error = call.excinfo.value


def run_fully(item: pytest.Item, following: pytest.Item | None, watcher: CallWatcher) -> Ending:
    """Run a test by pytest's own protocol.

    Args:
        item: the test.
        following: the test that is run next; fixtures that it shares stay set up.
        watcher: is registered with pytest.
    """
    _make_ready(item)
    watcher.forget()
    watcher.is_watching = True
    try:
        reports = runtestprotocol(item, log=False, nextitem=following)
    except (OutOfTime, SystemExit, KeyboardInterrupt, pytest.exit.Exception) as error:
        return Ending(FAILED, watcher.seconds, watcher.wall, error)
    return Ending(_outcome(reports), watcher.seconds, watcher.wall, watcher.error)


def run_quickly(item: pytest.Item) -> str:
    """Run a test, tear down all it used, and give its outcome.

    What tearing down raises does not count: fixtures may ask there for the reports that
    were not built. A proof will tell.

    Raises:
        OutOfTime: from the CPU limit that the caller has set, while tearing down.
    """
    _make_ready(item)
    outcome = PASSED
    try:
        item.ihook.pytest_runtest_setup(item=item)
        item.ihook.pytest_runtest_call(item=item)
        if getattr(item, "_excinfo", None):
            outcome = FAILED
    except OutOfTime:
        outcome = LOST
    except BaseException as error:  # noqa: BLE001 - candidates raise anything
        outcome = SKIPPED if isinstance(error, pytest.skip.Exception) else FAILED
    with suppress(Exception):
        item.ihook.pytest_runtest_teardown(item=item, nextitem=None)
    return outcome


class Parameters:
    """The values of a parametrised test, renewed for each run: candidates may change them."""

    def __init__(self, item: pytest.Item) -> None:
        """Keep a copy of the test's values, where they can be copied."""
        self._live: Any = getattr(getattr(item, "callspec", None), "params", None)
        self._kept: Any = None
        if self._live:
            try:
                self._kept = copy.deepcopy(self._live)
            except Exception:  # noqa: BLE001 - values that cannot be copied stay as they are
                self._live = None

    def renew(self) -> None:
        """Put fresh copies in place."""
        if self._live:
            self._live.update(copy.deepcopy(self._kept))


def describe_error(error: BaseException | None, root: str) -> dict[str, Any] | None:
    """The innermost cause of an exception, with its frames below `root`, outermost first."""
    if error is None:
        return None
    known = {id(error)}
    while error.__cause__ is not None and id(error.__cause__) not in known:
        error = error.__cause__
        known.add(id(error))
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - an exception's str() is foreign code
        message = ""
    return {
        "type": type(error).__name__,
        "message": message[:_LONGEST_MESSAGE],
        "frames": _frames(error.__traceback__, root),
    }


def path_of(item: Any) -> str:
    """The absolute path of the file that a test or collector is from."""
    return str(getattr(item, "path", None) or Path(str(item.fspath)))


def _no_words(_excinfo: Any, **_how: Any) -> str:
    """In place of a report's text, which takes longer than most tests and is read by nobody."""
    return "failed"


def _make_ready(item: pytest.Item) -> None:
    item.repr_failure = item._repr_failure_py = _no_words  # type: ignore[method-assign, assignment]
    if getattr(item, "_excinfo", None):
        # unittest items keep the failures of earlier runs.
        item._excinfo = None  # type: ignore[attr-defined]
    if hasattr(item, "_initrequest"):
        item._initrequest()


def _outcome(reports: list[Any]) -> str:
    if any(report.outcome == FAILED for report in reports):
        return FAILED
    if any(report.outcome == SKIPPED or hasattr(report, "wasxfail") for report in reports):
        return SKIPPED
    return PASSED


def _frames(trace: types.TracebackType | None, root: str) -> list[dict[str, Any]]:
    frames = []
    while trace is not None:
        code = trace.tb_frame.f_code
        file = os.path.abspath(code.co_filename)  # noqa: PTH100 - many calls, no file access
        if is_source_below(root, file):
            frames.append({"file": file, "line": trace.tb_lineno, "function": code.co_name})
        trace = trace.tb_next
    return frames[-40:]
