"""The stand-in as a process: `python -m tests.support.jira --port 0 --state FILE`.

It prints its address as its first line, and serves until it is killed. What it knows is in
the state file before each answer; started again with the same file, it goes on from there.
"""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

from paramedic_workers.sinks.jira.settings import JiraKind
from tests.support.jira.server import StandInJira


def main() -> None:
    """Run until a signal."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.jira", description=__doc__)
    parser.add_argument("--kind", type=JiraKind, choices=list(JiraKind), default=JiraKind.CLOUD)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--state", type=Path, help="file that keeps the state")
    parser.add_argument("--search-lag", type=float, default=0.0, help="seconds")
    parser.add_argument("--limits", action="store_true", help="those of Jira Cloud")
    asked = parser.parse_args()
    jira = StandInJira(asked.kind, asked.port, asked.state)
    jira.search_lag = asked.search_lag
    if asked.limits:
        jira.limits.as_cloud()
    sys.stdout.write(jira.url + "\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main()
