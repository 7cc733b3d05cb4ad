"""How the failures of a pytest run become events.

1. Where a test or a collector fails, `FailureRecorder` makes the event, while the
   exception is at hand, and hangs it on the report. Under xdist that is in a worker,
   and the report carries the event to the controller.
2. In the controller (or the only process), `FailurePublisher` keeps the first event of
   each failing test, adds the revision at the end of the session, publishes all of
   them together, and says so in one line.

Nothing in here ever changes how the run ends.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from paramedic.event import (
    WIRE_VERSION,
    FailureEvent,
    Frame,
    decode_event,
    event_from_exception,
    new_event_id,
    now,
    trimmed,
)
from paramedic.limits import Counts
from paramedic.location import NoBroker, broker_url
from paramedic.publisher import Publisher
from paramedic.source import repository_top
from paramedic.text import one_line
from paramedic.version import PRODUCER

#: Attribute of a report that carries its event, as plain JSON values.
_ATTRIBUTE = "paramedic_event"
#: Seconds that publishing may take at the end of a session.
_PUBLISH_TIMEOUT = 10.0
#: Seconds that one question to git may take.
_GIT_TIMEOUT = 10.0


class FailureRecorder:
    """Hangs the event of each failure on its report."""

    def __init__(self, config: pytest.Config, target: str) -> None:
        """Record failures of this target."""
        self._target = target
        self._root = config.rootpath
        self._top = repository_top(config.rootpath)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Record a failing set-up, test or tear-down; outermost, so that xfail is settled."""
        report = yield
        if report.failed and call.excinfo is not None:
            self._record(report, _test_of(item), report.when, call.excinfo.value)
        return report

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Record a file that cannot be collected."""
        report = yield
        call = getattr(report, "call", None)
        if report.failed and call is not None and call.excinfo is not None:
            error = call.excinfo.value
            if isinstance(error, pytest.Collector.CollectError):  # pytest's word for the cause
                error = error.__cause__ or error
            self._record(report, collector.nodeid, "collect", error)
        return report

    def _record(
        self,
        report: pytest.TestReport | pytest.CollectReport,
        test: str,
        when: str,
        error: BaseException,
    ) -> None:
        try:
            event = event_from_exception(error, target=self._target, root=self._top)
            event = replace(
                event,
                test=test or None,
                frames=_from_own_code(event),
                traceback=report.longreprtext,
                tags={"when": when, **self._place()},
            )
            setattr(report, _ATTRIBUTE, msgspec.to_builtins(trimmed(event)))
        except Exception as broken:  # noqa: BLE001 - a report without it becomes a plainer event
            setattr(report, f"{_ATTRIBUTE}_error", one_line(repr(broken)))

    def _place(self) -> dict[str, str]:
        """Where node ids start, if that is not the top of the repository."""
        if self._root == self._top or not self._root.is_relative_to(self._top):
            return {}
        return {"rootdir": self._root.relative_to(self._top).as_posix()}


def _test_of(item: pytest.Item) -> str:
    """The node id, without the group that xdist may put behind it and pytest does not know."""
    marks = item.iter_markers("xdist_group")
    groups = {str(mark.args[0] if mark.args else mark.kwargs.get("name")) for mark in marks}
    return item.nodeid.removesuffix("@" + "_".join(sorted(groups))) if groups else item.nodeid


def _from_own_code(event: FailureEvent) -> tuple[Frame, ...]:
    """The frames from the first one of the target on: those before it are pytest's own."""
    own = [number for number, frame in enumerate(event.frames) if frame.in_app]
    return event.frames[own[0] :] if own else event.frames


class FailurePublisher:
    """Publishes the events of a session when it ends."""

    def __init__(self, config: pytest.Config, target: str) -> None:
        """Publish as failures of this target."""
        self._config = config
        self._target = target
        self._events: dict[str, FailureEvent] = {}
        self._summary = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the first failure of each test."""
        self._keep(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep the failure of each file; under xdist every worker tells of it."""
        self._keep(report)

    def pytest_sessionfinish(self) -> None:
        """Publish what was kept."""
        try:
            self._summary = self._publish(list(self._events.values()))
        except Exception as error:  # noqa: BLE001 - the run must end as it would without us
            self._summary = f"nothing published: {one_line(repr(error))}"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was published."""
        if self._summary:
            terminalreporter.write_line(f"paramedic: {self._summary}")

    def _keep(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.failed and report.nodeid not in self._events:
            self._events[report.nodeid] = _event_of(report, self._target)

    def _publish(self, events: list[FailureEvent]) -> str:
        if not events:
            return ""
        what = f"{len(events)} {'failure' if len(events) == 1 else 'failures'} of {self._target}"
        if self._config.getoption("--paramedic-dry-run"):
            return f"would publish {what}"
        revision = _revision(self._config.rootpath)
        broker = self._config.getoption("--paramedic-broker")
        publisher = Publisher(self._target, broker_url=broker, root=self._config.rootpath)
        publisher.report(*(revision.put_on(event) for event in events))
        publisher.flush(_PUBLISH_TIMEOUT)
        publisher.close()
        return f"{what}: {outcome(publisher.counts)}{_want_of_broker(broker)}"


def outcome(counts: Counts) -> str:
    """What became of a run's failures: `3 published`, `3 spooled until the broker is back`."""
    parts = {
        "published": counts.published,
        "spooled until the broker is back": counts.spooled,
        "dropped": counts.dropped,
        "published from the spool": counts.drained,
    }
    return ", ".join(f"{number} {what}" for what, number in parts.items() if number)


def _want_of_broker(named: str | None) -> str:
    """What to do where nobody has said which broker; empty where one is known."""
    try:
        broker_url(named)
    except NoBroker as error:
        return f". {error}"
    return ""


def _event_of(report: pytest.TestReport | pytest.CollectReport, target: str) -> FailureEvent:
    """The event that hangs on a report, or a plain one where there was no exception.

    There is none when a test passes that must fail, or when an xdist worker has died.
    """
    recorded = getattr(report, _ATTRIBUTE, None)
    if recorded is not None:
        return decode_event(recorded)
    text = report.longrepr if isinstance(report.longrepr, str) else report.longreprtext
    return trimmed(
        FailureEvent(
            version=WIRE_VERSION,
            id=new_event_id(),
            target=target,
            test=report.nodeid or None,
            exception_type="pytest.Failed",
            message=text.strip().partition("\n")[0],
            occurred_at=now(),
            python=".".join(map(str, sys.version_info[:3])),
            traceback=text,
            producer=PRODUCER,
            tags={"when": report.when or "run"},
        )
    )


class _Revision(msgspec.Struct, frozen=True):
    """The commit that was tested."""

    #: None outside of a repository.
    commit: str | None
    #: Whether files differ from it.
    dirty: bool

    def put_on(self, event: FailureEvent) -> FailureEvent:
        """The event with this revision."""
        tags = {**event.tags, "dirty": "true"} if self.dirty else event.tags
        return replace(event, revision=self.commit, tags=tags)


def _revision(folder: Path) -> _Revision:
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    changes = _git(folder, "--no-optional-locks", "status", "--porcelain", "--untracked-files=no")
    return _Revision(commit or None, bool(changes))


def _git(folder: Path, *arguments: str) -> str:
    """What git prints; nothing where it fails or is not installed."""
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_GIT_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
