"""The publisher: takes failures from callers without ever making them wait or fail.

1. `capture_exception` reads the little it needs of an exception, in microseconds, and
   `report` takes an event as it is; both only put it where a bounded number may wait.
2. One daemon thread, the courier, does the rest: see `courier`.
3. `flush` waits for it, within a limit; at the end of the process everything that is
   still in memory goes to the broker or into the spool, within a limit too.

A child made by fork starts with nothing: what its parent has in memory, the parent sends.
"""

from __future__ import annotations

import atexit

# kombu needs it, and it cannot be imported once the interpreter has begun to end; but that
# is when a short process sends its first message.
import concurrent.futures.thread  # noqa: F401
import hashlib
import os
import sys
import threading
import weakref
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import msgspec

from paramedic.courier import Courier
from paramedic.event import FailureEvent, TargetName
from paramedic.limits import Counts, Limits, Tally
from paramedic.location import data_directory
from paramedic.snapshot import EventSource, take_snapshot
from paramedic.spool import Spool
from paramedic.transport import KombuTransport, Transport
from paramedic.waiting import FlushRequest, Report


class Publisher:
    """Publishes the failures of one process, in the background."""

    def __init__(
        self,
        target: str,
        *,
        broker_url: str | None = None,
        root: str | os.PathLike[str] | None = None,
        revision: str | None = None,
        tags: Mapping[str, str] | None = None,
        spool: Path | None = None,
        transport: Transport | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Describe what to publish and where to; nothing is connected yet.

        Args:
            target: name of the configured codebase that the failures belong to.
            broker_url: kombu URL; else `PARAMEDIC_BROKER_URL`, else the bundled server.
            root: top folder of the target's code; else the repository around the working
                directory.
            revision: commit that runs here; else `PARAMEDIC_REVISION`, else unknown.
            tags: put on every event made of an exception.
            spool: folder for batches while the broker is away; else one in the data directory.
            transport: another way to the broker, for tests.
            limits: the bounds.

        Raises:
            ValueError: `target` is no name of a target.
        """
        self.target = valid_target(target)
        self.limits = limits or Limits()
        self._source = EventSource(
            target, root=root, revision=revision or os.environ.get("PARAMEDIC_REVISION"), tags=tags
        )
        self._transport = transport or KombuTransport(broker_url, timeout=self.limits.timeout)
        self._spool = self._make_spool(spool, broker_url)
        self._begin()
        _open.add(self)
        if self._spool is not None and not self._spool.is_empty():
            self._wake()

    def capture_exception(self, error: BaseException | None = None, /, **tags: object) -> None:
        """Report an exception; without one, the exception that is being handled.

        Never raises and never waits. Does nothing where there is no exception.

        Args:
            error: the exception.
            tags: anything that helps a person; shown as text.
        """
        try:
            error = error if error is not None else sys.exc_info()[1]
            if error is not None:
                snapshot = take_snapshot(error, tags)
                self._accept(snapshot, 1, snapshot.size())
        except Exception:  # noqa: BLE001 - the caller has trouble enough
            self._tally.add(reported=1, dropped=1)

    def report(self, *events: FailureEvent) -> None:
        """Report events; those of one call travel together, as far as a message holds them.

        Never raises and never waits.
        """
        try:
            count = sum(event.count for event in events)
            self._accept(events, count, sum(_size(event) for event in events))
        except Exception:  # noqa: BLE001 - the caller has trouble enough
            self._tally.add(reported=len(events), dropped=len(events))

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until what was reported before is published or spooled.

        Args:
            timeout: greatest number of seconds to wait.

        Returns:
            Whether the broker has taken all of it, and the spool is empty.
        """
        return self._ask(FlushRequest(), timeout)

    def close(self, timeout: float | None = None) -> bool:
        """Flush, end the background thread, and spool what could not be sent.

        Args:
            timeout: greatest number of seconds to wait; `limits.exit_timeout` if not given.

        Returns:
            Whether the broker has taken everything.
        """
        _open.discard(self)
        patience = self.limits.exit_timeout if timeout is None else timeout
        published = self._thread is None or self._ask(FlushRequest(last=True), patience)
        self._courier.rescue()
        self._begin_anew()
        return published

    @property
    def counts(self) -> Counts:
        """What became of the reports of this process so far."""
        return self._tally.counts

    def __enter__(self) -> Publisher:
        """The publisher itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it; an exception goes its way."""
        self.close()

    def _begin(self) -> None:
        self._tally = Tally()
        self._begin_anew()

    def _begin_anew(self) -> None:
        """An empty queue and no thread; the next report starts one."""
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._courier = Courier(
            self._source, self._transport, self._spool, self.limits, self._tally
        )

    def _accept(self, report: Report, count: int, size: int) -> None:
        accepted = self._courier.waiting.offer(report, size)
        self._tally.add(reported=count, dropped=0 if accepted else count)
        if self._thread is None:
            self._wake()

    def _wake(self) -> None:
        """Start the background thread, unless another caller is just doing so."""
        if not self._starting.acquire(blocking=False):
            return
        _open.add(self)
        try:
            if self._thread is None:
                thread = threading.Thread(
                    target=self._courier.run, name="paramedic-courier", daemon=True
                )
                thread.start()
                self._thread = thread
                self._close_with_child_of_multiprocessing()
        except RuntimeError:  # no more threads, or the interpreter is ending: `close` spools it
            return
        finally:
            self._starting.release()

    def _close_with_child_of_multiprocessing(self) -> None:
        """Such a child runs finalizers of its own at its end, and no atexit functions."""
        util = sys.modules.get("multiprocessing.util")
        process = sys.modules.get("multiprocessing.process")
        if util is not None and process is not None and process.parent_process() is not None:
            util.Finalize(None, _close_all, exitpriority=100)

    def _ask(self, mark: FlushRequest, timeout: float) -> bool:
        if self._thread is None:
            self._wake()
        self._courier.waiting.put_mark(mark)
        return mark.wait(timeout)

    def _make_spool(self, folder: Path | None, broker_url: str | None) -> Spool | None:
        if self.limits.spool_batches == 0:
            return None
        return Spool(
            folder or default_spool(broker_url),
            most_batches=self.limits.spool_batches,
            most_bytes=self.limits.spool_bytes,
        )


def default_spool(broker_url: str | None = None) -> Path:
    """The folder for batches to this broker: what was meant for one never goes to another."""
    url = broker_url or os.environ.get("PARAMEDIC_BROKER_URL")
    name = hashlib.blake2b(url.encode(), digest_size=6).hexdigest() if url else "bundled"
    return data_directory() / "spool" / name


def valid_target(target: str) -> str:
    """The name itself.

    Raises:
        ValueError: it cannot be the name of a target; one line says why.
    """
    try:
        return msgspec.convert(target, TargetName)
    except msgspec.ValidationError:
        raise ValueError(
            f"{target!r} is no name of a target: letters, digits, '-' and '_', at most 64, "
            "the first a letter or digit"
        ) from None


def _size(event: FailureEvent) -> int:
    texts = len(event.message) + len(event.traceback) + sum(map(len, event.tags.values()))
    return 1_000 + 2 * texts + 300 * len(event.frames)


#: Publishers that are not closed, for the end of the process and for forks.
_open: weakref.WeakSet[Publisher] = weakref.WeakSet()


def _close_all() -> None:
    for publisher in list(_open):
        publisher.close()


def _begin_in_child() -> None:
    for publisher in list(_open):
        publisher._begin()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_begin_in_child)
