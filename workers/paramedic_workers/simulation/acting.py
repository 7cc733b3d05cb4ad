"""What the runner itself does to a condition that is under way."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta

from paramedic_workers.incidents import IncidentState
from paramedic_workers.simulation.publishing import failures
from paramedic_workers.simulation.samples import git
from paramedic_workers.simulation.scene import Scene

Act = Callable[[Scene], None]

#: How often a heal's doorbell is rung where many workers shall race for it.
_RINGS = 8


def delete_repository(scene: Scene) -> None:
    """Delete the target's repository in the middle of a heal."""
    scene.await_strike()
    shutil.rmtree(scene.sample.path)
    scene.note_state()
    scene.let_go()


def force_push(scene: Scene) -> None:
    """Replace the target's history by another one in the middle of a heal, and forget the old."""
    scene.await_strike()
    path = scene.sample.path
    git(path, "checkout", "--quiet", "--orphan", "other")
    git(path, "commit", "--quiet", "--no-verify", "--message", "Begin anew")
    git(path, "branch", "--quiet", "--force", "main", "other")
    git(path, "checkout", "--quiet", "main")
    git(path, "branch", "--quiet", "--delete", "--force", "other")
    git(path, "reflog", "expire", "--expire=now", "--all")
    git(path, "gc", "--quiet", "--prune=now")
    scene.note_state()
    scene.let_go()


def lock_repository(scene: Scene) -> None:
    """Somebody else holds the locks of the target's repository from the middle of a heal on."""
    scene.await_strike()
    for lock in ("index.lock", "HEAD.lock", "refs/heads/main.lock", "packed-refs.lock"):
        (scene.sample.path / ".git" / lock).touch()
    scene.note_state()
    scene.let_go()


def lock_remote_for_a_while(scene: Scene) -> None:
    """Somebody else is writing the very branch that is pushed, and ends a little later."""
    scene.await_strike()
    (incident,) = scene.facts().incidents
    lock = scene.sample.remote / f"refs/heads/paramedic/{incident.fingerprint}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    scene.let_go()
    # The first push is refused meanwhile.
    scene.pause(3.0)
    lock.unlink()


def race(scene: Scene) -> None:
    """Ring for the same group again and again, so that every worker runs for it."""
    from paramedic_workers import topology

    scene.wait_for("the incident", lambda: bool(scene.facts().incidents))
    for _ in range(_RINGS):
        scene.ring(topology.HEAL_TASK, scene.condition.target, scene.revision)


def with_clock(offset: timedelta) -> Act:
    """Publish a failure while the clocks of all workers are wrong, then set them right."""

    def act(scene: Scene) -> None:
        scene.clock.set(offset)
        try:
            failures()(scene)
            scene.wait_for("the heal", lambda: _in_state(scene, IncidentState.HEALING))
        finally:
            scene.clock.set(timedelta(0))

    return act


def _in_state(scene: Scene, state: IncidentState) -> bool:
    states = {incident.state for incident in scene.facts().incidents}
    return bool(states & {state, IncidentState.CLOSED})
