"""What `capture_exception()` costs, beside `sentry_sdk.capture_exception` with a null transport.

Both report the same exceptions: fifty causes in turn, each raised through a stack of
twelve functions. Sentry runs without local variables, its cheapest setting.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from paramedic import Publisher
from paramedic.testing import MemoryTransport
from tests.benchmarks.table import Row, cheaper, medians

#: Reports of one measurement.
REPORTS = 1_000
CAUSES = 50
DEPTH = 12
ROUNDS = 7
#: The bound: at most a fifth.
REQUIRED = 1 / 5

_FUNCTION = """
def cause_{number}(depth):
    if depth:
        return cause_{number}(depth - 1)
    raise ValueError("order {number} cannot be paid")
"""


class NullTransport(Transport):
    """Drops what the Sentry SDK would send."""

    def capture_envelope(self, envelope: Envelope) -> None:
        """Drop it."""


def run() -> list[Row]:
    """Measure the calling thread and the whole process."""
    errors = _errors()
    sentry_sdk.init(
        dsn="http://key@localhost/1",
        transport=NullTransport,
        include_local_variables=False,
        default_integrations=False,
    )
    with tempfile.TemporaryDirectory() as spool:
        publisher = Publisher("shop", transport=MemoryTransport(), spool=Path(spool))

        def ours(clock: Callable[[], float]) -> float:
            return _cost(clock, errors, publisher.capture_exception, publisher.flush)

        def sentry(clock: Callable[[], float]) -> float:
            return _cost(clock, errors, sentry_sdk.capture_exception, sentry_sdk.flush)

        thread, sentry_thread, process, sentry_process = medians(
            ROUNDS,
            lambda: ours(time.thread_time),
            lambda: sentry(time.thread_time),
            lambda: ours(time.process_time),
            lambda: sentry(time.process_time),
        )
        publisher.close()
    return [
        cheaper("capture_exception(), calling thread", thread, sentry_thread, REQUIRED),
        cheaper("capture_exception(), whole process", process, sentry_process, REQUIRED),
    ]


def _cost(
    clock: Callable[[], float],
    errors: list[Exception],
    capture: Callable[[BaseException], object],
    flush: Callable[[], object],
) -> float:
    """CPU seconds per report, the flush at the end included."""
    start = clock()
    for number in range(REPORTS):
        capture(errors[number % CAUSES])
    flush()
    return (clock() - start) / REPORTS


def _errors() -> list[Exception]:
    return [_raised(number) for number in range(CAUSES)]


def _raised(number: int) -> Exception:
    names: dict[str, Callable[[int], object]] = {}
    exec(_FUNCTION.format(number=number), names)
    try:
        names[f"cause_{number}"](DEPTH)
    except ValueError as error:
        return error
    raise AssertionError("the function did not raise")
