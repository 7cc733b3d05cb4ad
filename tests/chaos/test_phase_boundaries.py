"""SIGKILL at every boundary of every phase of a heal: the user's repository stays as it was.

The table has two rows for each phase: killed as it begins, and as it ends. The repository
has everything that a heal could spoil: changed, added and unknown files, a stash, a hook,
and it is itself the remote to which the branch is pushed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from paramedic_workers.errors import Phase
from tests.support.command_line import LEAN_PYTEST, CommandLine
from tests.support.repositories import Repository, make_repository
from tests.support.waiting import wait_for

#: Heals `shop` and kills itself at a boundary; without one it heals to the end.
_HEAL = """
import os, signal, sys
from contextlib import contextmanager
from pathlib import Path
from paramedic_workers.healing import journal
from paramedic_workers.healing.healer import Healer
from paramedic_workers.healing.model import HealRequest
from paramedic_workers.healing.workspace import sweep_leftovers
from paramedic_workers.settings import TargetSettings

repository, data, phase, moment = sys.argv[1:]
during = journal.Journal.during

@contextmanager
def killed_at_the_boundary(self, entered):
    with during(self, entered):
        if (entered, moment) == (phase, "begins"):
            os.kill(os.getpid(), signal.SIGKILL)
        yield
    if (entered, moment) == (phase, "ends"):
        os.kill(os.getpid(), signal.SIGKILL)

journal.Journal.during = killed_at_the_boundary
target = TargetSettings(
    name="shop", repository=repository, remote=repository, python=sys.executable, runs=1
)
sweep_leftovers(Path(data))
report = Healer(data=Path(data)).heal(HealRequest(target=target, revision=None))
print(*(result.verdict for result in report.results), flush=True)
"""

FILES = {
    "shop.py": "def total(prices):\n    found = 0\n    for price in prices:\n"
    "        found -= price\n    return found\n",
    "test_shop.py": "from shop import total\n\n\ndef test_total():\n"
    "    assert total([1, 2, 4]) == 7\n",
    "notes.txt": "first\n",
    "pyproject.toml": LEAN_PYTEST,
}


@pytest.fixture
def shop(tmp_path: Path) -> Repository:
    """A repository in the middle of somebody's work."""
    made = make_repository(tmp_path / "shop", FILES)
    made.write({"notes.txt": "put aside\n"})
    made.git("stash")
    made.write({"notes.txt": "changed\n", "staged.txt": "staged\n", "unknown.txt": "new\n"})
    made.git("add", "staged.txt")
    hook = made.path / ".git/hooks/pre-push"
    hook.write_text("#!/bin/sh\ntouch the-hook-ran\n")
    hook.chmod(0o755)
    return made


def heal(shop: Repository, data: Path, phase: str = "", moment: str = "") -> tuple[int, str]:
    """The exit status of a heal, and the last word that it printed."""
    done = subprocess.run(
        [sys.executable, "-c", _HEAL, str(shop.path), str(data), phase, moment],
        env={n: v for n, v in os.environ.items() if not n.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    return done.returncode, (done.stdout.split() or [""])[-1]


def without_our_branch(state: dict[str, str]) -> dict[str, str]:
    """The state, but for the one branch that a heal may make."""
    refs = [line for line in state["refs"].splitlines() if "refs/heads/paramedic/" not in line]
    return {**state, "refs": "\n".join(refs)}


@pytest.mark.parametrize("moment", ["begins", "ends"])
@pytest.mark.parametrize("phase", list(Phase))
def test_a_kill_leaves_the_repository_as_it_was_and_the_next_heal_finds_nothing_in_its_way(
    tmp_path: Path, shop: Repository, phase: Phase, moment: str
) -> None:
    data = tmp_path / "data"
    before = shop.state()

    status, verdict = heal(shop, data, phase, moment)

    assert status == -signal.SIGKILL
    assert verdict != "healed"
    published = (phase, moment) == (Phase.PUBLISH, "ends")
    after = shop.state()
    assert (without_our_branch(after) if published else after) == before
    assert shop.git("fsck", "--no-progress", "--no-dangling") == ""

    assert heal(shop, data) == (0, "healed")

    assert without_our_branch(shop.state()) == before
    machine = CommandLine(tmp_path)
    assert machine.working_trees() == []
    wait_for("no process to be left", lambda: not machine.processes())
