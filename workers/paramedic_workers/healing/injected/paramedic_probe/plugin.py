"""The pytest plug-in that tells the healer what happens inside the target's pytest.

What it tells goes through a pipe, a JSON document a line and each at once, so that a
process that is killed or leaves without a word has still told all that came before:

    ready        the session has started
    uncollected  a file or a conftest could not be collected
    missing      tests that were named and do not exist; none is run then
    collected    where none was named: all that will be run
    started, finished, lines   one test
    end          pytest came to its own end

It also takes out of the project's options what would get in the way (`options`).
PYTEST_DONT_REWRITE: there is nothing to be gained by it here.
"""

# Plain strings, not paths: what pytest knows of paths differs between its versions.
# ruff: noqa: PTH100, PTH110, PTH118, PTH120

from __future__ import annotations

import json
import os
import sys
import threading
import types
from collections.abc import Generator
from typing import Any

import pytest

from .lines import Lines, Monitoring, SetTrace
from .options import names_of, without_harmful

#: Characters that are kept of a message and of a traceback.
MAX_MESSAGE = 8_000
MAX_TRACEBACK = 20_000
#: Frames that are kept of each end of a deep stack.
MAX_FRAMES = 50


class Channel:
    """The pipe to the healer; used by the process that pytest started in, never by its forks."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._process = os.getpid()
        self._lock = threading.Lock()
        os.set_inheritable(descriptor, False)

    def tell(self, kind: str, **contents: object) -> None:
        if os.getpid() != self._process:
            return
        line = json.dumps({"kind": kind, **contents}, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            try:
                while line:
                    line = line[os.write(self._descriptor, line) :]
            except OSError:
                # A test has closed it: without `end` the healer sees that something is amiss.
                pass


class Probe:
    """What this run was asked for, and what it has seen."""

    def __init__(self, instructions: dict[str, Any], channel: Channel) -> None:
        self.channel = channel
        self.tests: list[str] = instructions["tests"]
        self.first_failure: bool = instructions["first_failure"]
        self.root: str = instructions["root"]
        self.lines = Lines(self.root)
        self.uncollected: set[str] = set()
        #: The test that runs now: what is known of it so far.
        self.current: dict[str, Any] = {}
        self.tracer: Any = None
        if instructions["coverage"]:
            new = hasattr(sys, "monitoring")
            self.tracer = Monitoring(self.lines) if new else SetTrace(self.lines)

    def set_options(self, config: Any, parser: Any, arguments: list[str]) -> None:
        """Change pytest's arguments in place, and what it has already understood of them."""
        arguments[:] = without_harmful(arguments, selecting=bool(self.tests))
        arguments += ["--color=no", "--tb=auto", "--continue-on-collection-errors"]
        if self.first_failure:
            arguments.append("--maxfail=1")
        if self.tests:
            self._name_files(config, parser, arguments)
        before = config.known_args_namespace
        after = parser.parse_known_args(arguments, namespace=_copy(config.option))
        after.confcutdir = getattr(before, "confcutdir", None)
        config.known_args_namespace = after

    def _name_files(self, config: Any, parser: Any, arguments: list[str]) -> None:
        """Name the files of the tests, in place of whatever paths the options name."""
        known = parser.parse_known_args(arguments, namespace=_copy(config.option))
        paths = set(getattr(known, "file_or_dir", []))
        arguments[:] = [argument for argument in arguments if argument not in paths]
        top = str(getattr(config, "rootpath", None) or config.rootdir)
        self.tests = [self._from_top(test, top) for test in self.tests]
        files = {test: os.path.join(top, test.partition("::")[0]) for test in self.tests}
        missing = [test for test, file in files.items() if not self._is_inside(file)]
        if missing:
            self.channel.tell("missing", tests=missing)
            raise pytest.UsageError("no such test: " + ", ".join(missing))
        arguments += list(dict.fromkeys(nameable(file, top) for file in files.values()))

    def _from_top(self, test: str, top: str) -> str:
        """The id relative to pytest's root; it may have been given from where pytest starts."""
        file, colons, rest = test.partition("::")
        if not colons:
            test = file = file.rstrip("/") or file
        if os.path.lexists(_printable(os.path.join(top, file))):
            return test
        here = os.path.abspath(_printable(file))
        return os.path.relpath(here, top) + colons + rest if os.path.lexists(here) else test

    def _is_inside(self, file: str) -> bool:
        path = os.path.abspath(file)
        return (
            "\0" not in file
            and os.path.exists(path)
            and (path == self.root or path.startswith(self.root.rstrip(os.sep) + os.sep))
        )

    def select(self, items: list[pytest.Item], config: Any) -> None:
        """Keep the named tests; keep none where one of them does not exist."""
        named = set(self.tests)
        kept, found = [], set()
        for item in items:
            names = named & names_of(item.nodeid)
            found |= names
            if names:
                kept.append(item)
        missing = [
            test
            for test in self.tests
            if test not in found and test.partition("::")[0] not in self.uncollected
        ]
        if missing:
            self.channel.tell("missing", tests=missing)
            kept = []
        remaining = set(kept)
        dropped = [item for item in items if item not in remaining]
        items[:] = kept
        if dropped:
            config.hook.pytest_deselected(items=dropped)

    def note(self, report: Any) -> None:
        """Take in the report of one phase of the running test."""
        if self.current.get("test") != report.nodeid:
            return
        self.current["seconds"] += getattr(report, "duration", 0.0)
        if report.outcome == "failed" and self.current["outcome"] != "failed":
            self.current["outcome"] = "failed"
            self.current.update(getattr(report, "paramedic_failure", None) or told(report))
        elif report.outcome == "skipped" and self.current["outcome"] == "passed":
            self.current["outcome"] = "skipped"

    def failure(self, error: BaseException, text: str) -> dict[str, object]:
        """An exception as the healer wants it."""
        kind = type(error)
        name = kind.__qualname__
        return {
            "type": name if kind.__module__ == "builtins" else f"{kind.__module__}.{name}",
            "message": cut(message_of(error), MAX_MESSAGE),
            "traceback": cut(text, MAX_TRACEBACK),
            "frames": self._frames(error),
        }

    def report_uncollected(self, file: str, error: BaseException | None, text: str) -> None:
        """Tell of a file that could not be collected."""
        self.uncollected.add(file)
        cause = unwrapped(error) if error is not None else None
        failure = self.failure(cause, text) if cause is not None else {}
        self.channel.tell("uncollected", **{"test": file, "traceback": text, **failure})

    def _frames(self, error: BaseException) -> list[dict[str, object]]:
        frames = []
        entry = error.__traceback__
        while entry is not None:
            frame = entry.tb_frame
            name = self.lines.name(frame.f_code.co_filename)
            if name is not None:
                frames.append(
                    {
                        "file": name,
                        "module": str(frame.f_globals.get("__name__", "")),
                        "function": qualified(frame),
                        "line": entry.tb_lineno,
                    }
                )
            entry = entry.tb_next
        if isinstance(error, SyntaxError) and error.filename:
            frames += self._place_of(error)
        return (
            frames if len(frames) <= 2 * MAX_FRAMES else frames[:MAX_FRAMES] + frames[-MAX_FRAMES:]
        )

    def _place_of(self, error: SyntaxError) -> list[dict[str, object]]:
        """The line that cannot be parsed, as a frame: nothing of it ever ran."""
        name = self.lines.name(error.filename or "")
        if name is None:
            return []
        return [{"file": name, "module": "", "function": "<module>", "line": error.lineno or 0}]


