"""How the tour's failures get into the queue: a CI run, and a service that keeps failing."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from paramedic import Publisher
from paramedic.event import new_event_id
from paramedic.integrations.junit import events_from_junit
from paramedic_workers.demo.project import RELEASE, REPEATS
from paramedic_workers.errors import ParamedicError

#: The test that the service's failure breaks; the CI run leaves it to the service.
REPEATED_FILE = "tests/test_stock.py"
#: Seconds that a pytest run of the small shop may take on a busy machine.
_RUN_TIMEOUT = 60
#: Seconds until the broker must have taken everything.
_FLUSH_TIMEOUT = 20.0


@dataclass(frozen=True, kw_only=True)
class Producers:
    """Those who publish the shop's failures."""

    target: str
    repository: Path
    broker_url: str
    #: Where the service's checkout is made.
    folder: Path

    @property
    def release(self) -> Path:
        """The checkout that the service runs."""
        return self.folder / RELEASE

    def check_out_release(self) -> None:
        """Make the service's checkout.

        Raises:
            ParamedicError: git does not work.
        """
        source = str(self.repository)
        _run("git", "clone", "-q", "--branch", RELEASE, source, str(self.release))

    def run_ci(self, checkout: Path) -> str:
        """Run the tests of a checkout as its CI does; gives pytest's line of what went out.

        Raises:
            ParamedicError: pytest or its plug-in does not work.
        """
        output = _pytest(
            checkout,
            *("--paramedic-target", self.target, "--paramedic-broker", self.broker_url),
            f"--deselect={REPEATED_FILE}",
        )
        said = [line for line in output.splitlines() if line.startswith("paramedic: ")]
        if not said:
            raise ParamedicError(f"The CI run published nothing. It said: {output[-500:]}")
        return said[-1].removeprefix("paramedic: ")

    def run_service(self) -> str:
        """Let the service meet the same failure again and again; gives what it reported.

        Raises:
            ParamedicError: pytest or the publisher does not work.
        """
        report = self.folder / "service.xml"
        _pytest(self.release, REPEATED_FILE, f"--junitxml={report}")
        revision = _run("git", "-C", str(self.release), "rev-parse", "HEAD").strip()
        (event,) = events_from_junit(report, self.target, revision, root=self.release)
        publisher = Publisher(self.target, broker_url=self.broker_url, root=self.release)
        for _ in range(REPEATS):
            publisher.report(replace(event, id=new_event_id()))
        if not publisher.close(_FLUSH_TIMEOUT):
            raise ParamedicError("The broker has not taken the service's failures.")
        counts = publisher.counts
        sent = counts.reported - counts.merged
        return f"{counts.reported:,} failures reported, merged into {sent:,} before they were sent"


def _pytest(folder: Path, *arguments: str) -> str:
    # The seed at which the flaky test fails; the healer's runs use 0, 1, 2.
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PARAMEDIC_TARGET"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_RUN_TIMEOUT,
        check=False,
    )
    if done.returncode != 1:  # 1: pytest ran, and tests failed
        raise ParamedicError(
            f"pytest ended with status {done.returncode}: {done.stdout.strip()[-500:]}",
            remedy="The tour needs pytest in its own environment.",
        )
    return done.stdout


def _run(*command: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_RUN_TIMEOUT, check=False
    )
    if done.returncode != 0:
        raise ParamedicError(f"{' '.join(command[:2])} failed: {done.stderr.strip()}")
    return done.stdout
