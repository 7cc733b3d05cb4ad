"""Which dead letters are meant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from paramedic_workers.dead_letters.model import DeadLetter, Reason


@dataclass(frozen=True, kw_only=True)
class Criteria:
    """What letters must have in common; what is None or empty accepts every letter."""

    reason: Reason | None = None
    target: str = ""
    queue: str = ""
    #: With or without its module: `HTTPError` also means `requests.exceptions.HTTPError`.
    error_type: str = ""
    #: Kept before this moment.
    older_than: datetime | None = None
    #: Kept at this moment or later.
    newer_than: datetime | None = None
    sink: str = ""
    #: Greatest number of letters.
    limit: int | None = None

    def accepts(self, letter: DeadLetter) -> bool:
        """Whether this letter is meant; the limit is the store's to keep."""
        return (
            self.reason in (None, letter.reason)
            and self.target in ("", letter.target)
            and self.queue in ("", letter.queue)
            and self.sink in ("", letter.sink)
            and self._accepts_type(letter.error_type)
            and self._accepts_age(letter.at)
        )

    def _accepts_type(self, kind: str) -> bool:
        return self.error_type in ("", kind, kind.rpartition(".")[2])

    def _accepts_age(self, at: datetime) -> bool:
        if self.older_than is not None and at >= self.older_than:
            return False
        return self.newer_than is None or at >= self.newer_than