def nameable(file: str, top: str) -> str:
    """The path, or the folder above it that pytest does not take for a name with parameters."""
    while any(sign in os.path.relpath(file, top) for sign in ("[", "::")):
        file = os.path.dirname(file)
    return file


def unwrapped(error: BaseException) -> BaseException:
    """The exception behind those that pytest wraps around it while it collects."""
    while type(error).__module__.startswith(("_pytest", "pytest")) or is_collect_error(error):
        inner = error.__cause__
        if inner is None:
            return error
        error = inner
    return error


def is_collect_error(error: BaseException) -> bool:
    return isinstance(error, pytest.Collector.CollectError)


def told(report: Any) -> dict[str, object]:
    """The failure as the report's text tells it: for reports that come without an exception."""
    text = str(getattr(report, "longreprtext", "") or report.longrepr or "")
    crash = getattr(getattr(report.longrepr, "reprcrash", None), "message", "")
    kind, colon, message = crash.partition(": ")
    named = colon and kind.replace(".", "").replace("_", "").isalnum()
    return {
        "type": kind if named else "Failed",
        "message": cut(message if named else (crash or text), MAX_MESSAGE),
        "traceback": cut(text, MAX_TRACEBACK),
        "frames": [],
    }


def message_of(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException as broken:  # noqa: BLE001 - str() is foreign code
        return "(its message cannot be read: str() raised " + type(broken).__name__ + ")"


def qualified(frame: types.FrameType) -> str:
    """The function's name with its class."""
    code = frame.f_code
    name = getattr(code, "co_qualname", None)
    if name is not None:
        return str(name)
    # Python 3.10 and older: look for the method in the classes of its first argument.
    first = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
    owner = first if isinstance(first, type) else type(first)
    for kind in owner.__mro__:
        member = kind.__dict__.get(code.co_name)
        member = getattr(member, "__func__", member)
        if getattr(member, "__code__", None) is code:
            return f"{kind.__qualname__}.{code.co_name}"
    return str(code.co_name)


def cut(text: str, limit: int) -> str:
    """The text, its middle left out where it is too long."""
    text = _printable(text)
    if len(text) <= limit:
        return text
    half = (limit - 40) // 2
    return (
        text[:half] + "\n… " + str(len(text) - 2 * half) + " characters left out …\n" + text[-half:]
    )


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\\0")


def _copy(namespace: Any) -> Any:
    duplicate = type(namespace)()
    duplicate.__dict__.update(namespace.__dict__)
    return duplicate


def _from_environment() -> Probe:
    """The probe that the healer asked for; its descriptors are hidden from the tests."""
    instructions, channel = os.environ.pop("PARAMEDIC_PROBE").split(",")
    with os.fdopen(int(instructions), "rb") as file:
        return Probe(json.loads(file.read()), Channel(int(channel)))


_probe = _from_environment()


@pytest.hookimpl(hookwrapper=True)
def pytest_load_initial_conftests(
    early_config: Any, parser: Any, args: list[str]
) -> Generator[None, Any, None]:
    _probe.set_options(early_config, parser, args)
    outcome = yield
    if outcome.excinfo is not None:
        error = outcome.excinfo[1]
        file = _probe.lines.name(str(getattr(error, "path", ""))) or "conftest.py"
        _probe.report_uncollected(file, error, message_of(error))


def pytest_sessionstart(session: pytest.Session) -> None:
    _probe.channel.tell("ready")


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, None]:
    outcome = yield
    report = outcome.get_result()
    if report.outcome == "failed":
        call = getattr(report, "call", None)
        error = call.excinfo.value if call is not None and call.excinfo else None
        file = collector.nodeid.partition("::")[0] or "."
        _probe.report_uncollected(file, error, cut(str(report.longreprtext), MAX_TRACEBACK))


