"""Runs tests of a target in the sandbox and returns typed reports.

The target's own pytest is started with our probe inside (`injected/paramedic_probe`),
which tells of each test as it ends, through a pipe. So it is known what was seen however
the run ends: by itself, by a signal, by `os._exit(0)` or by a time-out.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import msgspec

from paramedic.event import Frame
from paramedic_workers.healing.environment import TargetEnvironment
from paramedic_workers.healing.model import (
    Command,
    Launcher,
    Process,
    RunEnd,
    RunReport,
    TestOutcome,
    TestReport,
)
from paramedic_workers.healing.processes import BoundedOutput
from paramedic_workers.settings import TargetSettings

#: The folder of the probe, which holds nothing else.
PROBE_FOLDER = Path(__file__).parent / "injected"
#: Seconds that pytest may take to leave once it has said that it is done.
_LEAVING_SECONDS = 10.0
#: Seconds between two looks at whether it has said so.
_LOOK_SECONDS = 0.5
#: Bytes of a whole run's telling; what comes after is not believed.
_MOST_TOLD = 256 * 1024 * 1024
#: pytest's exit statuses for an error of its own and of its use.
_INTERNAL_ERROR, _USAGE_ERROR = 3, 4
_PYTEST_OPTIONS = (
    *("-p", "paramedic_probe.plugin", "-p", "no:paramedic", "-p", "no:randomly"),
    *("-o", "cache_dir=$TMPDIR/pytest-cache"),
)


class Told(msgspec.Struct):
    """One line of the probe; which fields are set depends on its kind."""

    kind: str
    test: str = ""
    tests: tuple[str, ...] = ()
    outcome: str = ""
    seconds: float = 0.0
    type: str = ""
    message: str = ""
    traceback: str = ""
    frames: tuple[Frame, ...] = ()
    files: dict[str, frozenset[int]] = msgspec.field(default_factory=dict)
    status: int = 0


@dataclass
class Story:
    """All that the probe has told of one run."""

    ready: bool = False
    started: dict[str, None] = field(default_factory=dict)
    tests: dict[str, TestReport] = field(default_factory=dict)
    uncollected: dict[str, TestReport] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    collected: tuple[str, ...] = ()
    coverage: dict[str, dict[str, frozenset[int]]] = field(default_factory=dict)
    #: pytest's own exit status; None where it did not come to its end.
    status: int | None = None
    #: When it said so, by the monotonic clock.
    ended_at: float = 0.0

    def take(self, told: Told) -> None:
        """Add one line; a kind that is not known is passed over."""
        match told.kind:
            case "ready":
                self.ready = True
            case "started":
                self.started[told.test] = None
            case "finished":
                self.tests[told.test] = _report(told, TestOutcome(told.outcome))
            case "lines":
                self.coverage[told.test] = told.files
            case "uncollected":
                self.uncollected[told.test] = _report(told, TestOutcome.FAILED)
            case "missing":
                self.missing = told.tests
            case "collected":
                self.collected = told.tests
            case "end":
                self.status, self.ended_at = told.status, time.monotonic()

    def lost(self) -> list[str]:
        """Tests that were running when the run ended."""
        return [test for test in self.started if test not in self.tests]


class Listener:
    """Reads what the probe tells, in a thread of its own."""

    def __init__(self) -> None:
        """Open the pipe and start to read."""
        self.story = Story()
        self._reader, self.descriptor = os.pipe()
        self._decoder = msgspec.json.Decoder(Told)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Close the writing end: done once the process has inherited it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def whole_story(self) -> Story:
        """Everything, once every writer is gone."""
        self.close()
        self._thread.join()
        return self.story

    def _read(self) -> None:
        left = _MOST_TOLD
        with os.fdopen(self._reader, "rb") as pipe:
            while line := pipe.readline(_MOST_TOLD):
                left -= len(line)
                if left > 0:
                    self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            self.story.take(self._decoder.decode(line))
        except (msgspec.DecodeError, ValueError):
            # A line cut off by the end of the process, or written by somebody else.
            return


class PytestRunner:
    """Runs tests of one target in one environment; implements `TestRunner`."""

    __test__: ClassVar[bool] = False

    def __init__(
        self, target: TargetSettings, environment: TargetEnvironment, launcher: Launcher
    ) -> None:
        """Run the target's tests with this environment's interpreter, in this sandbox."""
        self._target = target
        self._environment = environment
        self._launcher = launcher

    def run(
        self,
        root: Path,
        tests: Sequence[str] = (),
        *,
        timeout: float,
        hash_seed: int = 0,
        coverage: bool = False,
        stop_at_first_failure: bool = False,
    ) -> RunReport:
        """Run these tests (all, where none is named) of the working files at `root`.

        Args:
            root: a working tree.
            tests: node ids; a file, a class or a parametrised test stands for all in it.
            timeout: seconds after which the run is killed with all its processes.
            hash_seed: for `PYTHONHASHSEED`.
            coverage: also report which lines each test runs.
            stop_at_first_failure: leave out the tests after the first that fails.

        Raises:
            SandboxError: the sandbox is required and cannot be set up.
        """
        instructions = {
            "root": str(root),
            "tests": list(tests),
            "coverage": coverage,
            "first_failure": stop_at_first_failure,
        }
        began = time.monotonic()
        self._environment.complete(root)
        listener, output = Listener(), BoundedOutput()
        process = self._start(root, instructions, hash_seed, listener, output)
        status = _await(process, listener.story, began + timeout)
        story, text = listener.whole_story(), output.text()
        end, detail = _end_of(story, status, text, timeout)
        return RunReport(
            end=end,
            detail=detail,
            tests=(*story.tests.values(), *_lost_reports(story, detail)),
            collection_errors=tuple(story.uncollected.values()),
            collected=story.collected,
            output=text,
            seconds=time.monotonic() - began,
            coverage=story.coverage,
        )

    def _start(
        self,
        root: Path,
        instructions: dict[str, object],
        hash_seed: int,
        listener: Listener,
        output: BoundedOutput,
    ) -> Process:
        told = os.memfd_create("instructions")
        os.write(told, json.dumps(instructions).encode())
        os.lseek(told, 0, os.SEEK_SET)
        variables = self._variables(root, hash_seed)
        variables["PARAMEDIC_PROBE"] = f"{told},{listener.descriptor}"
        try:
            return self._launcher.start(
                Command(
                    argv=[
                        *(str(self._environment.python), "-m", "pytest"),
                        *_PYTEST_OPTIONS,
                        *self._target.pytest_args,
                    ],
                    root=root,
                    directory=root / self._target.directory,
                    readable=(*self._environment.readable, PROBE_FOLDER),
                    environment=variables,
                    pass_fds=(told, listener.descriptor),
                    output=output.descriptor,
                )
            )
        finally:
            os.close(told)
            listener.close()
            output.close()

    def _variables(self, root: Path, hash_seed: int) -> dict[str, str]:
        given = dict(self._target.environment)
        paths = [PROBE_FOLDER, *self._environment.import_paths(root)]
        search = [*map(str, paths), *filter(None, [given.get("PYTHONPATH", "")])]
        return {
            "PATH": self._environment.search_path(),
            **given,
            "PYTHONPATH": os.pathsep.join(search),
            "PYTHONHASHSEED": str(hash_seed),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONNOUSERSITE": "1",
        }


def _await(process: Process, story: Story, deadline: float) -> int | None:
    """The exit status; None where its time was up. Nothing of the process is left then."""
    try:
        while True:
            now = time.monotonic()
            try:
                return process.wait(max(0.0, min(_LOOK_SECONDS, deadline - now)))
            except TimeoutError:
                said_done = story.ended_at and now - story.ended_at > _LEAVING_SECONDS
                if said_done or now >= deadline:
                    return None
    finally:
        process.kill()


def _end_of(story: Story, status: int | None, output: str, timeout: float) -> tuple[RunEnd, str]:
    """How the run ended, and one sentence about it."""
    if story.missing:
        return RunEnd.NOT_FOUND, f"There is no test {', '.join(story.missing)}."
    if story.status is None:
        return _cut_short(story, status, output, timeout)
    if story.status in (_INTERNAL_ERROR, _USAGE_ERROR) and not story.tests:
        return RunEnd.UNUSABLE, f"pytest could not run: {_last_words(output, status)}."
    if story.lost() or story.status == _INTERNAL_ERROR:
        return RunEnd.CRASHED, f"pytest was interrupted{_while(story)}."
    if story.uncollected:
        return RunEnd.COLLECTION_ERROR, f"pytest could not collect {', '.join(story.uncollected)}."
    return RunEnd.FINISHED, f"{_counted(story)}."


def _cut_short(story: Story, status: int | None, output: str, timeout: float) -> tuple[RunEnd, str]:
    """The same for a process that ended before pytest did."""
    if status is None:
        return RunEnd.TIMED_OUT, f"The run was killed after {timeout:.3g} seconds{_while(story)}."
    if not story.ready:
        return RunEnd.UNUSABLE, f"pytest could not start: {_last_words(output, status)}."
    return RunEnd.CRASHED, f"The process {_how_it_left(status)}{_while(story)}."


def _counted(story: Story) -> str:
    counts = Counter(report.outcome.value for report in story.tests.values())
    return ", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items())) or "no tests ran"


def _while(story: Story) -> str:
    lost = story.lost()
    return f" during {lost[-1]}" if lost else ""


def _how_it_left(status: int | None) -> str:
    if status is not None and status < 0:
        return f"was ended by {_signal_name(-status)}"
    return f"left with status {status} before pytest had finished"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _last_words(output: str, status: int | None) -> str:
    """The line of the output that says most."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E  ", "ERROR", "INTERNALERROR"))]
    usage = [line for line in lines if ": error: " in line]
    words = (usage or errors or lines or [f"exit status {status}"])[-1]
    return words.removeprefix("E  ").strip().rstrip(".")[:500]


def _lost_reports(story: Story, detail: str) -> list[TestReport]:
    return [
        TestReport(
            test=test,
            outcome=TestOutcome.LOST,
            exception_type="LostRun",
            message=detail,
        )
        for test in story.lost()
    ]


def _report(told: Told, outcome: TestOutcome) -> TestReport:
    return TestReport(
        test=told.test,
        outcome=outcome,
        seconds=told.seconds,
        exception_type=told.type or ("CollectionError" if told.kind == "uncollected" else ""),
        message=told.message,
        traceback=told.traceback,
        frames=told.frames,
    )
