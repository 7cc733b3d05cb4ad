"""prism between Paramedic and the stand-in for Jira: it judges by Atlassian's own document.

It is a program of npm, pinned with its dependencies by hash in this folder; `make prism`
installs it into build/.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

#: Where `make prism` puts it.
PROGRAM = Path(__file__).parents[3] / "build/prism/node_modules/.bin/prism"
NO_PRISM = "prism is not installed (`make prism` does it; Debian: nodejs, npm)"
#: Seconds that a very busy machine may take to start it; about 3 on a quiet one.
_PATIENCE = 60.0
_TERMINATED = re.compile(r"\[HTTP SERVER\] (\w+) (\S+).*error +(.*)")


#: Skips a test where prism cannot run, and says so.
NEEDS_PRISM = pytest.mark.skipif(
    shutil.which("node") is None or not PROGRAM.exists(), reason=NO_PRISM
)


@dataclass(frozen=True)
class Prism:
    """A prism that runs."""

    url: str
    log: Path

    @property
    def judged(self) -> int:
        """Requests that it has seen."""
        return self.log.read_text().count("Request received")

    @property
    def violations(self) -> list[str]:
        """The requests and answers that break the contract."""
        return [" ".join(found.groups()) for found in _TERMINATED.finditer(self.log.read_text())]


@contextmanager
def judged_by_prism(contract: Path, upstream: str, folder: Path) -> Iterator[Prism]:
    """Run prism until the block ends.

    Args:
        contract: an OpenAPI document.
        upstream: where requests go that keep to it.
        folder: for its log.

    Raises:
        AssertionError: it did not start.
    """
    port = _free_port()
    log = folder / "prism.log"
    command = [str(PROGRAM), "proxy", str(contract), upstream, "--errors", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        _await_start(process, log)
        yield Prism(f"http://127.0.0.1:{port}", log)
    finally:
        process.kill()
        process.wait()


def _await_start(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while "is listening" not in log.read_text():
        assert process.poll() is None, log.read_text()[-2000:]
        assert time.monotonic() < deadline, "prism did not start in time"
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
