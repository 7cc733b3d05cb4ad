"""What waits for a sink that was taken out of the settings becomes dead letters.

Nobody would deliver it, and nobody would ring for it: it would lie there unseen. Each sweep
notes the sinks of its settings; a sink that no sweep has named for an hour is removed. Until
then workers with other settings may be on their way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import redis
import structlog

from paramedic_workers import keys
from paramedic_workers.dead_letters.messages import letter_of_delivery
from paramedic_workers.errors import DeliveryError, describe
from paramedic_workers.incidents import Delivery, DeliveryEnd, Ledger, milliseconds
from paramedic_workers.outbox import settle_delivery
from paramedic_workers.redis_full import takes_writes
from paramedic_workers.topology import results_queue

#: Seconds after which a sink that no sweep has named counts as removed.
PATIENCE_SECONDS = 3600.0
#: Deliveries given up per sweep.
MAX_GIVEN_UP = 200

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class RemovedSinks:
    """Gives up what waits for sinks that are gone."""

    client: redis.Redis
    #: The sinks of the settings.
    sinks: tuple[str, ...]

    def known(self) -> tuple[str, ...]:
        """Every sink that may still have something in its outbox."""
        noted = cast("list[str]", self.client.zrange(keys.SINKS, 0, -1))
        return tuple(dict.fromkeys((*self.sinks, *noted)))

    def give_up(self, present: datetime) -> int:
        """Note the sinks of the settings, and give up what waits for removed ones.

        Returns:
            The number of dead letters that were made.
        """
        if self.sinks and takes_writes(self.client):
            self.client.zadd(keys.SINKS, dict.fromkeys(self.sinks, milliseconds(present)))
        before = milliseconds(present - timedelta(seconds=PATIENCE_SECONDS))
        overdue = cast("list[str]", self.client.zrange(keys.SINKS, 0, before, byscore=True))
        return sum(self._give_up(sink, present) for sink in overdue if sink not in self.sinks)

    def _give_up(self, sink: str, present: datetime) -> int:
        waiting = cast("list[str]", self.client.zrange(keys.outbox(sink), 0, MAX_GIVEN_UP - 1))
        for result_id in waiting:
            self._settle(sink, result_id, present)
        if waiting:
            _log.error(
                "a sink is gone from the settings; what waited for it is dead letters now",
                sink=sink,
                letters=len(waiting),
                remedy="Put the sink back and replay them, or drop them.",
            )
        return len(waiting)

    def _settle(self, sink: str, result_id: str, present: datetime) -> None:
        ledger = Ledger(self.client)
        error = DeliveryError(f"The sink {sink!r} is not in the settings any more.")
        before = next((one for one in ledger.deliveries_of(result_id) if one.sink == sink), None)
        standing = Delivery(
            sink=sink,
            outcome=DeliveryEnd.GIVEN_UP,
            attempts=before.attempts if before else 0,
            at=present,
            error=": ".join(describe(error)[:2]),
            tries=before.tries if before else (),
        )
        queue = results_queue(sink)
        letter = letter_of_delivery(result_id, ledger.result(result_id), standing, error, queue)
        settle_delivery(self.client, result_id, standing, letter)
