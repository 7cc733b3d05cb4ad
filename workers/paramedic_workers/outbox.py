"""The outbox: each result stands there for each sink until the sink has taken it.

1. A delivery is claimed, and its attempt counted, before the sink is called. At most a
   few deliveries to one sink run at once, so that a slow sink never keeps another waiting.
2. The sink delivers, keyed by the result's id: a repeat changes nothing.
3. A refusal is retried later, each time after a longer pause with some chance in it;
   after the last attempt, or where a retry is pointless, the result is kept aside,
   where people see it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, cast

import msgspec
import redis
import structlog

from paramedic.event import now
from paramedic_workers import keys
from paramedic_workers.errors import DeliveryError, describe
from paramedic_workers.incidents import Delivery, Ledger
from paramedic_workers.resilience.backoff import pause_after
from paramedic_workers.results import Result

#: Seconds after which a delivery that did not end is begun again.
CLAIM_SECONDS = 180.0
#: Deliveries to one sink at the same time.
SINK_PARALLEL = 2
#: Seconds before the second attempt; each further pause is longer by PAUSE_FACTOR.
FIRST_PAUSE = 5.0
PAUSE_FACTOR = 3.0
#: Greatest pause in seconds.
GREATEST_PAUSE = 3600.0
#: Characters kept of what a sink said.
_ERROR_LENGTH = 1_000

_log = structlog.get_logger()


class DeliveryEnd(StrEnum):
    """How one delivery ended."""

    #: The sink has taken the result.
    DELIVERED = "delivered"
    #: It refused, and is asked again later.
    RETRY = "retry"
    #: It refused for the last time; the result is kept aside.
    ASIDE = "aside"
    #: It had taken the result before.
    GONE = "gone"
    #: Its next attempt is not due yet, or is running.
    EARLY = "early"
    #: As many deliveries to this sink run as may.
    FULL = "full"


class Delivers(Protocol):
    """What is needed of a sink."""

    def deliver(self, result: Result) -> None:
        """Deliver the result."""
        ...


@dataclass(frozen=True, kw_only=True)
class DeliveryReport:
    """What became of one delivery."""

    end: DeliveryEnd
    #: A result that is due at the same sink, whose doorbell should be rung.
    next_due: str | None = None


@dataclass(frozen=True, kw_only=True)
class Outbox:
    """Delivers results to sinks."""

    client: redis.Redis
    sinks: Mapping[str, Delivers]
    #: Deliveries of one result to one sink before it is kept aside.
    attempts: int
    first_pause: float = FIRST_PAUSE
    clock: Callable[[], datetime] = now

    def deliver(self, sink: str, result_id: str) -> DeliveryReport:
        """Deliver one result to one sink, if it is due.

        Raises:
            KeyError: there is no such sink; the result stays in its outbox.
        """
        target = self.sinks[sink]
        arguments = (sink, result_id, int(CLAIM_SECONDS * 1000), SINK_PARALLEL)
        answer = self.client.eval(keys.CLAIM_DELIVERY, 0, *arguments)
        claim, attempt = cast("tuple[str, int]", answer)
        if claim != "claimed":
            return DeliveryReport(end=DeliveryEnd(claim))
        error = self._attempt(target, result_id, attempt)
        return self._settle(sink, result_id, attempt, error)

    def _attempt(self, sink: Delivers, result_id: str, attempt: int) -> Exception | None:
        """What the sink said against it, or None."""
        if attempt > self.attempts:
            return _final("Every attempt lost its worker.")
        result = Ledger(self.client).result(result_id)
        if result is None:
            return _final("The result is no longer kept.")
        try:
            sink.deliver(result)
        except Exception as error:  # noqa: BLE001 - a sink may raise anything
            return error
        return None

    def _settle(
        self, sink: str, result_id: str, attempt: int, error: Exception | None
    ) -> DeliveryReport:
        end = self._end(attempt, error)
        said = ": ".join(describe(error)[:2]) if error else ""
        standing = Delivery(
            sink=sink, outcome=end, attempts=attempt, at=self.clock(), error=said[:_ERROR_LENGTH]
        )
        if error is not None:
            _log.warning(
                "a sink refused a result", sink=sink, result=result_id, end=end, error=said
            )
        pause = pause_after(
            attempt, first=self.first_pause, factor=PAUSE_FACTOR, greatest=GREATEST_PAUSE
        )
        next_due = self.client.eval(
            keys.SETTLE_DELIVERY,
            0,
            sink,
            result_id,
            end,
            int(pause * 1000),
            msgspec.json.encode(standing),
        )
        return DeliveryReport(end=end, next_due=cast("str | None", next_due))

    def _end(self, attempt: int, error: Exception | None) -> DeliveryEnd:
        if error is None:
            return DeliveryEnd.DELIVERED
        pointless = isinstance(error, DeliveryError) and not error.transient
        return DeliveryEnd.ASIDE if pointless or attempt >= self.attempts else DeliveryEnd.RETRY


def _final(message: str) -> DeliveryError:
    error = DeliveryError(message)
    error.transient = False
    return error
