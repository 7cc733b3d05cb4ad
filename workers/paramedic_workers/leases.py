"""Leases: who heals a group, and the proof of it.

A lease is a token in the ledger that expires unless a thread renews it. At most one
worker holds the lease on a group, and at most `parallel` leases are held per target.
Every write of a heal is guarded by the token: a worker that was frozen, cut off or
thought dead finds its token gone and changes nothing.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast

import redis
import structlog

from paramedic_workers import keys
from paramedic_workers.holders import Holder

#: Renewals per lease: two may be lost before the lease is.
RENEWALS = 3

_log = structlog.get_logger()


class LeaseAnswer(StrEnum):
    """What became of the wish for a lease."""

    HELD = "held"
    #: Another worker heals this group.
    BUSY = "busy"
    #: As many groups of the target are healed as may be.
    FULL = "full"


def this_host() -> str:
    """This process, as attempts name it: `host:process`."""
    return f"{socket.gethostname()}:{os.getpid()}"


@dataclass(kw_only=True)
class Lease:
    """A lease that is renewed while the `with` block runs, and given back after it."""

    client: redis.Redis
    group: str
    target: str
    #: Seconds after which it is free unless renewed.
    seconds: float
    #: Called once, by the thread that renews, when the lease was lost.
    on_loss: Callable[[], None] = lambda: None
    #: Names this process; see `Holder`.
    token: str = field(default_factory=lambda: Holder.here().new_token())
    _ended: threading.Event = field(default_factory=threading.Event, repr=False)
    _lost: threading.Event = field(default_factory=threading.Event, repr=False)
    _renewer: threading.Thread | None = field(default=None, repr=False)

    def acquire(self, parallel: int) -> LeaseAnswer:
        """Ask for the lease.

        Args:
            parallel: how many groups of the target may be healed at the same time.
        """
        arguments = (self.group, self.target, self.token, self._milliseconds(), parallel)
        return LeaseAnswer(cast("str", self.client.eval(keys.ACQUIRE_LEASE, 0, *arguments)))

    def renew(self) -> bool:
        """Whether the lease is still ours; if so, it lasts its full time again."""
        arguments = (self.group, self.target, self.token, self._milliseconds())
        return bool(self.client.eval(keys.RENEW_LEASE, 0, *arguments))

    @property
    def lost(self) -> bool:
        """Whether the lease is another's or nobody's, or could not be renewed in time."""
        return self._lost.is_set()

    def __enter__(self) -> Lease:
        """Renew it from now on."""
        self._renewer = threading.Thread(target=self._keep, name="lease-renewal", daemon=True)
        self._renewer.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Give it back; a lease that was lost, or closed with its group, stays as it is."""
        self._ended.set()
        if self._renewer is not None:
            self._renewer.join(timeout=self.seconds)
        self.client.eval(keys.RELEASE_LEASE, 0, self.group, self.target, self.token)

    def _milliseconds(self) -> int:
        return int(self.seconds * 1000)

    def _keep(self) -> None:
        renewed_at = time.monotonic()
        while not self._ended.wait(self.seconds / RENEWALS):
            begun_at = time.monotonic()
            try:
                held = self.renew()
            except redis.RedisError as error:
                _log.warning("a lease could not be renewed", group=self.group, error=str(error))
                held = time.monotonic() - renewed_at < self.seconds
            else:
                renewed_at = begun_at
            if not held and not self._ended.is_set():
                self._lost.set()
                _log.error("a lease was lost; this heal will not be written", group=self.group)
                self.on_loss()
                return
