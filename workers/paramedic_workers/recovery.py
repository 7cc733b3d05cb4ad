"""What workers that are gone leave behind, and how it waits again.

A heal's worker is found to be gone in one of three ways, the quickest first:

1. The process that started it sees it end (`return_lost_heal`).
2. Another process of the same machine starts, and looks for holders of leases that are
   dead (`return_dead`).
3. Its lease expires, and the sweep finds the group without one (`return_group`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import cast

import redis

from paramedic.event import now
from paramedic_workers import keys
from paramedic_workers.dead_letters.model import LostBy as LostBy
from paramedic_workers.holders import Holder
from paramedic_workers.incidents import group_parts, milliseconds

#: How an attempt ended, where nothing better is known.
_WORDS = {
    LostBy.EXPIRY: "its lease expired: the machine is gone, frozen or cut off",
    LostBy.DEATH: "its process died",
    LostBy.TIME_LIMIT: "it hung, and its process was killed",
    LostBy.STOP: "its worker was stopped; this attempt does not count",
}


def return_group(
    client: redis.Redis,
    group: str,
    lost_by: LostBy,
    at: datetime,
    *,
    how: str = "",
    token: str = "",
) -> int:
    """Let the incidents of a group wait again, and note how their attempts ended.

    Args:
        client: of the ledger.
        group: its name.
        lost_by: what is known of its worker.
        at: the present.
        how: the same for a person; some general words where empty.
        token: of the lease that is meant: nothing is done where another one is held.

    Returns:
        The number of incidents that wait again.
    """
    target, _ = group_parts(group)
    words = how or _WORDS[lost_by]
    arguments = (group, target, milliseconds(at), lost_by, words, token)
    return cast("int", client.eval(keys.RETURN_GROUP, 0, *arguments))


def return_lost_heal(
    client: redis.Redis, group: str, lost_by: LostBy, how: str, *, parent: int
) -> int:
    """Let a group wait again whose heal ran in a process that is gone, or is being killed.

    Args:
        client: of the ledger.
        group: its name.
        lost_by: `DEATH`; or `TIME_LIMIT`, where the process may be alive still.
        how: the same for a person.
        parent: the process whose child it is, or was.

    Returns:
        The number of incidents; none where the group is healed by a living process.
    """
    token = cast("str | None", client.get(keys.lease(group)))
    holder = Holder.of(token) if token else None
    if token is None or holder is None:
        return 0
    hung = lost_by is LostBy.TIME_LIMIT and holder.is_child_of(parent)
    if not hung and not holder.is_dead():
        return 0
    return return_group(client, group, lost_by, now(), how=how, token=token)


def return_dead(client: redis.Redis, how: str = "") -> list[str]:
    """Let every group wait again whose worker was a process of this machine that is dead.

    Args:
        client: of the ledger.
        how: how it died, for a person, where that is known.

    Returns:
        The groups with incidents that wait again.
    """
    returned = []
    for group in _leased(client):
        token = cast("str | None", client.get(keys.lease(group)))
        holder = Holder.of(token) if token else None
        if token is None or holder is None or not holder.is_dead():
            continue
        if return_group(client, group, LostBy.DEATH, now(), how=how, token=token):
            returned.append(group)
    return returned


def return_everything(client: redis.Redis, sinks: Iterable[str], lost_by: LostBy) -> int:
    """Let everything that was being healed or delivered wait again.

    Only for a supervisor that knows that no worker of the ledger is left. Gives the
    number of incidents.
    """
    present = now()
    healing = cast("list[str]", client.zrange(keys.HEALING, 0, -1))
    for sink in sinks:
        client.eval(keys.RETURN_DELIVERIES, 0, sink)
    groups = sorted({*healing, *_leased(client)})
    return sum(return_group(client, group, lost_by, present) for group in groups)


def _leased(client: redis.Redis) -> list[str]:
    """Groups under a lease; a worker may die between its lease and the taking of the group."""
    prefix = keys.lease("")
    return sorted(name.removeprefix(prefix) for name in client.scan_iter(keys.lease("*")))
