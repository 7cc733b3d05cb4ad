"""Forgetting: closed incidents and delivered results, once they are older than the retention.

What a dead letter stands for is kept as long as the letter: it could not be replayed else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import redis

from paramedic_workers import keys
from paramedic_workers.dead_letters.messages import delivery_letter_id, incident_letter_id
from paramedic_workers.incidents import Ledger

#: Incidents, and results, looked at in one round trip.
_PAGE = 500
#: Incidents, and results, forgotten per sweep.
MAX_FORGOTTEN = 500


@dataclass(frozen=True, kw_only=True)
class Retention:
    """Forgets what is old."""

    client: redis.Redis
    #: Every sink that may still have something in its outbox.
    sinks: tuple[str, ...]

    def forget_incidents(self, cutoff: int) -> None:
        """Forget incidents last seen and closed before the cutoff (milliseconds since 1970)."""
        forgotten = 0
        for page in self._older(keys.INCIDENTS, cutoff):
            kept = self._with_letters(page)
            for fingerprint in page:
                if fingerprint not in kept:
                    arguments = (fingerprint, cutoff)
                    forgotten += cast("int", self.client.eval(keys.FORGET_INCIDENT, 0, *arguments))
            if forgotten >= MAX_FORGOTTEN:
                return

    def forget_results(self, cutoff: int) -> None:
        """Forget delivered results of before the cutoff (milliseconds since the epoch)."""
        forgotten = 0
        for page in self._older(keys.RESULTS, cutoff):
            for result_id in page:
                if not self._is_wanted(result_id):
                    self.client.delete(keys.result(result_id), keys.deliveries(result_id))
                    self.client.zrem(keys.RESULTS, result_id)
                    forgotten += 1
            if forgotten >= MAX_FORGOTTEN:
                return

    def _older(self, key: str, cutoff: int) -> Iterator[list[str]]:
        """All that is older, in pages: what must be kept stands before what may go."""
        found = cast("list[str]", self.client.zrange(key, 0, cutoff, byscore=True))
        for start in range(0, len(found), _PAGE):
            yield found[start : start + _PAGE]

    def _with_letters(self, fingerprints: list[str]) -> set[str]:
        """Those incidents for which a letter stands."""
        records = Ledger(self.client).members(fingerprints)
        with self.client.pipeline(transaction=False) as pipe:
            for record in records:
                pipe.exists(keys.dead_letter(incident_letter_id(record)))
            standing = pipe.execute()
        return {
            record.fingerprint for record, stands in zip(records, standing, strict=True) if stands
        }

    def _is_wanted(self, result_id: str) -> bool:
        """Whether a sink has not taken the result, or a letter stands for that."""
        with self.client.pipeline(transaction=False) as pipe:
            for sink in self.sinks:
                pipe.zscore(keys.outbox(sink), result_id)
                pipe.exists(keys.dead_letter(delivery_letter_id(sink, result_id)))
            return any(answer not in (None, 0) for answer in pipe.execute())
