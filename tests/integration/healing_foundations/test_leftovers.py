"""A heal that is killed at any time leaves the user's repository as it was, and gets swept."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from paramedic_workers.healing.workspace import sweep_leftovers
from tests.integration.healing_foundations.conftest import OpenWorkspace, processes_with
from tests.support.repositories import Repository
from tests.support.waiting import wait_for

_HEAL = """
import sys
from pathlib import Path
from paramedic_workers.healing.model import Command, Deadline
from paramedic_workers.healing.sandbox import Sandbox
from paramedic_workers.healing.workspace import Workspace
from paramedic_workers.settings import SandboxMode, TargetSettings

repository, data, bubblewrap, mark = sys.argv[1:]
print("begun", flush=True)
workspace = Workspace.open(
    TargetSettings(name="shop", repository=repository), data=Path(data), revision=None,
    checkout=Path(repository), deadline=Deadline.after(60),
)
print("opened", flush=True)
root = workspace.checkout(workspace.revision)
diff = "--- a/shop/sums.py\\n+++ b/shop/sums.py\\n@@ -1,1 +1,1 @@\\n-changed\\n+fixed\\n"
workspace.publish("paramedic/x", workspace.commit(diff, "Fix"), repository)
print("published", flush=True)
nested = f"(setsid sh -c 'sleep 600; : {mark}' &) ; sleep 600; : {mark}"
command = Command(argv=["sh", "-c", nested], root=root)
Sandbox(SandboxMode.PREFERRED, bubblewrap=bubblewrap).start(command).wait()
"""


def _start(repository: Repository, data: Path, bubblewrap: str, mark: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _HEAL, str(repository.path), str(data), bubblewrap, mark]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("stage", ["begun", "opened", "published"])
def test_after_a_kill_the_repository_is_as_it_was_and_the_next_heal_sweeps_the_rest(
    repository: Repository, data: Path, stage: str, open_workspace: OpenWorkspace
) -> None:
    repository.write({"shop/sums.py": "changed\n", "shop/unknown.py": "new\n"})
    before = repository.state()
    with _start(repository, data, "bwrap", "x") as healing:
        assert healing.stdout is not None
        wait_for(stage, lambda: (healing.stdout or sys.stdin).readline().strip() == stage)
        healing.send_signal(signal.SIGKILL)
    after = repository.state()
    if "paramedic/x" in after["refs"]:
        repository.git("branch", "--delete", "--force", "paramedic/x")
        after = repository.state()
    assert after == before
    workspace = open_workspace(checkout=repository.path)
    assert workspace.dirty
    workspace.close()
    assert list((data / "work").glob("*")) == []
    assert list((data / "clones").glob("*.git/worktrees/*")) == []


@pytest.mark.parametrize("seen", [1, 2, 4])
@pytest.mark.parametrize("bubblewrap", ["bwrap", "no-bubblewrap-here"])
def test_processes_of_a_killed_heal_are_gone_after_the_sweep(
    repository: Repository, data: Path, bubblewrap: str, seen: int
) -> None:
    """Killed at once, while bwrap still sets the sandbox up, and when all of it runs."""
    repository.write({"shop/sums.py": "changed\n"})
    mark = f"mark-{os.urandom(6).hex()}"
    healing = _start(repository, data, bubblewrap, mark)
    try:
        enough = seen if bubblewrap == "bwrap" else min(seen, 2)
        wait_for("its processes", lambda: len(_sleepers(mark)) >= enough)
    finally:
        healing.kill()
        healing.communicate()

    def gone() -> bool:
        sweep_leftovers(data)
        return not _sleepers(mark)

    wait_for("the end of all", gone)


_RUN = """
import sys
from pathlib import Path
from paramedic_workers.healing import interpreters
from paramedic_workers.healing.environment import TargetEnvironment
from paramedic_workers.healing.pytest_runner import PytestRunner
from paramedic_workers.healing.sandbox import Sandbox
from paramedic_workers.settings import SandboxMode, TargetSettings

