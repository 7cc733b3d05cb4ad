"""How a process ended, in words for a person who has to find out why."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path


class OutOfMemoryWatch:
    """Knows whether the kernel has killed for want of memory since it was last asked."""

    def __init__(self) -> None:
        """Begin to watch."""
        self._lock = threading.Lock()
        self._seen = _kills()

    def has_killed(self) -> bool:
        """Whether it has, as far as can be seen from here."""
        with self._lock:
            before, self._seen = self._seen, _kills()
            return self._seen > before


def exit_status(text: str) -> int | None:
    """The exit status that Celery's pool tells in words, as `subprocess` gives it; else None."""
    found = re.search(r"\b(signal|exitcode) (\d+)", text)
    if found is None:
        return None
    number = int(found[2])
    return -number if found[1] == "signal" else number


def words_for_exit(status: int | None, memory: OutOfMemoryWatch | None = None) -> str:
    """How a process ended: `killed by SIGSEGV (signal 11)`, `ended with exit status 3`.

    Args:
        status: as `subprocess` gives it: negative for a signal; None: unknown.
        memory: asked where it was SIGKILL, which the kernel sends when memory runs out.
    """
    if status is None:
        return "died"
    if status >= 0:
        return f"ended with exit status {status}"
    number = -status
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"killed by signal {number}"
    words = f"killed by {name} (signal {number})"
    if number != signal.SIGKILL or memory is None:
        return words
    if memory.has_killed():
        return f"{words}; the kernel has killed for want of memory"
    return f"{words}, perhaps by the kernel's out-of-memory killer"


def _kills() -> int:
    for path in _counters():
        for line in _lines_of(path):
            name, _, count = line.partition(" ")
            if name == "oom_kill" and count.strip().isdigit():
                return int(count)
    return 0


def _counters() -> Iterator[Path]:
    """Where the kernel counts what it killed: in our control group, else on the machine."""
    root = Path("/sys/fs/cgroup")
    for line in _lines_of(Path("/proc/self/cgroup")):
        _, controllers, place = line.split(":", 2)
        if not controllers:
            yield root / place.lstrip("/") / "memory.events"
        elif "memory" in controllers.split(","):
            yield root / "memory" / place.lstrip("/") / "memory.oom_control"
    yield from (root / "memory.events", root / "memory" / "memory.oom_control")
    yield Path("/proc/vmstat")


def _lines_of(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
