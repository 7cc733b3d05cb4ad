"""A heal whose process is dead or hangs is taken back, and no other."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from paramedic_workers import keys
from paramedic_workers.holders import Holder
from paramedic_workers.incidents import group_name
from paramedic_workers.recovery import LostBy, return_dead, return_group, return_lost_heal
from tests.support.queueing import REVISION, Flow
from tests.support.waiting import wait_for

GROUP = group_name("shop", REVISION)
_HOLDER = """
from paramedic_workers.holders import Holder
print(Holder.here().new_token(), flush=True)
input()
"""


@contextmanager
def holder() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that could hold a lease, and the token by which it would."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
        process.kill()


def take(flow: Flow, token: str) -> None:
    """Let the process with this token take the group."""
    flow.client.set(keys.lease(GROUP), token)
    taken = flow.client.eval(
        keys.TAKE_GROUP, 0, GROUP, token, 1, "host:1", 3, flow.clock().isoformat()
    )
    assert len(taken[1]) == 1


def test_a_hung_heal_is_taken_back_while_its_process_lives(flow: Flow) -> None:
    flow.fail("test_a")
    with holder() as (_, token):
        take(flow, token)
        how = "killed at its time limit"
        back = (flow.client, GROUP, LostBy.TIME_LIMIT, how)
        assert return_lost_heal(*back, parent=os.getppid()) == 0, "not its child"
        assert return_lost_heal(*back, parent=os.getpid()) == 1
        # What the hung heal says when it is terminated comes too late.
        assert return_group(flow.client, GROUP, LostBy.STOP, flow.clock(), token=token) == 0
    (incident,) = flow.ledger.incidents()
    assert incident.attempts == 1
    assert [(a.lost_by, a.end) for a in incident.attempts_log] == [(LostBy.TIME_LIMIT, how)]


def test_only_the_heals_of_dead_processes_of_this_machine_are_taken_back(flow: Flow) -> None:
    flow.fail("test_a")
    with holder() as (process, token):
        take(flow, token)
        assert return_lost_heal(flow.client, GROUP, LostBy.DEATH, "", parent=os.getpid()) == 0
        assert return_dead(flow.client) == []
        process.kill()
        parts = Holder.of(token)
        assert parts is not None
        wait_for("its death", parts.is_dead)
    flow.client.set(keys.lease(GROUP), f"elsewhere{token}")
    assert return_dead(flow.client) == []
    flow.client.set(keys.lease(GROUP), token)
    assert return_dead(flow.client, "killed by SIGKILL (signal 9)") == [GROUP]
    (incident,) = flow.ledger.incidents()
    assert incident.attempts_log[0].end == "killed by SIGKILL (signal 9)"
