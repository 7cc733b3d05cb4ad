"""Every working tree that one part of a heal was given, so that none outlives it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from paramedic_workers.errors import HealerError
from paramedic_workers.healing.model import Checkouts


class ClosableCheckouts:
    """Gives out working trees, and takes all of them back when it is closed.

    Only one tree is made or deleted at a time: git takes locks for both.
    """

    def __init__(
        self, checkouts: Checkouts, complete: Callable[[Path], None] = lambda _root: None
    ) -> None:
        """Take working trees from `checkouts`; `complete` adds to each what it needs to run."""
        self._checkouts = checkouts
        self._complete = complete
        self._lock = threading.RLock()
        self._given: set[Path] = set()
        self._closed = False

    def checkout(self, revision: str) -> Path:
        """A new working tree at this revision.

        Raises:
            HealerError: this part of the heal has ended.
        """
        with self._lock:
            if self._closed:
                raise HealerError("No working tree is given out any more: the heal ended.")
            root = self._checkouts.checkout(revision)
            self._given.add(root)
            self._complete(root)
            return root

    def discard(self, root: Path) -> None:
        """Delete a working tree that is no longer needed."""
        with self._lock:
            if root in self._given:
                self._given.discard(root)
                self._checkouts.discard(root)

    def close(self) -> None:
        """Delete all that was given out, and give out no more; may be called twice."""
        with self._lock:
            self._closed = True
            for root in tuple(self._given):
                self.discard(root)