@pytest.hookimpl(hookwrapper=True)
def pytest_collection_modifyitems(
    items: list[pytest.Item], config: pytest.Config
) -> Generator[None, Any, None]:
    yield
    if _probe.tests:
        _probe.select(items, config)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    if not _probe.tests:
        _probe.channel.tell("collected", tests=[item.nodeid for item in session.items])


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, None]:
    if _probe.tracer is None:
        yield
        return
    _probe.tracer.start()
    try:
        yield
    finally:
        _probe.tracer.stop()
        _probe.channel.tell("lines", test=item.nodeid, files=_probe.lines.take())


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logstart(nodeid: str) -> None:
    _probe.current = {"test": nodeid, "outcome": "passed", "seconds": 0.0}
    _probe.channel.tell("started", test=nodeid)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, Any, None]:
    outcome = yield
    report = outcome.get_result()
    if report.outcome == "failed" and call.excinfo is not None:
        text = str(getattr(report, "longreprtext", "") or "")
        report.paramedic_failure = _probe.failure(call.excinfo.value, text)


def pytest_runtest_logreport(report: Any) -> None:
    _probe.note(report)


def pytest_runtest_logfinish(nodeid: str) -> None:
    if _probe.current.get("test") == nodeid:
        _probe.channel.tell("finished", **_probe.current)
        _probe.current = {}


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Generator[None, Any, None]:
    yield
    _probe.channel.tell("end", status=int(session.exitstatus))
