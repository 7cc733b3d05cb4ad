"""Runs that do their worst: each ends as what it was, and leaves nothing behind."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from paramedic_workers.healing.environment import TargetEnvironment
from paramedic_workers.healing.model import RunEnd, RunReport, TestOutcome
from paramedic_workers.healing.pytest_runner import PytestRunner
from tests.integration.healing_foundations.conftest import (
    MakeSandbox,
    processes_with,
    quick_runner,
)


def _run(runner: PytestRunner, tree: Path, body: str, timeout: float = 60) -> RunReport:
    """Run a good test, a nasty one with this body, and one after it."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    code = "import os, signal, subprocess, sys, threading, time\n"
    code += f"def test_before(): pass\ndef test_nasty():\n{lines}def test_after(): pass\n"
    (tree / "test_it.py").write_text(code)
    return runner.run(tree, timeout=timeout)


def _outcomes(report: RunReport) -> dict[str, str]:
    return {r.test.removeprefix("test_it.py::test_"): r.outcome.value for r in report.tests}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("os._exit(0)", "left with status 0"),
        ("os._exit(3)", "left with status 3"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("os.killpg(0, signal.SIGTERM)", "SIGTERM"),
        ("import pytest; pytest.exit('enough')", "interrupted"),
        ("raise KeyboardInterrupt", "interrupted"),
    ],
)
def test_a_run_that_leaves_early_has_crashed_during_that_test(
    runner: PytestRunner, tree: Path, body: str, says: str
) -> None:
    report = _run(runner, tree, body)
    assert report.end is RunEnd.CRASHED
    assert says in report.detail
    assert "test_nasty" in report.detail
    assert _outcomes(report) == {"before": "passed", "nasty": "lost"}
    assert report.failing()[0].outcome is TestOutcome.LOST
    assert report.never_run() == ("test_it.py::test_after",)


def test_a_run_that_hangs_is_killed_in_time_with_all_its_children(
    runner: PytestRunner, tree: Path
) -> None:
    mark = f"mark-{os.urandom(6).hex()}"
    body = (
        f"subprocess.Popen(['sh', '-c', 'sleep 600; : {mark}'], start_new_session=True)\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(1)"
    )
    began = time.monotonic()
    report = _run(runner, tree, body, timeout=10)
    assert time.monotonic() - began < 100
    assert report.end is RunEnd.TIMED_OUT
    assert "10 seconds during test_it.py::test_nasty" in report.detail
    assert _outcomes(report) == {"before": "passed", "nasty": "lost"}
    assert processes_with(mark) == []


def test_a_run_that_kills_its_parent_kills_itself_at_most(runner: PytestRunner, tree: Path) -> None:
    mark = f"mark-{os.urandom(6).hex()}"
    body = (
        f"subprocess.Popen(['sh', '-c', 'sleep 600; : {mark}'], start_new_session=True)\n"
        "parent = os.getppid()\n"
        f"if parent != {os.getpid()}: os.kill(parent, signal.SIGKILL)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    report = _run(runner, tree, body)
    # Under bubblewrap the parent is not its to kill.
    assert _outcomes(report)["nasty"] in ("lost", "failed")
    assert (report.end is RunEnd.CRASHED) == (_outcomes(report)["nasty"] == "lost")
    assert processes_with(mark) == []


def test_a_child_that_outlives_the_run_is_gone_after_it(runner: PytestRunner, tree: Path) -> None:
    mark = f"mark-{os.urandom(6).hex()}"
    body = (
        "if os.fork() == 0:\n    os.setsid()\n"
        f"    os.execvp('sh', ['sh', '-c', 'sleep 600; : {mark}'])\n"
    )
    report = _run(runner, tree, body)
    assert (report.end, report.detail) == (RunEnd.FINISHED, "3 passed.")
    assert processes_with(mark) == []


def test_a_forked_copy_of_pytest_tells_nothing(runner: PytestRunner, tree: Path) -> None:
    report = _run(runner, tree, "if os.fork() == 0: raise ValueError('in the copy')\nos.wait()")
    assert report.end is RunEnd.FINISHED
    assert _outcomes(report) == {"before": "passed", "nasty": "passed", "after": "passed"}


def test_a_flood_of_output_is_cut_in_the_middle(runner: PytestRunner, tree: Path) -> None:
    body = "for _ in range(300): os.write(1, b'x' * 100_000)\nprint('y' * 9_000_000)\nassert 0"
    report = _run(runner, tree, body + ", 'z' * 9_000_000")
    assert report.end is RunEnd.FINISHED
    (failed,) = report.failing()
    assert len(report.output) < 70_000
    assert len(failed.message) <= 8_000
    assert len(failed.traceback) <= 20_000


def test_a_disk_cannot_be_filled_with_one_file(
    environment: TargetEnvironment, make_sandbox: MakeSandbox, tree: Path
) -> None:
    runner = quick_runner(environment, make_sandbox(file_size=2))
    report = _run(
        runner, tree, "with open('big', 'wb') as f:\n    while True: f.write(bytes(1 << 20))"
    )
    assert report.end is RunEnd.FINISHED
    assert report.failing()[0].exception_type == "OSError"
    assert (tree / "big").stat().st_size <= 2 << 20


def test_memory_cannot_be_used_up(
    environment: TargetEnvironment, make_sandbox: MakeSandbox, tree: Path
) -> None:
    runner = quick_runner(environment, make_sandbox(memory=700))
    report = _run(runner, tree, "hoard = []\nwhile True: hoard.append(bytearray(64 << 20))")
    assert report.end is RunEnd.FINISHED
    assert report.failing()[0].exception_type == "MemoryError"


def test_a_bomb_of_forks_is_bounded_and_gone(
    environment: TargetEnvironment, make_sandbox: MakeSandbox, tree: Path
) -> None:
    mark = f"mark-{os.urandom(6).hex()}"
    runner = quick_runner(environment, make_sandbox(processes=40))
    body = (
        "for _ in range(120):\n"
        f"    subprocess.Popen(['sh', '-c', 'sleep 600; : {mark}'], start_new_session=True)\n"
    )
    report = _run(runner, tree, body, timeout=20)
    if "bubblewrap" in os.environ["PYTEST_CURRENT_TEST"]:
        assert report.failing()[0].exception_type == "BlockingIOError"
    assert report.end is RunEnd.FINISHED
    assert processes_with(mark) == []


def test_a_thread_that_never_ends_does_not_hold_up_a_finished_run(
    runner: PytestRunner, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("paramedic_workers.healing.pytest_runner._LEAVING_SECONDS", 1.0)
    report = _run(runner, tree, "threading.Thread(target=time.sleep, args=(600,)).start()")
    assert (report.end, report.detail) == (RunEnd.FINISHED, "3 passed.")
    assert report.seconds < 30


def test_a_closed_pipe_is_no_silent_success(runner: PytestRunner, tree: Path) -> None:
    report = _run(runner, tree, "os.closerange(3, 256)")
    assert report.end is RunEnd.CRASHED


def test_an_exception_that_cannot_be_shown_is_reported(runner: PytestRunner, tree: Path) -> None:
    body = "class Odd(Exception):\n    def __str__(self): raise RuntimeError\nraise Odd"
    (failed,) = _run(runner, tree, body).failing()
    assert failed.exception_type.endswith("Odd")
    assert "cannot be read" in failed.message
