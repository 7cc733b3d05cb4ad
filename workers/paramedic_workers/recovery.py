"""What workers that are gone leave behind, and how it waits again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import cast

import redis

from paramedic.event import now
from paramedic_workers import keys
from paramedic_workers.incidents import group_parts, milliseconds


class LostBy(StrEnum):
    """How it is known that the worker of a group is gone."""

    #: Its lease expired; while the lease lives, it is not gone.
    EXPIRY = "expiry"
    #: Every worker is dead: this machine's supervisor starts, and there is no other.
    DEATH = "death"
    #: The supervisor stopped it on purpose: the attempt does not count.
    STOP = "stop"


def return_group(client: redis.Redis, group: str, why: LostBy, at: datetime) -> int:
    """Let the incidents of a group wait again; gives their number."""
    target, _ = group_parts(group)
    answer = client.eval(keys.RETURN_GROUP, 0, group, target, milliseconds(at), why)
    return cast("int", answer)


def return_everything(client: redis.Redis, sinks: Iterable[str], why: LostBy) -> int:
    """Let everything that was being healed or delivered wait again.

    Only for a supervisor that knows that no worker of the ledger is left. Gives the
    number of incidents.
    """
    present = now()
    healing = set(cast("list[str]", client.zrange(keys.HEALING, 0, -1)))
    # A worker may have died between its lease and the taking of the group.
    leased = {name.removeprefix(keys.lease("")) for name in client.scan_iter(keys.lease("*"))}
    for sink in sinks:
        client.eval(keys.RETURN_DELIVERIES, 0, sink)
    return sum(return_group(client, group, why, present) for group in sorted(healing | leased))
