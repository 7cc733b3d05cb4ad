"""Runs `paramedic …` as a person would: as a process, in an environment of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

#: The command as it is installed beside this interpreter.
PROGRAM = Path(sys.executable).parent / "paramedic"

#: A target's pyproject.toml whose pytest starts in a fifth of the time: this environment
#: has plug-ins that a small target does not need.
LEAN_PYTEST = """\
[tool.pytest.ini_options]
pythonpath = ["."]
addopts = "-p no:hypothesispytest -p no:xdist -p no:xdist.looponfail -p no:timeout -p no:valkey"
"""


@dataclass(frozen=True)
class CommandLine:
    """The command line with a home and a data directory of its own."""

    folder: Path
    #: Seconds that a command may take: less than the time limit of the test around it.
    timeout: float = 170

    @property
    def data(self) -> Path:
        """Its data directory."""
        return self.folder / "data"

    def environment(self, **more: str) -> dict[str, str]:
        """What the command sees; nothing of the test run's own settings."""
        own = {n: v for n, v in os.environ.items() if not n.startswith(("PARAMEDIC_", "PYTEST_"))}
        (self.folder / "home").mkdir(exist_ok=True)
        own |= {"HOME": str(self.folder / "home"), "PARAMEDIC_DATA": str(self.data)}
        return {**own, "NO_COLOR": "", **more}

    def run(
        self, *words: str, stdin: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end, with stdout and stderr in pipes."""
        return subprocess.run(
            [str(PROGRAM), *words],
            cwd=self.folder,
            env=self.environment(**environment),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=self.timeout,
            check=False,
        )

    @contextmanager
    def started(self, *words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
        """Run it beside the test; it is killed with its group if the test does not end it."""
        process = subprocess.Popen(
            [str(PROGRAM), *words],
            cwd=self.folder,
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def processes(self) -> list[str]:
        """Command lines of running processes that have to do with this folder."""
        return [line for line in map(self._mentions, Path("/proc").glob("[0-9]*")) if line]

    def working_trees(self) -> list[Path]:
        """Working trees of heals that were not deleted: folders with a `.git` file."""
        return [file.parent for file in self.data.rglob(".git") if file.is_file()]

    def _mentions(self, process: Path) -> str:
        needle = os.fsencode(self.folder)
        try:
            if int(process.name) == os.getpid() or _is_zombie(process):
                return ""
            told = (process / "cmdline").read_bytes()
            seen = (
                told
                + (process / "environ").read_bytes()
                + os.fsencode((process / "cwd").readlink())
            )
        except OSError:  # it has ended, or is not ours
            return ""
        return told.replace(b"\0", b" ").decode("utf-8", "replace") if needle in seen else ""


def _is_zombie(process: Path) -> bool:
    return (process / "stat").read_text().rpartition(")")[2].split()[0] == "Z"


def assert_one_clear_line(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    """See that a command ended as wrong usage does: status 2, and one line that says why."""
    assert done.returncode == 2, done
    lines = done.stderr.strip().split("\n")
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("paramedic: ")
    for part in parts:
        assert part in lines[0]
    assert done.stdout == ""
