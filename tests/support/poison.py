"""A test that kills whoever heals it."""

from __future__ import annotations

from pathlib import Path

_POISON = """
import os
import pathlib
import signal


def {name}():
    with open({runs!r}, "a") as file:
        file.write("run\\n")
    pid = os.getppid()
    while "celery" not in pathlib.Path(f"/proc/{{pid}}/cmdline").read_text():
        pid = int(pathlib.Path(f"/proc/{{pid}}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(pid, signal.SIGKILL)
"""


def poisonous_test(name: str, runs: Path) -> str:
    """The text of a test that notes its run, then kills the nearest Celery process above it.

    Args:
        name: of the test function.
        runs: gets a line for each run.
    """
    return _POISON.format(name=name, runs=str(runs))
