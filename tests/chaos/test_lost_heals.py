"""The processes of a heal are killed, frozen and bounded; what it was at is taken over."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from pathlib import Path

from paramedic_workers.dead_letters.model import LostBy
from paramedic_workers.errors import Verdict
from paramedic_workers.incidents import IncidentState
from tests.support.brokers import Broker
from tests.support.hanging import HEAL, Scene, workers
from tests.support.repositories import Repository
from tests.support.waiting import wait_for
from tests.support.workers import kill_group

#: Notes each push.
_HOOK = """#!/bin/sh
cat >> "$GIT_DIR/pushes"
"""


def healing_process(scene: Scene) -> int:
    """The process that heals at this moment."""
    return int(scene.incident().hosts[-1].rpartition(":")[2])


def await_attempt(scene: Scene, number: int) -> None:
    """Wait until the test hangs in this heal."""
    wait_for("the attempt", lambda: len(scene.incident().hosts) == number and scene.runs(), 90)


def data_limit(pid: int) -> int:
    """The soft limit of a process on its data, in MiB."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("Max data size"))
    return int(line.split()[3]) // 1024**2


def test_a_killed_heal_waits_again_at_once_and_tells_how_it_ended(
    tmp_path: Path, broker: Broker
) -> None:
    scene = Scene(tmp_path, broker)  # no lease ends, no sweep rings
    with workers(scene.deployment) as running:
        with scene.deployment.worker("first", *HEAL) as first:
            scene.publish()
            scene.await_heal()
            assert data_limit(healing_process(scene)) == 4096
            assert {data_limit(pid) for pid in scene.runs()} == {2048}
            os.kill(healing_process(scene), signal.SIGKILL)
            await_attempt(scene, 2)
            kill_group(first)
        scene.let_go()
        running.enter_context(scene.deployment.worker("second", *HEAL))
        wait_for("the result", scene.ledger.results, 90)
    incident = scene.incident()
    assert (incident.state, incident.attempts) == (IncidentState.CLOSED, 3)
    killed, died, _ = incident.attempts_log
    assert "killed by SIGKILL (signal 9)" in killed.end
    assert (killed.lost_by, killed.phase) == (LostBy.DEATH, "reproduce")
    assert (died.lost_by, died.end) == (LostBy.DEATH, "its process died")
    scene.assert_nothing_left()


def test_a_frozen_heal_that_wakes_up_publishes_nothing(tmp_path: Path, broker: Broker) -> None:
    remote = Repository(tmp_path / "remote.git")
    remote.path.mkdir()
    remote.git("init", "--bare", "--quiet")
    hook = remote.path / "hooks" / "post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(_HOOK)
    hook.chmod(0o755)
    scene = Scene(tmp_path, broker, lease_seconds=2, sweep_seconds=1, remote=str(remote.path))
    with ExitStack() as running:
        running.enter_context(workers(scene.deployment))
        frozen = running.enter_context(scene.deployment.worker("frozen", *HEAL))
        scene.publish()
        scene.await_heal()
        woken = healing_process(scene)
        os.killpg(frozen.pid, signal.SIGSTOP)
        running.enter_context(scene.deployment.process("beat", "beat"))
        running.enter_context(scene.deployment.worker("next", *HEAL))
        await_attempt(scene, 2)
        os.killpg(frozen.pid, signal.SIGCONT)
        log = scene.deployment.log("frozen")
        wait_for("its end", lambda: "a heal was interrupted" in log.read_text(), 30)
        scene.let_go()
        (result,) = wait_for("the result", scene.ledger.results, 90)
        assert healing_process(scene) != woken
    assert result.verdict is Verdict.HEALED, result.cause
    assert scene.incident().attempts_log[0].lost_by is LostBy.EXPIRY
    pushes = (remote.path / "pushes").read_text().splitlines()
    assert [line.split()[2] for line in pushes] == [f"refs/heads/{result.branch}"]
