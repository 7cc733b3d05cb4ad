"""The outbox: each result stands there for each sink until the sink has taken it.

1. A delivery is claimed, and its attempt counted, before the sink is called. At most a
   few deliveries to one sink run at once, so that a slow sink never keeps another waiting.
   What an incident is told of stays in order: a later result waits behind an earlier one.
   One that has lost its worker three times is not begun again.
2. The sink delivers, keyed by the result's id: a repeat changes nothing.
3. A refusal is retried later, each time after a longer pause with some chance in it;
   after the last attempt, or where a retry is pointless, the delivery is given up and
   becomes a dead letter.
4. Two refusals do not count as attempts, however often they come: `SinkUnavailable` lets
   the whole sink rest, after which one delivery probes whether it is back;
   `DeliveryPostponed` lets this delivery wait. An outage loses nothing and gives up nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, cast

import msgspec
import redis
import structlog

from paramedic.event import now
from paramedic_workers import keys
from paramedic_workers.attempts import MESSAGE_ATTEMPTS
from paramedic_workers.dead_letters.messages import letter_of_delivery
from paramedic_workers.dead_letters.model import Attempt, DeadLetter
from paramedic_workers.dead_letters.store import encode_letter, note_letters
from paramedic_workers.errors import (
    DeliveryError,
    DeliveryPostponed,
    SinkUnavailable,
)
from paramedic_workers.incidents import Delivery, DeliveryEnd, Ledger, moment
from paramedic_workers.leases import this_host
from paramedic_workers.resilience.backoff import pause_after
from paramedic_workers.resting import rest_seconds, words_of
from paramedic_workers.results import Result
from paramedic_workers.topology import results_queue

#: Seconds after which a delivery that did not end is begun again.
CLAIM_SECONDS = 180.0
#: Deliveries to one sink at the same time.
SINK_PARALLEL = 2
#: Seconds before the second attempt; each further pause is longer by PAUSE_FACTOR.
FIRST_PAUSE = 5.0
PAUSE_FACTOR = 3.0
#: Greatest pause in seconds.
GREATEST_PAUSE = 3600.0
#: How an attempt ended that did not end by itself.
_LOST = "it lost its worker"
#: How an attempt ends that does not count.
_UNCOUNTED = (DeliveryEnd.POSTPONED, DeliveryEnd.RESTING)

_log = structlog.get_logger()


class Delivers(Protocol):
    """What is needed of a sink."""

    def deliver(self, result: Result) -> None:
        """Deliver the result."""
        ...


@dataclass(frozen=True, kw_only=True)
class DeliveryReport:
    """What became of one delivery."""

    end: DeliveryEnd
    #: Results that are due at the same sink, whose doorbells should be rung.
    due: tuple[str, ...] = ()
    #: Where none is: seconds until the next one is; None where nothing waits.
    pause: float | None = None


@dataclass(frozen=True, kw_only=True)
class Outbox:
    """Delivers results to sinks."""

    client: redis.Redis
    sinks: Mapping[str, Delivers]
    #: Deliveries of one result to one sink before it becomes a dead letter.
    attempts: int
    first_pause: float = FIRST_PAUSE
    clock: Callable[[], datetime] = now

    def deliver(self, sink: str, result_id: str) -> DeliveryReport:
        """Deliver one result to one sink, if it is due.

        Raises:
            KeyError: there is no such sink; the result stays in its outbox.
        """
        target = self.sinks[sink]
        result = Ledger(self.client).result(result_id)
        arguments = (sink, result_id, int(CLAIM_SECONDS * 1000), SINK_PARALLEL, this_host())
        answer = self.client.eval(keys.CLAIM_DELIVERY, 0, *arguments, *_incidents(result))
        claim, attempt, begun, *due = cast("tuple[str, int, str, str | None]", answer)
        if claim != "claimed":
            return DeliveryReport(end=DeliveryEnd(claim), due=tuple(filter(None, due)))
        tries = self._tries(sink, result_id, begun)
        error = self._attempt(target, result, tries)
        standing = self._standing(sink, attempt, tries, error)
        return self._settle(standing, result_id, result, error, begun.splitlines()[-1])

    def _tries(self, sink: str, result_id: str, begun: str) -> list[Attempt]:
        """The attempts that were begun, oldest first; the last is the present one."""
        earlier = Ledger(self.client).deliveries_of(result_id)
        known = {one.at: one for before in earlier if before.sink == sink for one in before.tries}
        tries = [_begun_attempt(line) for line in begun.splitlines()]
        return [known.get(one.at, one) for one in tries]

    def _attempt(
        self, sink: Delivers, result: Result | None, tries: Sequence[Attempt]
    ) -> BaseException | None:
        """What the sink said against it, or None."""
        lost = sum(one.end == _LOST for one in tries[:-1])
        if len(tries) > self.attempts or lost >= MESSAGE_ATTEMPTS:
            return _final("Every attempt lost its worker, or too many did.")
        if result is None:
            return _final("The result is no longer kept.")
        try:
            sink.deliver(result)
        except BaseException as error:  # noqa: BLE001 - a sink may raise anything, SystemExit too
            return error
        return None

    def _standing(
        self, sink: str, attempt: int, tries: Sequence[Attempt], error: BaseException | None
    ) -> Delivery:
        """How the delivery stands after this attempt."""
        end = self._end(attempt, error)
        said = words_of(error) if error else ""
        told = [*tries[:-1], msgspec.structs.replace(tries[-1], end=said or end)]
        if end in _UNCOUNTED:
            attempt, told = attempt - 1, told[:-1]
        return Delivery(
            sink=sink,
            outcome=end,
            attempts=attempt,
            at=self.clock(),
            error=said,
            tries=tuple(told),
        )

    def _settle(
        self,
        standing: Delivery,
        result_id: str,
        result: Result | None,
        error: BaseException | None,
        begun: str,
    ) -> DeliveryReport:
        end = standing.outcome
        letter = None
        if error is not None:
            _log.warning(
                "a sink refused a result",
                sink=standing.sink,
                result=result_id,
                end=end,
                error=standing.error,
            )
            if end is DeliveryEnd.GIVEN_UP:
                queue = results_queue(standing.sink)
                letter = letter_of_delivery(result_id, result, standing, error, queue)
        return settle_delivery(
            self.client,
            result_id,
            standing,
            letter,
            pause=self._pause(standing, error),
            begun=begun,
            incidents=_incidents(result),
        )

    def _pause(self, standing: Delivery, error: BaseException | None) -> float:
        """Seconds until the next attempt, where there is one."""
        if isinstance(error, SinkUnavailable | DeliveryPostponed):
            return rest_seconds(error.retry_after)
        return pause_after(
            standing.attempts, first=self.first_pause, factor=PAUSE_FACTOR, greatest=GREATEST_PAUSE
        )

    def _end(self, attempt: int, error: BaseException | None) -> DeliveryEnd:
        if error is None:
            return DeliveryEnd.DELIVERED
        if isinstance(error, SinkUnavailable):
            return DeliveryEnd.RESTING
        if isinstance(error, DeliveryPostponed):
            return DeliveryEnd.POSTPONED
        pointless = isinstance(error, DeliveryError) and not error.transient
        return DeliveryEnd.GIVEN_UP if pointless or attempt >= self.attempts else DeliveryEnd.RETRY


def settle_delivery(
    client: redis.Redis,
    result_id: str,
    standing: Delivery,
    letter: DeadLetter | None = None,
    *,
    pause: float = 0.0,
    begun: str = "",
    incidents: Sequence[str] = (),
) -> DeliveryReport:
    """End one delivery in the ledger, and keep its letter, in one step.

    Args:
        client: of the ledger.
        result_id: of the result.
        standing: how its delivery ended.
        letter: of a delivery that was given up.
        pause: seconds until the next attempt, or until the rest of the sink is over.
        begun: the line of this attempt among those begun.
        incidents: of the result; what waited behind it is due at once.
    """
    answer = client.eval(
        keys.SETTLE_DELIVERY,
        0,
        standing.sink,
        result_id,
        standing.outcome,
        int(pause * 1000),
        msgspec.json.encode(standing),
        encode_letter(letter) if letter else "",
        SINK_PARALLEL,
        standing.error,
        begun,
        *incidents,
    )
    discarded, until_next, *due = cast("tuple[int, int, str]", answer)
    note_letters([letter] if letter else [], discarded)
    waits = until_next >= 0 and not due
    return DeliveryReport(
        end=standing.outcome, due=tuple(due), pause=until_next / 1000 if waits else None
    )


def _incidents(result: Result | None) -> tuple[str, ...]:
    return (result.incident, *result.merged) if result is not None else ()


def _begun_attempt(line: str) -> Attempt:
    """An attempt of which only its beginning is known."""
    at, host = line.split(" ", 1)
    return Attempt(at=moment(at), host=host, end=_LOST)


def _final(message: str) -> DeliveryError:
    error = DeliveryError(message)
    error.transient = False
    return error
