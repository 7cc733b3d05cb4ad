"""Faults: what goes wrong in the workers of a simulation, for whom, where and how often.

The runner writes the faults of a target into a file; the workers look there whenever they
come to a place where something may go wrong. Each time that a fault strikes is a file too,
made in one step: however many processes look at once, it strikes as often as it was told to.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

#: For a fault that strikes whenever its place is reached.
ALWAYS = 1_000


class Place(StrEnum):
    """Where a fault may strike."""

    PREPARE = "prepare"
    REPRODUCE = "reproduce"
    DIAGNOSE = "diagnose"
    REPAIR = "repair"
    VERIFY = "verify"
    PUBLISH = "publish"
    #: In the healer, before its first phase and its error boundary.
    OUTSIDE = "outside"
    #: In the intake worker, before a batch is recorded.
    INTAKE = "intake"
    #: In the sink, before it acts.
    DELIVER = "deliver"
    #: In the sink, after it has acted.
    DELIVERED = "delivered"


class Kind(StrEnum):
    """What a fault does to the process that comes to its place."""

    #: Raises an exception; see `acts.EXCEPTIONS`.
    RAISE = "raise"
    #: Never comes back.
    HANG = "hang"
    #: Takes memory until none is given any more.
    EAT_MEMORY = "eat memory"
    #: SIGKILL for this process: a child of the worker's pool, where there is one.
    KILL_CHILD = "kill child"
    #: SIGKILL for the whole worker.
    KILL_WORKER = "kill worker"
    #: SIGKILL for the broker; then it goes on.
    KILL_BROKER = "kill broker"
    #: SIGSTOP until its lease is long over, then SIGCONT.
    FREEZE = "freeze"
    #: Waits until the runner has done something.
    PAUSE = "pause"


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault of one target."""

    kind: Kind
    place: Place
    #: How often it strikes.
    times: int = 1
    #: The name of an exception, for `RAISE`.
    exception: str = "RuntimeError"


_FAULTS = msgspec.json.Decoder(tuple[Fault, ...])


@dataclass(frozen=True, kw_only=True)
class FaultBook:
    """The faults of every target, shared by the runner and the workers."""

    folder: Path

    def write(self, target: str, faults: Sequence[Fault]) -> None:
        """Let these faults strike the target from now on."""
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f".{target}.new"
        draft.write_bytes(msgspec.json.encode(faults))
        draft.replace(self._file(target))

    def next_strike(self, target: str, place: Place) -> Fault | None:
        """The fault that strikes the target here and now; counted by this call."""
        try:
            faults = _FAULTS.decode(self._file(target).read_bytes())
        except FileNotFoundError:
            return None
        for fault in faults:
            if fault.place is place and self._strikes(target, fault):
                return fault
        return None

    def strikes(self, target: str) -> int:
        """How often faults have struck a target so far."""
        return len(list(self.folder.glob(f"{target}.*.struck")))

    def let_go(self, target: str) -> None:
        """End the pauses of a target."""
        self._gate(target).touch()

    def may_go_on(self, target: str) -> bool:
        """Whether the pauses of a target are over."""
        return self._gate(target).exists()

    def _strikes(self, target: str, fault: Fault) -> bool:
        for number in range(fault.times):
            mark = self.folder / f"{target}.{fault.place}.{fault.kind}.{number}.struck"
            try:
                os.close(os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            except FileExistsError:
                continue
            return True
        return False

    def _file(self, target: str) -> Path:
        return self.folder / f"{target}.json"

    def _gate(self, target: str) -> Path:
        return self.folder / f"{target}.go"