root, bubblewrap, mark = sys.argv[1:]
found = interpreters.current()
environment = TargetEnvironment(
    python=found.python, description="here", readable=found.readable, sources=(".",)
)
target = TargetSettings(repository=root, pytest_args=("-k", mark))
runner = PytestRunner(target, environment, Sandbox(SandboxMode.PREFERRED, bubblewrap=bubblewrap))
runner.run(Path(root), timeout=600)
"""


@pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is not installed")
def test_an_interrupt_while_the_sandbox_is_set_up_ends_the_run_and_what_was_started(
    tmp_path: Path,
) -> None:
    """Whoever starts it waits for bwrap's first words then, and holds no process yet."""
    mark = f"mark_{os.urandom(6).hex()}"
    mute = tmp_path / "mute-bwrap"
    mute.write_text(f'#!/bin/sh\ncase "$*" in *{mark}*) sleep 600 ;; esac\nexec bwrap "$@"\n')
    mute.chmod(0o755)
    (tmp_path / "root").mkdir()
    command = [sys.executable, "-c", _RUN, str(tmp_path / "root"), str(mute), mark]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
        try:
            wait_for(
                "the sandbox",
                lambda: any("mute-bwrap --args" in line for line in processes_with(mark)),
            )
            running.send_signal(signal.SIGINT)
            assert running.wait(90) == -signal.SIGINT
        finally:
            running.kill()
    assert processes_with(mark) == []


def _sleepers(mark: str) -> list[str]:
    return [line for line in processes_with(mark) if "python" not in line]


def test_what_a_living_heal_works_on_is_not_swept(
    open_workspace: OpenWorkspace, data: Path
) -> None:
    workspace = open_workspace()
    root = workspace.checkout("HEAD")
    sweeper = (
        "import sys; from pathlib import Path; from paramedic_workers.healing.workspace import "
        "sweep_leftovers; print(sweep_leftovers(Path(sys.argv[1])))"
    )
    swept = subprocess.run(
        [sys.executable, "-c", sweeper, str(data)], capture_output=True, text=True, check=True
    )
    assert swept.stdout.strip() == "0"
    assert (root / "shop/sums.py").exists()


def test_what_a_clone_remembers_of_a_tree_whose_heal_is_over_is_swept(
    repository: Repository, data: Path, open_workspace: OpenWorkspace
) -> None:
    workspace = open_workspace(checkout=repository.path)
    (remembered,) = (data / "clones").glob("*.git/worktrees/*")
    kept = shutil.copytree(remembered, remembered.with_name("tree-of-another-time"))
    sweep_leftovers(data)
    assert kept.exists(), "its heal is alive"
    workspace.close()
    assert kept.exists()
    sweep_leftovers(data)
    assert list((data / "clones").glob("*.git/worktrees/*")) == []


def test_what_a_heal_had_half_deleted_when_it_was_killed_is_swept(
    data: Path, open_workspace: OpenWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def begin_to_delete(path: Path) -> None:
        (path / "gitdir").unlink()
        raise Killed

    workspace = open_workspace()
    tree = workspace.checkout("HEAD")
    shutil.rmtree(tree)
    with monkeypatch.context() as patched:
        patched.setattr("paramedic_workers.healing.trees.remove_tree", _only(tree, begin_to_delete))
        with pytest.raises(Killed):
            workspace.discard(tree)
    workspace.close()
    sweep_leftovers(data)
    (clone,) = (data / "clones").glob("*.git")
    assert list(clone.glob("worktrees/*")) == []
    assert list(clone.glob("forgotten-*")) == []


def _only(tree: Path, delete: Callable[[Path], None]) -> Callable[[Path], None]:
    """Deletes everything but this tree, which is gone already."""
    return lambda path: None if path == tree else delete(path)
